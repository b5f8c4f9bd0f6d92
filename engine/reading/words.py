"""The vocabulary of the prompt parser, read once from `words.toml`, and patterns made from word
lists.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Words:
    """`words.toml` with its placeholders filled in."""

    # phrase -> a name of spec.FAMILIES, "kit", "piece" (of the kit), "~" and a name (can only be
    # refused), or "" (the name of a genre). Keys are folded as `fold` does.
    meanings: dict[str, str]
    tempo: dict[str, float]  # Italian term -> bpm
    meter: dict[str, int]  # dance -> beats per bar
    lists: dict[str, list[str]]  # "refuse": ["no", "without", ...]


@cache
def words() -> Words:
    """Load the vocabulary."""
    data = tomllib.loads(files("engine.reading").joinpath("words.toml").read_text("utf-8"))
    lists, drums = data["lists"], data["drums"]
    refusable = {f"~{name}": phrases for name, phrases in data["refusable"].items()}
    groups = {**data["families"], "kit": drums["kit"], "piece": drums["pieces"], **refusable}
    groups[""] = data["genres"]["names"]
    filled = (
        (phrase, group)
        for group, raw in groups.items()
        for one in raw
        for phrase in _fill(one, lists)
    )
    meanings = {fold(phrase): group for phrase, group in filled}
    return Words(meanings, data["tempo"], data["meter"], lists)


def _fill(phrase: str, lists: dict[str, list[str]]) -> list[str]:
    """All phrases meant by one with placeholders: "<dirt> guitar" -> "fuzz guitar", ..."""
    for name, choices in lists.items():
        if f"<{name}>" in phrase:
            return [
                full
                for choice in choices
                for full in _fill(phrase.replace(f"<{name}>", choice, 1), lists)
            ]
    return [phrase]


def fold(phrase: str) -> str:
    """Spell a phrase one way: "Double-Bass" -> "double bass"."""
    return phrase.lower().replace("-", " ").replace("’", "'")


def any_of(phrases: Iterable[str], ending: str = "") -> str:
    """A pattern for any of the phrases as whole words, the longest first, hyphenated or not."""
    longest_first = sorted(
        {fold(phrase) for phrase in phrases}, key=lambda phrase: (-len(phrase), phrase)
    )
    escaped = (re.escape(p).replace(r"\ ", "[ -]").replace("'", "['’]") for p in longest_first)
    return rf"(?<!\w)(?:{'|'.join(escaped)}){ending}(?!\w)"


@cache
def instrument_pattern(ending: str) -> re.Pattern[str]:
    """All instruments and genres that contain one, each as group "name", then `ending`."""
    alternatives = any_of(words().meanings, ending).replace("(?:", "(?P<name>", 1)
    return re.compile(alternatives, re.IGNORECASE)


def meaning_of(name: str) -> str:
    """What a phrase found by `instrument_pattern` means."""
    meanings, folded = words().meanings, fold(name)
    return meanings.get(
        folded, meanings.get(folded.removesuffix("s"), meanings.get(folded.removesuffix("es"), ""))
    )


@cache
def listed(name: str) -> str:
    """A pattern for any phrase of a list in `words.toml`."""
    return any_of(words().lists[name])
