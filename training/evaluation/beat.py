"""Beat phase: how far the onsets lie from a grid that we asked for.

In:  `Onsets` and, for each of their instants, the position in beats (known: the tempo was asked
     for and beat 0 is frame 0; of a corpus piece the score says it).
Out: `BeatPhase`: offset in ms at the beat and at the half-beat, and how concentrated onsets are.
No search for a tempo happens here: a wrong tempo shows as a low coherence and a chance offset.
"""

from math import tau
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.evaluation.onsets import Onsets


class BeatPhase(NamedTuple):
    """Where onsets fall against a grid. Offsets are positive when the sound is late."""

    offset_ms: float  # at the half-beat, within +- a quarter of a beat: the lock to the grid
    coherence: float  # 0..1 at the half-beat; onsets spread evenly give about 0
    beat_offset_ms: float  # at the beat, within +- half a beat: off-beat styles show half a beat
    beat_coherence: float  # 0..1 at the beat


def beat_phase(onsets: Onsets, beats: NDArray[np.floating], bpm: float) -> BeatPhase:
    """Compare onsets with a grid.

    Args:
        onsets: T values of onset strength.
        beats: [T] position in beats at each value's instant.
        bpm: tempo that turns beats into ms (the median one where the tempo moves).
    """
    beat_ms = 60_000.0 / bpm
    half, half_coherence = _circular_mean(onsets.strength, 2 * np.asarray(beats))
    whole, whole_coherence = _circular_mean(onsets.strength, np.asarray(beats))
    return BeatPhase(half * beat_ms / 2, half_coherence, whole * beat_ms, whole_coherence)


def steady_beats(onsets: Onsets, bpm: float) -> NDArray[np.float64]:
    """[T] positions in beats at a steady tempo, beat 0 at time 0."""
    return onsets.seconds * bpm / 60.0


def _circular_mean(
    strength: NDArray[np.floating], cycles: NDArray[np.floating]
) -> tuple[float, float]:
    """Mean position within a cycle (-0.5..0.5) and the length of the mean vector (0..1)."""
    total = float(strength.sum())
    if total <= 0.0:
        return 0.5, 0.0  # no onset at all is the worst offset, not the best
    mean = np.sum(strength * np.exp(1j * tau * cycles)) / total
    return float(np.angle(mean)) / tau, float(abs(mean))
