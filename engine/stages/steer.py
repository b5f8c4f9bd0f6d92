"""Steer: what is asked of one frame -> the rows that condition the model.

In:  `Controls`. Out: [B, ROW_WIDTH] rows and [B, 1] weights of their logits; row 0 says all that is
asked, row 1 (where a session can be guided) leaves out `row.UNGUIDED`, as training did.
The logits are mixed as `guidance * row 0 + (1 - guidance) * row 1`. Pure; once per frame.

Music without drums is the hardest to ask for: a model keeps time with a kit, or not at all. So
where drums are refused, row 0 refuses them with emphasis, row 1 asks for them (guidance then pushes
away from a kit: a negative prompt), and says tempo and meter by half (guidance pushes towards the
grid as well).

Where notes are given, row 0 says them with emphasis, and row 1 not at all: guidance pushes towards
what a player holds. Both are measured in docs/log.md, 2026-11-23.
"""

import numpy as np
from numpy.typing import NDArray

from engine.row import SLICES, UNGUIDED, Controls, encode_row

EMPHASIS = 1.5  # times as much as in training
GRID = ("tempo", "meter")


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
    if batch > 1:
        if controls.notes is not None:
            laid_out[0, SLICES["notes"]] *= EMPHASIS
            laid_out[1:, SLICES["notes"]] = 0.0
        if controls.drums is False:
            laid_out[0, SLICES["drums"]] *= EMPHASIS
            laid_out[1:, SLICES["drums"]] = (1.0, 0.0)
            for name in GRID:
                laid_out[1:, SLICES[name]] *= 0.5
    return laid_out


def weights(guidance: float, batch: int) -> NDArray[np.float32]:
    """How much each row's logits count: [B, 1] = (guidance, 1 - guidance), or (1) when B is 1."""
    if batch == 1:
        return np.ones((1, 1), np.float32)
    return np.array([[guidance], [1.0 - guidance]], np.float32)
