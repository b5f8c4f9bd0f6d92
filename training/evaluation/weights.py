"""What estimators without a network learned from training pieces: `weights.json`, written by
`fit_harmony`, read here.

In:  the names of an estimator's features. Out: one weight per feature, in their order.
Fitted on pieces of the train split only; held-out pieces and generated audio play no part.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).with_name("weights.json")


def load(estimator: str, features: Sequence[str]) -> NDArray[np.float64]:
    """Read an estimator's weights, [F] in the order of `features`.

    Raises:
        KeyError: the file was fitted for other features.
    """
    stored = _read()[estimator]
    if set(stored) != set(features):
        raise KeyError(
            f"{FILE.name} holds other features for {estimator} than the code has. "
            "Fit again: python -m training.evaluation.fit_harmony"
        )
    return np.array([stored[name] for name in features])


def store(
    estimator: str, fitted: Mapping[str, float], *, pieces: int, cross_validated: float
) -> None:
    """Put an estimator's weights, by feature, into the file, with what they were learned from."""
    stored = json.loads(FILE.read_text())
    stored["about"][estimator] = {"pieces": pieces, "cross_validated": cross_validated}
    stored["weights"][estimator] = dict(fitted)
    FILE.write_text(json.dumps(stored, indent=1) + "\n")
    _read.cache_clear()


@cache
def _read() -> dict[str, dict[str, float]]:
    return json.loads(FILE.read_text())["weights"]
