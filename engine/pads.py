"""Pads: the eight slots, the mix of them that sounds, and the prompt among them that speaks.

In:  prompts and styles put into slots, weights. Out: one style per frame, and one parsed prompt.
The prompt that speaks is that of the slot with the largest weight above 0, from the moment it is
asked for, though its colour may still be gliding: tempo and key change on the line, as in a story.
If no slot has one, the last that spoke still does (ADR 0008). Frozen and pure; answers for frames
from the last change on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from engine.command import SLOTS, Fill, SetPrompt
from engine.errors import OptionError
from engine.mix import Mix, Slot
from engine.prompt_parser import ParsedPrompt
from engine.row import Vector

_SAYS_NOTHING: Final = ParsedPrompt(text="")


@dataclass(frozen=True, kw_only=True)
class Playing:
    """One prompt of the mix."""

    index: int  # 1..SLOTS
    said: str
    weight: float  # at the frame that was asked for, on its way or there


@dataclass(frozen=True, kw_only=True, eq=False)
class Pads:
    """All slots. New ones have slot 1 picked, and nothing in any."""

    slots: tuple[Slot, ...] = (Slot(weight=1.0), *(Slot(),) * (SLOTS - 1))
    mix: Mix = field(default_factory=Mix)
    speaker: SetPrompt | None = None

    def __post_init__(self) -> None:
        if len(self.slots) != SLOTS or len(self.mix.faders) != SLOTS:
            raise OptionError.of("prompt slots", len(self.slots), f"{SLOTS}, and a fader of each")

    @property
    def said(self) -> ParsedPrompt:
        """What the prompt that speaks says."""
        parsed = self.speaker.parsed if self.speaker else None
        return parsed or _SAYS_NOTHING

    def playing(self, frame: int) -> tuple[Playing, ...]:
        """What sounds at a frame, and what speaks without words to sound of; the loudest first."""
        heard = [
            Playing(index=n, said=fader.said, weight=fader.level(frame))
            for n, fader in enumerate(self.mix.faders, 1)
        ]
        spoken = [
            Playing(index=n, said=slot.said, weight=slot.weight)
            for n, slot in enumerate(self.slots, 1)
            if slot.filled is not None and slot.style is None  # "124 bpm, no drums"
        ]
        shown = [one for one in (*heard, *spoken) if one.weight != 0.0]
        return tuple(sorted(shown, key=lambda one: -abs(one.weight)))

    def fill(self, command: Fill, style: Vector | None, frame: int, frames: int) -> "Pads":
        """Put something into a slot, or empty it with an empty prompt.

        Args:
            command: what.
            style: [STYLE_WIDTH] unit norm, not writeable; None for a prompt without words.
            frame: from when on.
            frames: until it has fully arrived.
        """
        n, is_empty = command.index - 1, isinstance(command, SetPrompt) and command.parsed is None
        slot = replace(self.slots[n], filled=None if is_empty else command, style=style)
        slots = (*self.slots[:n], slot, *self.slots[n + 1 :])
        return self._with(slots, self.mix.aim(slots, frame, frames, filled=(n,)))

    def weigh(self, weights: Mapping[int, float], frame: int, frames: int) -> "Pads":
        """Set the weights of some slots, by index from 1; they arrive over so many frames."""
        slots = tuple(
            replace(slot, weight=weights.get(n, slot.weight))
            for n, slot in enumerate(self.slots, 1)
        )
        weighed = [n - 1 for n in weights]
        return self._with(slots, self.mix.aim(slots, frame, frames, weighed=weighed))

    def pick(self, index: int, frame: int, frames: int) -> "Pads":
        """Give one slot weight 1 and all others 0."""
        weights = {n: float(n == index) for n in range(1, SLOTS + 1)}
        return self.weigh(weights, frame, frames)

    def _with(self, slots: tuple[Slot, ...], mix: Mix) -> "Pads":
        return Pads(slots=slots, mix=mix, speaker=self._loudest(slots))

    def _loudest(self, slots: tuple[Slot, ...]) -> SetPrompt | None:
        """The prompt that speaks; the lower slot's where two weigh the same."""
        heard = [slot for slot in slots if slot.filled is not None and slot.weight > 0]
        if not heard:
            return self.speaker
        loudest = max(heard, key=lambda slot: slot.weight).filled
        return loudest if isinstance(loudest, SetPrompt) else None
