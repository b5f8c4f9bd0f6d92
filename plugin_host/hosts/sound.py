"""Judge sound that came out of a host: is it there, is it whole, is it on the grid, is it the same.

In:  [C, N] float32 at a rate in Hz. Out: seconds, milliseconds, ratios. Pure; numpy alone. Measures
are independent of level, because hosts normalise what they export.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from plugin_host.rung import Failed

Sound = NDArray[np.float32]

GAP_SECONDS: Final = 0.005  # silence that an ear calls a gap when there is sound around it
SILENT: Final = 1e-7  # of the loudest sample
HOP_SECONDS: Final = 0.005
WINDOW: Final = 1024
EARLY_SECONDS: Final = 0.0052  # that an onset is seen, as it comes into the window
GRID: Final = 4  # subdivisions of a beat that music puts its notes on


class Gap(NamedTuple):
    """A stretch of exact silence."""

    start: float  # seconds
    seconds: float


def load(path: Path) -> tuple[Sound, int]:
    """Read an audio file; [C, N] and its rate in Hz.

    Raises:
        Failed: there is none, or it cannot be read.
    """
    try:
        sound, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise Failed(f"{path.name} cannot be read as audio: {error}.") from error
    return np.ascontiguousarray(sound.T), rate


def loudness(sound: Sound) -> float:
    """Root mean square over all channels; 0 of nothing."""
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) if sound.size else 0.0


def gaps(sound: Sound, rate: int, shortest: float = GAP_SECONDS) -> list[Gap]:
    """Stretches of silence, also at both ends, of at least `shortest` seconds."""
    if not sound.size:
        return []
    level = np.abs(sound).max(axis=0)
    silent = np.concatenate([[False], level <= SILENT * max(float(level.max()), SILENT), [False]])
    edges = np.flatnonzero(np.diff(silent.astype(np.int8)))
    spans = edges.reshape(-1, 2)
    return [
        Gap(float(start) / rate, float(end - start) / rate)
        for start, end in spans
        if end - start >= shortest * rate
    ]


def listed(found: Sequence[Gap]) -> str:
    """Gaps in words."""
    return ", ".join(f"{gap.seconds:.3f} s at {gap.start:.3f} s" for gap in found) or "none"


def onset_strength(sound: Sound, rate: int) -> NDArray[np.float64]:
    """How much new energy begins at each hop of 5 ms: rectified log-spectral flux, [T]."""
    mono = sound.mean(axis=0, dtype=np.float64)
    hop = round(HOP_SECONDS * rate)
    padded = np.pad(mono, (WINDOW // 2, WINDOW // 2))
    count = 1 + (padded.size - WINDOW) // hop
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::hop][:count]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1))
    level = np.log1p(1000.0 * spectrum / max(float(spectrum.max()), 1e-12))
    rise = np.maximum(0.0, np.diff(level, axis=0, prepend=level[:1]))
    strength: NDArray[np.float64] = rise.mean(axis=1)
    return strength


class OnGrid(NamedTuple):
    """How onsets lie on a grid of sixteenths."""

    offset_ms: float  # of all onsets together; late is above 0
    error_ms: float  # median distance of single strong onsets from the grid
    within_25_ms: float  # share of strong onsets
    onsets: int


def on_grid(sound: Sound, rate: int, bpm: float, start: float = 0.0) -> OnGrid:
    """Compare onsets with the grid of a tempo whose first beat is at `start` seconds.

    The offset is that of the mean vector of all onset strength, folded over a sixteenth; errors are
    of single peaks, placed between hops by a parabola.

    Raises:
        Failed: fewer than four onsets stand out.
    """
    strength = onset_strength(sound, rate)
    place, weight = _peaks(strength)
    if place.size < 4:
        raise Failed(
            f"the sound has {place.size} onsets, expected 4 or more to compare with a grid."
        )
    period = 60.0 / bpm / GRID
    phase = (place - start) / period
    vector = np.sum(weight * np.exp(2j * np.pi * phase)) / np.sum(weight)
    distance = np.abs(phase - np.round(phase)) * period * 1000.0
    return OnGrid(
        float(np.angle(vector) / (2 * np.pi) * period * 1000.0),
        float(np.median(distance)),
        float(np.mean(distance <= 25.0)),
        int(place.size),
    )


def _peaks(strength: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds and strength of peaks that stand out by a standard deviation."""
    inner = strength[1:-1]
    high = inner > strength.mean() + strength.std()
    at = 1 + np.flatnonzero(high & (inner > strength[:-2]) & (inner >= strength[2:]))
    left, middle, right = strength[at - 1], strength[at], strength[at + 1]
    bend = np.maximum(2 * middle - left - right, 1e-12)
    return (at + 0.5 * (right - left) / bend) * HOP_SECONDS + EARLY_SECONDS, middle


def difference(one: Sound, other: Sound) -> float:
    """The largest difference of two sounds; infinite if they differ in shape."""
    if one.shape != other.shape:
        return float("inf")
    return float(np.abs(one - other).max()) if one.size else 0.0


def where(one: Sound, other: Sound, rate: int) -> str:
    """In words, where two sounds of one shape differ."""
    at = np.flatnonzero(np.abs(one - other).max(axis=0))
    if not at.size:
        return "equal"
    far = difference(one, other)
    return f"off by {far:.4f} in {at.size} samples, {at[0] / rate:.3f} to {at[-1] / rate:.3f} s"
