"""Figures: from the scores of many clips to numbers with 95 % bootstrap intervals.

In:  a list of `Scores`.
Out: one `Interval` per `Figure` of FIGURES; each says in its title what is counted, and how.
Clips are resampled with replacement (percentile bootstrap, Efron 1979); a figure that few clips
carry (drift over a minute) counts only those.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.evaluation.key import KeyMatch
from training.evaluation.scoring import Scores
from training.evaluation.tempo import TempoMatch

RESAMPLES = 1000
Values = NDArray[np.float64]


class Interval(NamedTuple):
    """A figure, its 95 % interval and the number of clips behind it."""

    value: float
    low: float
    high: float
    clips: int


@dataclass(frozen=True)
class Figure:
    """One line of the report."""

    name: str  # key in the JSON
    title: str  # words in the table
    unit: str  # "%" is shown times a hundred
    value: Callable[[Scores], float | Values | None]  # of one clip; None: the clip has none
    gather: Callable[[Values], float] = lambda values: float(np.mean(values))
    has_floor: bool = True  # does it depend on the prompt at all?


def measure(figure: Figure, scores: Sequence[Scores]) -> Interval | None:
    """Gather a figure over clips; None where no clip carries it."""
    found = [value for value in map(figure.value, scores) if value is not None]
    if not found:
        return None
    return bootstrap(np.asarray(found, np.float64), figure.gather)


def bootstrap(values: Values, gather: Callable[[Values], float], seed: int = 0) -> Interval:
    """Gather [n, ...] values and say how much another draw of n clips might have changed it."""
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile([gather(values[draw]) for draw in draws], [2.5, 97.5])
    return Interval(gather(values), float(low), float(high), len(values))


def _families(scores: Scores) -> Values:
    """[2, F] asked and heard."""
    return np.stack([scores.families_asked, scores.families_heard]).astype(np.float64)


def _hits(families: Values) -> tuple[Values, Values, Values]:
    """[F] families rightly heard, asked for, and heard, counted over [n, 2, F]."""
    asked, heard = families[:, 0], families[:, 1]
    return (asked * heard).sum(0), asked.sum(0), heard.sum(0)


def micro_f1(families: Values) -> float:
    """F1 over all (clip, family) pairs of [n, 2, F]: common families count most."""
    right, asked, heard = _hits(families)
    return float(2 * right.sum() / max(asked.sum() + heard.sum(), 1.0))


def macro_f1(families: Values) -> float:
    """Mean F1 of the families that were asked for at all: each counts alike."""
    right, asked, heard = _hits(families)
    f1 = 2 * right / np.maximum(asked + heard, 1.0)
    return float(f1[asked > 0].mean()) if np.any(asked) else 0.0


def _median(values: Values) -> float:
    return float(np.median(values))


FIGURES: tuple[Figure, ...] = (
    Figure("tempo_hit", "tempo within 4 %", "%", lambda s: s.tempo is TempoMatch.HIT),
    Figure(
        "tempo_octave",
        "tempo at another metrical level",
        "%",
        lambda s: s.tempo is TempoMatch.OCTAVE,
    ),
    Figure(
        "beat_phase_ms", "beat-phase error, median", "ms", lambda s: abs(s.phase.offset_ms), _median
    ),
    Figure("beat_coherence", "onsets' coherence with the grid", "", lambda s: s.phase.coherence),
    Figure("key_hit", "key", "%", lambda s: s.key is KeyMatch.SAME),
    Figure("key_relative", "key: the relative one", "%", lambda s: s.key is KeyMatch.RELATIVE),
    Figure("key_fifth", "key: a fifth away", "%", lambda s: s.key is KeyMatch.FIFTH),
    Figure("key_parallel", "key: the parallel one", "%", lambda s: s.key is KeyMatch.PARALLEL),
    Figure("drums", "drums on or off", "%", lambda s: s.drums_right),
    Figure("families_micro_f1", "instrument families, micro F1", "%", _families, micro_f1),
    Figure("families_macro_f1", "instrument families, macro F1", "%", _families, macro_f1),
    Figure("genre", "genre, by the judge", "%", lambda s: s.genre_right),
    Figure("cycle", "MuLan cycle consistency", "", lambda s: s.cycle),
    Figure("silent", "silent clips", "%", lambda s: s.level.is_silent, has_floor=False),
    Figure("clipped", "clipped clips", "%", lambda s: s.level.is_clipped, has_floor=False),
    Figure(
        "side_db",
        "side against the middle, median",
        "dB",
        lambda s: s.level.side_db,
        _median,
        has_floor=False,
    ),
    Figure(
        "drift_db",
        "loudness drift over 60 s, median size",
        "dB",
        lambda s: None if s.drift is None else abs(s.drift.change_db),
        _median,
        has_floor=False,
    ),
    Figure(
        "drift_slope",
        "loudness slope, mean",
        "dB/min",
        lambda s: None if s.drift is None else s.drift.slope_db_per_minute,
        has_floor=False,
    ),
)
BY_NAME = {figure.name: figure for figure in FIGURES}
