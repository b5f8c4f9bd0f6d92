"""The clock: which place of the song sounds at which sample, and when the next bar comes.

In:  what a host says with an audio block, or a player where there is no host (`HostBlock`).
Out: the place at any sample of the stream, past or to come; the next beat, bar or phrase; and
whether what was said is a jump from what was predicted.

Two axes. The *stream* only goes forward: sample n of rate R sounds at n / R s, and frame t starts
at t / 25 s, so a frame's index says when it is heard. The *song* (`engine.song`) is what jumps. A
`Transport` holds one point at which both are known and computes every answer from it; nothing is
summed up, so nothing drifts. Frozen and pure, for any thread; only `SystemClock` touches the time
of day.
"""

from dataclasses import dataclass, field
from math import floor, isfinite, log2, remainder
from time import perf_counter, sleep
from typing import Final, Literal, NamedTuple, Protocol

from engine.errors import OptionError
from engine.song import NEAR_QUARTERS, BarGrid, Loop, Signature, SongTempo
from engine.spec import FRAME_RATE

UNHEARD_FRAMES: Final = 5  # how far ahead a jump is looked for: a lead of 80 ms and some slack
_JUMP_SECONDS: Final = 0.005  # what a switch on the bar may be off; less is followed in silence
_JUMP_OCTAVES: Final = log2(1.01)  # of tempo; less shifts no unheard frame by a jump's width

JumpKind = Literal["start", "stop", "locate", "loop", "tempo", "meter"]


@dataclass(frozen=True, kw_only=True)
class HostBlock:
    """What is said about the first sample of an audio block. None where a host says nothing."""

    sample: int  # of the stream; after a change of rate, as if it always had the new one
    rate: int  # Hz
    quarter: float | None = None  # place in the song
    tempo: SongTempo | None = None  # `SongTempo(bpm)`, with the changes that are known to come
    signature: Signature | None = None
    bar_quarter: float | None = None  # where the current bar began
    playing: bool = True
    loop: Loop | None = None  # None when looping is off

    def __post_init__(self) -> None:
        if self.rate <= 0:
            raise OptionError.of("rate", self.rate, "a sample rate in Hz")
        for name in ("quarter", "bar_quarter"):
            value = getattr(self, name)
            if value is not None and not isfinite(value):
                raise OptionError.of(name, value, "a finite place in quarter notes")


class Position(NamedTuple):
    """Where the song is at some sample, in the words of `engine.row.Controls`."""

    quarter: float
    beat: float  # beats since the grid's origin
    beats_per_bar: int
    tempo_bpm: float  # beats of the signature a minute

    @property
    def bar(self) -> int:
        """Index of the bar, from 0; negative in a count-in."""
        return floor(self.beat / self.beats_per_bar + NEAR_QUARTERS)


class Mark(NamedTuple):
    """When a line of the grid sounds."""

    sample: float  # of the stream, exact
    rate: int  # Hz

    @property
    def frame(self) -> int:
        """The frame it falls into, to the nearest sample."""
        return round(self.sample) * FRAME_RATE // self.rate

    def offset_at(self, rate: int) -> int:
        """Samples of another rate, a multiple of 25, from the start of the frame it falls into."""
        return round(self.sample * rate / self.rate - self.frame * rate / FRAME_RATE)


class Jump(NamedTuple):
    """What was said differs from what was predicted: unheard frames are aimed at the wrong place.

    `quarter` is where the song is, `expected` where it was predicted to be.
    """

    kind: JumpKind
    sample: float
    expected: float
    quarter: float


@dataclass(frozen=True, kw_only=True)
class Transport:
    """One sample at which the place in the song is known, and what goes on from there.

    On its own it runs freely: `Transport(rate=48000, tempo=SongTempo(120))` plays from the first
    bar at the stream's first sample.
    """

    rate: int  # Hz
    tempo: SongTempo
    sample: int = 0
    quarter: float = 0.0
    grid: BarGrid = field(default_factory=BarGrid)
    playing: bool = True
    loop: Loop | None = None

    # --- what is said ---------------------------------------------------------------------------

    def follow(self, said: HostBlock) -> "Transport":
        """Take over what was said. What was not said goes on as predicted.

        A signature without a bar start keeps the bar lines if it is the old one, and otherwise
        counts from the song's start.
        """
        here = self.quarter_at(said.sample * self.rate / said.rate)
        return Transport(
            rate=said.rate,
            tempo=said.tempo or self.tempo,
            sample=said.sample,
            quarter=here if said.quarter is None else said.quarter,
            grid=self._grid(said),
            playing=said.playing,
            loop=said.loop,
        )

    def _grid(self, said: HostBlock) -> BarGrid:
        signature = said.signature or self.grid.signature
        if said.bar_quarter is not None:
            return BarGrid(signature, said.bar_quarter)
        return self.grid if signature == self.grid.signature else BarGrid(signature)

    def jump_from(
        self, before: "Transport", *, unheard_frames: int = UNHEARD_FRAMES
    ) -> Jump | None:
        """Tell whether frames that were aimed by `before` and are not heard yet must be re-aimed.

        Args:
            before: what was known until now.
            unheard_frames: how many frames after this transport's sample have been made already.

        Returns:
            The jump, or None if every unheard frame is off by less than 5 ms and 1 % of tempo.
        """
        kind = self._jump_now(before) or self._jump_to_come(before, unheard_frames)
        if kind is None:
            return None
        return Jump(kind, self.sample, before.quarter_at(self._on(before, 0)), self.quarter)

    def _jump_now(self, before: "Transport") -> JumpKind | None:
        if self.playing != before.playing:
            return "start" if self.playing else "stop"
        if self._seconds_off(before, 0) > _JUMP_SECONDS:
            expected = before.quarter_at(self._on(before, 0))
            wrapped = self.loop and self.loop.start <= self.quarter < self.loop.end <= expected
            return "loop" if wrapped else "locate"
        bpm, was = self.tempo.bpm_at(self.quarter), before.tempo.bpm_at(self.quarter)
        if abs(log2(bpm / was)) > _JUMP_OCTAVES:
            return "tempo"
        return None if self.grid.is_like(before.grid) else "meter"

    def _jump_to_come(self, before: "Transport", frames: int) -> JumpKind | None:
        if self._seconds_off(before, frames) <= _JUMP_SECONDS:
            return None
        return "tempo" if self.loop == before.loop else "loop"

    def _seconds_off(self, before: "Transport", frames: int) -> float:
        """How far both are apart, so many frames on; a loop's end is its start."""
        here = self._song_second(self.sample + frames * self.rate / FRAME_RATE)
        there = self.tempo.second_at(before.quarter_at(self._on(before, frames)))
        loop = self._loop_ahead
        if loop is None or before.loop != loop:
            return abs(here - there)
        start, end = self.tempo.second_at(loop.start), self.tempo.second_at(loop.end)
        both_inside = start <= here and start <= there <= end
        return abs(remainder(here - there, end - start)) if both_inside else abs(here - there)

    def _on(self, other: "Transport", frames: int) -> float:
        """This transport's sample, so many frames on, as the other counts."""
        return (self.sample / self.rate + frames / FRAME_RATE) * other.rate

    # --- where ----------------------------------------------------------------------------------

    def quarter_at(self, sample: float) -> float:
        """Place in the song at a sample of the stream, through loops and tempo changes."""
        if not self.playing or sample == self.sample:
            return self.quarter
        return self.tempo.quarter_at(self._song_second(sample))

    def position_at(self, sample: float) -> Position:
        """Place, beat and tempo at a sample of the stream."""
        quarter = self.quarter_at(sample)
        signature = self.grid.signature
        return Position(
            quarter=quarter,
            beat=self.grid.beat_at(quarter),
            beats_per_bar=signature.beats_per_bar,
            tempo_bpm=self.tempo.bpm_at(quarter) / signature.quarters_per_beat,
        )

    def position_at_frame(self, frame: int) -> Position:
        """Place, beat and tempo when a frame's first sample is heard."""
        return self.position_at(frame * self.rate / FRAME_RATE)

    @property
    def _loop_ahead(self) -> Loop | None:
        """The loop, unless the song has gone past its end already."""
        if self.loop is None or self.quarter >= self.loop.end:
            return None
        return self.loop

    def _song_second(self, sample: float) -> float:
        second = self.tempo.second_at(self.quarter)
        if self.playing:
            second += (sample - self.sample) / self.rate
        if self._loop_ahead is None:
            return second
        start = self.tempo.second_at(self._loop_ahead.start)
        end = self.tempo.second_at(self._loop_ahead.end)
        return second if second < end else start + (second - end) % (end - start)

    # --- when -----------------------------------------------------------------------------------

    def next_beat(self, frame: int) -> Mark | None:
        """When the first beat sounds at or after a frame's start; None while stopped."""
        return self._next(frame, self.grid.signature.quarters_per_beat)

    def next_bar(self, frame: int) -> Mark | None:
        """When the first bar line sounds at or after a frame's start; None while stopped.

        In a loop that holds no bar line, its start takes the bar line's place.
        """
        return self.next_phrase(frame, bars=1)

    def next_phrase(self, frame: int, *, bars: int) -> Mark | None:
        """When the first phrase of so many bars, counted from the song's start, begins.

        In a loop that holds no such line, its start takes the line's place.

        Raises:
            OptionError: less than one bar.
        """
        if bars < 1:
            raise OptionError.of("bars", bars, "1 or more")
        return self._next(frame, bars * self.grid.signature.quarters_per_bar)

    def next_line(self, sample: float, *, quarters_apart: float) -> Mark | None:
        """When the first of lines so far apart, from the grid's origin on, sounds.

        In a loop that holds no such line, its start takes the line's place.

        Args:
            sample: of the stream; a line on it counts.
            quarters_apart: more than 0.

        Returns:
            None while stopped.
        """
        if not self.playing:
            return None
        return Mark(sample + self._seconds_to_line(sample, quarters_apart) * self.rate, self.rate)

    def next_wrap(self, sample: float) -> Mark | None:
        """When the loop next goes back to its start, at or after a sample; None without one."""
        if not self.playing or self._loop_ahead is None:
            return None
        left = self.tempo.second_at(self._loop_ahead.end) - self._song_second(sample)
        return Mark(sample + left * self.rate, self.rate)

    def _next(self, frame: int, apart: float) -> Mark | None:
        return self.next_line(frame * self.rate / FRAME_RATE, quarters_apart=apart)

    def _seconds_to_line(self, sample: float, apart: float) -> float:
        """Seconds from a sample until the song crosses a line of the grid."""
        second_at, loop = self.tempo.second_at, self._loop_ahead
        here = self._song_second(sample)
        line = self.grid.line_from(self.tempo.quarter_at(here), apart)
        if loop is None or line < loop.end - NEAR_QUARTERS:
            return max(0.0, second_at(line) - here)
        again = self.grid.line_from(loop.start, apart)
        if again >= loop.end - NEAR_QUARTERS:
            again = loop.start
        return max(0.0, second_at(loop.end) - here) + second_at(again) - second_at(loop.start)


# --- time of day --------------------------------------------------------------------------------


class Clock(Protocol):
    """What tells the time and waits: the machine, or a test. [any-thread]"""

    def now(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    def sleep_until(self, second: float) -> None:
        """Return at or after a second; at once if it has passed."""
        ...


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Seconds since some moment."""
        return perf_counter()

    def sleep_until(self, second: float) -> None:
        """Sleep until a second."""
        while (left := second - self.now()) > 0:
            sleep(left)


class VirtualClock:
    """A clock that stands still unless it is told to go on, or asked to sleep."""

    def __init__(self, second: float = 0.0) -> None:
        self._second = second

    def now(self) -> float:
        """The second it was told."""
        return self._second

    def sleep_until(self, second: float) -> None:
        """Be there at once."""
        self._second = max(self._second, second)

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            OptionError: backwards.
        """
        if seconds < 0:
            raise OptionError.of("seconds", seconds, "0 or more")
        self._second += seconds
