"""A ring of audio between one writing and one reading thread, kept on time.

In:  [C, N] float32 blocks of any size from one thread. Out: blocks of any size for another.

Samples are counted from the ring's start, on both sides, and the reader's count always goes on by
what it asked for: sample n of the ring is sample n of the stream, whatever went wrong before. So
what is written too late is never heard, and what is heard is never late. Memory is claimed once;
a write is done whole or not at all; what is missing is counted, returned and faded.

Each count is written by one side only, after the samples are copied, and read by the other without
a lock; in CPython such a store is seen whole and in order. In debug mode (without -O) each side
belongs to the first thread that uses it, and a second one is an assertion.
"""

from threading import get_ident
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import OptionError, ShapeError

Audio = NDArray[np.float32]

FADE_SAMPLES: Final = 128  # about 3 ms at 48 kHz: too short for an echo, too long for a click
_ANY_LENGTH: Final = 1 << 62


class Ring:
    """A ring of so many samples, all channels together. The reader never waits."""

    def __init__(self, channels: int, capacity: int, *, fade_samples: int = FADE_SAMPLES) -> None:
        """Claim the memory.

        Args:
            channels: C.
            capacity: samples it can hold.
            fade_samples: how long sound takes to fade where some is missing, and to come back.

        Raises:
            OptionError: less than one of any.
        """
        for name, value in (
            ("channels", channels),
            ("capacity", capacity),
            ("fade_samples", fade_samples),
        ):
            if value < 1:
                raise OptionError.of(name, value, "1 or more")
        self.channels, self.capacity = channels, capacity
        self._samples = np.full((channels, capacity), np.nan, np.float32)  # unwritten is poison
        self._written: int = 0  # set by the writing thread
        self._read: int = 0  # set by the reading thread
        self._missing = 0  # samples; set by the reading thread
        self._underruns = 0  # gaps; set by the reading thread
        self._seam = _Seam(channels, fade_samples)
        self._owners: dict[str, int] = {}  # debug only

    # --- writing --------------------------------------------------------------------------------

    def write(self, block: Audio) -> bool:
        """Append a block, whole or not at all. [writer-thread]

        Args:
            block: [C, N], N from 0 to the capacity.

        Returns:
            False if there is no room now.

        Raises:
            ShapeError: other channels, or a block that never fits.
        """
        assert self._is_mine("writer"), "a second thread writes; see `hand_over`"
        self._require("block", block, self.capacity)
        start, count = self._written, block.shape[1]
        if start + count - self._read > self.capacity:
            return False
        head = min(count, self.capacity - start % self.capacity)
        at = start % self.capacity
        self._samples[:, at : at + head] = block[:, :head]
        self._samples[:, : count - head] = block[:, head:]
        self._written = start + count  # from here on the reader may have it
        return True

    def skip_late(self, grain: int) -> int:
        """Leave out what would come too late to be heard, in whole grains. [writer-thread]

        Args:
            grain: samples that stay together, such as those of a frame.

        Returns:
            How many samples were left out, a multiple of the grain; 0 when on time.
        """
        assert self._is_mine("writer"), "a second thread writes; see `hand_over`"
        late: int = max(0, self._read - self._written) // grain * grain
        self._written += late
        return late

    # --- reading --------------------------------------------------------------------------------

    def read(self, out: Audio) -> int:
        """Fill a block and go on by its length. [reader-thread]

        Where samples are missing, the last one fades to silence; where they come back they fade in.
        Without either, every sample is as it was written, bit for bit.

        Args:
            out: [C, N], N from 0 on; overwritten.

        Returns:
            How many samples were missing; they are the block's last.

        Raises:
            ShapeError: other channels.
        """
        assert self._is_mine("reader"), "a second thread reads; see `hand_over`"
        self._require("out", out, _ANY_LENGTH)
        start = self._read
        count: int = out.shape[1]
        ready = min(count, max(0, self._written - start))
        at = start % self.capacity
        head = min(ready, self.capacity - at)
        out[:, :head] = self._samples[:, at : at + head]
        out[:, head:ready] = self._samples[:, : ready - head]
        self._read = start + count  # from here on the writer may use its place
        self._underruns += self._seam.join(out, ready)
        self._missing += count - ready
        return count - ready

    def reset(self) -> None:
        """Leave out everything that was written and is not heard yet. [reader-thread]

        The only thread that may call it is the one that reads: to leave out is to read without
        listening, so the writer need not stop. The count goes on to where the writer is; what comes
        next fades in over the end of what was heard last.
        """
        assert self._is_mine("reader"), "reset is the reading thread's; see `hand_over`"
        self._read = max(self._read, self._written)
        self._seam.cut()

    # --- both -----------------------------------------------------------------------------------

    @property
    def filled(self) -> int:
        """Samples that can be read; negative where the writer is behind by so many. [any-thread]"""
        return self._written - self._read

    @property
    def written(self) -> int:
        """Index of the next sample to be written. [any-thread]"""
        return self._written

    @property
    def heard(self) -> int:
        """Index of the next sample to be read. [any-thread]"""
        return self._read

    @property
    def missing(self) -> int:
        """Samples that were missing since the start. [any-thread]"""
        return self._missing

    @property
    def underruns(self) -> int:
        """Times that sound broke off since the start. [any-thread]"""
        return self._underruns

    def hand_over(self) -> None:
        """Let other threads take the sides. [both threads stopped]"""
        self._owners.clear()

    def _is_mine(self, side: str) -> bool:
        """Tell whether this thread owns a side; the first to ask does. Runs in debug mode only."""
        return self._owners.setdefault(side, get_ident()) == get_ident()

    def _require(self, name: str, block: Audio, longest: int) -> None:
        if block.ndim != 2 or block.shape[0] != self.channels or block.shape[1] > longest:
            expected = f"[C, N] = ({self.channels}, up to {longest:,})"
            raise ShapeError.of(name, block.shape, expected, "Cut it, or claim a larger ring.")


class _Seam:
    """What is heard at the edges of a gap. Belongs to the reading thread; allocates once.

    The end of sound: the last sample, faded. Its return: faded in, over what is left of that.
    """

    def __init__(self, channels: int, fade_samples: int) -> None:
        self._rise = (np.arange(1, fade_samples + 1) / (fade_samples + 1)).astype(np.float32)
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
        np.multiply(self._last[:, None], self._rise[::-1], out=self._tail)
        self._tail_at, self._rise_at = 0, 0

    def _fade_in(self, sound: Audio) -> None:
        rise = self._rise[self._rise_at : self._rise_at + sound.shape[1]]
        if len(rise):
            sound[:, : len(rise)] *= rise
            self._rise_at += len(rise)

    def _add_tail(self, sound: Audio) -> None:
        tail = self._tail[:, self._tail_at : self._tail_at + sound.shape[1]]
        if tail.shape[1]:
            sound[:, : tail.shape[1]] += tail
            self._tail_at += tail.shape[1]
