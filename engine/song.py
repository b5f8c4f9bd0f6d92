"""The song's own axis, as a host counts it: quarter notes, meters, tempo and a loop.

In:  what a host says or a player sets. Out: bar lines, beats, tempo, and the song second of any
place and back. Places are quarter notes from the song's start ("ppq"), negative in a count-in;
tempi are quarter notes per minute. A beat is the signature's own: 6/8 counts two dotted quarters a
bar, as the corpus does. Frozen and pure; does not know what is playing, or when.
"""

from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor, isfinite
from typing import Final

from engine.errors import OptionError
from engine.reading.numbers import beats_of
from engine.tempo import TempoMap, glide_seconds

HOST_TEMPO_BPM: Final = (1.0, 1000.0)  # what hosts can be set to; the models know less
NEAR_QUARTERS: Final = 1e-7  # closer to a line is on it; 0.005 samples at 60 bpm, 48 kHz


@dataclass(frozen=True)
class Signature:
    """A time signature, as written."""

    beats: int = 4
    unit: int = 4  # 1, 2, 4, 8, 16 or 32

    def __post_init__(self) -> None:
        if not 1 <= self.beats <= 64 or self.unit not in (1, 2, 4, 8, 16, 32):
            got = f"{self.beats}/{self.unit}"
            raise OptionError.of("time signature", got, "1 to 64 over a power of two up to 32")

    @property
    def quarters_per_bar(self) -> float:
        """Exact: a multiple of 1/8."""
        return self.beats * 4 / self.unit

    @property
    def beats_per_bar(self) -> int:
        """3 in 3/4, 2 in 6/8 (dotted), 7 in 7/8 (eighths)."""
        return beats_of(self.beats, self.unit) or self.beats

    @property
    def quarters_per_beat(self) -> float:
        """1.5 in 6/8, 0.5 in 7/8."""
        return self.quarters_per_bar / self.beats_per_bar


@dataclass(frozen=True)
class BarGrid:
    """One meter, all along the song. Bars and phrases are counted from `origin`."""

    signature: Signature = Signature()
    bar_quarter: float = 0.0  # where some bar begins

    @property
    def origin(self) -> float:
        """The bar line at the song's start, or the last before it."""
        per_bar = self.signature.quarters_per_bar
        return self.bar_quarter - floor(self.bar_quarter / per_bar + NEAR_QUARTERS) * per_bar

    def beat_at(self, quarter: float) -> float:
        """Beats since the origin."""
        return (quarter - self.origin) / self.signature.quarters_per_beat

    def line_from(self, quarter: float, apart: float) -> float:
        """The first line at or after a place, of lines so many quarters apart from the origin."""
        return self.origin + ceil((quarter - self.origin - NEAR_QUARTERS) / apart) * apart

    def is_like(self, other: "BarGrid") -> bool:
        """Tell whether both have the same signature and bar lines, to 1/1,000 of a quarter."""
        per_bar = self.signature.quarters_per_bar
        bars = (self.bar_quarter - other.bar_quarter) / per_bar
        return self.signature == other.signature and abs(bars - round(bars)) * per_bar < 1e-3


@dataclass(frozen=True)
class Loop:
    """A region that repeats: what reaches its end goes on from its start."""

    start: float  # quarters
    end: float

    def __post_init__(self) -> None:
        if not (isfinite(self.start) and isfinite(self.end) and self.start < self.end):
            raise OptionError.of("loop", (self.start, self.end), "a start before its end")


@dataclass(frozen=True)
class TempoChange:
    """A new tempo from a place on, at once or over a ramp that is linear in quarters."""

    quarter: float
    bpm: float
    ramp_quarters: float = 0.0  # how long the ramp is; 0 for a step


@dataclass(frozen=True)
class SongTempo:
    """The tempo at every place of the song.

    A ramp that is linear in quarters is even in octaves over time, which is `engine.tempo`'s glide;
    so a `TempoMap` does the sums. Song seconds are 0 at `origin`.
    """

    bpm: float  # before the first change, and everywhere if there is none
    changes: tuple[TempoChange, ...] = ()  # in order of place

    def __post_init__(self) -> None:
        low, high = HOST_TEMPO_BPM
        for bpm in (self.bpm, *(change.bpm for change in self.changes)):
            if not low <= bpm <= high:
                raise OptionError.of("tempo", bpm, f"{low:g} to {high:g} quarter notes a minute")
        for before, after in zip(self.changes, self.changes[1:]):
            if not before.quarter <= after.quarter:
                raise OptionError.of("tempo changes", after.quarter, "places in rising order")
        if not all(isfinite(c.quarter) and 0 <= c.ramp_quarters < 1e9 for c in self.changes):
            raise OptionError.of("tempo changes", self.changes, "finite places and ramps")

    @property
    def origin(self) -> float:
        """Where the first change begins."""
        return self.changes[0].quarter if self.changes else 0.0

    @cached_property
    def _map(self) -> TempoMap:
        """From the origin on; before it the tempo is constant."""
        tempo = TempoMap()
        tempo.change(0.0, self.bpm)
        for change in self.changes:
            second = tempo.second_at(change.quarter - self.origin)
            assert second is not None, "the map has a first tempo"
            before = tempo.bpm_at(second)
            assert before is not None, "the map has a first tempo"
            glide = glide_seconds(before, change.bpm, change.ramp_quarters)
            tempo.change(second, change.bpm, glide_seconds=glide)
        return tempo

    def second_at(self, quarter: float) -> float:
        """Song second of a place."""
        passed = quarter - self.origin
        second = self._map.second_at(passed) if passed > 0 else None
        return passed * 60.0 / self.bpm if second is None else second

    def quarter_at(self, second: float) -> float:
        """Place at a song second."""
        passed = self._map.beat_at(second)
        return self.origin + (second * self.bpm / 60.0 if passed is None else passed)

    def bpm_at(self, quarter: float) -> float:
        """Tempo at a place, in quarter notes a minute."""
        if quarter < self.origin:
            return self.bpm
        return self._map.bpm_at(self.second_at(quarter)) or self.bpm
