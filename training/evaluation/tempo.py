"""Tempo: beats per minute of a stretch of audio, without being told.

In:  `Onsets` of at least 5 s. Out: `Tempo`, precise to well under 1 % where there is a pulse.
Every tempo of a fine grid is scored by how well the onsets repeat at simple multiples and fractions
of its beat (autocorrelation) and how strong those rates are (spectrum), in three bands; the best is
refined on the spectrum. Which metrical level is "the beat" is the hard part, and a convention: one
of 80 and 160 is named by how the music sounds. So a small network (`tempo.safetensors`, fitted on
training pieces) weighs all these together with the clip's loudness and density, band by band.

Dimensions: G tempi of the grid, F features, T onset values.
"""

from enum import StrEnum
from math import log2
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import ShapeError
from engine.spec import TEMPO_MAX_BPM, TEMPO_MIN_BPM
from training.evaluation import scorer
from training.evaluation.onsets import COARSE, ONSET_RATE, Onsets

TOLERANCE = 0.04  # relative; what counts as the same tempo (Gouyon et al. 2006)
OTHER_LEVELS = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 4 / 3, 3 / 2, 2.0, 3.0, 4.0)
LEAST_SECONDS = 5
GRID_STEP = 0.005  # relative; a third of the width of a peak
PRIOR_CENTRE_BPM = 115.0
BANDS = ("low", "mid", "high")
REPEATS = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 2, 3, 4, 6, 8)  # beats
PULSES = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 1, 3 / 2, 2, 3, 4)  # per beat
_PER_BAND = (*(f"after {x:.3g}" for x in REPEATS), *(f"rate {x:.3g}" for x in PULSES))
_PULSE = (*(f"{b} {name}" for b in BANDS for name in _PER_BAND), "octaves", "octaves squared")
_SOUND = (
    *(f"{name} of band {b}" for name in ("level", "spread") for b in range(COARSE)),
    *(f"{name} {b}" for name in ("activity", "peaks", "density") for b in ("all", *BANDS)),
)  # the same for every tempo
FEATURES = (*_PULSE, *_SOUND)

Curve = NDArray[np.float64]


class Tempo(NamedTuple):
    """What was heard."""

    bpm: float
    salience: float  # autocorrelation at one beat: about 0 without a pulse, 1 for a metronome


class TempoMatch(StrEnum):
    """How a heard tempo relates to the one asked for."""

    HIT = "hit"  # within TOLERANCE
    OCTAVE = "octave"  # as close to a simple multiple or fraction: another metrical level
    OTHER = "other"


def compare_tempi(heard_bpm: float, asked_bpm: float) -> TempoMatch:
    """Name the relation of two tempi."""
    if abs(heard_bpm / asked_bpm - 1) <= TOLERANCE:
        return TempoMatch.HIT
    near = any(abs(heard_bpm / (asked_bpm * level) - 1) <= TOLERANCE for level in OTHER_LEVELS)
    return TempoMatch.OCTAVE if near else TempoMatch.OTHER


def estimate_tempo(onsets: Onsets) -> Tempo:
    """Find the tempo.

    Raises:
        ShapeError: under 5 s of onsets.
    """
    grid = candidate_tempi()
    score = scorer.load("tempo", len(FEATURES)).score(tempo_features(onsets, grid))
    bpm = _refine(onsets, float(grid[np.argmax(score)]))
    beat = np.array([60.0 / bpm])
    return Tempo(bpm, float(_at_lags(_autocorrelation(onsets.strength), beat)[0]))


def candidate_tempi() -> Curve:
    """[G] tempi that compete, even in octaves."""
    octaves = log2(TEMPO_MAX_BPM / TEMPO_MIN_BPM)
    return TEMPO_MIN_BPM * 2 ** np.linspace(0, octaves, round(octaves / log2(1 + GRID_STEP)))


def tempo_features(onsets: Onsets, grid: Curve) -> Curve:
    """Lay out what speaks for each tempo: [G, F] in the order of FEATURES.

    Raises:
        ShapeError: under 5 s of onsets.
    """
    values = len(onsets.strength)
    if values < LEAST_SECONDS * ONSET_RATE:
        least = f"[T] with T >= {LEAST_SECONDS * ONSET_RATE} ({LEAST_SECONDS} s)"
        raise ShapeError.of("onsets", (values,), least)
    columns = []
    for band in BANDS:
        strength = getattr(onsets, band)
        acf, spectrum = _autocorrelation(strength), _spectrum(strength)
        columns += [_at_lags(acf, beats * 60.0 / grid) for beats in REPEATS]
        columns += [_at_rates(spectrum, rate * grid / 60.0) for rate in PULSES]
    octaves = np.log2(grid / PRIOR_CENTRE_BPM)
    pulse = np.stack([*columns, octaves, octaves**2], 1)
    return np.concatenate([pulse, np.tile(_sound(onsets), (len(grid), 1))], 1)


def _sound(onsets: Onsets) -> Curve:
    """Lay out what kind of music it may be, whatever its tempo: in the order of _SOUND."""
    level = onsets.loudness.mean(0, dtype=np.float64)
    spread = onsets.loudness.std(0, dtype=np.float64)
    rising = np.stack([onsets.strength, *(getattr(onsets, band) for band in BANDS)])
    mean = rising.mean(1, dtype=np.float64)
    peaks = (rising**2).mean(1, dtype=np.float64) / (mean**2 + 1e-9)
    here = rising[:, 1:-1]
    is_onset = (here > rising[:, :-2]) & (here >= rising[:, 2:]) & (here > 1.5 * mean[:, None])
    density = is_onset.mean(1) * ONSET_RATE
    columns = (level - level.mean(), spread, np.log(mean + 1e-3), np.log(peaks + 1e-3), density)
    return np.concatenate(columns)


def _autocorrelation(strength: NDArray[np.floating]) -> Curve:
    """[T] one at lag zero, corrected for the shrinking overlap."""
    x = _blur(strength)
    x -= x.mean()
    size = len(x)
    acf = np.fft.irfft(np.abs(np.fft.rfft(x, 2 * size)) ** 2)[:size]
    overlap = np.maximum(size - np.arange(size), size // 4) / size
    return acf / max(float(acf[0]), 1e-9) / overlap


def _blur(strength: NDArray[np.floating], frames: float = 1.5) -> Curve:
    """Blur by 15 ms, so that loosely played notes still repeat."""
    reach = np.arange(-6, 7)
    kernel = np.exp(-0.5 * (reach / frames) ** 2)
    return np.convolve(strength, kernel / kernel.sum(), "same")


def _at_lags(acf: Curve, lags: Curve) -> Curve:
    """Read the autocorrelation at lags in seconds; beyond its end it says nothing."""
    return np.interp(lags * ONSET_RATE, np.arange(len(acf)), acf, right=0.0)


def _spectrum(strength: NDArray[np.floating], oversample: int = 4) -> Curve:
    """Magnitudes of the rates in an onset curve, the largest being one."""
    x = (strength - strength.mean(dtype=np.float64)) * np.hanning(len(strength))
    size = np.abs(np.fft.rfft(x, oversample * len(x)))
    return size / max(float(size.max()), 1e-9)


def _at_rates(spectrum: Curve, rates: Curve) -> Curve:
    """Read the spectrum at rates in Hz."""
    hz = np.linspace(0, ONSET_RATE / 2, len(spectrum))
    return np.interp(rates, hz, spectrum, right=0.0)


def _refine(onsets: Onsets, bpm: float) -> float:
    """Climb to the nearest peak of the pulse and its harmonics, and place it by a parabola."""
    x = onsets.strength - onsets.strength.mean(dtype=np.float64)
    x *= np.hanning(len(x))
    near = bpm * (1 + np.linspace(-0.03, 0.03, 61))
    height = np.zeros(len(near))
    for rate in (1, 2, 4):
        turns = np.exp(-2j * np.pi * np.outer(rate * near / 60.0, onsets.seconds))
        height += np.abs(turns @ x)
    return _parabolic_peak(near, height)


def _parabolic_peak(x: Curve, y: Curve) -> float:
    """Where the highest point of a sampled curve really lies; an end stays an end."""
    i = int(np.argmax(y))
    if i in (0, len(y) - 1):
        return float(x[i])
    a, b, c = y[i - 1 : i + 2]
    return float(x[i] + 0.5 * (a - c) / min(a - 2 * b + c, -1e-12) * (x[i + 1] - x[i]))
