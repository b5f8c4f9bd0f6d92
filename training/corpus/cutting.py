"""Cutting: a stretch of a score as a score of its own, and room made before the first bar.

In:  a score and beats on its bar lines. Out: a score whose beat 0 is the cut.

A player may be a little early; a note that starts up to EARLY beats before a bar line belongs to
the bar after it. Pure functions; decides nothing musical.
"""

from dataclasses import replace
from typing import TypeVar

from training.corpus.score import Chord, Note, Score, Section

EARLY = 0.12  # beats, about half a sixteenth

Value = TypeVar("Value", int, float)
Event = TypeVar("Event", Chord, Section)


def window(score: Score, start: float, end: float) -> Score:
    """Keep what begins in start..end, cut off what still sounds there; both on bar lines.

    Raises:
        ValueError: the window is empty or reaches beyond the score.
    """
    if not 0 <= start < end <= score.length:
        raise ValueError(f"window is {start}..{end}, expected a part of 0..{score.length}")
    last = end if end == score.length else end - EARLY
    parts = [
        replace(part, notes=_cut([n for n in part.notes if start - EARLY <= n.start < last], end))
        for part in score.parts
    ]
    cut = replace(
        score,
        tempos=_in_force(score.tempos, start, end),
        keys=_in_force(score.keys, start, end),
        chords=_sounding(score.chords, start, end),
        sections=_sounding(score.sections, start, end),
        parts=tuple(part for part in parts if part.notes),
        length=end,
        fade_from=score.fade_from if end == score.length else None,
    )
    return shifted(cut, -start)


def shifted(score: Score, beats: float) -> Score:
    """Move everything by some beats; what was in force at beat 0 stays so from beat 0 on."""

    def moved(beat: float) -> float:
        return max(0.0, round(beat + beats, 5)) if beat > 0 else 0.0

    parts = tuple(
        replace(part, notes=tuple(replace(n, start=_at(n, beats)) for n in part.notes))
        for part in score.parts
    )
    return replace(
        score,
        tempos=tuple((moved(at), bpm) for at, bpm in score.tempos),
        keys=tuple((moved(at), key) for at, key in score.keys),
        chords=tuple(replace(chord, beat=moved(chord.beat)) for chord in score.chords),
        sections=tuple(replace(section, beat=moved(section.beat)) for section in score.sections),
        parts=parts,
        length=score.length + beats,
        fade_from=None if score.fade_from is None else score.fade_from + beats,
    )


def rest(score: Score, start: float, end: float, *, but: frozenset[str] = frozenset()) -> Score:
    """Silence all parts but those named from one bar line to another."""
    parts = []
    for part in score.parts:
        if part.name not in but:
            before = [n for n in part.notes if n.start < start - EARLY]
            after = tuple(n for n in part.notes if n.start >= end - EARLY)
            part = replace(part, notes=_cut(before, start) + after)
        parts.append(part)
    return replace(score, parts=tuple(part for part in parts if part.notes))


def _at(note: Note, beats: float) -> float:
    return max(0.0, round(note.start + beats, 5))


def _cut(notes: list[Note], end: float) -> tuple[Note, ...]:
    """Shorten what sounds beyond a beat."""
    return tuple(
        replace(n, length=round(end - n.start, 5)) if n.start + n.length > end else n for n in notes
    )


def _in_force(
    steps: tuple[tuple[float, Value], ...], start: float, end: float
) -> tuple[tuple[float, Value], ...]:
    """The steps that matter in start..end; the one in force at the start begins there."""
    before = [(start, value) for at, value in steps if at <= start]
    return (before[-1], *(step for step in steps if start < step[0] < end))


def _sounding(events: tuple[Event, ...], start: float, end: float) -> tuple[Event, ...]:
    before = [replace(event, beat=start) for event in events if event.beat <= start]
    return (*before[-1:], *(event for event in events if start < event.beat < end))
