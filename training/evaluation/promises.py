"""Promises: what the bundle is to reach, what was measured, and whether it holds.

In:  the figures of a report and its tables. Out: `Promise`s in words, of what was measured in
this run.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from training.evaluation.figures import BY_NAME, Figure, Interval, bootstrap, measure
from training.evaluation.scoring import Scores
from training.evaluation.table import Line, Table
from training.evaluation.words import in_words

AT_LEAST = {"tempo_hit": 0.90, "drums": 0.97, "key_hit": 0.75}
AT_MOST = {"beat_phase_ms": 25.0}
OF_THE_CEILING = {"families_macro_f1": 0.70, "cycle": 0.80}
NONE_OF = ("silent", "clipped")
WAY_TO_FLOOR = {"fad_log_mel": 1 / 3, "fad_judge": 1 / 3}
IN_TABLES: Mapping[str, tuple[float, bool]] = {  # by line: the bound, and whether more is better
    "chord": (0.60, True),
    "notes_f1": (0.50, True),
    "long_loudness_db": (1.5, False),
}


class Promise(NamedTuple):
    """One line of what was promised."""

    promise: str
    measured: str
    holds: bool


def promises(rows: Mapping[str, Sequence[Scores]], tables: Sequence[Table]) -> list[Promise]:
    """Hold the figures against what was promised."""
    found = []
    for name, bound in (AT_LEAST | AT_MOST).items():
        figure, more = BY_NAME[name], name in AT_LEAST
        value = present(measure(figure, rows["generated"]))
        found.append(_bounded(figure.title, figure.unit, value, bound, more))
    for name, bound in OF_THE_CEILING.items():
        share = share_of_ceiling(BY_NAME[name], rows)
        title = f"{BY_NAME[name].title}, of the ceiling's"
        found.append(_bounded(title, "%", share, bound, True))
    gain = cycle_gain(rows)
    words = "cycle consistency above the shuffled floor"
    found.append(Promise(words, "by " + in_words(gain, ""), gain.low > 0))
    for name in NONE_OF:
        value = present(measure(BY_NAME[name], rows["generated"]))
        found.append(Promise(f"no {BY_NAME[name].title}", in_words(value, "%"), value.value == 0))
    return found + _in_tables(tables)


def share_of_ceiling(figure: Figure, rows: Mapping[str, Sequence[Scores]]) -> Interval:
    """A figure as a share of what the held-out pieces reach, prompt by prompt resampled."""
    pairs = [
        [figure.value(own), figure.value(best)]
        for own, best in zip(rows["generated"], rows["ceiling"], strict=True)
    ]

    def ratio(drawn: np.ndarray) -> float:
        return figure.gather(drawn[:, 0]) / max(figure.gather(drawn[:, 1]), 1e-9)

    return bootstrap(np.asarray(pairs, np.float64), ratio)


def cycle_gain(rows: Mapping[str, Sequence[Scores]]) -> Interval:
    """How far the right prompt's cosine lies above a shuffled one's, clip by clip."""
    pairs = zip(rows["generated"], rows["floor"], strict=True)
    gains = np.array([own.cycle - other.cycle for own, other in pairs])
    return bootstrap(gains, lambda drawn: float(np.mean(drawn)))


def present(interval: Interval | None) -> Interval:
    """The interval, of a figure that every clip carries."""
    assert interval is not None, "every clip carries the figures that promises and genres use"
    return interval


def _bounded(title: str, unit: str, value: Interval, bound: float, more: bool) -> Promise:
    number = f"{bound:.0%}" if unit == "%" else f"{bound:g} {unit}".rstrip()
    words = f"{title} {'at least' if more else 'at most'} {number}"
    holds = value.value >= bound if more else value.value <= bound
    return Promise(words, in_words(value, unit), holds)


def _in_tables(tables: Sequence[Table]) -> list[Promise]:
    """Promises about lines of tables, as far as the tables were made."""
    lines = {line.name: line for table in tables for line in table.lines}
    found = []
    for name, (bound, more) in IN_TABLES.items():
        if name in lines:
            line = lines[name]
            found.append(_bounded(line.title, line.unit, line.generated, bound, more))
    for name, most in WAY_TO_FLOOR.items():
        if name in lines:
            found.append(_on_the_way(lines[name], most))
    return found


def _on_the_way(line: Line, most: float) -> Promise:
    """A distance near its ceiling; a floor that lies no further than the ceiling proves nothing."""
    words = f"{line.title}: at most {most:.0%} of the way from ceiling to floor"
    assert line.ceiling is not None, "distances have all rows"
    assert line.floor is not None, "distances have all rows"
    if line.way is None or line.floor.value <= line.ceiling.value:
        return Promise(words, "too few clips to tell ceiling and floor apart", False)
    return Promise(words, f"{line.way:.0%}", line.way <= most)
