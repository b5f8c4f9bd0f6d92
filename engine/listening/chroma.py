"""Chroma: how much of each pitch class sounds, in all registers and in the bass.

In:  [C, F] samples of one frame. Out: every second frame, [2, 12] shares: all peaks of the
spectrum from 55 to 2,000 Hz and those of the bass, overtones of lower peaks taken down. Loud and
soft moments count alike; what lies 50 dB under the loudest of the last seconds counts for nothing.
Instruments need not be tuned to 440 Hz: where the semitones lie is followed. Pure.

Dimensions: C channels, F samples of a frame, W samples of a window, P spectral peaks.
"""

from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.listening.mono import mono_frame
from engine.spec import FRAME_RATE, PITCH_CLASSES, AudioFormat

HOP_FRAMES: Final = 2
CHROMA_RATE: Final = FRAME_RATE / HOP_FRAMES  # per second
BIN_HZ: Final = 24_000 / 8192  # windows of 341 ms: semitones come apart from about A2 up
LOW_HZ, HIGH_HZ, BASS_HZ = 55.0, 2000.0, 262.0  # peaks under middle C count as bass
TUNING_HZ: Final = 440.0
PEAKS: Final = 24  # strongest peaks kept
PEAK_RANGE, RANGE = 3e-4, 3e-3  # least height of a peak against the window's and the loudest one's
LOUDEST_FADES: Final = 0.5 ** (1 / (8 * CHROMA_RATE))  # the loudest is forgotten by half in 8 s
TUNING_FADES: Final = 0.5 ** (1 / (10 * CHROMA_RATE))
TUNING_WEIGHT: Final = 4.0  # of the belief in 440 Hz, in windows' worth of peaks
OVERTONES: Final = (3, 5)  # of the harmonics, those that lie in another pitch class

Audio = NDArray[np.float32]
Array = NDArray[np.float64]


class Chroma(NamedTuple):
    """What the next chroma depends on."""

    tail: Audio  # [W] the last samples, channels averaged
    frames: NDArray[np.int64]  # [] heard since the last chroma
    loudest: Array  # [] magnitude of the highest peak of the last seconds
    tuning: Array  # [2] cosine and sine of where peaks lie between semitones, summed and fading


def init_state(audio: AudioFormat) -> Chroma:
    """Silence before the first frame."""
    tail = np.zeros(_window(audio.rate), np.float32)
    return Chroma(tail, np.array(0, np.int64), np.array(0.0), np.array([TUNING_WEIGHT, 0.0]))


def step(audio: Audio, chroma: Chroma, rate: int) -> tuple[Array | None, Chroma]:
    """Take in one frame.

    Args:
        audio: [C, F]; what is not finite counts as silence.
        chroma: what the previous call returned. Not written to.
        rate: Hz.

    Returns:
        shares: [2, 12], each row summing to one or all zero, or None every other frame; and the
        state for the next frame.

    Raises:
        ShapeError: not one frame.
    """
    mono = mono_frame(audio, rate)
    tail = np.concatenate([chroma.tail[len(mono) :], mono])
    frames = int(chroma.frames) + 1
    if frames < HOP_FRAMES:
        return None, chroma._replace(tail=tail, frames=np.array(frames, np.int64))
    spectrum = np.abs(np.fft.rfft(tail * _blackman(len(tail))))[: round(HIGH_HZ / BIN_HZ) + 2]
    loudest = max(float(spectrum.max()), float(chroma.loudest) * LOUDEST_FADES)
    hz, height = _peaks(spectrum, RANGE * loudest)
    shares, tuning = _fold(hz, height, chroma.tuning)
    return shares, Chroma(tail, np.array(0, np.int64), np.array(loudest), tuning)


def _peaks(spectrum: NDArray[np.floating], least: float) -> tuple[Array, Array]:
    """[P] frequencies in Hz and heights of the strongest peaks, placed by parabolas on the log."""
    least = max(least, PEAK_RANGE * float(spectrum.max()), 1e-6)
    first = int(LOW_HZ / BIN_HZ)
    log = np.log(np.maximum(spectrum[first - 1 :], 1e-6)).astype(np.float64)
    before, here, after = log[:-2], log[1:-1], log[2:]
    where = np.flatnonzero((here > before) & (here >= after) & (here > np.log(least)))
    where = where[np.argsort(here[where])[-PEAKS:]]
    a, b, c = before[where], here[where], after[where]
    shift = 0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-9)
    return (first + where + shift) * BIN_HZ, np.exp(b)


def _fold(hz: Array, height: Array, tuning: Array) -> tuple[Array, Array]:
    """[2, 12] shares of each pitch class, in all and in the bass; and where the semitones lie."""
    semitone = 12 * np.log2(hz / TUNING_HZ) + PITCH_CLASSES.index("A")
    turns = 2 * np.pi * semitone
    weight = height / max(float(height.sum()), 1e-9)
    tuned = tuning * TUNING_FADES + [np.cos(turns) @ weight, np.sin(turns) @ weight]
    tuned[0] += TUNING_WEIGHT * (1 - TUNING_FADES)
    semitone = semitone - np.arctan2(tuned[1], tuned[0]) / (2 * np.pi)
    nearest = np.round(semitone)
    in_tune = np.exp(-0.5 * ((semitone - nearest) / 0.25) ** 2)
    classes, is_bass = nearest.astype(np.int64) % 12, hz < BASS_HZ
    every = _by_class(classes, height**0.75 * _own_share(hz, height) * in_tune)
    return np.stack([every, _by_class(classes[is_bass], (height * in_tune)[is_bass])]), tuned


def _own_share(hz: Array, height: Array) -> Array:
    """[P] 1 for a peak that is no overtone; less where lower peaks of its size would explain it."""
    ratio = hz[:, None] / hz[None, :]
    explained = np.zeros(len(hz))
    for order in OVERTONES:
        is_overtone = np.abs(12 * np.log2(ratio / order)) < 0.4
        explained += (is_overtone * height[None, :] / order).sum(1)
    return height / (height + explained)


def _by_class(classes: NDArray[np.int64], weight: Array) -> Array:
    """[12] shares of the weight that falls on each pitch class; zeros stay."""
    summed = np.bincount(classes, weight, minlength=12).astype(np.float64)
    return summed / max(float(summed.sum()), 1e-9)


def _window(rate: int) -> int:
    return round(rate / BIN_HZ)


@cache
def _blackman(window: int) -> Audio:
    """[W], scaled so that windows of all rates give the same magnitudes."""
    return (np.blackman(window) * (8192 / window)).astype(np.float32)
