"""One frame of what is heard, checked and mixed to mono, for trackers that hear no sides. Pure."""

import numpy as np
from numpy.typing import NDArray

from engine.errors import ShapeError
from engine.spec import FRAME_RATE


def mono_frame(audio: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Mix one frame.

    Args:
        audio: [C, F]; what is not finite counts as silence.
        rate: Hz.

    Returns:
        [F] the mean of the channels.

    Raises:
        ShapeError: not one frame.
    """
    samples = rate // FRAME_RATE
    if audio.ndim != 2 or audio.shape[1] != samples:
        raise ShapeError.of("audio", audio.shape, f"(C, {samples})")
    mono: NDArray[np.float32] = np.where(np.isfinite(audio), audio, 0.0).mean(0, dtype=np.float32)
    return mono
