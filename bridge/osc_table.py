"""The OSC address space of a session, as one table, generated from the engine's own.

In:  `engine.PARAMETERS` and the commands. Out: rows: an address, its arguments, the command that
they become, and what the address is now, read from a session's book. The schema that programs ask
for, the reference page and the layouts are made of the same rows. Pure; any thread.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from bridge.book import Book
from bridge.osc_slots import Arguments, Json, Row, Slot
from engine import FREEZE_MAX_BARS, MODES, PARAMETERS, SLOTS, Parameter

_PRESSED: Final = Slot(name="pressed", kind="switch", default=True, is_optional=True)
_PITCH: Final = Slot(name="pitch", kind="integer", unit="MIDI", low=0, high=127)


def rows() -> Iterator[Row]:
    """All addresses, in the order of the reference page."""
    for index in range(1, SLOTS + 1):
        yield from _prompt(index)
    yield Row(
        address="/prompt/pick",
        slots=(Slot(name="index", kind="integer", low=1, high=SLOTS, default=1),),
        help="Give one slot weight 1 and all others 0; asked, the slot that was picked last.",
        make=lambda given, book: {"kind": "pick", "index": given[0]},
        look=lambda book: ((book.one("pick") or {"index": 1})["index"],),
    )
    for parameter in PARAMETERS.values():
        yield _parameter(parameter)
    yield _chord()
    yield from _notes()
    yield _families("asked", "refused", "Instruments that should play.")
    yield _families("refused", "asked", "Instruments that should not play.")
    yield _mode()
    yield Row(
        address="/freeze",
        slots=(
            Slot(name="bars", kind="integer", unit="bars", low=0, high=FREEZE_MAX_BARS, default=0),
        ),
        help="Repeat the last bars as they were made, until 0 bars are asked for.",
        make=lambda given, book: {"kind": "freeze", "bars": given[0]},
    )
    yield Row(
        address="/panic",
        slots=(_PRESSED,),
        help="Be silent now. A mode or a pick makes music again.",
        make=lambda given, book: {"kind": "panic"} if given[0] else None,
    )


def matches(pattern: str, address: str) -> bool:
    """Whether an address fits a pattern, in which `*` stands for any one step."""
    steps, found = pattern.split("/"), address.split("/")
    return len(steps) == len(found) and all(a in ("*", b) for a, b in zip(steps, found))


def _prompt(index: int) -> Iterator[Row]:
    yield Row(
        address=f"/prompt/{index}/text",
        slots=(Slot(name="text", kind="text", default=""),),
        help=f"The prompt in slot {index}; empty text empties it.",
        make=lambda given, book: {"kind": "prompt", "index": index, "text": given[0]},
        look=lambda book: (book.prompt(index),),
    )
    yield Row(
        address=f"/prompt/{index}/weight",
        slots=(Slot(name="weight", kind="number", low=-2.0, high=2.0, default=float(index == 1)),),
        help=f"How much of slot {index} is in the mix; negative pushes away from it.",
        make=lambda given, book: {"kind": "weight", "index": index, "weight": given[0]},
        look=lambda book: (book.weight(index),),
    )
    yield Row(
        address=f"/prompt/{index}/pick",
        slots=(_PRESSED,),
        help=f"Give slot {index} weight 1 and all others 0.",
        make=lambda given, book: {"kind": "pick", "index": index} if given[0] else None,
    )


def _parameter(row: Parameter) -> Row:
    is_number = row.kind in ("number", "integer")
    slot = Slot(
        name="value",
        kind=row.kind,
        unit=row.unit,
        low=row.low if is_number else None,
        high=row.high if is_number else None,
        choices=row.choices,
        default=row.default,
        is_optional=True,  # nil: not given
    )
    return Row(
        address=row.address,
        slots=(slot,),
        help=f"{row.help} Nil or empty text: as the prompt says, or the default.",
        make=lambda given, book: {"kind": "param", "name": row.name, "value": given[0]},
        look=lambda book: (book.parameter(row.name),),
    )


def _chord() -> Row:
    def look(book: Book) -> Arguments:
        found = book.one("chord")
        return (None,) if found is None or not found["root"] else (found["root"], found["quality"])

    return Row(
        address="/chord",
        slots=(
            Slot(name="root", kind="text", is_optional=True),
            Slot(name="quality", kind="text", default="maj", is_optional=True),
        ),
        help="A chord, such as D min7, until another is asked for. Nil leaves it to the model.",
        make=lambda given, book: {"kind": "chord", "root": given[0], "quality": given[1] or "maj"},
        look=look,
    )


def _notes() -> Iterator[Row]:
    yield Row(
        address="/notes",
        slots=(Slot(name="pitches", kind="integer", unit="MIDI", low=0, high=127, is_many=True),),
        help="Hold exactly these pitches; none, or nil, ends them all.",
        make=lambda given, book: {"kind": "notes", "pitches": list(given)},
    )
    yield Row(
        address="/note/on",
        slots=(_PITCH,),
        help="Begin a pitch.",
        make=lambda given, book: {"kind": "note_on", "pitch": given[0]},
    )
    yield Row(
        address="/note/off",
        slots=(_PITCH,),
        help="End a pitch.",
        make=lambda given, book: {"kind": "note_off", "pitch": given[0]},
    )
    yield Row(
        address="/mnote",
        slots=(_PITCH, Slot(name="velocity", kind="number", low=0, high=127)),
        help="Begin a pitch, or end it with velocity 0: Surge XT's name for it.",
        make=lambda given, book: {
            "kind": "note_on" if given[1] else "note_off",
            "pitch": given[0],
        },
    )


def _families(name: str, other: str, words: str) -> Row:
    def make(given: Arguments, book: Book) -> Json:
        kept = (book.one("families") or {}).get(other, [])
        return {"kind": "families", name: list(given), other: kept}

    return Row(
        address=f"/families/{name}",
        slots=(Slot(name="families", kind="text", is_many=True),),
        help=f"{words} Nil: as the prompt says.",
        make=make,
        look=lambda book: tuple((book.one("families") or {}).get(name, [])),
    )


def _mode() -> Row:
    call, response = (
        replace(_parameter(PARAMETERS[name]).slots[0], name=name, default=None)
        for name in ("call_bars", "response_bars")
    )
    return Row(
        address="/mode",
        slots=(Slot(name="mode", kind="choice", choices=MODES, default="play"), call, response),
        help="What the music does with what it hears; `answer` takes turns of so many bars.",
        make=lambda given, book: {
            "kind": "mode",
            "mode": given[0],
            "call_bars": given[1],
            "response_bars": given[2],
        },
        look=lambda book: ((book.one("mode") or {"mode": "play"})["mode"],),
    )
