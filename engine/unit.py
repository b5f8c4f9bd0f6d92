"""Unit norm: a style is a direction, so its vector lies on the sphere. Pure."""

from typing import Final

import numpy as np

from engine.row import Vector

NOWHERE: Final = 1e-3  # norm of a sum of unit vectors that points nowhere


def unit(vector: Vector) -> Vector | None:
    """Scale a vector to unit norm.

    What is of unit norm comes back as it is, whichever way this machine adds up: the norm is that
    of a sum in float64, whose error is far below one bit of the float32 that it is divided by.

    Args:
        vector: [STYLE_WIDTH].

    Returns:
        [STYLE_WIDTH] not writeable; None if it points nowhere.
    """
    norm = float(np.linalg.norm(vector.astype(np.float64)))
    if norm < NOWHERE:
        return None
    scaled: Vector = (vector / np.float32(norm)).astype(np.float32, copy=False)
    scaled.flags.writeable = False
    return scaled
