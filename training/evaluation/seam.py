"""The seam: how far the beat moves behind it. Loudness and clicks: `engine.listening.joint`.

In:  onsets of a take, its tempo, and the second at which other audio takes over. Out: how far the
beat is from where it was. Knows nothing of how the audio was made.
"""

import numpy as np

from training.evaluation.beat import beat_phase
from training.evaluation.onsets import ONSET_RATE, Onsets

PARTS = 4  # that a continuation's phase is measured in


def phase_moved_ms(onsets: Onsets, bpm: float, seam_second: float) -> float:
    """How far the beat is from where it was before the seam, in the worst quarter of what follows.

    Args:
        onsets: of the whole take, whose beat 0 is its first instant.
        bpm: tempo of the grid.
        seam_second: where the continuation begins.

    Returns:
        ms, at most a quarter of a beat: onsets are compared with beats and half-beats.
    """
    seam = round(seam_second * ONSET_RATE)
    edges = np.linspace(seam, len(onsets.strength), PARTS + 1).astype(int)
    before = _offset_ms(onsets, 0, seam, bpm)
    half_beat = 30_000.0 / bpm
    moved = [
        (_offset_ms(onsets, a, b, bpm) - before + half_beat / 2) % half_beat - half_beat / 2
        for a, b in zip(edges, edges[1:], strict=False)
    ]
    return float(np.abs(moved).max())


def _offset_ms(onsets: Onsets, start: int, end: int, bpm: float) -> float:
    part = Onsets(*(values[start:end] for values in onsets))
    beats = np.arange(start, end) / ONSET_RATE * bpm / 60.0
    return beat_phase(part, beats, bpm).offset_ms
