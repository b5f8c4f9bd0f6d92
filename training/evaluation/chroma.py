"""Chroma: how much of each pitch class sounds, twelve times a second, in all and in the bass.

In:  [N] mono audio at ANALYSIS_RATE. Out: two [T, 12] arrays of shares at CHROMA_RATE; value t
belongs to the 341 ms that are centred `seconds(t)`. The front end of the key and chord estimators.
Spectral peaks from 55 to 2,000 Hz, overtones of lower peaks taken down, are folded into twelve
pitch classes at A = 440 Hz. Knows nothing about keys or chords.

Dimensions: T frames, P spectral peaks.
"""

import numpy as np
from numpy.typing import NDArray

from engine.spec import PITCH_CLASSES
from training.evaluation.onsets import ANALYSIS_RATE

WINDOW = 8192  # samples, 341 ms: semitones come apart from about A2 up
HOP = 2048
LOW_HZ, HIGH_HZ = 55.0, 2000.0
BASS_HZ = 262.0  # peaks under middle C count as bass
TUNING_HZ = 440.0
PEAKS = 24  # strongest peaks kept per frame
FRAME_RANGE, CLIP_RANGE = 3e-4, 3e-3  # least height of a peak against the highest of frame and clip
OVERTONES = (3, 5)  # of the harmonics, those that lie in another pitch class

Array = NDArray[np.float64]


def chroma(mono: NDArray[np.floating]) -> tuple[Array, Array]:
    """[T, 12] each: shares of the pitch classes in all of [N] mono audio, and in its bass."""
    spectra = _magnitudes(mono)
    whole, bass = np.zeros((2, len(spectra), 12))
    for index, spectrum in enumerate(spectra):
        whole[index], bass[index] = _frame_chroma(spectrum, CLIP_RANGE * spectra.max())
    return whole, bass


def shares(values: Array) -> Array:
    """Bring [12] values to a sum of one; zeros stay."""
    return values / max(float(values.sum()), 1e-9)


def _magnitudes(mono: NDArray[np.floating]) -> Array:
    """[T, WINDOW // 2 + 1] magnitude spectra."""
    padded = np.pad(mono, (0, max(0, WINDOW - len(mono))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    return np.abs(np.fft.rfft(frames * np.blackman(WINDOW), axis=1))


def _frame_chroma(spectrum: Array, least: float) -> tuple[Array, Array]:
    """[12] each: all peaks of a frame and those of the bass; loud and soft frames count alike."""
    hz, height = _peaks(spectrum, least)
    semitone = 12 * np.log2(hz / TUNING_HZ) + PITCH_CLASSES.index("A")
    nearest = np.round(semitone)
    in_tune = np.exp(-0.5 * ((semitone - nearest) / 0.25) ** 2)
    classes, is_bass = nearest.astype(int) % 12, hz < BASS_HZ
    weight = height**0.75 * _own_share(hz, height) * in_tune
    return _by_class(classes, weight), _by_class(classes[is_bass], (height * in_tune)[is_bass])


def _by_class(classes: NDArray[np.int64], weight: Array) -> Array:
    """[12] shares of the weight that falls on each pitch class."""
    return shares(np.bincount(classes, weight, minlength=12).astype(np.float64))


def _peaks(spectrum: Array, least: float) -> tuple[Array, Array]:
    """[P] frequencies in Hz and heights of the strongest peaks, placed by parabolas on the log."""
    first, end = (int(hz * WINDOW / ANALYSIS_RATE) for hz in (LOW_HZ, HIGH_HZ))
    least = max(least, FRAME_RANGE * float(spectrum.max()), 1e-6)
    log = np.log(np.maximum(spectrum, 1e-6))
    before, here, after = log[first - 1 : end - 1], log[first:end], log[first + 1 : end + 1]
    where = np.flatnonzero((here > before) & (here >= after) & (spectrum[first:end] > least))
    where = where[np.argsort(here[where])[-PEAKS:]]
    a, b, c = before[where], here[where], after[where]
    shift = 0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-9)
    return (first + where + shift) * ANALYSIS_RATE / WINDOW, np.exp(b)


def _own_share(hz: Array, height: Array) -> Array:
    """[P] 1 for a peak that is no overtone; less where lower peaks of its size would explain it."""
    ratio = hz[:, None] / hz[None, :]
    explained = np.zeros(len(hz))
    for order in OVERTONES:
        is_overtone = np.abs(12 * np.log2(ratio / order)) < 0.4
        explained += (is_overtone * height[None, :] / order).sum(1)
    return height / (height + explained)
