"""The book: which commands are in force, so that a session can be told, asked for and restored.

In:  commands, as they take effect. Out: the same ones in an order that, asked again from the start,
leads to the same state; and the value of any one setting. What is over when it is done (notes that
begin and end, a freeze, a panic) is not kept. Kept by the server for every session and by a client
for its own, each on its own thread.
"""

from typing import Any, Final

from engine import PARAMETERS, Command

_PASSING: Final = ("note_on", "note_off", "freeze", "prime", "panic")

Json = dict[str, Any]
Slot = tuple[str | int, ...]


class Book:
    """Settings in force, newest last."""

    def __init__(self) -> None:
        self._kept: dict[Slot, Json] = {}

    def enter(self, command: Command) -> None:
        """A command took effect."""
        if command.kind in _PASSING:
            return
        found = command.to_json()
        for slot in [slot for slot in self._kept if _is_overruled(slot, command.slot, found)]:
            del self._kept[slot]
        if command.kind == "param" and found["value"] is None:
            return
        self._kept[command.slot] = found

    def commands(self) -> list[Json]:
        """What is in force, as JSON, in an order that restores it."""
        return list(self._kept.values())

    def prompt(self, index: int) -> str:
        """What is in a prompt slot, in words; empty if nothing is."""
        found = self._kept.get(("prompt", index), {})
        return str(found.get("text", found.get("said", "")))

    def weight(self, index: int) -> float:
        """The weight of a prompt slot, as asked for."""
        asked = self._kept.get(("weight", index))
        picked = self._kept.get(("pick",))
        if asked is not None:
            return float(asked["weight"])
        if picked is not None:
            return 1.0 if picked["index"] == index else 0.0
        return 1.0 if index == 1 else 0.0

    def parameter(self, name: str) -> Any:
        """The value of a parameter; its default, maybe None, if it was not set."""
        found = self._kept.get(("param", name))
        if found is not None:
            return found["value"]
        mode = self._kept.get(("mode",), {})
        return PARAMETERS[name].default if mode.get(name) is None else mode[name]

    def one(self, kind: str) -> Json | None:
        """The command of a kind of which only one can hold: chord, notes, families, mode, pick."""
        return self._kept.get((kind,))


def _is_overruled(slot: Slot, newer: Slot, found: Json) -> bool:
    """Whether a command says all that the one kept in a slot says."""
    if newer == ("pick",):  # says all weights at once
        return slot == newer or slot[0] == "weight"
    if newer == ("mode",):
        return slot == newer or (slot[0] == "param" and found.get(str(slot[1])) is not None)
    return slot == newer
