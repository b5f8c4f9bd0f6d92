"""Form: how many bars, which sections, how much energy in each.

In:  a template, a tempo, a meter and a stream of chance.
Out: `Stretch`es that follow each other without a gap, and one ending bar.

A piece is built of units of 2, 4 or 8 bars, whichever lasts nearest to ten seconds.
"""

from dataclasses import dataclass

import numpy as np

from training.corpus.chance import pick
from training.corpus.templates import Genre

SHORTEST_SECONDS, LONGEST_SECONDS = 36.0, 56.0
UNIT_SECONDS = 10.0
USUAL_ENERGY = {
    "intro": 0.3,
    "verse": 0.5,
    "chorus": 0.85,
    "bridge": 0.5,
    "break": 0.25,
    "solo": 0.75,
    "outro": 0.4,
}


@dataclass(frozen=True)
class Stretch:
    """One section in bars."""

    name: str  # one of engine.spec.SECTIONS
    energy: float  # 0..1
    first_bar: int
    bars: int
    tonic: int  # pitch class; changes where the piece modulates

    @property
    def end_bar(self) -> int:
        """The bar after the last."""
        return self.first_bar + self.bars


def unit_bars(bar_seconds: float) -> int:
    """Choose the unit of form: 2, 4 or 8 bars."""
    return min((2, 4, 8), key=lambda bars: abs(bars * bar_seconds - UNIT_SECONDS))


def plan_form(
    genre: Genre, bar_seconds: float, drive: float, tonic: int, rng: np.random.Generator
) -> tuple[Stretch, ...]:
    """Lay out the sections of a piece, about 35 to 60 s with its ending bar.

    Args:
        drive: 0..1, how energetic the piece is; shifts every section.
    """
    unit = unit_bars(bar_seconds)
    seconds = rng.uniform(SHORTEST_SECONDS, LONGEST_SECONDS)
    most = int((LONGEST_SECONDS + 2.0 - bar_seconds) / (unit * bar_seconds))
    units = max(3, min(most, round(seconds / (unit * bar_seconds))))
    body = pick(rng, genre.bodies).split()
    names = ["intro", *(body * units)[: units - 2], "outro"]
    lengths = [unit] * units
    if units > 3 and unit >= 4 and rng.random() < 0.4:
        lengths[0] = unit // 2
    return _stretches(genre, names, lengths, drive, tonic)


def _stretches(
    genre: Genre, names: list[str], lengths: list[int], drive: float, tonic: int
) -> tuple[Stretch, ...]:
    lengths[-1] += 1  # the ending bar
    stretches, bar = [], 0
    for name, bars in zip(names, lengths):
        energy = genre.energies.get(name, USUAL_ENERGY[name]) + 0.5 * (drive - 0.5)
        stretches.append(Stretch(name, float(np.clip(energy, 0.05, 1.0)), bar, bars, tonic))
        bar += bars
    return tuple(stretches)


def modulate(stretches: tuple[Stretch, ...], rng: np.random.Generator) -> tuple[Stretch, ...]:
    """Lift (or drop) everything from one section boundary of the second half on."""
    at = int(rng.integers(max(1, len(stretches) // 2), max(2, len(stretches) - 1)))
    shift = pick(rng, (1, 2, 2, 3, 5, -2))
    return tuple(
        Stretch(s.name, s.energy, s.first_bar, s.bars, (s.tonic + shift) % 12) if i >= at else s
        for i, s in enumerate(stretches)
    )
