"""The tempo map: which beat sounds at which second, through steps and glides.

In:  tempo changes in order of time, each a step or a glide over some seconds or beats.
Out: beat and tempo at any second, and the second of any beat. A glide is even in octaves, as the
ear hears tempo: bpm(t) = from * (to / from) ** (t / duration), and the beat is its integral in
closed form, so beats never jump. Pure; times in seconds, positions in beats.
"""

from bisect import bisect_right
from dataclasses import dataclass
from math import exp, log, log1p

_STEADY = 1e-9  # octaves; below this a glide is a constant


@dataclass(frozen=True)
class Stretch:
    """From one tempo change to the next: a glide, then a constant tempo."""

    second: float  # where it starts
    beat: float  # the beat there
    start_bpm: float
    end_bpm: float
    duration: float  # seconds of glide, 0 for a step

    def bpm_at(self, second: float) -> float:
        """Tempo at a second within the stretch."""
        elapsed = second - self.second
        if elapsed >= self.duration:
            return self.end_bpm
        return self.start_bpm * exp(elapsed / self.duration * log(self.end_bpm / self.start_bpm))

    def beat_at(self, second: float) -> float:
        """Beat at a second within the stretch."""
        elapsed = second - self.second
        gliding = min(elapsed, self.duration)
        return (
            self.beat
            + glide_beats(self.start_bpm, self.bpm_at(self.second + gliding), gliding)
            + (elapsed - gliding) * self.end_bpm / 60.0
        )

    def second_at(self, beat: float) -> float:
        """Second of a beat within the stretch."""
        passed = beat - self.beat
        in_glide = glide_beats(self.start_bpm, self.end_bpm, self.duration)
        if passed >= in_glide:
            return self.second + self.duration + (passed - in_glide) * 60.0 / self.end_bpm
        rate = (
            log(self.end_bpm / self.start_bpm) / self.duration
        )  # of exponential growth, per second
        if abs(rate * self.duration) < _STEADY:
            return self.second + passed * 60.0 / self.start_bpm
        return self.second + log1p(passed * rate * 60.0 / self.start_bpm) / rate


class TempoMap:
    """Tempo over time. Before the first change there is no tempo and no beat."""

    def __init__(self) -> None:
        self._stretches: list[Stretch] = []

    def change(self, second: float, bpm: float, *, glide_seconds: float = 0.0) -> None:
        """Add a change at a second, not before the last one.

        The first change cannot glide: there is nothing to glide from.
        """
        if not self._stretches:
            self._stretches.append(Stretch(second, 0.0, bpm, bpm, 0.0))
            return
        last = self._stretches[-1]
        assert second >= last.second, "tempo changes come in order"
        start_bpm = last.bpm_at(second) if glide_seconds else bpm
        self._stretches.append(Stretch(second, last.beat_at(second), start_bpm, bpm, glide_seconds))

    def bpm_at(self, second: float) -> float | None:
        """Tempo, or None before the first change."""
        stretch = self._at(second)
        return stretch.bpm_at(second) if stretch else None

    def beat_at(self, second: float) -> float | None:
        """Beats since the first change, or None before it."""
        stretch = self._at(second)
        return stretch.beat_at(second) if stretch else None

    def second_at(self, beat: float) -> float | None:
        """When a beat sounds, or None if there is no tempo at all."""
        if not self._stretches:
            return None
        index = bisect_right(self._stretches, beat, key=lambda stretch: stretch.beat)
        return self._stretches[max(0, index - 1)].second_at(beat)

    def _at(self, second: float) -> Stretch | None:
        index = bisect_right(self._stretches, second, key=lambda stretch: stretch.second)
        return self._stretches[index - 1] if index else None


def glide_beats(start_bpm: float, end_bpm: float, seconds: float) -> float:
    """Beats that pass in a glide: seconds times the logarithmic mean of both tempi."""
    octaves = log(end_bpm / start_bpm)
    if abs(octaves) < _STEADY:
        return seconds * start_bpm / 60.0
    return seconds * (end_bpm - start_bpm) / octaves / 60.0


def glide_seconds(start_bpm: float, end_bpm: float, beats: float) -> float:
    """How long a glide of so many beats takes; the inverse of `glide_beats`."""
    return beats / glide_beats(start_bpm, end_bpm, 1.0)
