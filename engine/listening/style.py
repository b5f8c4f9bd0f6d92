"""Style of the input: what the MuLan audio tower hears in the last seconds, for a prompt slot.

In:  heard frames [C, F] at the bundle's rate. Out: [STYLE_WIDTH] float32, unit norm.
Remembering a frame costs nothing: the window holds the frames themselves and is never written to,
so any thread may take it as it is. `encode` takes longer than a frame and belongs on a worker, off
the audio path. Silent frames are left out: pauses say nothing about style.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bundle import Bundle
from engine.errors import InputError
from engine.row import Vector
from engine.spec import FRAME_RATE
from engine.stages import style_audio

WINDOW_FRAMES: Final = 10 * FRAME_RATE
LEAST_FRAMES: Final = 2 * FRAME_RATE  # with sound in them

Audio = NDArray[np.float32]


class Window(NamedTuple):
    """The last frames with sound in them, oldest first; each [C, F]."""

    frames: tuple[Audio, ...] = ()

    @property
    def is_enough(self) -> bool:
        """Tell whether there is enough to hear a style in."""
        return len(self.frames) >= LEAST_FRAMES


def hear(audio: Audio, window: Window, *, is_silent: bool) -> Window:
    """Remember one frame.

    Args:
        audio: [C, F] as `ear.fit` gives it; kept, so it must not be written to afterwards.
        window: as before.
        is_silent: as `level.is_silent` says; the frame is left out then.
    """
    return window if is_silent else Window((*window.frames, audio)[-WINDOW_FRAMES:])


def encode(bundle: Bundle, window: Window) -> Vector:
    """Hear the style of a window. [worker-thread]

    Raises:
        InputError: under 2 s of sound.
        BundleError: the bundle has no `style` graph.
        BackendError: the graph failed.
    """
    if not window.is_enough:
        heard, least = len(window.frames) / FRAME_RATE, LEAST_FRAMES / FRAME_RATE
        raise InputError(
            f"{heard:g} s of sound were heard, expected at least {least:g} s to take its style. "
            "Play on and ask again."
        )
    return style_audio.encode(bundle, np.concatenate(window.frames, axis=1))
