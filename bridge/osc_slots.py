"""What an OSC address takes: typed arguments with units and ranges, held against what was sent.

In:  slots, and the arguments of a message. Out: one checked value for each slot, in the engine's
types. Controllers send most things as floats, so a number may come as any number, a switch as 1 or
0, a choice as its place in the list. Pure; any thread.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

from bridge.book import Book
from bridge.errors import OscError
from bridge.osc_packet import Argument

Json = dict[str, Any]
Arguments = tuple[Argument, ...]
Make = Callable[[Arguments, Book], Json | None]  # a command; None: nothing is to be done
Look = Callable[[Book], Arguments]


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One argument of an address."""

    name: str
    kind: Literal["number", "integer", "choice", "switch", "text"]
    unit: str = ""
    low: float | None = None  # of a number, included
    high: float | None = None  # included
    choices: tuple[str, ...] = ()
    default: Argument = None
    is_optional: bool = False
    is_many: bool = False  # any number of it; the last one

    @property
    def expected(self) -> str:
        """What a value may be, in words."""
        if self.kind == "choice":
            return f"one of {', '.join(self.choices)}"
        if self.kind == "switch":
            return "true or false, 1 or 0"
        if self.low is None or self.high is None:
            return "text"
        number = "a whole number" if self.kind == "integer" else "a number"
        return f"{number} from {self.low:.16g} to {self.high:.16g} {self.unit}".strip()


@dataclass(frozen=True, kw_only=True)
class Row:
    """One address of a session."""

    address: str
    slots: tuple[Slot, ...]
    help: str
    make: Make
    look: Look | None = None  # None: it cannot be asked for


def fit(row: Row, given: Arguments) -> Arguments:
    """Hold arguments against a row.

    Returns:
        One value for each slot; a slot's default where none was given, None for nil.

    Raises:
        OscError: too few or too many, or one that a slot does not take.
    """
    slots = row.slots
    if slots and slots[-1].is_many:
        given = () if given == (None,) else given
        return tuple(_fit(slots[-1], value) for value in given)
    least = sum(not slot.is_optional for slot in slots)
    if not least <= len(given) <= len(slots):
        counts = f"{least}" if least == len(slots) else f"{least} to {len(slots)}"
        raise OscError(f"it has {len(given)} arguments, expected {counts}.")
    missing = tuple(slot.default for slot in slots[len(given) :])
    return tuple(_fit(slot, value) for slot, value in zip(slots, given)) + missing


def _fit(slot: Slot, value: Argument) -> Argument:
    if slot.is_optional and value in (None, ""):  # not every surface can send nil
        return None
    fitted = _converted(slot, value)
    if not _allows(slot, fitted):
        raise OscError(f"{slot.name} is {_short(value)}, expected {slot.expected}.")
    return fitted


def _converted(slot: Slot, value: Argument) -> Argument:
    """A value in the slot's own type where it is one in another guise."""
    if not isinstance(value, int | float) or not isfinite(value):
        return value
    if slot.kind == "switch":
        return bool(value)
    if isinstance(value, bool):
        return value
    if slot.kind == "number":
        return float(value)
    if slot.kind == "integer":
        return round(value)
    if slot.kind == "choice" and 0 <= value < len(slot.choices):
        return slot.choices[int(value)]
    return value


def _allows(slot: Slot, value: Argument) -> bool:
    if slot.kind == "switch":
        return isinstance(value, bool)
    if slot.kind in ("text", "choice"):
        return isinstance(value, str) and (slot.kind == "text" or value in slot.choices)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return slot.low is not None and slot.high is not None and slot.low <= value <= slot.high


def _short(value: Argument) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"
