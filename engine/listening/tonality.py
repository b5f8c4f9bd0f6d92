"""Tonality: what pitch classes say about the key, over some seconds.

In:  [T, 2, 12] chroma, 12.5 a second (`chroma`), and the opening's if one was heard.
Out: a score for each of `engine.spec.KEYS`. A key is scored by four views, turned to its tonic:
how much each class sounds, in all and in the bass; which classes sound together within half a
second, which is what chords show; and, where the music was heard to begin, its first seconds, in
which it states its tonic. The weights of both modes are learned (`weights`). Pure.

Dimensions: T chroma, F features.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.listening import weights
from engine.listening.chroma import CHROMA_RATE
from engine.spec import KEYS, MODES

TOGETHER: Final = 6  # chroma, about half a second, that count as sounding together
OPENING: Final = round(2.5 * CHROMA_RATE)  # chroma that open a piece

_PAIRS: Final = tuple((i, j) for i in range(12) for j in range(i, 12))
_VIEWS: Final = (
    *(f"all +{step}" for step in range(12)),
    *(f"bass +{step}" for step in range(12)),
    *(f"pair +{i} +{j}" for i, j in _PAIRS),
)
_OPENING: Final = tuple(f"opening +{step}" for step in range(12))

KEY_FEATURES: Final = (*(f"{mode} {view}" for mode in MODES for view in _VIEWS), "minor")
BEGINNING_FEATURES: Final = (
    *(f"{mode} {view}" for mode in MODES for view in (*_VIEWS, *_OPENING)),
    "minor",
)

Array = NDArray[np.float64]


def score(chroma: Array, opening: Array | None) -> Array:
    """[24] what [T, 2, 12] chroma say for each key, in nats.

    Args:
        chroma: of some seconds, in order.
        opening: [12] summed over the piece's first `OPENING` chroma, or None where the stretch
            has no beginning in it.
    """
    features = key_features(chroma, opening)
    if opening is None:
        return np.asarray(features @ weights.load("key", KEY_FEATURES))
    return np.asarray(features @ weights.load("key at a beginning", BEGINNING_FEATURES))


def key_features(chroma: Array, opening: Array | None) -> Array:
    """[24, F] in the order of KEY_FEATURES, or of BEGINNING_FEATURES if there is an opening."""
    classes = np.sqrt([_shares(view) for view in chroma.sum(0)])
    pairs = np.sqrt(_shares(_together(chroma[:, 0])))
    rows, columns = np.array(_PAIRS).T
    turned = []
    for tonic in range(12):
        views = [np.roll(classes, -tonic, 1).ravel()]
        views.append(pairs[(rows + tonic) % 12, (columns + tonic) % 12])
        if opening is not None:
            views.append(np.roll(np.sqrt(_shares(opening)), -tonic))
        turned.append(np.concatenate(views))
    return _by_mode(np.array(turned))


def _by_mode(turned: Array) -> Array:
    """[24, F] from [12, V]: each mode has its own places, and minor a constant."""
    width = turned.shape[1]
    features = np.zeros((len(KEYS), len(MODES) * width + 1))
    features[:12, :width] = turned
    features[12:, width:-1] = turned
    features[12:, -1] = 1.0
    return features


def _together(classes: Array) -> Array:
    """[12, 12] how often each two classes of [T, 12] sound within half a second."""
    summed = np.cumsum(np.concatenate([np.zeros((1, 12)), classes]), axis=0)
    near = summed[TOGETHER:] - summed[:-TOGETHER]
    return np.asarray(near.T @ near)


def _shares(values: Array) -> Array:
    """Bring values to a sum of one; zeros stay."""
    return values / max(float(values.sum()), 1e-9)
