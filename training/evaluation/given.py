"""Given: does the music play the chords, and the notes, that are given beside the prompt?

In:  held-out pieces; their chords, then chords and notes, are given frame by frame beside the
     caption.
Out: a `Table`. The ceiling is the piece itself under the same estimators, which is what they can
tell at all; the floor holds each take against another piece's chords and notes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.row import Labels
from training.corpus.labels import label
from training.evaluation.chords import asked_chords, compare_chords, estimate_chords
from training.evaluation.figures import Values
from training.evaluation.generate import Given, Request
from training.evaluation.notes import NoteMatch, by_class, compare_notes, estimate_notes
from training.evaluation.onsets import Vector
from training.evaluation.prompts import HeldOut, derangement
from training.evaluation.studio import Studio, progress
from training.evaluation.table import Line, Table, line

ABOUT = (
    "Chords: beats whose root, and root and third, are those asked for; notes: F1 over pairs of "
    "frame and pitch. The ceiling is the pieces themselves under the same estimators; the floor is "
    "the takes against another piece's chords and notes."
)


class Heard(NamedTuple):
    """One clip of chords, or of notes, against what was asked."""

    chords: tuple[float, float] | None  # shares of beats: root; root and third
    notes: NoteMatch
    classes: NoteMatch  # the octave left open


def measure_given(studio: Studio, pieces: Sequence[HeldOut], seconds: float) -> Table:
    """Play every piece's chords, then every piece's notes, `seconds` of each."""
    asked = [label(piece.score, min(seconds, piece.score.duration)) for piece in pieces]
    order = derangement(len(pieces))
    requests = _requests(pieces, asked, seconds, False) + _requests(pieces, asked, seconds, True)
    takes = list(studio.hear(requests, "playing given chords and notes"))
    by_chords, by_notes = takes[: len(pieces)], takes[len(pieces) :]
    own = [studio.hear_piece(p.score, seconds) for p in progress(pieces, len(pieces), "rendering")]
    rows = (
        _compare(by_chords, by_notes, asked),
        _compare(own, own, asked),
        _compare(by_chords, by_notes, [asked[index] for index in order]),
    )
    return Table("given", "Chords and notes that are given", ABOUT, _lines(rows))


def _requests(
    pieces: Sequence[HeldOut], asked: Sequence[Labels], seconds: float, with_notes: bool
) -> list[Request]:
    """The pieces' captions with their chords, and with their notes as well if so asked."""
    requests = []
    for piece, labels in zip(pieces, asked, strict=True):
        given = Given(labels.chord_root, labels.chord_quality)
        if with_notes:
            given = given._replace(notes=labels.notes)
        requests.append(Request(piece.target.prompt, seconds, piece.target.seed, given))
    return requests


def _compare(
    by_chords: Sequence[Vector], by_notes: Sequence[Vector], asked: Sequence[Labels]
) -> list[Heard]:
    return [
        Heard(_hear_chords(a, labels), *_hear_notes(b, labels.notes))
        for a, b, labels in zip(by_chords, by_notes, asked, strict=True)
    ]


def _hear_chords(mono: Vector, labels: Labels) -> tuple[float, float] | None:
    wanted = asked_chords(labels.beat, labels.chord_root, labels.chord_quality)
    return compare_chords(estimate_chords(mono, wanted.spans), wanted)


def _hear_notes(mono: Vector, asked: NDArray[np.uint8]) -> tuple[NoteMatch, NoteMatch]:
    heard = estimate_notes(mono)
    return compare_notes(heard, asked), by_class(heard, asked)


def f1(counts: Values) -> float:
    """F1 of [n, 3] counts of right, asked and heard pairs."""
    right, asked, heard = counts.sum(0)
    return float(2 * right / max(asked + heard, 1.0))


def _lines(rows: Sequence[Sequence[Heard]]) -> tuple[Line, ...]:
    def column(index: int) -> list[list[float | None]]:
        return [[None if h.chords is None else h.chords[index] for h in row] for row in rows]

    found = (
        line("chord", "chord when given: root and third", "%", column(1)),
        line("chord_root", "chord when given: root", "%", column(0)),
        line("notes_f1", "notes when given, F1", "", [[h.notes for h in row] for row in rows], f1),
        line(
            "note_classes_f1",
            "notes when given, octave left open, F1",
            "",
            [[h.classes for h in row] for row in rows],
            f1,
        ),
    )
    return tuple(one for one in found if one)
