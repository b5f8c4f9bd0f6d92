"""A repeat: the last bars, as they were made, again and again on the grid.

In:  a tape, and the output sample at which the repeating begins. Out: [C, F] per frame.
Passes begin at `origin + k * period`, each rounded to its own sample: a bar that is no whole number
of samples long does not drift. The end of a pass runs into what came before its beginning, so it
has no seam. A recording has the tempo that it has: after a change of tempo it begins on the grid
again, at its own. Frozen and pure.
"""

from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.clock import Transport
from engine.crossing import cross_samples
from engine.errors import OptionError
from engine.spec import FRAME_RATE, AudioFormat
from engine.tape import Tape

Audio = NDArray[np.float32]

LEAST_FRAMES: Final = 4  # a pass lasts longer than it takes to get its end onto the tape
_ON_TIME_SECONDS: Final = 0.001


@dataclass(frozen=True, kw_only=True, eq=False)
class Repeat:
    """Some bars of the tape, and where they are repeated."""

    start: int  # output sample at which the bars began when they were made
    period: float  # samples
    origin: int  # output sample at which a pass begins
    quarter: float  # place in the song at which a pass begins
    quarters: float  # length of a pass in the song
    body: Audio | None = None  # [C, ceil(period) + 1], once the tape holds it all

    @classmethod
    def of(
        cls, bars: int, sample: int, transport: Transport, tape: Tape, audio: AudioFormat
    ) -> "Repeat":
        """Repeat the bars before a sample of the output, from it on.

        Raises:
            OptionError: the tape does not go back so far, or the bars are too short.
        """
        quarter = transport.quarter_at(sample * transport.rate / audio.rate)
        quarters = bars * transport.grid.signature.quarters_per_bar
        second_at = transport.tempo.second_at
        seconds = second_at(quarter) - second_at(quarter - quarters)
        period = seconds * audio.rate
        start = floor(sample - period + 0.5)
        held = (tape.end - tape.first) / FRAME_RATE
        if start < tape.first * audio.frame_samples:
            raise OptionError.of("bars to freeze", bars, f"no more than the last {held:.1f} s")
        if period < LEAST_FRAMES * audio.frame_samples:
            raise OptionError.of("length of what is frozen", f"{seconds:.3f} s", "0.16 s or more")
        return cls(start=start, period=period, origin=sample, quarter=quarter, quarters=quarters)

    def aligned(self, sample: int, quarter: float, rate: int) -> "Repeat":
        """The same, on the grid where the song is at a place; itself if it is already.

        Until the tape holds the whole pass it stays where it is.
        """
        if self.body is None:
            return self
        passed = (quarter - self.quarter) / self.quarters % 1.0 * self.period
        origin = floor(sample - passed + 0.5)
        off = (origin - self.origin + self.period / 2) % self.period - self.period / 2
        return self if abs(off) < _ON_TIME_SECONDS * rate else replace(self, origin=origin)

    def taken(self, tape: Tape, audio: AudioFormat) -> "Repeat":
        """Take the bars off the tape, as soon as all of them are on it."""
        length, cross = ceil(self.period) + 1, cross_samples(audio.rate)
        frame_samples = audio.frame_samples
        if self.body is not None or tape.end * frame_samples < self.start + length:
            return self
        body = tape.read(self.start, self.start + length, frame_samples)
        early = max(tape.first * frame_samples, self.start - cross)
        run_up = tape.read(early, self.start + 2, frame_samples)
        run_up = np.pad(run_up, ((0, 0), (cross + 2 - run_up.shape[1], 0)))  # nothing was before
        end = floor(self.period)
        share = np.minimum(np.arange(1, length - end + cross + 1, dtype=np.float32) / cross, 1)
        tail = body[:, end - cross :]
        tail += share * (run_up[:, : tail.shape[1]] - tail)
        return replace(self, body=body)

    def read(self, sample: int, tape: Tape, audio: AudioFormat) -> Audio:
        """What sounds in the frame that begins at a sample: [C, F]; silence before the origin."""
        if self.body is not None:
            return self.body[:, self._offsets(sample, audio.frame_samples)]
        out = np.zeros((audio.channels, audio.frame_samples), np.float32)
        before = max(0, self.origin - sample)
        if before < audio.frame_samples:
            start = self.start + sample + before - self.origin
            count = audio.frame_samples - before
            out[:, before:] = tape.read(start, start + count, audio.frame_samples)
        return out

    def _offsets(self, sample: int, count: int) -> NDArray[np.int64]:
        """Where in the pass each of so many samples lies."""
        since = np.arange(sample, sample + count) - self.origin
        passes = np.ceil((since + 0.5) / self.period) - 1
        begins = np.floor(passes * self.period + 0.5).astype(np.int64)
        offsets: NDArray[np.int64] = since - begins
        return offsets
