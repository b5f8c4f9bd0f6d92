"""Odds: how much likelier each code is where a kit plays, to lean against where drums are refused.

In:  odds.safetensors of a bundle: `drums` [LEVELS, CODEBOOK_SIZE] int8, in steps of `ODDS_STEP`.
Out: the same in nats, float32.
Classifier guidance (Dhariwal and Nichol 2021, arXiv 2105.05233) with counted tokens for a
classifier: log p(code | kit) - log p(code | no kit). Pure; any thread.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from engine.errors import BundleError
from engine.spec import CODEBOOK_SIZE, LEVELS, ODDS_STEP

FILE: Final = "odds.safetensors"
MAX_BYTES: Final = 1 << 20
SHAPE: Final = (LEVELS, CODEBOOK_SIZE)

Nats = NDArray[np.float32]  # [LEVELS, CODEBOOK_SIZE]


class Odds(NamedTuple):
    """What is known of codes by counting."""

    drums: Nats  # how much likelier each is where a kit plays


def parse(data: bytes, where: str) -> Odds:
    """Read a file.

    Raises:
        BundleError: it is none, or of another shape.
    """
    try:
        found = load(data)
    except (SafetensorError, KeyError, ValueError) as exc:  # KeyError: a dtype that numpy lacks
        raise BundleError(f"{where} cannot be read ({exc}). Export the bundle again.") from exc
    got = {name: (str(array.dtype), array.shape) for name, array in found.items()}
    if got != {"drums": ("int8", SHAPE)}:
        raise BundleError(
            f"{where} holds {got}, expected drums as int8 of {SHAPE}. Export the bundle again."
        )
    return Odds(found["drums"].astype(np.float32) * np.float32(ODDS_STEP))
