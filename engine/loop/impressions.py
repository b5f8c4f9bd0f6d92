"""Impressions: the style of what is heard, taken every few seconds beside the frame loop.

In:  heard frames, from the frame thread. Out: styles, to be carried out as operations. The prompt
worker runs the audio tower; at most one window waits for it and one style comes back, the newest.
Places are single references, set whole, so nobody locks.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import AntiphonError
from engine.listening import style
from engine.listening.style import Window
from engine.row import Vector
from engine.spec import FRAME_RATE

EVERY_FRAMES: Final = 2 * FRAME_RATE  # with sound in them, from one style to the next

Audio = NDArray[np.float32]


class Impressions:
    """The style of one input."""

    def __init__(self, encode: Callable[[Window], Vector] | None) -> None:
        """Begin without an impression.

        Args:
            encode: takes the style of a window; None where the bundle cannot.
        """
        self._encode = encode
        self._window = Window()
        self._new_frames = 0
        self._waiting: Window | None = None
        self._style: Vector | None = None
        self.problem = ""  # [any-thread]

    def hear(self, audio: Audio, *, is_silent: bool) -> bool:
        """Remember a heard frame, [C, F]; True if there is work for the worker. [frame-thread]"""
        if self._encode is None or is_silent:
            return False
        self._window = style.hear(audio, self._window, is_silent=False)
        self._new_frames += 1
        if self._new_frames < EVERY_FRAMES or not self._window.is_enough:
            return False
        self._new_frames, self._waiting = 0, self._window
        return True

    def turn(self) -> bool:
        """Take the style of the window that waits; False if none does. [prompt-thread]"""
        window, self._waiting = self._waiting, None
        if window is None or self._encode is None:
            return False
        try:
            self._style, self.problem = self._encode(window), ""
        except AntiphonError as refusal:
            self.problem = f"the style of what is heard could not be taken: {refusal}"
        return True

    def take(self) -> Vector | None:
        """Take out a style that was not taken yet, [STYLE_WIDTH]. [frame-thread]"""
        found, self._style = self._style, None
        return found
