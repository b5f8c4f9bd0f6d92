"""Timing: the notes of a part as arrays in samples, which every sound source reads.

In:  a `Score` and one of its `Part`s (beats).
Out: `Events`, arrays over E notes in the order of their onsets. Knows nothing about sound.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.spec import FRAME_RATE, exact_div
from training.corpus.score import Part, Score

RATE = 48_000  # Hz, of everything the renderer makes
FRAME_SAMPLES = exact_div(RATE, FRAME_RATE)
TAIL_S = 1.2  # after the last bar line, for releases and reverberation

Audio = NDArray[np.float32]  # [2, N] at RATE unless a docstring says otherwise


class Events(NamedTuple):
    """Notes of one part, sorted by onset; E notes."""

    start: NDArray[np.int64]  # [E] samples
    length: NDArray[np.int64]  # [E] samples, >= 1
    pitch: NDArray[np.int64]  # [E] MIDI
    velocity: NDArray[np.int64]  # [E] 1..127


def total_samples(score: Score) -> int:
    """Samples of the rendered piece: its bars and the tail, rounded up to whole frames."""
    return whole_frames(score.duration + TAIL_S)


def whole_frames(seconds: float) -> int:
    """Samples of the whole frames that hold some seconds."""
    return int(np.ceil(seconds * FRAME_RATE - 1e-6)) * FRAME_SAMPLES  # 140.0000001 is 140


def seconds_of(score: Score, beats: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert many beats to seconds; the same as `Score.seconds`, which takes one."""
    edges = np.array([beat for beat, _ in score.tempos])
    at_edges = np.array([score.seconds(beat) for beat in edges])
    seconds_per_beat = 60.0 / np.array([bpm for _, bpm in score.tempos])
    piece = np.maximum(np.searchsorted(edges, beats, side="right") - 1, 0)
    return at_edges[piece] + (beats - edges[piece]) * seconds_per_beat[piece]


def events_of(score: Score, part: Part) -> Events:
    """Lay out a part's notes in samples, sorted by onset, then pitch."""
    if not part.notes:
        return Events(*(np.zeros(0, np.int64) for _ in range(4)))
    table = np.array(
        [(note.start, note.start + note.length, note.pitch, note.velocity) for note in part.notes]
    )
    start = np.round(seconds_of(score, table[:, 0]) * RATE).astype(np.int64)
    end = np.round(seconds_of(score, table[:, 1]) * RATE).astype(np.int64)
    pitch, velocity = table[:, 2].astype(np.int64), table[:, 3].astype(np.int64)
    order = np.lexsort((pitch, start))
    length = np.maximum(end - start, 1)
    return Events(start[order], length[order], pitch[order], np.clip(velocity, 1, 127)[order])
