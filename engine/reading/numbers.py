"""Tempo and meter in a prompt: cut numbers out of the text, read Italian terms and dances in place.

Each `take_*` gets the text and a list for remarks, and returns the text with cuts and the value.
"""

import re
from typing import Final

from engine.errors import PromptError
from engine.reading.text import CUT, first
from engine.reading.words import any_of, words
from engine.spec import MAX_BEATS_PER_BAR, TEMPO_MAX_BPM, TEMPO_MIN_BPM

_NUMBER = r"(?<![\w.])(?<!\d,)(?P<{0}>\d+(?:[.,]\d+)?)"
_ABOUT = (
    r"(?:(?:at|around|about|approximately|roughly|circa|ca\.?|of|with|a|an|the|in|is|played|set|"
    r"speed|tempo|moves|moving|runs|running|goes)\s+)*"
)
_UNIT = (
    r"\s*-?\s*(?:bpm\b|b\.p\.m\b\.?|(?:quarter[- ])?beats? (?:per|a|/) ?min(?:ute)?\b)"
    r"(?:\s+tempo\b)?"
)
_BPM = re.compile(
    rf"(?:\bbetween\s+|\bfrom\s+)?(?:\b{_ABOUT})?(?:~\s*)?{_NUMBER.format('low')}"
    rf"(?:(?:\s*(?:-|–|—|to|and)\s*)(?P<high>\d+(?:[.,]\d+)?))?{_UNIT}",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"\b(?:the\s+)?(?:tempo|bpm)\s*(?:is|of|[:=])?\s*(?:(?:about|around|at|approximately|roughly)\s+|~)?"
    rf"{_NUMBER.format('low')}(?!\w)|[♩♪q]\s*=\s*{_NUMBER.format('note')}(?!\w)",
    re.IGNORECASE,
)
# "at 120" alone: only a plausible tempo that ends its clause, so that "at 440 Hz" stays what it is.
_AT = re.compile(
    r"\b(?:played\s+)?at\s+(?:(?:about|around)\s+)?(?P<low>\d{2,3})(?=\s*(?:[,;.!?)]|$|\x00|(?:in|with|and)\b))(?!\.\d)",
    re.IGNORECASE,
)


def take_tempo(text: str, remarks: list[str]) -> tuple[str, float | None]:
    """Cut numbers of beats per minute; Italian terms count when no number is given, and stay."""
    found: list[float] = []

    def read(match: re.Match[str]) -> str:
        groups = match.groupdict()
        low = _number(groups["low"] or groups["note"])
        high = _number(groups.get("high") or "") or low
        for bpm in (low, high):
            _check_tempo(bpm, match[0].strip())
        if high != low:
            remarks.append(f"of {low:g} to {high:g} bpm the middle is played")
        found.append((low + high) / 2)
        return CUT

    def read_plausible(match: re.Match[str]) -> str:
        return read(match) if TEMPO_MIN_BPM <= float(match["low"]) <= TEMPO_MAX_BPM else match[0]

    text = _AT.sub(read_plausible, _NAMED.sub(read, _BPM.sub(read, text)))
    if not found:
        italian = re.finditer(any_of(words().tempo), text, re.IGNORECASE)
        found = [float(words().tempo[match[0].lower()]) for match in italian]
    return text, first(found, "tempo", "bpm", remarks)


def _number(digits: str) -> float:
    """A decimal number with point or comma; 0 for none."""
    return float(digits.replace(",", ".") or 0)


def _check_tempo(bpm: float, said: str) -> None:
    if not TEMPO_MIN_BPM <= bpm <= TEMPO_MAX_BPM:
        raise PromptError(
            f"prompt says {said!r}, expected a tempo of {TEMPO_MIN_BPM:g} to {TEMPO_MAX_BPM:g} "
            "bpm. Halve or double it?"
        )


_FRACTION = re.compile(
    r"(?:\b(?:in|with|a|an|the)\s+)*(?<![\d/.])(?P<beats>\d{1,2})/(?P<unit>[248])(?![\d/]|\s+of\b|\s+(?:note|bar))"
    r"(?:[ -]+(?:time signature|time|meter|metre)\b)?",
    re.IGNORECASE,
)
_SPELLED = re.compile(
    r"(?:\b(?:in|a|an)\s+)*"
    r"\b(?P<word>(?:three|four|five)[- ]four|(?:six|twelve)[- ]eight|triple|duple)"
    r"[ -](?:time|meter|metre)\b",
    re.IGNORECASE,
)
_SPELLED_BEATS: Final = {
    "three-four": 3,
    "four-four": 4,
    "five-four": 5,
    "six-eight": 2,
    "twelve-eight": 4,
    "triple": 3,
    "duple": 2,
}


def take_meter(text: str, remarks: list[str]) -> tuple[str, int | None]:
    """Cut time signatures; dances count when none is given, and stay."""
    found: list[int] = []

    def read(match: re.Match[str]) -> str:
        beats = beats_of(int(match["beats"]), int(match["unit"]))
        if beats is None:
            remarks.append(
                f"the meter {match['beats']}/{match['unit']} is not one that can be asked for; "
                "it is left in the text"
            )
            return match[0]
        found.append(beats)
        return CUT

    def read_spelled(match: re.Match[str]) -> str:
        found.append(_SPELLED_BEATS[match["word"].lower().replace(" ", "-")])
        return CUT

    text = _SPELLED.sub(read_spelled, _FRACTION.sub(read, text))
    if not found:
        dances = re.finditer(any_of(words().meter), text, re.IGNORECASE)
        found = [words().meter[match[0].lower()] for match in dances]
    return text, first(found, "meter", "beats per bar", remarks)


def beats_of(beats: int, unit: int) -> int | None:
    """Beats per bar of a time signature: 3/4 is 3, 6/8 is 2 dotted ones; None if not ours."""
    if unit == 8:
        return beats // 3 if beats in (6, 9, 12) else None
    return beats if 2 <= beats <= MAX_BEATS_PER_BAR else None
