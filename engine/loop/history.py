"""The history: what was made lately, for keeping it.

In:  every frame as it is made, and the transport that it was made under; a frame made again takes
the place of the old one. Out: a copy of the newest stretch up to a sample, and the transports.
Memory is claimed once. One thread adds; any thread asks, and asks only for what was heard, which is
never made again.
"""

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.clock import Transport
from engine.spec import FRAME_RATE, AudioFormat

Audio = NDArray[np.float32]

SECONDS: Final = 120  # 64 bars at 128 bpm; 46 MB at 48 kHz stereo
_SLACK_FRAMES: Final = (
    4 * FRAME_RATE
)  # behind the stretch, that may be overwritten while it is copied
_MAX_TRANSPORTS: Final = 4096


class History:
    """A ring of frames, and the transports in force.

    Args:
        audio: the bundle's.
        latency: samples that music is later than its frame, at the bundle's rate.
        seconds: that are remembered.
    """

    def __init__(self, audio: AudioFormat, latency: int, *, seconds: int = SECONDS) -> None:
        self._size, self._latency = audio.frame_samples, latency
        self._frames = seconds * FRAME_RATE
        capacity = (self._frames + _SLACK_FRAMES) * self._size
        self._samples = np.full((audio.channels, capacity), np.nan, np.float32)  # claimed now
        self._made = 0  # frames
        self._transports: deque[tuple[int, Transport]] = deque(maxlen=_MAX_TRANSPORTS)

    def add(self, frame: int, chunk: Audio, transport: Transport) -> None:
        """Take in a frame. [frame-thread]

        Args:
            frame: the next one, or an earlier one that was made again.
            chunk: [C, F].
            transport: under which it was made.
        """
        at = frame * self._size % self._samples.shape[1]
        self._samples[:, at : at + self._size] = chunk
        self._made = frame + 1
        start = frame * self._size + self._latency if frame else 0
        while self._transports and self._transports[-1][0] >= start:
            self._transports.pop()
        if not self._transports or self._transports[-1][1] != transport:
            self._transports.append((start, transport))

    def until(self, end: int, seconds: float) -> tuple[Audio, int]:
        """Copy the newest samples before one. [any-thread]

        Args:
            end: of the output; what is later was not heard.
            seconds: at most so many.

        Returns:
            [C, N] and the output sample of the first.
        """
        frames = min(self._frames, seconds * FRAME_RATE)
        end = min(end, self._made * self._size)
        first = max(0, end - int(frames * self._size))
        at, capacity = first % self._samples.shape[1], self._samples.shape[1]
        head = self._samples[:, at : at + end - first]
        rest = self._samples[:, : max(0, at + end - first - capacity)]
        return np.concatenate([head, rest], axis=1), first

    def transports(self) -> tuple[tuple[int, Transport], ...]:
        """The transports in order, each with the output sample from which it holds. [any-thread]"""
        return tuple(self._transports.copy())
