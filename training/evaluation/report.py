"""The report: every figure beside its ceiling and floor, promises, the codec's table, genres apart.

In:  scores of three rows (generated, ceiling, floor; clips in one order) and the codec's rows.
Out: a plain dictionary for JSON, and the same as Markdown. Numbers are put into words here only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.evaluation.codec_table import CodecRow
from training.evaluation.figures import FIGURES, Figure, Interval, bootstrap, measure
from training.evaluation.scoring import Scores

ROWS = ("generated", "ceiling", "floor")
BY_NAME = {figure.name: figure for figure in FIGURES}
GENRE_FIGURES = tuple(BY_NAME[name] for name in ("tempo_hit", "key_hit", "drums", "genre", "cycle"))
AT_LEAST = {"tempo_hit": 0.60, "drums": 0.85, "key_hit": 0.40}  # what the first bundle promises
NONE_OF = ("silent", "clipped")


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that was measured."""

    about: Mapping[str, Any]  # bundle, prompts, seconds and so on, as shown on top
    scores: Mapping[str, Sequence[Scores]]  # by row of ROWS
    codec: Sequence[CodecRow]

    def cell(self, figure: Figure, row: str) -> Interval | None:
        """One figure of one row; None where the row has none."""
        if row == "floor" and not figure.has_floor:
            return None
        return measure(figure, self.scores[row])

    def cycle_gain(self) -> Interval:
        """How far the right prompt's cosine lies above a shuffled one's, clip by clip."""
        pairs = zip(self.scores["generated"], self.scores["floor"], strict=True)
        gains = np.array([own.cycle - other.cycle for own, other in pairs])
        return bootstrap(gains, lambda drawn: float(np.mean(drawn)))

    def promises(self) -> list[tuple[str, str, bool]]:
        """What was promised, what was measured, and whether it holds."""
        lines = []
        for name, least in AT_LEAST.items():
            found = _present(self.cell(BY_NAME[name], "generated"))
            words = f"{BY_NAME[name].title} at least {least:.0%}"
            lines.append((words, in_words(found, "%"), found.value >= least))
        gain = self.cycle_gain()
        words = "cycle consistency above the shuffled floor"
        lines.append((words, "by " + in_words(gain, ""), gain.low > 0))
        for name in NONE_OF:
            found = _present(self.cell(BY_NAME[name], "generated"))
            lines.append((f"no {BY_NAME[name].title}", in_words(found, "%"), found.value == 0))
        return lines

    def by_genre(self) -> dict[str, dict[str, dict[str, Interval]]]:
        """Genre, figure, row: the figures that tell genres apart."""
        return {
            genre: {
                figure.name: {
                    row: _present(
                        measure(figure, [s for s in self.scores[row] if s.genre == genre])
                    )
                    for row in ("generated", "ceiling")
                }
                for figure in GENRE_FIGURES
            }
            for genre in sorted({scores.genre for scores in self.scores["generated"]})
        }


def as_dict(report: Report) -> dict[str, Any]:
    """Lay the report out for JSON; an interval is {value, low, high, clips}."""
    figures = {
        figure.name: {row: cell._asdict() for row in ROWS if (cell := report.cell(figure, row))}
        for figure in FIGURES
    }
    genres = {
        genre: {
            name: {row: cell.value for row, cell in cells.items()} for name, cells in line.items()
        }
        for genre, line in report.by_genre().items()
    }
    codec = [
        {
            "levels": row.levels,
            "mel": row.mel._asdict(),
            "magnitude_snr_db": row.magnitude_snr_db._asdict(),
            "snr_db": row.snr_db._asdict(),
        }
        for row in report.codec
    ]
    promises = [dict(zip(("promise", "measured", "holds"), line)) for line in report.promises()]
    return {
        **report.about,
        "figures": figures,
        "cycle_gain": report.cycle_gain()._asdict(),
        "promises": promises,
        "codec": codec,
        "genres": genres,
    }


def as_markdown(report: Report) -> str:
    """Write the report as a page."""
    about = [f"- {name}: {value}" for name, value in report.about.items()]
    sections = [
        "# Evaluation",
        "Made by `python -m training.evaluate`. Brackets hold 95 % bootstrap intervals over clips. "
        "The ceiling is the held-out pieces themselves under the same estimators and judge; the "
        "floor is the generated clips against other clips' prompts.",
        "\n".join(about),
        "## Figures",
        _table(("figure", *ROWS), _figure_lines(report)),
        "## Promised",
        _table(
            ("promise", "measured", "holds"),
            [(*p[:2], "yes" if p[2] else "NO") for p in report.promises()],
        ),
        "## Codec, on held-out pieces",
        _table(
            ("levels", "log10-mel L1", "SNR of magnitudes", "SNR of the waveform"),
            _codec_lines(report),
        ),
        "## By genre (generated / ceiling)",
        _table(("genre", *(figure.title for figure in GENRE_FIGURES)), _genre_lines(report)),
    ]
    return "\n\n".join(sections) + "\n"


def in_words(interval: Interval | None, unit: str) -> str:
    """Put an interval into words: "61 % (50 to 72)", "3.2 dB (2.9 to 3.6)"."""
    if interval is None:
        return "–"
    scale, digits = (100.0, 0) if unit == "%" else (1.0, 3 if unit == "" else 1)
    value, low, high = (f"{scale * x:.{digits}f}" for x in interval[:3])
    return f"{value} {unit}".rstrip() + f" ({low} to {high})"


def _figure_lines(report: Report) -> list[tuple[str, ...]]:
    return [
        (figure.title, *(in_words(report.cell(figure, row), figure.unit) for row in ROWS))
        for figure in FIGURES
    ]


def _codec_lines(report: Report) -> list[tuple[str, ...]]:
    return [
        (
            str(row.levels),
            in_words(row.mel, ""),
            in_words(row.magnitude_snr_db, "dB"),
            in_words(row.snr_db, "dB"),
        )
        for row in report.codec
    ]


def _genre_lines(report: Report) -> list[tuple[str, ...]]:
    def cell(figure: Figure, cells: dict[str, Interval]) -> str:
        scale, digits = (100.0, 0) if figure.unit == "%" else (1.0, 2)
        return " / ".join(f"{scale * cells[row].value:.{digits}f}" for row in cells)

    return [
        (genre, *(cell(figure, line[figure.name]) for figure in GENRE_FIGURES))
        for genre, line in report.by_genre().items()
    ]


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _present(interval: Interval | None) -> Interval:
    assert interval is not None, "every clip carries the figures that promises and genres use"
    return interval
