"""Knobs: the parameters that were set by hand, and the numbers on their way.

In:  rows of `engine.params.PARAMETERS` with a value, or None for "not by hand"; and what a prompt
says of tempo, which holds where no hand has. Out: the value of any row at a frame. Numbers glide
(tempo evenly in octaves); switches, choices and whole numbers change at once. Frozen and pure;
answers for frames from the last change on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from engine import params
from engine.glide import Glide
from engine.options import SamplingOptions, check_seed
from engine.params import PARAMETERS, Value

GLIDING: Final = ("tempo", "temperature", "guidance", "density", "brightness", "level")


@dataclass(frozen=True, kw_only=True)
class Knobs:
    """All parameters."""

    opened_seed: int = 0  # what a seed of None goes back to
    opened_sampling: SamplingOptions = field(default_factory=SamplingOptions)  # the same
    by_hand: Mapping[str, Value] = field(default_factory=dict)
    said_tempo_bpm: float | None = None  # by the prompt that speaks
    glides: Mapping[str, Glide] = field(default_factory=dict)  # of numbers that have been moved

    def __post_init__(self) -> None:
        check_seed(self.opened_seed)
        for name, value in self.by_hand.items():
            params.check(name, value)
        for name, glide in self.glides.items():
            for end in (glide.start, glide.end):
                params.check(name, end)

    def turn(self, name: str, value: Value | None, frame: int, frames: int) -> "Knobs":
        """Set a parameter by hand; numbers arrive over so many frames."""
        others = {other: kept for other, kept in self.by_hand.items() if other != name}
        turned = replace(self, by_hand=others if value is None else {**others, name: value})
        if name not in GLIDING:
            return turned
        frames = max(frames, PARAMETERS[name].smoothing_frames)
        return turned._glide(name, self.number(name, frame), frame, frames)

    def say_tempo(self, bpm: float | None, frame: int, frames: int) -> "Knobs":
        """Take over what the prompt that speaks says; a glide under way to that tempo goes on."""
        if bpm == self.said_tempo_bpm:
            return self
        said = replace(self, said_tempo_bpm=bpm)
        if "tempo" in self.by_hand:
            return said
        return said._glide("tempo", self.number("tempo", frame), frame, frames)

    def setting(self, name: str) -> Value | None:
        """What is asked for, though it may still be on its way; None is "not given"."""
        if name in self.by_hand:
            return self.by_hand[name]
        opened = {
            "tempo": self.said_tempo_bpm,
            "seed": self.opened_seed,
            "temperature": self.opened_sampling.temperature,
            "guidance": self.opened_sampling.guidance,
        }
        return opened.get(name, PARAMETERS[name].default)

    def number(self, name: str, frame: int) -> float | None:
        """The value of a number at a frame; None is "not given"."""
        glide = self.glides.get(name)
        return self._target(name) if glide is None else glide.at(frame)

    def whole(self, name: str) -> int:
        """The value of a whole number that has a default."""
        value = self.setting(name)
        assert isinstance(value, int), f"{name} has a default and was checked"
        return value

    def _glide(self, name: str, start: float | None, frame: int, frames: int) -> "Knobs":
        glide = Glide(
            start=start,
            end=self._target(name),
            frame=frame,
            frames=frames,
            in_octaves=name == "tempo",
        )
        return replace(self, glides={**self.glides, name: glide})

    def _target(self, name: str) -> float | None:
        value = self.setting(name)
        assert value is None or isinstance(value, int | float), f"{name} is a number"
        return None if value is None else float(value)
