"""A table: some figures of one kind, each beside its ceiling and its floor.

In:  values of clips, in the same order in all three rows. Out: `Line`s with 95 % intervals, how far
each lies on the way from its ceiling to its floor, and a `Table` of them for the report.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.evaluation.figures import RESAMPLES, Interval, Values, bootstrap

Gather = Callable[[Values], float]


class Line(NamedTuple):
    """One figure: of the generated clips, of what they could be at best, and at chance."""

    name: str  # key in the JSON
    title: str  # words in the table
    unit: str  # "%" is shown times a hundred
    generated: Interval
    ceiling: Interval | None = None
    floor: Interval | None = None

    @property
    def way(self) -> float | None:
        """Where it lies between ceiling (0) and floor (1); None where those two do not differ."""
        if self.ceiling is None or self.floor is None:
            return None
        length = self.floor.value - self.ceiling.value
        return None if length == 0.0 else (self.generated.value - self.ceiling.value) / length

    def as_dict(self) -> dict[str, Any]:
        """For JSON; rows that a figure does not have are left out."""
        rows = {"generated": self.generated, "ceiling": self.ceiling, "floor": self.floor}
        cells: dict[str, Any] = {name: row._asdict() for name, row in rows.items() if row}
        return cells if self.way is None else {**cells, "way_to_floor": self.way}


class Table(NamedTuple):
    """Figures of one kind."""

    name: str  # key in the JSON
    title: str
    about: str  # what ceiling and floor are, and whose method it is
    lines: tuple[Line, ...]

    def line(self, name: str) -> Line | None:
        """The line of a name, if it was measured."""
        return next((line for line in self.lines if line.name == name), None)


def mean(values: Values) -> float:
    """The mean of [n] values."""
    return float(np.mean(values))


def median(values: Values) -> float:
    """The median of [n] values."""
    return float(np.median(values))


def interval(values: Sequence[Any], gather: Gather = mean) -> Interval | None:
    """Gather the values of clips, those that are None left out; None where none is left."""
    found = [value for value in values if value is not None]
    return bootstrap(np.asarray(found, np.float64), gather) if found else None


def line(
    name: str,
    title: str,
    unit: str,
    rows: Sequence[Sequence[Any]],
    gather: Gather = mean,
) -> Line | None:
    """Make a line of up to three rows of clips' values: generated, ceiling, floor.

    None where no generated clip has a value.
    """
    cells = [interval(row, gather) for row in rows]
    if cells[0] is None:
        return None
    return Line(name, title, unit, cells[0], *cells[1:])


def bootstrap_clips(
    counts: Sequence[int], gather: Callable[..., float], resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Resample sets of clips by how often each clip counts; for figures that are no mean of clips.

    Distances of resampled sets are longer than those of the sets themselves, for clips that come
    twice say less; that bias, seen in the draws, is taken off the interval's ends. Draws in which
    no pair of clips is left (NaN) do not count.

    Args:
        counts: clips in each set.
        gather: maps one [n] array of weights per set to the figure.
        resamples: how often to draw.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    value = gather(*(np.ones(count) for count in counts))
    draws = [gather(*(_draw(rng, count) for count in counts)) for _ in range(resamples)]
    low, high = np.nanpercentile(draws, [2.5, 97.5]) - (np.nanmean(draws) - value)
    return Interval(value, float(low), float(high), counts[0])


def _draw(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """[n] how often each of n clips was drawn."""
    return np.bincount(rng.integers(count, size=count), minlength=count).astype(np.float64)
