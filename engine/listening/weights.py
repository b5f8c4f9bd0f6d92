"""What the trackers learned from training pieces: `weights.json`, written by
`training.evaluation.fit_trackers`, read here once.

In:  the names of a tracker's features. Out: one weight per feature, in their order.
Fitted on pieces of the train split only.
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

FILE: Final = Path(__file__).with_name("weights.json")


@cache
def load(tracker: str, features: Sequence[str]) -> NDArray[np.float64]:
    """Read a tracker's weights, [F] in the order of `features`; shared, not writeable.

    Raises:
        KeyError: the file was fitted for other features.
    """
    stored = _read()[tracker]
    if set(stored) != set(features):
        raise KeyError(
            f"{FILE.name} holds other features for {tracker} than the code has. "
            "Fit again: python -m training.evaluation.fit_trackers"
        )
    found = np.array([stored[name] for name in features])
    found.flags.writeable = False
    return found


@cache
def _read() -> dict[str, dict[str, float]]:
    weights: dict[str, dict[str, float]] = json.loads(FILE.read_text())["weights"]
    return weights
