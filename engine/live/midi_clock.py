"""Follow a MIDI clock: 24 ticks a quarter note become tempo, place and playing.

In:  the clock's messages, each with the second it came. Out: pulses for the host. Ticks come early
and late by a millisecond or more, so tempo and place are read off a line through the last two
quarters of them. Without a start message only the tempo is known. Pure; one caller.
"""

from collections import deque
from typing import Final

import numpy as np

from engine.live.host import Pulse
from engine.song import HOST_TEMPO_BPM

TICKS: Final = 24  # a quarter note, by the MIDI standard
_FITTED_TICKS: Final = 4 * TICKS
_FIRST_TICKS: Final = TICKS // 2 + 1  # a tempo is told after half a quarter
_PAUSE_SECONDS: Final = 0.25  # between ticks; 10 bpm: the clock was stopped, or pulled
_STEADY: Final = 0.001  # share; a tempo that changes by less is the same, seen through jitter
_OFF_SECONDS: Final = 0.008  # from the line; more than any jitter
_OFF_TICKS: Final = 6  # in a row: then the tempo is another
_SIXTEENTH: Final = TICKS // 4  # ticks; the unit of a song position pointer


class MidiClock:
    """One clock input."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=_FITTED_TICKS)
        self._tick = 0  # of the song, the next to come
        self._playing = False  # by a start or continue; without, the place is not known
        self._due = 0  # ticks until the next pulse
        self._bpm: float | None = None  # as last told
        self._apart: float | None = None  # seconds between ticks, by the last line
        self._expected = 0.0  # when the next tick comes, by that line
        self._off = 0  # ticks in a row that did not

    def hear(self, kind: str, second: float, *, sixteenths: int = 0) -> Pulse | None:
        """Take in one message.

        Args:
            kind: "clock", "start", "continue", "stop" or "songpos", as the standard has them.
            second: when it came.
            sixteenths: where a "songpos" points.

        Returns:
            A pulse every quarter note and at each start and stop.
        """
        match kind:
            case "clock":
                return self._hear_tick(second)
            case "songpos":
                self._tick = sixteenths * _SIXTEENTH
            case "start" | "continue":
                self._tick = 0 if kind == "start" else self._tick
                self._playing, self._due = True, 0  # the next tick is the first that sounds
            case "stop":
                self._playing = False
                return Pulse(second=second, playing=False)
        return None

    def _hear_tick(self, second: float) -> Pulse | None:
        self._forget_another_tempo(second)
        self._seconds.append(second)
        tick = self._tick
        self._tick += self._playing
        if self._apart is None and len(self._seconds) >= _FIRST_TICKS:
            self._due = 0
        self._due -= 1
        return self._pulse(tick, second) if self._due < 0 else None

    def _forget_another_tempo(self, second: float) -> None:
        """Drop ticks from before a pause or another tempo."""
        if self._seconds and not 0 < second - self._seconds[-1] <= _PAUSE_SECONDS:
            self._seconds.clear()
            self._apart = None
        if self._apart is None:
            return
        self._off = self._off + 1 if abs(second - self._expected) > _OFF_SECONDS else 0
        self._expected += self._apart
        if self._off == _OFF_TICKS:
            while len(self._seconds) >= _OFF_TICKS:
                self._seconds.popleft()
            self._apart, self._off = None, 0

    def _pulse(self, tick: int, second: float) -> Pulse | None:
        self._due = TICKS - 1
        if len(self._seconds) >= _FIRST_TICKS:
            second = self._read_line()
        if not self._playing:
            return None if self._bpm is None else Pulse(second=second, bpm=self._bpm)
        return Pulse(second=second, quarter=tick / TICKS, bpm=self._bpm, playing=True)

    def _read_line(self) -> float:
        """Set the tempo; returns when the newest tick was due."""
        seconds = np.array(self._seconds)
        ticks = np.arange(len(seconds)) - (len(seconds) - 1) / 2
        apart = float(ticks @ seconds / (ticks @ ticks))
        bpm = 60.0 / (TICKS * apart)
        low, high = HOST_TEMPO_BPM
        if low <= bpm <= high and (self._bpm is None or abs(bpm / self._bpm - 1.0) > _STEADY):
            self._bpm = round(bpm, 2)
        due = float(seconds.mean()) + apart * float(ticks[-1])
        self._apart, self._expected = apart, due + apart
        return due
