"""Scorer: a small network of ours that scores candidates, of which the best is chosen.

In:  features [..., G, F] of G candidates (tempi, keys). Out: scores [..., G], in nats.
One hidden layer beside a direct way, the same weights for every candidate, in `<name>.safetensors`
beside this file; `fit` learns them on training pieces. Plain numpy; knows nothing about music.

Dimensions: G candidates, F features, H hidden units.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

REACH = 4.0  # standard deviations; features further out than training met count as this far

Array = NDArray[np.float32]


class Scorer(NamedTuple):
    """What was learned."""

    mean: Array  # [F] of the features in training
    scale: Array  # [F]
    inner: Array  # [F, H]
    inner_bias: Array  # [H]
    outer: Array  # [H]
    direct: Array  # [F]

    def score(self, features: NDArray[np.floating]) -> Array:
        """Score candidates: [..., G, F] to [..., G]."""
        x = self.standardized(features)
        hidden = np.maximum(x @ self.inner + self.inner_bias, 0.0)
        return hidden @ self.outer + x @ self.direct

    def standardized(self, features: NDArray[np.floating]) -> Array:
        """Bring each feature to mean 0 and deviation 1, within REACH."""
        return np.clip((features - self.mean) / self.scale, -REACH, REACH).astype(np.float32)


def path_of(name: str) -> Path:
    """Where an estimator's scorer is kept."""
    return Path(__file__).with_name(f"{name}.safetensors")


@cache
def load(name: str, features: int) -> Scorer:
    """Open an estimator's scorer.

    Raises:
        ValueError: it was fitted for another number of features.
    """
    found = Scorer(**load_file(path_of(name)))
    if len(found.mean) != features:
        raise ValueError(
            f"{path_of(name).name} was fitted for {len(found.mean)} features, the code has "
            f"{features}. Fit again: python -m training.evaluation.fit"
        )
    return found


def store(name: str, scorer: Scorer, about: dict[str, str]) -> None:
    """Keep an estimator's scorer, with what it was learned from."""
    arrays = {field: np.ascontiguousarray(value) for field, value in scorer._asdict().items()}
    save_file(arrays, path_of(name), metadata=about)
    load.cache_clear()
