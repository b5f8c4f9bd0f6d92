"""The mix: up to eight slots, each a style with a weight, become one style per frame.

    style(frame) = unit(sum over slots of weight(frame) * style(frame))

What the slots hold is one thing, what sounds of them another: each slot has a *fader* that follows
it over a glide of its own, so a knob that moves does not cut short a crossfade under way. A mix
that would come to nothing (all faders down, the slot that sounds emptied, weights that cancel)
leaves the faders where they are: the last mix that was one goes on (ADR 0008). Frozen and pure;
answers for frames from the last change on.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.command import SLOTS, Fill, SetPrompt, SetStyle
from engine.glide import Glide, StyleGlide
from engine.row import Vector
from engine.spec import STYLE_WIDTH
from engine.unit import unit


@dataclass(frozen=True, kw_only=True, eq=False)
class Slot:
    """What a slot holds and how much of it is asked for."""

    filled: Fill | None = None  # what was put into it
    style: Vector | None = None  # [STYLE_WIDTH]; None where there are no words to embed
    weight: float = 0.0  # -2..2

    @property
    def said(self) -> str:
        """The prompt as typed, or what a style is called; empty when the slot is."""
        match self.filled:
            case SetPrompt(text=said) | SetStyle(said=said):
                return said
        return ""

    @property
    def pull(self) -> float:
        """Its weight, if it has a style to weigh."""
        return 0.0 if self.style is None else self.weight


@dataclass(frozen=True, kw_only=True, eq=False)
class Fader:
    """What sounds of a slot."""

    said: str = ""
    weight: Glide = field(default_factory=lambda: Glide(start=0.0, end=0.0))
    style: StyleGlide | None = None  # None until the slot first has one

    def follow(
        self, slot: Slot, frame: int, frames: int, *, is_filled: bool, is_weighed: bool
    ) -> "Fader":
        """Go where the slot is, over so many frames.

        Args:
            slot: where to.
            frame: where a glide begins.
            frames: how long it is.
            is_filled: the style glides from here even if it is on its way to that style already.
            is_weighed: the weight does.
        """
        weight, style, said = self.weight, self.style, self.said
        if is_weighed or weight.end != slot.pull:
            start = self.level(frame)
            weight = Glide(start=start, end=slot.pull, frame=frame, frames=frames)
        if slot.style is not None and (is_filled or not self._is_bound_for(slot.style)):
            is_heard = self.level(frame) != 0.0
            here = style.at(frame) if style is not None and is_heard else slot.style
            style = StyleGlide(start=here, end=slot.style, frame=frame, frames=frames)
            said = slot.said
        return Fader(said=said, weight=weight, style=style)

    def _is_bound_for(self, style: Vector) -> bool:
        return self.style is not None and np.array_equal(self.style.end, style)

    def level(self, frame: int) -> float:
        """Its weight at a frame."""
        return self.weight.at(frame) or 0.0

    def parts(self, frame: int) -> tuple[float, float]:
        """How much it adds at a frame of both ends of its style."""
        level = self.level(frame)
        if self.style is None or level == 0.0:
            return 0.0, 0.0
        of_start, of_end = self.style.parts(frame)
        return level * of_start, level * of_end


@dataclass(frozen=True, kw_only=True, eq=False)
class Mix:
    """Eight faders."""

    faders: tuple[Fader, ...] = (Fader(),) * SLOTS

    def aim(
        self,
        slots: tuple[Slot, ...],
        frame: int,
        frames: int,
        *,
        filled: Collection[int] = (),
        weighed: Collection[int] = (),
    ) -> "Mix":
        """Follow the slots.

        Args:
            slots: all of them.
            frame: where glides begin.
            frames: how long they are; the first style of all is there at once.
            filled: indices, from 0, of slots whose style was asked for just now.
            weighed: indices of slots whose weight was. What was not asked for and is on its way
                already goes on as it was.

        Returns:
            The new mix, or this one if the slots come to nothing.
        """
        if _nowhere(slots):
            return self
        if self.style(frame) is None:
            frames = 0
        return Mix(
            faders=tuple(
                fader.follow(slot, frame, frames, is_filled=n in filled, is_weighed=n in weighed)
                for n, (fader, slot) in enumerate(zip(self.faders, slots, strict=True))
            )
        )

    def style(self, frame: int) -> Vector | None:
        """The style of a frame: [STYLE_WIDTH] unit norm, not writeable.

        None before the first one. Where faders cancel on their way, where they are going.
        """
        if frame >= self._settled:
            return self._target
        on_the_way = self._blend(frame)
        return self._target if on_the_way is None else on_the_way

    @cached_property
    def _settled(self) -> int:
        """The frame from which nothing moves."""
        styles = [fader.style.last for fader in self.faders if fader.style is not None]
        return max([*styles, *(fader.weight.last for fader in self.faders)])

    @cached_property
    def _target(self) -> Vector | None:
        return self._blend(self._settled)

    def _blend(self, frame: int) -> Vector | None:
        parts = [part for fader in self.faders for part in fader.parts(frame)]
        return unit(np.array(parts, np.float32) @ self._ends)

    @cached_property
    def _ends(self) -> NDArray[np.float32]:
        """[2 * SLOTS, STYLE_WIDTH]: where each fader's style comes from, and where it goes."""
        styles = [fader.style for fader in self.faders]
        nothing = np.zeros(STYLE_WIDTH, np.float32)
        ends = [(style.start, style.end) if style else (nothing, nothing) for style in styles]
        return np.concatenate([np.stack(both) for both in ends])


def _nowhere(slots: tuple[Slot, ...]) -> bool:
    """Tell whether the mix of the slots comes to nothing."""
    total = np.zeros(STYLE_WIDTH, np.float32)
    for slot in slots:
        if slot.style is not None:
            total += np.float32(slot.pull) * slot.style
    return unit(total) is None
