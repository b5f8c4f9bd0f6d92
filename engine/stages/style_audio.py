"""Style of audio: what the MuLan audio tower hears in a whole clip, in the space that prompts live
in.

In:  [C, N] float32 at the bundle's rate, at least 1 s. Out: [STYLE_WIDTH] float32, unit norm. Takes
longer than a frame, so it runs ahead of the frames that use it. Pure.
"""

import numpy as np
from numpy.typing import NDArray

from engine.bundle import Bundle
from engine.errors import BackendError
from engine.row import Vector
from engine.spec import STYLE_WIDTH


def encode(bundle: Bundle, audio: NDArray[np.float32]) -> Vector:
    """Embed a clip.

    Raises:
        BundleError: the bundle has no `style` graph.
        BackendError: the graph failed.
    """
    found = bundle.graph("style").run({"audio": audio[None]})["style"]
    if found.shape != (1, STYLE_WIDTH) or not np.isfinite(found).all():
        raise BackendError(f"style has shape {found.shape}, expected (1, {STYLE_WIDTH}), finite.")
    style: Vector = found[0].astype(np.float32)
    return style
