"""Frechet distance of two sets of clips (FAD, Kilgour et al. 2019), for sets of any size.

In:  embeddings of clips, [W, D] each. Out: |m - n|^2 + tr(A + B - 2 sqrt(A B)) of the Gaussians
that fit the two sets' windows.
Few windows make a covariance that is too uneven, so each is shrunk towards a ball by the amount
that the oracle approximating estimator finds (Chen et al. 2010). What small sets still add, the
ceiling of the report has as well, for it has as many clips.

Dimensions: n clips, W windows of a clip, D features.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Moments:
    """Sums over the windows of each clip, so that clips can be counted more than once."""

    def __init__(self, clips: Sequence[Array]) -> None:
        self.windows = np.array([float(len(clip)) for clip in clips])  # [n]
        self.sums = np.stack([clip.sum(0) for clip in clips])  # [n, D]
        self.squares = np.stack([clip.T @ clip for clip in clips])  # [n, D, D]

    def __len__(self) -> int:
        return len(self.windows)

    def gaussian(self, weights: Array) -> tuple[Array, Array]:
        """Mean [D] and shrunk covariance [D, D], clip i counted weights[i] times."""
        total = float(weights @ self.windows)
        mean = weights @ self.sums / total
        covariance = np.tensordot(weights, self.squares, 1) / total - np.outer(mean, mean)
        return mean, shrink(covariance, total)


def frechet(a: tuple[Array, Array], b: tuple[Array, Array]) -> float:
    """Distance of two Gaussians (mean [D], covariance [D, D]); 0 for the same one."""
    (mean_a, cov_a), (mean_b, cov_b) = a, b
    root = _root(cov_a)
    overlap = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov_b @ root), 0.0)).sum()
    between = float(np.sum((mean_a - mean_b) ** 2))
    return max(0.0, between + float(np.trace(cov_a) + np.trace(cov_b) - 2 * overlap))


def shrink(covariance: Array, samples: float) -> Array:
    """Draw a covariance [D, D] of so many samples towards a ball of the same size."""
    size = len(covariance)
    square, trace = float(np.sum(covariance**2)), float(np.trace(covariance))
    above = (1 - 2 / size) * square + trace**2
    below = (samples + 1 - 2 / size) * (square - trace**2 / size)
    share = 1.0 if below <= 0 else min(1.0, above / below)
    return (1 - share) * covariance + share * trace / size * np.eye(size)


def _root(covariance: Array) -> Array:
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
