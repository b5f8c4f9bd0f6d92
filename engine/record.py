"""Records: frozen dataclasses that go to plain JSON values and come back exactly as they were.

In and out: numbers, strings, lists and dicts, as `json` reads and writes them; style vectors travel
as base64 of little-endian float32. Reading is strict and goes by the fields' types: an unknown or
missing field, another type, NaN or infinity is an `OptionError` that names the field. What a value
may be beyond its type is for the dataclass to check when it is made. Pure; any thread.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

from engine.errors import OptionError, ShapeError
from engine.row import Vector
from engine.spec import STYLE_WIDTH

T = TypeVar("T")

_NORM_SLACK = 1e-3  # a style of float32 or float16 arithmetic is unit to this
_PLAIN = (bool, int, str)
_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a finite number",
    str: "text",
    NoneType: "null",
    Vector: f"base64 of {STYLE_WIDTH} float32",
}


def write_fields(value: object) -> dict[str, Any]:
    """Turn a dataclass into what `json.dumps` takes: its fields by name."""
    return {field.name: write(getattr(value, field.name)) for field in _stored(type(value))}


def write(value: object) -> Any:
    """Turn a value into what `json.dumps` takes; a dataclass by its `to_json`, or its fields."""
    if isinstance(value, np.ndarray):
        return base64.b64encode(value.astype("<f4").tobytes()).decode()
    if hasattr(value, "to_json"):
        return value.to_json()
    if is_dataclass(value):
        return write_fields(value)
    if isinstance(value, Mapping):
        return {name: write(entry) for name, entry in value.items()}
    return [write(entry) for entry in value] if isinstance(value, tuple) else value


def read(kind: type[T], found: object, where: str) -> T:
    """Make a dataclass from what `write_fields` made of it.

    Args:
        kind: the dataclass.
        found: any JSON value.
        where: what it is called in an error.

    Raises:
        OptionError: no object, a field unknown, missing or of another type; or what the dataclass
            itself refuses.
    """
    known = {field.name: field for field in _stored(kind)}
    if not isinstance(found, dict):
        raise OptionError.of(where, found, "an object")
    for name in found:
        if name not in known:
            raise OptionError.of(f"a field of {where}", name, f"one of {', '.join(known)}")
    for name, field in known.items():
        if name not in found and field.default is MISSING and field.default_factory is MISSING:
            raise OptionError(f"{where} has no field {name!r}, expected {', '.join(known)}.")
    hints = get_type_hints(kind)
    return kind(**{n: _value(hints[n], entry, f"{where}.{n}") for n, entry in found.items()})


def unit_style(style: Vector) -> Vector:
    """A style as everything after this may take it: checked, and never written to.

    Args:
        style: [STYLE_WIDTH] float32, unit norm; copied if it is writeable.

    Raises:
        ShapeError: of another width.
        OptionError: no float32, not finite, or not of unit norm.
    """
    if not isinstance(style, np.ndarray) or style.dtype != np.float32:
        raise OptionError.of("style", style, "an array of float32")
    if style.shape != (STYLE_WIDTH,):
        raise ShapeError.of("style", style.shape, f"({STYLE_WIDTH},)")
    norm = float(np.linalg.norm(style.astype(np.float64))) if np.isfinite(style).all() else np.inf
    if abs(norm - 1.0) > _NORM_SLACK:
        raise OptionError.of("the norm of a style", norm, "1", "Divide it by its norm.")
    if not style.flags.writeable:
        return style
    kept = style.copy()
    kept.flags.writeable = False
    return kept


def read_style(found: object, where: str = "style") -> Vector:
    """Make a style from what `write` made of it.

    Raises:
        OptionError: no base64, or of another length, norm, or not finite.
    """
    expected = _WORDS[Vector]
    if not isinstance(found, str):
        raise OptionError.of(where, found, expected)
    try:
        raw = base64.b64decode(found, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise OptionError.of(where, found, expected) from exc
    if len(raw) != 4 * STYLE_WIDTH:
        raise OptionError.of(f"the length of {where}", len(raw), f"{4 * STYLE_WIDTH} bytes")
    return unit_style(np.frombuffer(raw, "<f4").astype(np.float32))


def _value(hint: Any, found: object, where: str) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if hint == Vector:
        return read_style(found, where)
    if origin in (Union, UnionType):
        return _one_of(inner, found, where)
    if origin is Literal:
        if not isinstance(found, str) or found not in inner:
            raise OptionError.of(where, found, f"one of {', '.join(inner)}")
        return found
    if origin is tuple:
        return _tuple(inner[0], found, where)
    if origin is not None:
        return _mapping(inner[1], found, where)
    if hasattr(hint, "from_json"):
        return _own(hint, found, where)
    if is_dataclass(hint):
        return read(cast(type, hint), found, where)
    return _scalar(hint, found, where)


def _own(hint: Any, found: object, where: str) -> Any:
    made = hint.from_json(found)
    if not isinstance(made, hint):
        raise OptionError.of(where, type(made).__name__, hint.__name__)
    return made


def _scalar(hint: Any, found: object, where: str) -> Any:
    if hint is float and isinstance(found, int | float) and not isinstance(found, bool):
        if abs(found) < 2**1023 and isfinite(found):
            return float(found)
    elif type(found) is hint:
        return found
    raise OptionError.of(where, found, _WORDS[hint])


def _one_of(hints: tuple[Any, ...], found: object, where: str) -> Any:
    """Read what may be of several types: the very type first, then the only one left."""
    if found is None and NoneType in hints:
        return None
    if type(found) in hints and isinstance(found, _PLAIN):
        return found
    left = [hint for hint in hints if hint is not NoneType and hint not in _PLAIN] or hints
    if len(left) > 1 or left[0] in (*_PLAIN, NoneType):
        words = " or ".join(_WORDS[hint] for hint in hints)
        raise OptionError.of(where, found, words)
    return _value(left[0], found, where)


def _tuple(hint: Any, found: object, where: str) -> tuple[Any, ...]:
    if not isinstance(found, list):
        raise OptionError.of(where, found, "a list")
    return tuple(_value(hint, entry, f"{where}[{n}]") for n, entry in enumerate(found))


def _mapping(hint: Any, found: object, where: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise OptionError.of(where, found, "an object")
    return {name: _value(hint, entry, f"{where}.{name}") for name, entry in found.items()}


def _stored(kind: Any) -> tuple[Field[Any], ...]:
    return tuple(field for field in fields(kind) if field.init)
