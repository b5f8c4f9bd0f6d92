"""Keys as a musician writes them: "Eb major", "F# min", "c minor", "B flat major" -> a name of
`spec.KEYS`.

Shared by the prompt parser, story files and the command line. Pure text; knows nothing of prompts.
"""

import re
from math import copysign
from typing import Final

from engine.errors import OptionError
from engine.spec import KEYS, PITCH_CLASSES

TONIC: Final = r"(?P<tonic>[A-Ga-g])(?P<accidental>[#♯b♭]|[ -]?(?:sharp|flat)\b)?"
MODE: Final = (
    r"(?:(?:natural|harmonic|melodic)[ -])?"
    r"(?P<mode>major|minor|maj|min|dorian|phrygian|lydian|mixolydian|aeolian|ionian)\b"
)

# Church modes are given to the model as the plain mode that shares their third.
_MINOR: Final = {"minor", "min", "m", "dorian", "phrygian", "aeolian"}
_WHOLE_KEY: Final = re.compile(rf"{TONIC}(?:m|[ -]*{MODE})?", re.IGNORECASE)


def key_name(tonic: str, accidental: str | None, mode: str) -> str:
    """Spell a key as `spec.KEYS` does: ("E", "b", "maj") -> "D# major"."""
    shift = {"#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1}
    step = shift[accidental.strip(" -").lower()] if accidental else 0
    pitch_class = PITCH_CLASSES[(PITCH_CLASSES.index(tonic.upper()) + step) % 12]
    return f"{pitch_class} {'minor' if mode.lower() in _MINOR else 'major'}"


def read_key(text: str) -> str:
    """Read a whole string as a key; a lone tonic means major, "Am" means A minor.

    Raises:
        OptionError: it names no key.
    """
    found = _WHOLE_KEY.fullmatch(text.strip())
    if found is None:
        raise OptionError.of("key", text, "a key like 'D minor', 'Eb major', 'F# min' or 'Am'")
    is_short_minor = found["mode"] is None and text.strip().endswith("m")
    return key_name(
        found["tonic"], found["accidental"], "m" if is_short_minor else found["mode"] or "major"
    )


def key_index(name: str | None) -> int:
    """Index into `spec.KEYS`; -1 (`spec.NO_KEY`) for None."""
    return -1 if name is None else KEYS.index(name)


def key_path(start: int, end: int) -> list[int]:
    """Keys on the way to another key, a fifth at a time, the short way round; ends with `end`.

    Args:
        start, end: indices into `spec.KEYS`. Relative major and minor share a place on the circle.
    """
    here, there = _fifths(start), _fifths(end)
    steps = (there - here + 6) % 12 - 6
    way = [(here + int(copysign(step, steps))) % 12 for step in range(1, abs(steps))]
    return [_at_fifths(place, is_minor=start >= 12) for place in way] + (
        [end] if end != start else []
    )


def _fifths(key: int) -> int:
    """Place on the circle of fifths, C major and A minor at 0."""
    return (key % 12 + 3 * (key >= 12)) * 7 % 12


def _at_fifths(place: int, *, is_minor: bool) -> int:
    return (place * 7 - 3 * is_minor) % 12 + 12 * is_minor
