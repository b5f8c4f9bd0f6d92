"""Kernel distance of two sets of clips (KAD, Chung et al. 2025): maximum mean discrepancy, squared.

In:  embeddings of clips, [W, D] each, and which pairs of clips to compare. Out: the mean kernel of
pairs within each set less twice that of pairs across, times SCALE; 0 for sets of one kind, and a
little under it by chance, for it is unbiased (Gretton et al. 2012).
Windows of one clip are alike, so only windows of different clips count as a pair within a set.
Held-out sets deal genres like cards, so their own clips share a genre less often than two sets do:
with few clips of a genre even the ceiling lies under zero. Compare with it, not with zero.

Dimensions: n, m clips, W windows of a clip, D features.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SCALE = 1000.0

Array = NDArray[np.float64]


def bandwidth(clips: Sequence[Array]) -> float:
    """The median distance of windows of different clips: the Gaussian kernel's width."""
    windows = np.concatenate(clips)
    owner = np.repeat(np.arange(len(clips)), [len(clip) for clip in clips])
    apart = owner[:, None] < owner[None, :]
    return max(float(np.sqrt(np.median(_squares(windows, windows)[apart]))), 1e-9)


def pair_means(a: Sequence[Array], b: Sequence[Array], width: float) -> Array:
    """[n, m] mean Gaussian kernel of the windows of each pair of clips."""
    kernel = np.exp(-_squares(np.concatenate(a), np.concatenate(b)) / (2 * width**2))
    rows = np.add.reduceat(kernel, _starts(a), 0)
    sums = np.add.reduceat(rows, _starts(b), 1)
    return sums / np.outer([len(clip) for clip in a], [len(clip) for clip in b])


def discrepancy(within_a: Array, within_b: Array, across: Array, a: Array, b: Array) -> float:
    """Squared discrepancy times SCALE.

    Args:
        within_a, within_b, across: [n, n], [m, m] and [n, m] kernels of pairs; NaN is no pair.
        a, b: [n] and [m] how often each clip counts.
    """
    inside = [_mean(_without_self(kernel), w, w) for kernel, w in ((within_a, a), (within_b, b))]
    return SCALE * (sum(inside) - 2 * _mean(across, a, b))


def only(pairs: NDArray[np.bool_], kernel: Array) -> Array:
    """The kernel of some pairs [n, m] alone."""
    return np.where(pairs, kernel, np.nan)


def _without_self(kernel: Array) -> Array:
    return only(~np.eye(len(kernel), dtype=bool), kernel)


def _mean(kernel: Array, a: Array, b: Array) -> float:
    """The mean over pairs, weighted; NaN where there is no pair at all."""
    weights = np.where(np.isnan(kernel), 0.0, np.outer(a, b))
    total = float(weights.sum())
    return float(np.nansum(weights * kernel)) / total if total else float("nan")


def _squares(a: Array, b: Array) -> Array:
    """Squared distances of rows: [A, B]."""
    lengths = (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :]
    return np.maximum(lengths - 2 * a @ b.T, 0.0)


def _starts(clips: Sequence[Array]) -> NDArray[np.int64]:
    return np.cumsum([0, *(len(clip) for clip in clips[:-1])])
