"""The tape: the last chunks as they were made, kept without ever being written to again.

In:  one [C, F] chunk per frame. Out: any stretch of the last `TAPE_FRAMES` by its samples. Adding
one makes a new tape that shares all chunks with the old one, so that a moment of the performance
can keep its own for nothing. Frozen and pure.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]

TAPE_FRAMES: Final = 1024  # 41 s: 16 bars down to 94 bpm
_BLOCK: Final = 64  # frames; bounds what adding one copies to some hundred references


@dataclass(frozen=True, eq=False)
class Tape:
    """What was made last."""

    end: int = 0  # frame behind the last one
    blocks: tuple[tuple[Audio, ...], ...] = ()  # of _BLOCK chunks each, oldest first
    newest: tuple[Audio, ...] = ()  # behind the blocks, fewer than _BLOCK

    @property
    def first(self) -> int:
        """The first frame on it."""
        return self.end - len(self.newest) - _BLOCK * len(self.blocks)

    def add(self, chunk: Audio) -> "Tape":
        """Append a frame; [C, F], not to be written to from now on."""
        newest = (*self.newest, chunk)
        if len(newest) < _BLOCK:
            return Tape(self.end + 1, self.blocks, newest)
        blocks = (*self.blocks, newest)[-(TAPE_FRAMES // _BLOCK) :]
        return Tape(self.end + 1, blocks)

    def read(self, start: int, stop: int, frame_samples: int) -> Audio:
        """Cut samples out, [C, stop - start], a copy. All of them must be on it."""
        first, last = start // frame_samples, -(-stop // frame_samples)
        assert self.first <= first <= last <= self.end, "the caller asks for what is on the tape"
        chunks = [self._chunk(frame) for frame in range(first, last)]
        offset = start - first * frame_samples
        return np.concatenate(chunks, axis=1)[:, offset : offset + stop - start]

    def chunks(self) -> list[Audio]:
        """All of them, oldest first."""
        return [*(chunk for block in self.blocks for chunk in block), *self.newest]

    def _chunk(self, frame: int) -> Audio:
        block, index = divmod(frame - self.first, _BLOCK)
        return self.newest[index] if block == len(self.blocks) else self.blocks[block][index]
