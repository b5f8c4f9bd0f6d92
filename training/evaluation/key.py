"""Key: tonic and mode of a stretch of audio that starts at a beginning, without being told.

In:  [N] mono audio at ANALYSIS_RATE. Out: `Key`, an index into engine.spec.KEYS and its margin.
Spectral peaks from 55 to 2,000 Hz, overtones of lower peaks taken down, are folded into twelve
pitch classes at A = 440 Hz: over all of it, in the bass, and in the opening seconds, where music
states its tonic. Each of 24 keys is scored by these, turned to its tonic, with the weights of its
mode (`weights.json`, fitted on training pieces). Of 504 training pieces, published profiles on the
first chroma alone named 60 % (Temperley), 69 % (Krumhansl) and 75 % (Albrecht) right; fitted ones
81 %, and with bass and opening 92 % (five-fold cross-validation).

Dimensions: T frames, P spectral peaks, F features.
"""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.spec import MODES, PITCH_CLASSES
from training.evaluation import weights
from training.evaluation.onsets import ANALYSIS_RATE

WINDOW = 8192  # samples, 341 ms: semitones come apart from about A2 up
HOP = 2048
LOW_HZ, HIGH_HZ = 55.0, 2000.0
BASS_HZ = 262.0  # peaks under middle C count as bass
OPENING_SECONDS = 2.5
TUNING_HZ = 440.0
PEAKS = 24  # strongest peaks kept per frame
FRAME_RANGE, CLIP_RANGE = 3e-4, 3e-3  # least height of a peak against the highest of frame and clip
OVERTONES = (3, 5)  # of the harmonics, those that lie in another pitch class
VIEWS = ("all", "bass", "opening")
FEATURES = (
    *(f"{mode} {view} +{step}" for mode in MODES for view in VIEWS for step in range(12)),
    "minor",
)

Array = NDArray[np.float64]


class Key(NamedTuple):
    """What was heard."""

    key: int  # index into engine.spec.KEYS
    margin: float  # score above that of the best other key, in nats


class KeyMatch(StrEnum):
    """How a heard key relates to the one asked for."""

    SAME = "same"
    RELATIVE = "relative"  # C major and A minor
    PARALLEL = "parallel"  # C major and C minor
    FIFTH = "fifth"  # a fifth up or down, same mode
    OTHER = "other"


def compare_keys(heard: int, asked: int) -> KeyMatch:
    """Name the relation of two keys, each an index into engine.spec.KEYS."""
    interval, is_minor, was_minor = (heard - asked) % 12, heard >= 12, asked >= 12
    if is_minor == was_minor:
        same_mode = {0: KeyMatch.SAME, 5: KeyMatch.FIFTH, 7: KeyMatch.FIFTH}
        return same_mode.get(interval, KeyMatch.OTHER)
    if interval == 0:
        return KeyMatch.PARALLEL
    return KeyMatch.RELATIVE if interval == (9 if is_minor else 3) else KeyMatch.OTHER


def estimate_key(mono: NDArray[np.floating]) -> Key:
    """Find the key of [N] mono audio."""
    scores = key_features(mono) @ weights.load("key", FEATURES)
    best, second = np.argsort(scores)[:-3:-1]
    return Key(int(best), float(scores[best] - scores[second]))


def key_features(mono: NDArray[np.floating]) -> Array:
    """Lay out what speaks for each of engine.spec.KEYS: [24, F] in the order of FEATURES."""
    views = chroma_views(mono)  # [V, 12]
    features = np.zeros((2, 12, len(FEATURES)))
    width = views.size
    for tonic in range(12):
        turned = np.roll(views, -tonic, 1).ravel()
        features[0, tonic, :width] = turned
        features[1, tonic, width : 2 * width] = turned
        features[1, tonic, -1] = 1.0
    return features.reshape(24, -1)


def chroma_views(mono: NDArray[np.floating]) -> Array:
    """[V, 12] how much of each pitch class each view holds: square roots of shares, as VIEWS."""
    spectra = _magnitudes(mono)
    whole, bass = np.zeros((2, len(spectra), 12))
    for index, spectrum in enumerate(spectra):
        whole[index], bass[index] = _frame_chroma(spectrum, CLIP_RANGE * spectra.max())
    opening = whole[: round(OPENING_SECONDS * ANALYSIS_RATE / HOP)]
    return np.sqrt([_shares(view.sum(0)) for view in (whole, bass, opening)])


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
    return _shares(np.bincount(classes, weight, minlength=12).astype(np.float64))


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


def _shares(values: Array) -> Array:
    """Bring [12] values to a sum of one; zeros stay."""
    return values / max(float(values.sum()), 1e-9)
