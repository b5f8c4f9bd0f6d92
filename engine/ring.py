"""A ring of audio between one writing and one reading thread, kept on time.

In:  [C, N] float32 blocks of any size from one thread. Out: blocks of any size for another.

Samples are counted from the ring's start, on both sides, and the reader's count always goes on by
what it asked for: sample n of the ring is sample n of the stream, whatever went wrong before. So
what is written too late is never heard, and what is heard is never late. Memory is claimed once;
a write is done whole or not at all; what is missing is counted, returned and faded.

What was written and not heard yet can be written again. The new samples go behind the old ones in
memory, and then the map of what lies where is exchanged: a reader that is under way finishes with
the map it began with, and the old samples stay until it has passed them.

The map is written by one side only, after the samples are copied, and the reader's count by the
other; each is one store, which CPython shows to other threads whole and in order, so no lock is
needed. In debug mode (without -O) each side belongs to the first thread that uses it, and a second
one is an assertion.
"""

from threading import get_ident
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import OptionError, ShapeError
from engine.seam import Seam

Audio = NDArray[np.float32]

FADE_SAMPLES: Final = 128  # about 3 ms at 48 kHz: too short for an echo, too long for a click
_ANY_LENGTH: Final = 1 << 62


class _Piece(NamedTuple):
    """A stretch of the stream that lies in memory as it sounds."""

    start: int  # its first sample; it ends where the next piece starts
    shift: int  # sample n lies at place (n + shift) % capacity


class _Map(NamedTuple):
    """What has been written, and where it lies. Never changed, only exchanged."""

    pieces: tuple[_Piece, ...]  # by start, some empty; the first holds what was heard last
    written: int  # index of the next sample to be written

    def piece_at(self, sample: int) -> _Piece:
        """Where a sample lies; the first piece for one that is past."""
        return next((p for p in reversed(self.pieces) if p.start <= sample), self.pieces[0])


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
        self._map = _Map((_Piece(0, 0),), 0)  # set by the writing thread
        self._read: int = 0  # set by the reading thread
        self._claimed: int = 0  # where the reader will be; set before it looks at the map
        self._turned: int = 0  # `_claimed` as it was after the last rewrite; the writer's
        self._heard_piece = self._map.pieces[0]  # the reader's: holds the sample it heard last
        self._overtaken = 0  # set by the reading thread
        self._missing = 0  # samples; set by the reading thread
        self._underruns = 0  # gaps; set by the reading thread
        self._seam = Seam(channels, fade_samples)
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
        return self._put(block, self._map.written, self._pieces_in_use())

    def rewrite(self, sample: int, block: Audio, *, fade: bool = False) -> bool:
        """Replace what was written from a sample on; what lies behind the block is dropped.

        The reader never hears a mixture but across this one seam: if it is inside the old samples
        already when this is called, nothing is done; if it gets there meanwhile, it finishes its
        block with the old ones, fades over to the new, and `overtaken` counts it. [writer-thread]

        Args:
            sample: index of the first to replace, at most `written`.
            block: [C, N], N from 0 on. Its room is beside that of the old samples.
            fade: cross over from the old samples to the new ones, where they do not follow from
                what was heard before.

        Returns:
            False if the reader has been there, or there is no room now; nothing is changed then.

        Raises:
            OptionError: a sample that was never written.
            ShapeError: other channels, or a block that never fits.
        """
        assert self._is_mine("writer"), "a second thread writes; see `hand_over`"
        self._require("block", block, self.capacity)
        if not 0 <= sample <= self._map.written:
            raise OptionError.of("sample", sample, f"0 to {self._map.written:,}, what is written")
        if sample < self._claimed:
            return False
        if fade:
            block = self._crossed(sample, block)
        kept = tuple(piece for piece in self._pieces_in_use() if piece.start <= sample)
        end = self._map.written + self._map.pieces[-1].shift  # behind everything, in memory
        if not self._put(block, sample, (*kept, _Piece(sample, end - sample))):
            return False
        self._turned = self._claimed
        return True

    def _pieces_in_use(self) -> tuple[_Piece, ...]:
        """The map's pieces without those that the reader has left.

        A reader that is under way may have begun before the last rewrite, and so with the map
        before it, wherever it is. Only behind what it had claimed then does it surely use this one.
        """
        pieces, read = self._map.pieces, self._read
        while len(pieces) > 1 and pieces[1].start < read and read >= self._turned:
            pieces = pieces[1:]
        return pieces

    def _crossed(self, sample: int, block: Audio) -> Audio:
        """A block that begins as what lies there now and ends as itself."""
        now = self._map
        count = min(len(self._seam.rise), now.written - sample, block.shape[1])
        old = np.empty((self.channels, count), np.float32)
        self._fill(now, sample, old)
        rise = self._seam.rise[:count]
        return np.concatenate([old + rise * (block[:, :count] - old), block[:, count:]], axis=1)

    def _put(self, block: Audio, sample: int, pieces: tuple[_Piece, ...]) -> bool:
        """Copy a block to the end of the memory in use, then show the reader where it lies."""
        read = self._read  # from here on one may be copying still
        first, count = sample + pieces[-1].shift, block.shape[1]
        if first + count - (read + pieces[0].shift) > self.capacity:
            return False
        at = first % self.capacity
        head = min(count, self.capacity - at)
        self._samples[:, at : at + head] = block[:, :head]
        self._samples[:, : count - head] = block[:, head:]
        self._map = _Map(pieces, sample + count)  # from here on the reader may have it
        return True

    @property
    def room(self) -> int:
        """Samples that can be written now. [writer-thread]"""
        now, read = self._map, self._read
        return self.capacity - (now.written + now.pieces[-1].shift) + (read + now.pieces[0].shift)

    def skip_late(self, grain: int) -> int:
        """Leave out what would come too late to be heard, in whole grains. [writer-thread]

        Args:
            grain: samples that stay together, such as those of a frame.

        Returns:
            How many samples were left out, a multiple of the grain; 0 when on time.
        """
        assert self._is_mine("writer"), "a second thread writes; see `hand_over`"
        late: int = max(0, self._read - self._map.written) // grain * grain
        self._map = self._map._replace(written=self._map.written + late)
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
        self._claimed = start + count  # before looking at the map: see `rewrite`
        now = self._map
        ready = min(count, max(0, now.written - start))
        self._overtaken += self._smooth_if_overtaken(now, start)
        self._fill(now, start, out[:, :ready])
        self._heard_piece = now.piece_at(start + count - 1)
        self._read = start + count  # from here on the writer may use its place
        self._underruns += self._seam.join(out, ready)
        self._missing += count - ready
        return count - ready

    def _fill(self, now: _Map, start: int, out: Audio) -> None:
        """Copy what is written from a sample on into a block."""
        ends = (*(piece.start for piece in now.pieces[1:]), now.written)
        for piece, end in zip(now.pieces, ends, strict=True):
            first, stop = max(piece.start, start), min(end, start + out.shape[1])
            if first < stop:
                at, to = (first + piece.shift) % self.capacity, first - start
                head = min(stop - first, self.capacity - at)
                out[:, to : to + head] = self._samples[:, at : at + head]
                out[:, to + head : stop - start] = self._samples[:, : stop - first - head]

    def _smooth_if_overtaken(self, now: _Map, start: int) -> bool:
        """Fade if what was heard last is not what lies there now."""
        if now.pieces[0].start >= start or now.piece_at(start - 1) is self._heard_piece:
            return False
        self._seam.cut()
        return True

    def reset(self) -> None:
        """Leave out everything that was written and is not heard yet. [reader-thread]

        The only thread that may call it is the one that reads: to leave out is to read without
        listening, so the writer need not stop. The count goes on to where the writer is; what comes
        next fades in over the end of what was heard last.
        """
        assert self._is_mine("reader"), "reset is the reading thread's; see `hand_over`"
        now = self._map
        self._read = self._claimed = max(self._read, now.written)
        self._heard_piece = now.piece_at(self._read - 1)
        self._seam.cut()

    def rest(self, out: Audio) -> None:
        """Fill a block with silence and stay; what was heard last fades. [reader-thread]

        Raises:
            ShapeError: other channels.
        """
        assert self._is_mine("reader"), "a second thread reads; see `hand_over`"
        self._require("out", out, _ANY_LENGTH)
        self._seam.join(out, 0)

    def skip(self, count: int) -> None:
        """Go on by so many samples without hearing them; what comes next fades in.

        [reader-thread]
        """
        assert self._is_mine("reader"), "a second thread reads; see `hand_over`"
        self._read = self._claimed = self._read + count
        self._heard_piece = self._map.piece_at(self._read - 1)
        self._seam.cut()

    # --- both -----------------------------------------------------------------------------------

    @property
    def filled(self) -> int:
        """Samples that can be read; negative where the writer is behind by so many. [any-thread]"""
        return self._map.written - self._read

    @property
    def written(self) -> int:
        """Index of the next sample to be written. [any-thread]"""
        return self._map.written

    @property
    def heard(self) -> int:
        """Index of the next sample to be read. [any-thread]"""
        return self._read

    @property
    def claimed(self) -> int:
        """Where the reader is, or will be when it is done; what is before cannot be replaced."""
        return self._claimed

    @property
    def missing(self) -> int:
        """Samples that were missing since the start. [any-thread]"""
        return self._missing

    @property
    def underruns(self) -> int:
        """Times that sound broke off since the start. [any-thread]"""
        return self._underruns

    @property
    def overtaken(self) -> int:
        """Times that the reader heard what was being replaced. [any-thread]"""
        return self._overtaken

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
