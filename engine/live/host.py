"""The host of a live set: who keeps time, told to the runner block by block.

In:  pulses: what taps of the space bar, a MIDI clock or Ableton Link say of tempo, place and
playing, each at a second of one clock. Out: a `HostBlock` for an audio block, when there is
something new to say of it; None otherwise, so that a control log holds what changed and no more.
Knows neither the sources nor the sound card.
"""

from collections import deque
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final

from engine.clock import HostBlock
from engine.song import Signature, SongTempo

DRIFT_SECONDS: Final = 0.002  # of the place in the song; a clock calls 5 ms a jump
_WINDOW_SECONDS: Final = 1.0
_GAP_SECONDS: Final = 0.5  # that no callback is late: the machine was asleep


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """What somebody who keeps time says about one moment. None where they say nothing."""

    second: float  # of the clock that all sources share
    quarter: float | None = None  # place in the song
    bpm: float | None = None  # quarter notes a minute
    playing: bool | None = None
    signature: Signature | None = None


class Host:
    """Merges what is said and speaks up when the runner would be wrong without."""

    def __init__(self) -> None:
        self._lock = Lock()  # among those who say; never taken by the audio thread
        self._said: Pulse | None = None  # set by those who say, read by the audio thread
        self._seen: Pulse | None = None  # audio thread only, like the rest
        self._told: HostBlock | None = None

    @property
    def is_playing(self) -> bool:
        """Whether the song goes on, by what was last said. [any-thread]"""
        return self._said is None or self._said.playing is not False

    @property
    def keeps_time(self) -> bool:
        """Whether somebody said a tempo. [any-thread]"""
        return self._said is not None and self._said.bpm is not None

    def say(self, pulse: Pulse) -> None:
        """Take note; what it leaves out stays as it was said before. [any-thread but audio]"""
        with self._lock:
            before = self._said
            if before is not None:
                pulse = replace(
                    pulse,
                    bpm=before.bpm if pulse.bpm is None else pulse.bpm,
                    playing=before.playing if pulse.playing is None else pulse.playing,
                    signature=pulse.signature or before.signature,
                )
            self._said = pulse

    def block(self, sample: int, rate: int, second: float) -> HostBlock | None:
        """Say what is new about a block. [audio-thread]

        Args:
            sample: of the stream, the block's first.
            rate: Hz.
            second: of the pulses' clock, when that sample is heard.
        """
        said = self._said
        if said is None or said is self._seen:
            return None
        self._seen = said
        block = HostBlock(
            sample=sample,
            rate=rate,
            quarter=_place(said, second),
            tempo=None if said.bpm is None else SongTempo(said.bpm),
            signature=said.signature,
            playing=said.playing is not False,
        )
        if self._told is not None and _follows(block, self._told):
            return None
        self._told = block
        return block


def _place(said: Pulse, second: float) -> float | None:
    """Where the song is at a second, by a pulse."""
    if said.quarter is None or said.bpm is None or said.playing is False:
        return said.quarter
    return said.quarter + (second - said.second) * said.bpm / 60.0


def _follows(now: HostBlock, told: HostBlock) -> bool:
    """Tell whether a block says what could be worked out from the one told before."""
    if (now.rate, now.tempo, now.signature, now.playing) != (
        told.rate,
        told.tempo,
        told.signature,
        told.playing,
    ):
        return False
    if now.quarter is None or told.quarter is None or now.tempo is None:
        return now.quarter == told.quarter
    per_second = now.tempo.bpm / 60.0 if now.playing else 0.0
    expected = told.quarter + (now.sample - told.sample) / now.rate * per_second
    return abs(now.quarter - expected) <= DRIFT_SECONDS * now.tempo.bpm / 60.0


class SampleClock:
    """Tells when a block's first sample is due, from callbacks that come late, and never early.

    The earliest callback of the last second, counted in samples, is the one that was not late. So a
    card that drifts is followed, and one that lost some samples a second later.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._sample = 0  # of the next callback
        # Samples and how far the clock was ahead of them, later ones further: the first is least.
        self._ahead: deque[tuple[int, float]] = deque()

    def at(self, second: float, samples: int) -> float:
        """Filter one callback. [audio-thread]

        Args:
            second: when it came.
            samples: how many it asked for.

        Returns:
            When its first sample was due, as far as can be told.
        """
        place = self._sample / self._rate
        ahead, kept = second - place, self._ahead
        if kept and ahead - kept[0][1] > _GAP_SECONDS:
            kept.clear()
        while kept and kept[-1][1] >= ahead:
            kept.pop()
        kept.append((self._sample, ahead))
        while kept[0][0] < self._sample - _WINDOW_SECONDS * self._rate:
            kept.popleft()
        self._sample += samples
        return place + kept[0][1]
