"""The gate: where the host's audio thread comes by. It never waits, never locks, only copies.

In:  blocks of input, room for output, and what the host says. Out: sound from the outlet's ring,
input on the inlet's, the newest word of the host in a place of its own, and when which sample left.
When the host changes its rate, or the input has overflowed, the gate asks for another `Plug` and is
silent until the frame thread has put it in; the stream's time goes on.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.clock import Clock, HostBlock
from engine.errors import OptionError, ShapeError
from engine.loop.inlet import Inlet
from engine.loop.outlet import Outlet
from engine.loop.passages import Passages

Audio = NDArray[np.float32]

BLOCK_SECONDS: Final = 0.25  # a longer block than that cannot be made ahead of time
_PIECE_SAMPLES: Final = 4096  # of input, where its channels are not the host's
_WINDOW_SAMPLES: Final = 1 << 18  # over which the largest block is remembered, and once more


class Wanted(NamedTuple):
    """A plug that the audio thread asks for."""

    rate: int  # Hz
    start: int  # the stream's sample, at that rate, from which it is needed


class Plug(NamedTuple):
    """Both ways at one rate."""

    wanted: Wanted  # what it was made for
    outlet: Outlet
    inlet: Inlet


class Said(NamedTuple):
    """A word of the host."""

    sample: int  # of the stream, at the rate that was said
    block: HostBlock


class Cushion(NamedTuple):
    """Sound that has left the gate and is not heard yet."""

    held: int = 0  # samples
    wanted: int = 0  # samples of it that should be there


class Gate:
    """One host's way in and out. Attributes without an underscore may be read by any thread."""

    def __init__(
        self,
        plug: Plug,
        channels: int,
        clock: Clock,
        *,
        block: int = 0,
        is_fed: bool = False,
    ) -> None:
        """Open with a plug.

        Args:
            plug: for the host's first rate.
            channels: the host's, both ways.
            clock: tells when blocks leave.
            block: the largest block that the host has announced, in samples.
            is_fed: input comes by `feed`, later than the sound of the same place, and not by
                `exchange`.
        """
        self.plug = plug  # set by the frame thread
        self.wanted: Wanted | None = None  # an open wish of the audio thread
        self.said: Said | None = None  # the newest
        self.position = 0  # of the next block, in samples of the stream
        self.left = 0  # samples that were ready behind the last block
        self.blocks = 0
        self.last_second: float | None = None  # when the last block left
        self.listens: bool | None = None  # None until the first block tells
        self.lost_input = 0  # samples
        self.ignores_input = False  # there is some, and nobody listens
        self.cushion = Cushion()  # of a host that keeps sound before it plays it
        self.is_waited_for = False  # the host takes what is ready and waits for the rest
        self.passages = Passages()
        self._is_fed = is_fed
        self._channels, self._clock, self._announced = channels, clock, block
        self._largest = [block, block]  # of this window and the one before
        self._window_end = _WINDOW_SAMPLES
        self._piece = np.zeros((channels, _PIECE_SAMPLES), np.float32)

    @property
    def rate(self) -> int:
        """The host's rate, Hz, whether there is a plug for it or not."""
        return (self.wanted or self.plug.wanted).rate

    @property
    def block_seconds(self) -> float:
        """The largest block of late."""
        return min(max(self._largest) / self.rate, BLOCK_SECONDS)

    def exchange(self, block_in: Audio | None, out: Audio, said: HostBlock | None) -> None:
        """Hand over a block. See `engine.runner.Runner.exchange`. [audio-thread]"""
        count = out.shape[1]
        if said is not None:
            self._hear_word(said)
        plug = self.plug
        if self.wanted is not None and plug.wanted is self.wanted:
            plug.outlet.ring.skip(self.position - self.wanted.start)
            self.wanted = None
        if self.listens is None:
            self.listens = block_in is not None
        takes_input = self.listens and not self._is_fed
        if self.wanted is not None:  # what the ring holds is of the old rate
            plug.outlet.ring.rest(out)
            self.lost_input += count if takes_input else 0
        else:
            if takes_input:
                self._listen(plug, block_in, count)
            else:
                self.ignores_input = block_in is not None
            plug.outlet.ring.read(out)
        self.left = plug.outlet.ring.filled
        self.position += count
        self._note_size(count)
        self.last_second = self._clock.now()
        self.passages.note(self.position, self.last_second)
        self.blocks += 1

    @property
    def fed(self) -> int:
        """The sample of the stream that the next block of `feed` begins with."""
        return self.plug.wanted.start + self.plug.inlet.ring.written

    def feed(self, block: Audio) -> None:
        """Take input that comes by itself. See `engine.runner.Runner.feed`. [audio-thread]"""
        if not self.listens or self.wanted is not None:
            self.ignores_input = not self.listens
            return
        for first in range(0, block.shape[1], _PIECE_SAMPLES):
            piece = self._piece[:, : min(_PIECE_SAMPLES, block.shape[1] - first)]
            _fit(block[:, first : first + piece.shape[1]], piece)
            if not self.plug.inlet.ring.write(piece):
                self.lost_input += block.shape[1] - first
                return

    def tell(self, said: HostBlock) -> None:
        """Hear where the song is at a sample of the stream. [audio-thread]

        Raises:
            OptionError: at another rate than the stream's.
        """
        if said.rate != self.rate:
            raise OptionError.of("rate", said.rate, f"{self.rate}", "Change it with `exchange`.")
        self.said = Said(said.sample, said)

    def _hear_word(self, said: HostBlock) -> None:
        rate = self.rate
        if said.rate != rate:
            self.position = round(self.position * said.rate / rate)
            self.wanted = Wanted(said.rate, self.position)
            self.passages = Passages()
        self.said = Said(self.position, said)

    def _listen(self, plug: Plug, block_in: Audio | None, count: int) -> None:
        """Put the input, or silence, on the inlet's ring."""
        if block_in is not None and block_in.shape[1:] != (count,):
            raise ShapeError.of("block_in", block_in.shape, f"[1 or 2, N] with N = {count}")
        for first in range(0, count, _PIECE_SAMPLES):
            piece = self._piece[:, : min(_PIECE_SAMPLES, count - first)]
            if block_in is None:
                piece[:] = 0.0
            else:
                _fit(block_in[:, first : first + piece.shape[1]], piece)
            if not plug.inlet.ring.write(piece):
                self.lost_input += count - first
                self.wanted = Wanted(plug.wanted.rate, self.position + count)
                return

    def _note_size(self, count: int) -> None:
        if self.position > self._window_end:
            self._window_end = self.position + _WINDOW_SAMPLES
            self._largest = [self._announced, self._largest[0]]
        self._largest[0] = max(self._largest[0], count)


def _fit(block: Audio, piece: Audio) -> None:
    """Copy a block into one of other channels: one to all, several as their mean."""
    if block.shape[0] in (1, piece.shape[0]):
        piece[:] = block
    else:
        np.mean(block, axis=0, out=piece[0])
        piece[1:] = piece[0]
