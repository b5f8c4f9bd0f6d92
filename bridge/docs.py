"""The generated files: docs/protocol.md, the C++ header and the controller layout.

    python -m bridge.docs            write what is not as the code has it
    python -m bridge.docs --check    only say so, with exit status 1

In:  `protocol_page.md` beside this file, and every table of the bridge. Out: text, the same each
time. Imports a lot, so nothing else imports it.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, get_args

from bridge import control, limits, wire
from bridge.discovery import Announcement
from bridge.header import PLACE as HEADER
from bridge.header import cpp_header, offsets
from bridge.layouts import PLACE as LAYOUT
from bridge.layouts import open_stage_control
from bridge.osc_admin import VERBS
from bridge.osc_table import rows
from bridge.sockets import CONTROL_PORT, OSC_PORT
from bridge.status_words import COUNTERS, STATUS
from bridge.words import describe, summary
from engine import (
    FAMILIES,
    FREEZE_MAX_BARS,
    PARAMETERS,
    PITCH_CLASSES,
    QUALITY_NAMES,
    SLOTS,
    Command,
    When,
)

PAGE: Final = "docs/protocol.md"
_NAMED: Final = {  # what the engine's comments call by its name
    "FREEZE_MAX_BARS": str(FREEZE_MAX_BARS),
    "SLOTS": str(SLOTS),
    "spec.PITCH_CLASSES": "the roots below",
    "spec.QUALITY_NAMES": "the qualities below",
    "spec.FAMILIES": "the families below",
    "None": "null",
}


def generated() -> dict[str, str]:
    """Every generated file: its place in the tree, and its text."""
    return {PAGE: protocol_page(), HEADER: cpp_header(), LAYOUT: open_stage_control()}


def protocol_page() -> str:
    """The page with every table in its place."""
    text = files("bridge").joinpath("protocol_page.md").read_text("utf-8")
    for name, make in _TABLES.items():
        assert f"{{{{{name}}}}}" in text, f"the page has no place for {name}"
        text = text.replace(f"{{{{{name}}}}}", make())
    for name, value in _numbers():
        text = text.replace(f"{{{{{name}}}}}", value)
    assert "{{" not in text.partition("```transcript")[0], "the page asks for what is not there"
    return text


def stale(root: Path) -> list[str]:
    """Generated files that are not as the code has them."""
    return [
        place
        for place, text in generated().items()
        if not (root / place).is_file() or (root / place).read_text("utf-8") != text
    ]


# --- tables ---------------------------------------------------------------------------------------


def _table(head: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> str:
    cells = [head, ("---",) * len(head), *lines]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in cells)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _messages(union: Any) -> str:
    return "\n\n".join(_message(kind) for kind in get_args(union))


def _message(kind: type[Any]) -> str:
    found = [one for one in describe(kind) if one.name != "type"]
    title = f"`{kind.model_fields['type'].default}`: {summary(kind)}"
    if not found:
        return title
    lines = [(f"`{one.name}`", one.type, one.default, one.meaning) for one in found]
    return f"{title}\n\n{_table(('field', 'type', 'default', 'meaning'), lines)}"


def _commands() -> str:
    lines = []
    for kind in _kinds(Command):
        given = "; ".join(
            f"`{one.name}` {one.type}" + (f", {_named(one.meaning)}" if one.meaning else "")
            for one in describe(kind)
        )
        lines.append((f"`{kind.kind}`", given, _named(summary(kind))))
    return _table(("kind", "fields", "meaning"), lines)


def _kinds(kind: type[Command]) -> Iterator[type[Command]]:
    for one in kind.__subclasses__():
        if "kind" in vars(one):
            yield one
        yield from _kinds(one)


def _named(text: str) -> str:
    for name, words in _NAMED.items():
        text = text.replace(name, words)
    return text.replace("`engine.params.PARAMETERS`", "the parameters below")


def _vocabulary() -> str:
    words = {"Roots": PITCH_CLASSES, "Qualities": QUALITY_NAMES, "Families": FAMILIES}
    return "  \n".join(f"{name}: {', '.join(found)}." for name, found in words.items())


def _when() -> str:
    kinds = {
        "now": "on the next frame that can still be changed",
        "beat": "on the next beat, to the sample",
        "bar": "on the next bar, to the sample",
        "phrase": "on the next phrase of `bars` bars, 1 to 64, counted from the song's start",
        "frame": "at the start of frame `frame`, or on the next one if that has passed",
    }
    assert set(kinds) == set(get_args(When.__annotations__["kind"])), "a time without words"
    return _table(("kind", "meaning"), [(f"`{kind}`", words) for kind, words in kinds.items()])


def _parameters() -> str:
    lines = [
        (
            f"`{row.name}`",
            row.expected.replace("one of C major, C# major", "a key: C major, C# major"),
            "" if row.default is None else str(row.default).lower(),
            row.help,
        )
        for row in PARAMETERS.values()
    ]
    return _table(("name", "value", "default", "meaning"), lines)


def _wire() -> str:
    sizes = {"H": 2, "I": 4, "Q": 8}
    places = dict(offsets())
    lines = [
        (
            str(places[row.name]),
            str(sizes.get(row.format) or row.format[:-1]),
            f"`{row.name}`",
            "" if row.format.endswith("s") else f"{row.low:,} to {row.high:,}",
            row.meaning,
        )
        for row in wire.FIELDS
    ]
    return _table(("first byte", "bytes", "field", "range", "meaning"), lines)


def _osc_rows() -> str:
    lines = []
    for row in rows():
        if row.address.startswith("/prompt/") and row.address[8] in "2345678":
            continue  # as the first
        given = "; ".join(f"{slot.name}: {_short(slot.expected)}" for slot in row.slots)
        address = row.address.replace("/prompt/1/", "/prompt/N/")
        asked = "yes" if row.look is not None else ""
        lines.append((f"`{address}`", given, asked, row.help.replace("slot 1", "slot N")))
    return _table(("address", "arguments", "asks", "meaning"), lines)


def _short(expected: str) -> str:
    return "a key" if expected.startswith("one of C major") else expected


def _verbs() -> str:
    lines = [
        (f"`{address}`", verb.arguments, verb.answer, verb.help) for address, verb in VERBS.items()
    ]
    return _table(("address", "arguments", "answer", "meaning"), lines)


def _limits() -> str:
    lines = []
    for line in Path(limits.__file__).read_text("utf-8").splitlines():
        name, found, rest = line.partition(": Final = ")
        if found:
            lines.append((f"`{name}`", _number(getattr(limits, name)), rest.partition("# ")[2]))
    return _table(("limit", "value", "of"), lines)


def _numbers() -> Iterator[tuple[str, str]]:
    for name in vars(limits):
        if name.isupper():
            yield f"limit {name}", _number(getattr(limits, name))
    yield "wire HEADER_BYTES", str(wire.HEADER_BYTES)
    yield "port control", str(CONTROL_PORT)
    yield "port osc", str(OSC_PORT)


def _number(value: object) -> str:
    if isinstance(value, tuple):
        return " to ".join(_number(one) for one in value)
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


_TABLES: Final[dict[str, Callable[[], str]]] = {
    "announcement": lambda: _table(
        ("field", "type", "meaning"),
        [(f"`{one.name}`", one.type, one.meaning) for one in describe(Announcement)],
    ),
    "client": lambda: _messages(control.FromClient),
    "engine": lambda: _messages(control.FromEngine),
    "codes": lambda: _table(
        ("code", "meaning"), [(f"`{code}`", words) for code, words in control.CODES.items()]
    ),
    "commands": _commands,
    "vocabulary": _vocabulary,
    "when": _when,
    "parameters": _parameters,
    "status": lambda: _table(
        ("field", "meaning"), [(f"`{name}`", words) for name, words in STATUS.items()]
    ),
    "counters": lambda: _table(
        ("count", "of"), [(f"`{name}`", words) for name, words in COUNTERS.items()]
    ),
    "wire": _wire,
    "verbs": _verbs,
    "rows": _osc_rows,
    "limits": _limits,
}


def main(arguments: list[str]) -> int:
    """Write the files, or check them; the exit status."""
    root = Path(__file__).resolve().parents[1]
    found = stale(root)
    for place in found:
        print(f"{place} is not as the code has it" if arguments == ["--check"] else place)
        if arguments != ["--check"]:
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (root / place).write_text(generated()[place], "utf-8")
    return 1 if found and arguments == ["--check"] else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
