"""Patterns: the little rhythm language of the templates.

A pattern is one or more bars of equal steps, bars by `|`: "x..x|x-x.". Spaces are for the eye.
`.` is a rest, `-` holds what came before, every other letter starts something; what it means
(a drum stroke, a chord degree, a tone of the voicing) is up to the player that reads it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

MeterName = Literal["4/4", "3/4", "6/8"]
METERS: dict[MeterName, int] = {"4/4": 4, "3/4": 3, "6/8": 2}  # beats per bar; 6/8 has dotted ones
STEPS: dict[MeterName, tuple[int, ...]] = {  # how many steps a bar of a pattern may have
    "4/4": (4, 8, 12, 16, 24),
    "3/4": (3, 6, 9, 12),
    "6/8": (2, 6, 12),
}


@dataclass(frozen=True)
class Stroke:
    """One letter of a pattern, in beats from its bar line."""

    start: float
    length: float
    letter: str


def check_pattern(pattern: str, meter: MeterName) -> str:
    """Refuse a pattern whose bars do not divide into the steps of a meter.

    Raises:
        ValueError: says which bar and which step counts fit.
    """
    fitting = STEPS[meter]
    for bar in pattern.replace(" ", "").split("|"):
        if len(bar) not in fitting:
            raise ValueError(f"bar {bar!r} has {len(bar)} steps, {meter} expects one of {fitting}")
    return pattern


@lru_cache(maxsize=4096)
def read_pattern(pattern: str, beats_per_bar: int) -> tuple[tuple[Stroke, ...], ...]:
    """Read a pattern into strokes, one tuple per bar; a hold may not cross the bar line."""
    bars = pattern.replace(" ", "").split("|")
    return tuple(_read_bar(bar, beats_per_bar) for bar in bars)


def _read_bar(bar: str, beats_per_bar: int) -> tuple[Stroke, ...]:
    step = beats_per_bar / len(bar)
    strokes: list[Stroke] = []
    for index, letter in enumerate(bar):
        if letter == "-" and strokes:
            last = strokes[-1]
            if abs(last.start + last.length - index * step) < 1e-9:
                strokes[-1] = Stroke(last.start, last.length + step, last.letter)
        elif letter not in ".-":
            strokes.append(Stroke(index * step, step, letter))
    return tuple(strokes)
