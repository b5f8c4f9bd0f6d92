"""Harmony: roman numerals of a template become chords on the bar grid.

In:  "i | bVII | bVI V7" (bars by `|`, their chords by spaces; degrees are of the major scale).
Out: `Chord`s with beats.

A numeral is accidental, degree, quality and an optional bass: "ii7", "bVII", "Vsus4", "viiø", "I5",
"I/3" (third in the bass). Knows nothing about rhythm or voices.
"""

import re
from dataclasses import replace

from engine.spec import QUALITIES
from training.corpus.score import Chord

DEGREES = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
NUMERAL = re.compile(r"^([b#]?)([ivIV]+)(maj7|ø|°|\+|sus2|sus4|7|5|6)?(?:/([1357]))?$")
SUFFIXES = {"ø": "m7b5", "°": "dim", "+": "aug"}  # every other suffix is the quality's own name
CHORD_TONE_INDEX = {"1": 0, "3": 1, "5": 2, "7": 3}


def read_numeral(text: str) -> tuple[int, str, int]:
    """Read one roman numeral.

    Returns:
        Semitones of the root above the tonic, quality, semitones of the bass above the root.

    Raises:
        ValueError: not a numeral of the form above.
    """
    match = NUMERAL.match(text)
    if match is None or match[2].upper() not in DEGREES:
        raise ValueError(
            f"{text!r} is not a chord numeral, expected one like 'bVII', 'ii7' or 'I/3'"
        )
    accidental, degree, suffix, bass = match.groups()
    root = (DEGREES[degree.upper()] + {"": 0, "b": -1, "#": 1}[accidental]) % 12
    quality = _quality(degree.islower(), suffix)
    tones = QUALITIES[quality]
    return root, quality, tones[CHORD_TONE_INDEX[bass or "1"] % len(tones)]


def _quality(minor: bool, suffix: str | None) -> str:
    if suffix is None:
        return "min" if minor else "maj"
    if suffix == "7":
        return "min7" if minor else "7"
    return SUFFIXES.get(suffix, suffix)


def read_progression(text: str) -> list[list[str]]:
    """Split a progression into bars of numerals, checking each numeral.

    Raises:
        ValueError: an empty bar or a numeral that cannot be read.
    """
    bars = [bar.split() for bar in text.split("|")]
    for bar in bars:
        if not bar:
            raise ValueError(f"progression {text!r} has an empty bar")
        for numeral in bar:
            read_numeral(numeral)
    return bars


def place_bar(numerals: list[str], tonic: int, beat: float, beats_per_bar: int) -> list[Chord]:
    """Set the chords of one bar, evenly (in whole beats) over its beats."""
    chords = []
    for index, numeral in enumerate(numerals):
        root, quality, bass = read_numeral(numeral)
        offset = round(index * beats_per_bar / len(numerals))
        root = (tonic + root) % 12
        chords.append(Chord(beat + offset, root, quality, (root + bass) % 12))
    return chords


def merge_repeats(chords: list[Chord]) -> tuple[Chord, ...]:
    """Drop a chord that only repeats the one before it."""
    kept: list[Chord] = []
    for chord in chords:
        if not kept or chord != replace(kept[-1], beat=chord.beat):
            kept.append(chord)
    return tuple(kept)
