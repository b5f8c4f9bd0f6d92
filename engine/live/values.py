"""Values as a player types and reads them: numbers, steps, keys, on and off.

In and out: text and parameter values. Ranges are `engine.params`'. Pure.
"""

from typing import Final

from engine.errors import InputError
from engine.params import Parameter, Value
from engine.reading.keys import read_key

_SWITCH: Final = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}
_NOT_GIVEN: Final = ("-", "none")


def read_value(row: Parameter, word: str, before: Value | None) -> Value | None:
    """Read a parameter's value; `+V` and `-V` are steps from what was before, kept in range.

    Args:
        row: the parameter.
        word: as typed, not empty.
        before: the value that a step starts from.

    Returns:
        The value, or None for "not given"; its range is not checked but for steps.

    Raises:
        InputError, OptionError: it cannot be read, or there is nothing to step from.
    """
    if word in _NOT_GIVEN:
        return None
    if row.kind == "switch":
        if word not in _SWITCH:
            raise InputError(f"{row.name} is {word!r}, expected on, off or -.")
        return _SWITCH[word]
    if row.kind == "choice":
        return read_key(word) if row.name == "key" else word
    if row.kind == "integer":
        return whole(row.name, word)
    value = number(row.name, word)
    is_step = word[0] == "+" or (word[0] == "-" and row.low >= 0)
    return _stepped(row, before, value) if is_step else value


def _stepped(row: Parameter, before: Value | None, step: float) -> float:
    if before is None:
        raise InputError(
            f"{row.name} is not given yet, so it cannot be stepped. Give it a value first, "
            f"like: {row.name} {(row.low + row.high) / 2:g}"
        )
    return min(row.high, max(row.low, round(float(before) + step, 6)))


def number(name: str, word: str) -> float:
    """Read a number.

    Raises:
        InputError: it is none.
    """
    try:
        return float(word)
    except ValueError as exc:
        raise InputError(f"{name} is {word!r}, expected a number.") from exc


def whole(name: str, word: str) -> int:
    """Read a whole number.

    Raises:
        InputError: it is none.
    """
    try:
        return int(word)
    except ValueError as exc:
        raise InputError(f"{name} is {word!r}, expected a whole number.") from exc


def shown(row: Parameter, value: Value | None) -> str:
    """A value as a player reads it: `124 bpm`, `on`, `not given`."""
    if value is None:
        return "not given"
    if isinstance(value, bool):
        return "on" if value else "off"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{text} {row.unit}".strip()


def in_bars(count: int) -> str:
    """So many bars, in words: `1 bar`, `4 bars`."""
    return "1 bar" if count == 1 else f"{count} bars"
