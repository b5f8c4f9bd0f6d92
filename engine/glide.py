"""Glides: a value on its way from one to another, as a function of the frame.

A glide holds both ends and where it lies, and is asked for any frame; nothing is summed up from
frame to frame, so a frame that is made again gets the same value. Frozen and pure.
"""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np

from engine.errors import OptionError
from engine.row import Vector
from engine.unit import NOWHERE, unit


@dataclass(frozen=True, kw_only=True)
class Span:
    """From a frame on, over so many frames."""

    frame: int = 0
    frames: int = 0  # 0: at once

    def __post_init__(self) -> None:
        if self.frames < 0:
            raise OptionError.of("frames of a glide", self.frames, "0 or more")

    @property
    def last(self) -> int:
        """The frame at which it has arrived."""
        return self.frame + self.frames

    def share(self, frame: int) -> float:
        """How much of the way is done at a frame's first sample: 0 .. 1."""
        if frame >= self.last:
            return 1.0
        return max(0.0, (frame - self.frame) / self.frames)


@dataclass(frozen=True, kw_only=True)
class Glide(Span):
    """A number on its way. From or to None, "not given", there is no way: it is there at once."""

    start: float | None
    end: float | None
    in_octaves: bool = False  # even in octaves, as the ear hears tempo; both ends above 0

    def at(self, frame: int) -> float | None:
        """Its value; never beyond its ends."""
        share = self.share(frame)
        if share >= 1.0 or self.start is None or self.end is None:
            return self.end
        if self.in_octaves:
            value = self.start * float((self.end / self.start) ** share)
        else:
            value = self.start + share * (self.end - self.start)
        return min(max(value, min(self.start, self.end)), max(self.start, self.end))


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleGlide(Span):
    """A style on its way to another, at unit norm all along, as `engine.timeline` does it."""

    start: Vector  # [STYLE_WIDTH] unit norm
    end: Vector  # [STYLE_WIDTH] unit norm

    def at(self, frame: int) -> Vector:
        """Its value; half-way between opposites it is the end."""
        of_start, of_end = self.parts(frame)
        if of_start == 0.0:
            return self.end
        on_the_way = unit(np.float32(of_start) * self.start + np.float32(of_end) * self.end)
        return self.end if on_the_way is None else on_the_way

    def parts(self, frame: int) -> tuple[float, float]:
        """How much of `start` and of `end` its value is made of."""
        share = self.share(frame)
        if share >= 1.0:
            return 0.0, 1.0
        square = (1.0 - share) ** 2 + share**2 + 2.0 * share * (1.0 - share) * self._cosine
        if square < NOWHERE**2:
            return 0.0, 1.0
        return (1.0 - share) / sqrt(square), share / sqrt(square)

    @cached_property
    def _cosine(self) -> float:
        return float(self.start @ self.end)
