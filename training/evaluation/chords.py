"""Chords: root and third of the chord on each beat, with the beats told and nothing else.

In:  [N] mono audio at ANALYSIS_RATE and where its beats lie. Out: one index per beat, root + 12
where the third is minor (the "majmin" vocabulary of MIREX, Pauwels and Peeters 2013).
The chroma of a beat, in all and in the bass, is turned to each root and held against the template
of each third; the templates are `weights.json`, fitted on beats of training pieces. Power chords
and suspended ones have no third: of those only the root can be right or wrong.

Dimensions: S spans (beats), F features.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.spec import FRAME_RATE, MODES, NO_CHORD, QUALITIES
from training.evaluation import weights
from training.evaluation.chroma import HOP, WINDOW, Array, chroma, shares
from training.evaluation.onsets import ANALYSIS_RATE

VIEWS = ("all", "bass", "around")  # of the beat, and of the beat with its neighbours
FEATURES = (
    *(f"{mode} {view} +{step}" for mode in MODES for view in VIEWS for step in range(12)),
    "minor",
)
MINOR_THIRD, MAJOR_THIRD = 3, 4


class AskedChords(NamedTuple):
    """The chord of every beat of a stretch."""

    spans: Array  # [S, 2] seconds, first and last of each beat
    root: NDArray[np.int64]  # [S] pitch class or NO_CHORD
    third: NDArray[np.int64]  # [S] 0 major, 1 minor, -1 where the chord has none


def asked_chords(
    beat: NDArray[np.floating], root: NDArray[np.integer], quality: NDArray[np.integer]
) -> AskedChords:
    """Gather frames [T], as `engine.row.Labels` has them, into beats: a beat's first chord counts.

    A last beat that is cut short by half or more is left out.
    """
    number = np.floor(np.asarray(beat) + 1e-6).astype(int)
    first = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
    end = np.append(first[1:], len(number))
    usual = float(np.median(np.diff(first))) if len(first) > 1 else 0.0
    whole = (end - first) > usual / 2
    first, end = first[whole], end[whole]
    thirds = np.array([_third(intervals) for intervals in QUALITIES.values()])
    roots = np.asarray(root, np.int64)[first]
    return AskedChords(np.stack([first, end], 1) / FRAME_RATE, roots, thirds[quality[first]])


def estimate_chords(mono: NDArray[np.floating], spans: Array) -> NDArray[np.int64]:
    """Name the chord of each span [S, 2] in seconds: [S] root, plus 12 where minor."""
    return (chord_features(mono, spans) @ weights.load("chord", FEATURES)).argmax(1)


def compare_chords(heard: NDArray[np.int64], asked: AskedChords) -> tuple[float, float] | None:
    """Shares of beats with the right root, and with the right root and third.

    None where no beat asks for a chord with a third.
    """
    given = asked.root != NO_CHORD
    full = given & (asked.third >= 0)
    if not full.any():
        return None
    is_root = heard % 12 == asked.root
    is_both = is_root & (heard // 12 == asked.third)
    return float(is_root[given].mean()), float(is_both[full].mean())


def chord_features(mono: NDArray[np.floating], spans: Array) -> Array:
    """Lay out what speaks for each of 24 chords on each span: [S, 24, F]."""
    whole, bass = chroma(mono)
    views = np.zeros((len(spans), len(VIEWS), 12))
    for index, (start, end) in enumerate(spans):
        inside, length = _frames(start, end, len(whole)), end - start
        around = _frames(start - length, end + length, len(whole))
        views[index] = np.sqrt(
            [shares(part.sum(0)) for part in (whole[inside], bass[inside], whole[around])]
        )
    features = np.zeros((len(spans), 2, 12, len(FEATURES)))
    width = views[0].size
    for root in range(12):
        turned = np.roll(views, -root, 2).reshape(len(spans), -1)
        features[:, 0, root, :width] = turned
        features[:, 1, root, width : 2 * width] = turned
        features[:, 1, root, -1] = 1.0
    return features.reshape(len(spans), 24, -1)


def _frames(start: float, end: float, count: int) -> slice:
    """The chroma frames centred in a stretch of seconds; at least the nearest one."""
    middle = WINDOW / 2 / HOP
    first = int(np.ceil(start * ANALYSIS_RATE / HOP - middle))
    last = int(np.ceil(end * ANALYSIS_RATE / HOP - middle))
    first = min(max(first, 0), count - 1)
    return slice(first, max(first + 1, last))


def _third(intervals: tuple[int, ...]) -> int:
    """0 for a major third, 1 for a minor one, -1 for neither."""
    return 1 if MINOR_THIRD in intervals else 0 if MAJOR_THIRD in intervals else -1
