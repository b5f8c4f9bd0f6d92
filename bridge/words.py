"""What classes say about themselves: each field with its type, default and the comment beside it.

In:  a message or a command. Out: rows for the reference page. The comment beside a field is the one
place where its meaning is written; a test finds fields that have none. Reads source code, so it is
for making documentation and nothing else.
"""

import inspect
import json
import re
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, NamedTuple

from pydantic import BaseModel

_LINE = re.compile(r"^    (\w+): .*?(?:  # (.*))?$")
_PLAIN = (
    (r"numpy\.ndarray.*", "base64 of float32"),
    (r"tuple\[tuple\[int, \.\.\.\], \.\.\.\]", "list of lists of whole numbers"),
    (r"tuple\[int, \.\.\.\]", "list of whole numbers"),
    (r"tuple\[str, \.\.\.\]", "list of texts"),
    (r"typing\.Literal\[(.*)\]", r"\1"),
    (r" \| ", " or "),
    (r"\bint\b", "whole number"),
    (r"\bfloat\b", "number"),
    (r"\bstr\b", "text"),
    (r"\bbool\b", "true or false"),
    (r"\bNone\b", "null"),
)
_COMMENT = re.compile(r"^    # (.*)$")


class Described(NamedTuple):
    """One field."""

    name: str
    type: str
    default: str
    meaning: str


def describe(kind: type[Any]) -> list[Described]:
    """All fields of a message or a command, in order."""
    comments = _comments(kind)
    if issubclass(kind, BaseModel):
        return [
            Described(name, *_of_message(kind, name), comments.get(name, ""))
            for name in kind.model_fields
        ]
    assert is_dataclass(kind), "a message or a command"
    return [
        Described(field.name, _plain(field), _default(field), comments.get(field.name, ""))
        for field in fields(kind)
    ]


def summary(kind: type[Any]) -> str:
    """The first paragraph of what a class says of itself, on one line."""
    return " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())


def _comments(kind: type[Any]) -> dict[str, str]:
    """The comment beside each field, or the lines of comment above it; inherited ones too."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__[:-1]):
        if one.__module__.partition(".")[0] in ("bridge", "engine"):
            found |= _comments_in(inspect.getsource(one))
    return found


def _comments_in(source: str) -> dict[str, str]:
    found: dict[str, str] = {}
    above: list[str] = []
    for line in source.splitlines():
        if comment := _COMMENT.match(line):
            above.append(comment[1])
        elif field := _LINE.match(line):
            found[field[1]] = field[2] or " ".join(above)
            above = []
        elif line.strip():
            above = []
    return found


def _of_message(kind: type[BaseModel], name: str) -> tuple[str, str]:
    schema = kind.model_json_schema()
    found = schema["properties"][name]
    default = "" if name in schema.get("required", []) else _json(found.get("default"))
    return _words(found), default


def _words(schema: dict[str, Any]) -> str:
    """A JSON schema in few words."""
    if "const" in schema:
        return _json(schema["const"])
    if "enum" in schema:
        return " or ".join(_json(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_words(one) for one in schema["anyOf"])
    kind = {"integer": "whole number", "null": "null", "array": "list", "boolean": "true or false"}
    words: str = kind.get(schema.get("type", ""), schema.get("type", "object"))
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        is_whole = isinstance(low, int) and isinstance(high, int)
        words += f" {low:,} to {high:,}" if is_whole else f" {low:g} to {high:g}"
    elif low is not None:
        words += f" from {low:g}"
    if "maxLength" in schema:
        words += f" of up to {schema['maxLength']}"
    if "pattern" in schema:
        words += f" `{schema['pattern']}`"
    return words.replace("string", "text")


def _json(value: object) -> str:
    return json.dumps(value)


def _plain(field: "Field[Any]") -> str:
    """A type as JSON has it."""
    words = str(field.type.__name__) if type(field.type) is type else str(field.type)
    for pattern, plain in _PLAIN:
        words = re.sub(pattern, plain, words)
    return words


def _default(field: "Field[Any]") -> str:
    if field.default is MISSING:
        return "" if field.default_factory is MISSING else "empty"
    return _json(list(field.default) if isinstance(field.default, tuple) else field.default)
