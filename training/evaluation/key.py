"""Key: tonic and mode of a stretch of audio that starts at a beginning, without being told.

In:  [N] mono audio at ANALYSIS_RATE. Out: `Key`, an index into engine.spec.KEYS and its margin.
The chroma is summed over all of it, over its opening, where music states its tonic, and over its
second half; each of these in all and in the bass. Each of 24 keys is scored by these, turned to its
tonic, by a small network (`key.safetensors`, fitted on training pieces). Of 504 training pieces,
published profiles on the first chroma alone named 60 % (Temperley), 69 % (Krumhansl) and 75 %
(Albrecht) right; docs/log.md has what bass, opening and the network add.

Dimensions: V views, F features.
"""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.spec import MODES
from training.evaluation import scorer
from training.evaluation.chroma import HOP, chroma, shares
from training.evaluation.onsets import ANALYSIS_RATE

OPENING_SECONDS, FIRST_SECONDS = 2.5, 0.8
VIEWS = (
    *("all", "bass", "opening", "opening bass", "first", "first bass", "half", "half bass"),
    "even",  # all, soft pitch classes counting for more
)
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
    scores = scorer.load("key", len(FEATURES)).score(key_features(mono))
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
    both = chroma(mono)
    spans = [slice(round(s * ANALYSIS_RATE / HOP)) for s in (OPENING_SECONDS, FIRST_SECONDS)]
    spans = [slice(None), *spans, slice(len(both[0]) // 2, None)]
    views = [part[span].sum(0) for span in spans for part in both]
    return np.sqrt([shares(view) for view in (*views, np.sqrt(both[0]).sum(0))])
