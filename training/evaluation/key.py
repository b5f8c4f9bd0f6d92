"""Key: tonic and mode of a stretch of audio, without being told.

In:  [N] mono audio at ANALYSIS_RATE.
Out: `Key` (index into engine.spec.KEYS, margin over the runner-up), and the chroma it came from.
How: spectral peaks from 55 to 2,000 Hz, whitened, overtones of stronger lower peaks taken down,
folded into twelve pitch classes at A = 440 Hz, correlated with major and minor profiles.
"""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.evaluation.onsets import ANALYSIS_RATE

WINDOW = (
    8192  # samples, 341 ms: semitones separate from about A2 up; bass is read from overtones too
)
HOP = 2048
LOW_HZ, HIGH_HZ = 55.0, 2000.0
PEAKS = 24  # strongest peaks kept per frame
OVERTONES = 5
TUNING_HZ = 440.0

# Chance that a note of a key is this far above its tonic; major then minor.
PROFILES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "krumhansl": (
        (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
        (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
    ),
    "temperley": (
        (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0),
        (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0),
    ),
    "albrecht": (
        (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
        (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
    ),
}
PROFILE = "albrecht"

Chroma = NDArray[np.float64]


class Key(NamedTuple):
    """What was heard."""

    index: int  # into engine.spec.KEYS
    margin: float  # correlation above that of the best other key


class KeyMatch(StrEnum):
    """How a heard key relates to the one asked for."""

    SAME = "same"
    RELATIVE = "relative"  # C major and A minor
    PARALLEL = "parallel"  # C major and C minor
    FIFTH = "fifth"  # a fifth up or down, same mode
    OTHER = "other"


def estimate_key(mono: NDArray[np.floating], profile: str = PROFILE) -> Key:
    """Find the key of [N] mono audio."""
    scores = key_scores(chroma(mono), profile)
    order = np.argsort(scores)
    return Key(int(order[-1]), float(scores[order[-1]] - scores[order[-2]]))


def key_scores(pitch_classes: Chroma, profile: str = PROFILE) -> Chroma:
    """[24] correlation of [12] chroma with each key, in the order of engine.spec.KEYS."""
    templates = [np.roll(shape, tonic) for shape in PROFILES[profile] for tonic in range(12)]
    if not np.any(pitch_classes):
        return np.zeros(24)
    return np.array([np.corrcoef(pitch_classes, template)[0, 1] for template in templates])


def compare_keys(heard: int, asked: int) -> KeyMatch:
    """Name the relation of two keys, each an index into engine.spec.KEYS."""
    (tonic, is_minor), (asked_tonic, asked_minor) = (divmod(k, 12)[::-1] for k in (heard, asked))
    interval = (tonic - asked_tonic) % 12
    if is_minor == asked_minor:
        return {0: KeyMatch.SAME, 5: KeyMatch.FIFTH, 7: KeyMatch.FIFTH}.get(
            interval, KeyMatch.OTHER
        )
    if interval == 0:
        return KeyMatch.PARALLEL
    return KeyMatch.RELATIVE if interval == (9 if is_minor else 3) else KeyMatch.OTHER


def chroma(mono: NDArray[np.floating]) -> Chroma:
    """[12] how much of each pitch class sounds, summing to one (zeros for silence)."""
    total = np.zeros(12)
    for magnitudes in _magnitudes(mono):
        total += _frame_chroma(magnitudes)
    return total / max(float(total.sum()), 1e-9)


def _magnitudes(mono: NDArray[np.floating]) -> NDArray[np.float64]:
    """[T, WINDOW // 2 + 1] magnitude spectra."""
    padded = np.pad(mono, (0, max(0, WINDOW - len(mono))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    return np.abs(np.fft.rfft(frames * np.blackman(WINDOW), axis=1))


def _frame_chroma(magnitudes: NDArray[np.float64]) -> Chroma:
    """[12] weights of one frame: every frame counts alike, loud or soft."""
    hz, height = _peaks(magnitudes)
    if not len(hz):
        return np.zeros(12)
    weight = np.sqrt(height) * _fundamentalness(hz, height)
    classes = 12 * np.log2(hz / TUNING_HZ) + 9  # A is class 9
    nearest = np.round(classes)
    in_tune = np.exp(-0.5 * ((classes - nearest) / 0.25) ** 2)
    out = np.bincount(nearest.astype(int) % 12, weight * in_tune, minlength=12)
    return out / max(float(out.sum()), 1e-9)


def _peaks(magnitudes: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies in Hz and heights of the strongest spectral peaks, placed by parabola."""
    first, last = int(LOW_HZ * WINDOW / ANALYSIS_RATE), int(HIGH_HZ * WINDOW / ANALYSIS_RATE)
    db = np.log(np.maximum(magnitudes, 1e-6))
    a, b, c = db[first - 1 : last - 1], db[first:last], db[first + 1 : last + 1]
    where = np.flatnonzero(
        (b > a) & (b >= c) & (b > db.max() - 8.0) & (magnitudes[first:last] > 0.1)
    )
    where = where[np.argsort(b[where])[-PEAKS:]]
    a, b, c = a[where], b[where], c[where]
    shift = 0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-9)
    return (first + where + shift) * ANALYSIS_RATE / WINDOW, np.exp(b)


def _fundamentalness(hz: NDArray[np.float64], height: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 for a peak that is no overtone of another; less where a lower, comparable peak explains
    it."""
    ratio = hz[:, None] / hz[None, :]
    order = np.round(ratio)
    is_overtone = (order >= 3) & (order <= OVERTONES) & (order != 4)
    is_overtone &= np.abs(12 * np.log2(ratio / np.maximum(order, 1))) < 0.4
    explained = (is_overtone * height[None, :] / np.maximum(order, 1)).sum(1)
    return height / (height + explained)
