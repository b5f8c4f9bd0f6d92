"""What the estimators learned from training pieces: `weights.json`, written by `fit`, read here.

In:  the names of an estimator's features. Out: one weight per feature, in their order.
Fitted on pieces of the train split only; held-out pieces and generated audio play no part.
"""

import json
from collections.abc import Sequence
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
            "Fit again: python -m training.evaluation.fit"
        )
    return np.array([stored[name] for name in features])


@cache
def _read() -> dict[str, dict[str, float]]:
    return json.loads(FILE.read_text())["weights"]
