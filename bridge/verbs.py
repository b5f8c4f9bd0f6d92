"""The verbs of a client: one method for each command, over the one method `ask`.

In:  arguments as a musician names them. Out: whatever the client's `ask` gives: something to wait
for. The sync and the asyncio client have them in common.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from engine import Command, When

R = TypeVar("R")


class Verbs(ABC, Generic[R]):
    """What can be asked. `when` is now, beat or bar, or a `When`; a glide is in seconds."""

    @abstractmethod
    def ask(
        self,
        command: Command | Mapping[str, Any],
        when: When | str = "now",
        glide_seconds: float | None = None,
    ) -> R:
        """Ask for any change.

        Raises:
            OptionError, PromptError: the engine would not take it.
            LinkError: the conversation is over.
        """

    def prompt(
        self, index: int, text: str, when: When | str = "now", glide_seconds: float | None = None
    ) -> R:
        """Put a prompt into a slot, 1 to 8; an empty one empties it."""
        return self.ask({"kind": "prompt", "index": index, "text": text}, when, glide_seconds)

    def weight(
        self,
        index: int,
        weight: float,
        when: When | str = "now",
        glide_seconds: float | None = None,
    ) -> R:
        """Say how much of a slot is in the mix, -2 to 2."""
        return self.ask({"kind": "weight", "index": index, "weight": weight}, when, glide_seconds)

    def pick(self, index: int, when: When | str = "now", glide_seconds: float | None = None) -> R:
        """Give one slot weight 1 and all others 0."""
        return self.ask({"kind": "pick", "index": index}, when, glide_seconds)

    def set(
        self,
        name: str,
        value: float | int | str | bool | None,
        when: When | str = "now",
        glide_seconds: float | None = None,
    ) -> R:
        """Turn a parameter; None leaves it to the prompt or the model again."""
        return self.ask({"kind": "param", "name": name, "value": value}, when, glide_seconds)

    def chord(self, root: str | None, quality: str = "maj", when: When | str = "now") -> R:
        """Ask for a chord, until another is asked for; None leaves the harmony to the model."""
        return self.ask({"kind": "chord", "root": root, "quality": quality}, when)

    def notes(self, pitches: Iterable[int], when: When | str = "now") -> R:
        """Hold exactly these pitches, MIDI 0 to 127."""
        return self.ask({"kind": "notes", "pitches": list(pitches)}, when)

    def note_on(self, pitch: int) -> R:
        """Begin a pitch."""
        return self.ask({"kind": "note_on", "pitch": pitch})

    def note_off(self, pitch: int) -> R:
        """End a pitch."""
        return self.ask({"kind": "note_off", "pitch": pitch})

    def families(
        self, asked: Iterable[str] = (), refused: Iterable[str] = (), when: When | str = "now"
    ) -> R:
        """Ask for instruments and refuse others; both empty leaves it to the prompt."""
        command = {"kind": "families", "asked": list(asked), "refused": list(refused)}
        return self.ask(command, when)

    def mode(
        self,
        mode: str,
        call_bars: int | None = None,
        response_bars: int | None = None,
        when: When | str = "now",
    ) -> R:
        """Play, listen, continue what is heard, or answer it."""
        bars = {"call_bars": call_bars, "response_bars": response_bars}
        return self.ask({"kind": "mode", "mode": mode, **bars}, when)

    def freeze(self, bars: int, when: When | str = "now") -> R:
        """Repeat the last bars until 0 bars are asked for."""
        return self.ask({"kind": "freeze", "bars": bars}, when)

    def panic(self) -> R:
        """Be silent now."""
        return self.ask({"kind": "panic"})
