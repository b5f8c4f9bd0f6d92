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

    def fill(self, command: Fill, style: Vector | None, frame: int, frames: int) -> "Pads":
        """Put something into a slot, or empty it with an empty prompt.

        Args:
            command: what.
            style: [STYLE_WIDTH] unit norm, not writeable; None for a prompt without words.
            frame: from when on.
            frames: until it has fully arrived.
        """
        is_empty = isinstance(command, SetPrompt) and command.parsed is None
        slot = self.slots[command.index - 1]
        slot = replace(slot, filled=None if is_empty else command, style=style)
        return self._change({command.index - 1: slot}, frame, frames)

    def weigh(self, weights: Mapping[int, float], frame: int, frames: int) -> "Pads":
        """Set the weights of some slots, by index from 1; they arrive over so many frames."""
        moved = {n - 1: replace(self.slots[n - 1], weight=w) for n, w in weights.items()}
        return self._change(moved, frame, frames)

    def pick(self, index: int, frame: int, frames: int) -> "Pads":
        """Give one slot weight 1 and all others 0."""
        weights = {n: float(n == index) for n in range(1, SLOTS + 1)}
        return self.weigh(weights, frame, frames)

    def _change(self, changed: Mapping[int, Slot], frame: int, frames: int) -> "Pads":
        slots = tuple(changed.get(n, slot) for n, slot in enumerate(self.slots))
        mix = self.mix.aim(slots, changed, frame, frames)
        return Pads(slots=slots, mix=mix, speaker=self._loudest(slots))

    def _loudest(self, slots: tuple[Slot, ...]) -> SetPrompt | None:
        """The prompt that speaks; the lower slot's where two weigh the same."""
        heard = [slot for slot in slots if slot.filled is not None and slot.weight > 0]
        if not heard:
            return self.speaker
        loudest = max(heard, key=lambda slot: slot.weight).filled
        return loudest if isinstance(loudest, SetPrompt) else None
