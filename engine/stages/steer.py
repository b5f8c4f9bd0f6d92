"""Steer: what is asked of one frame -> the rows that condition the model.

In:  `Controls`. Out: [B, ROW_WIDTH] rows and [B, 1] weights of their logits; row 0 says all that is
asked, row 1 (where a session can be guided) leaves out `row.UNGUIDED`, as training did; but where
drums are asked not to play, it asks for them, so that guidance pushes away from a kit and not only
from anything (a negative prompt, as of Stable Diffusion).
The logits are mixed as `guidance * row 0 + (1 - guidance) * row 1`. Pure; once per frame.
"""

import numpy as np
from numpy.typing import NDArray

from engine.row import SLICES, UNGUIDED, Controls, encode_row


def rows(controls: Controls, batch: int) -> NDArray[np.float32]:
    """Lay out the frame's rows.

    Args:
        controls: what is asked.
        batch: B, 1 for the asked row alone, 2 for the row to push away from as well.

    Returns:
        [B, ROW_WIDTH] float32.

    Raises:
        ShapeError: style or notes of another width.
    """
    laid_out = np.repeat(encode_row(controls)[None], batch, axis=0)
    for name in UNGUIDED:
        laid_out[1:, SLICES[name]] = 0.0  # "not given"
    if controls.drums is False:
        laid_out[1:, SLICES["drums"]] = (1.0, 0.0)
    return laid_out


def weights(guidance: float, batch: int) -> NDArray[np.float32]:
    """How much each row's logits count: [B, 1] = (guidance, 1 - guidance), or (1) when B is 1."""
    if batch == 1:
        return np.ones((1, 1), np.float32)
    return np.array([[guidance], [1.0 - guidance]], np.float32)
