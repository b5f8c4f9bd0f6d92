"""The continuation's table: every measure of every row, for pieces and for loops apart.

In:  outcomes of `continuation.measure_all`, by group. Out: a plain dictionary for JSON, and the
same as Markdown with what was promised. Takes that say nothing about a measure are left out of it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.evaluation.continuation import ROWS, Outcome, Scores
from training.evaluation.figures import Interval, bootstrap
from training.evaluation.words import in_words

Groups = Mapping[str, Sequence[Outcome]]  # "pieces", "loops"


class Column(NamedTuple):
    """One measure."""

    name: str  # key in the JSON
    title: str
    unit: str  # "%" is shown times a hundred
    value: Callable[[Scores], float | None]
    gather: Callable[[NDArray[np.float64]], float]
    promise: float | None = None
    is_least: bool = False  # the promise is at least, not at most


def _mean(values: NDArray[np.float64]) -> float:
    return float(np.mean(values))


def _median(values: NDArray[np.float64]) -> float:
    return float(np.median(values))


def _per_cent(scores: Scores) -> float | None:
    return None if scores.tempo_error is None else 100 * scores.tempo_error


COLUMNS = (
    Column("tempo_error", "tempo error, median", "per cent", _per_cent, _median, 2),
    Column("tempo_kept", "tempo within 2 %", "%", lambda s: s.tempo_kept, _mean),
    Column("phase_ms", "beat moved over 16 bars, median", "ms", lambda s: s.phase_ms, _median, 30),
    Column("key_kept", "key kept", "%", lambda s: s.key_kept, _mean, 0.7, is_least=True),
    Column("step_db", "loudness step, median", "dB", lambda s: s.step_db, _median, 1.5),
    Column("click_db", "seam over own bar lines, median", "dB", lambda s: s.click_db, _median, 0),
)


def cell(column: Column, row: str, outcomes: Sequence[Outcome]) -> Interval | None:
    """One measure of one row; None where no take says anything."""
    found = [column.value(outcome[row]) for outcome in outcomes]
    values = np.array([value for value in found if value is not None], np.float64)
    return bootstrap(values, column.gather) if len(values) else None


def holds(column: Column, outcomes: Sequence[Outcome]) -> bool | None:
    """Whether the continuation keeps what was promised; None without a promise."""
    found = cell(column, ROWS[0], outcomes)
    if column.promise is None or found is None:
        return None
    return found.value >= column.promise if column.is_least else found.value <= column.promise


def as_dict(groups: Groups) -> dict[str, Any]:
    """Lay the table out for JSON: group, row, measure, interval."""
    return {
        group: {
            row: {
                column.name: found._asdict()
                for column in COLUMNS
                if (found := cell(column, row, outcomes))
            }
            for row in ROWS
        }
        for group, outcomes in groups.items()
    }


def as_markdown(groups: Groups, about: Mapping[str, Any]) -> str:
    """Write the table as a page."""
    sections = [
        "# Continuation",
        "Made by `python -m training.evaluate --continuation`. Brackets hold 95 % bootstrap "
        "intervals over takes. A tempo error is taken at the nearest octave.",
        "\n".join(f"- {name}: {value}" for name, value in about.items()),
    ]
    for group, outcomes in groups.items():
        sections += [f"## {len(outcomes)} {group}", _table(outcomes)]
    return "\n\n".join(sections) + "\n"


def _table(outcomes: Sequence[Outcome]) -> str:
    lines = [("measure", "promised", "holds", *ROWS), ("---",) * (3 + len(ROWS))]
    for column in COLUMNS:
        kept = holds(column, outcomes)
        cells = (in_words(cell(column, row, outcomes), column.unit) for row in ROWS)
        answer = "" if kept is None else "yes" if kept else "NO"
        lines.append((column.title, _promise(column), answer, *cells))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _promise(column: Column) -> str:
    if column.promise is None:
        return ""
    size = column.promise * (100 if column.unit == "%" else 1)
    return f"{'at least' if column.is_least else 'at most'} {size:g} {column.unit}"
