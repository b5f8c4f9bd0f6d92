"""The edges of a gap in sound: how it breaks off, and how it comes back.

In:  blocks of [C, N] as they are heard, of which the end may be missing. Out: the same blocks, with
the last sample fading to silence where sound ends, and sound fading in where it returns.
Belongs to the thread that hears; allocates once. Knows nothing of why sound is missing.
"""

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]


class Seam:
    """The end of sound: the last sample, faded. Its return: faded in, over what is left of that."""

    def __init__(self, channels: int, fade_samples: int) -> None:
        self.rise = (np.arange(1, fade_samples + 1) / (fade_samples + 1)).astype(np.float32)
        self._last = np.zeros(channels, np.float32)  # what was heard last
        self._tail = np.zeros((channels, fade_samples), np.float32)
        self._tail_at = self._rise_at = fade_samples  # how much of each is heard; all of it
        self._is_silent = False

    def join(self, out: Audio, ready: int) -> bool:
        """Fade what is behind and before a gap in a block; True if a gap begins in it.

        Args:
            out: [C, N]; the first `ready` samples are sound, the others are overwritten.
            ready: 0 .. N.
        """
        begins = ready < out.shape[1] and not self._is_silent
        if ready:
            if self._is_silent:
                self._rise_at, self._is_silent = 0, False
                begins = ready < out.shape[1]
            self._fade_in(out[:, :ready])
            self._add_tail(out[:, :ready])
            self._last[:] = out[:, ready - 1]
        if begins:
            self.cut()
        if ready < out.shape[1]:
            self._is_silent = True
            out[:, ready:] = 0.0
            self._add_tail(out[:, ready:])
            self._last[:] = out[:, -1]
        return begins

    def cut(self) -> None:
        """Let the last sample fade from here on, and what comes next fade in."""
        np.multiply(self._last[:, None], self.rise[::-1], out=self._tail)
        self._tail_at, self._rise_at = 0, 0

    def _fade_in(self, sound: Audio) -> None:
        rise = self.rise[self._rise_at : self._rise_at + sound.shape[1]]
        if len(rise):
            sound[:, : len(rise)] *= rise
            self._rise_at += len(rise)

    def _add_tail(self, sound: Audio) -> None:
        tail = self._tail[:, self._tail_at : self._tail_at + sound.shape[1]]
        if tail.shape[1]:
            sound[:, : tail.shape[1]] += tail
            self._tail_at += tail.shape[1]
