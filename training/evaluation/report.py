"""The report: every figure beside its ceiling and floor, promises, tables, codec, genres apart.

In:  scores of three rows (generated, ceiling, floor; clips in one order), the codec's rows, and the
     tables and ablations of the groups that were measured.
Out: a plain dictionary for JSON, and the same as Markdown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.evaluation.ablations import SHOWN, Ablation
from training.evaluation.codec_table import CodecRow
from training.evaluation.figures import BY_NAME, FIGURES, Figure, Interval, measure
from training.evaluation.promises import (
    OF_THE_CEILING,
    Promise,
    cycle_gain,
    present,
    promises,
    share_of_ceiling,
)
from training.evaluation.scoring import Scores
from training.evaluation.table import Table
from training.evaluation.words import in_words, markdown_table, share

ROWS = ("generated", "ceiling", "floor")
GENRE_NAMES = (
    "tempo_hit",
    "beat_phase_ms",
    "key_hit",
    "drums",
    "families_micro_f1",
    "genre",
    "cycle",
)
GENRE_FIGURES = tuple(BY_NAME[name] for name in GENRE_NAMES)


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that was measured."""

    about: Mapping[str, Any]  # bundle, prompts, seconds and so on, as shown on top
    scores: Mapping[str, Sequence[Scores]]  # by row of ROWS
    codec: Sequence[CodecRow]
    tables: Sequence[Table] = ()
    ablations: Sequence[Ablation] = ()

    def cell(self, figure: Figure, row: str) -> Interval | None:
        """One figure of one row; None where the row has none."""
        if row == "floor" and not figure.has_floor:
            return None
        return measure(figure, self.scores[row])

    def promises(self) -> list[Promise]:
        """What was promised, what was measured, and whether it holds."""
        return promises(self.scores, self.tables)

    def by_genre(self) -> dict[str, dict[str, dict[str, Interval]]]:
        """Genre, figure, row: the figures that tell genres apart."""
        return {
            genre: {
                figure.name: {
                    row: present(measure(figure, [s for s in self.scores[row] if s.genre == genre]))
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
    shares = {
        name: share_of_ceiling(BY_NAME[name], report.scores)._asdict() for name in OF_THE_CEILING
    }
    genres = {
        genre: {
            name: {row: cell.value for row, cell in cells.items()} for name, cells in line.items()
        }
        for genre, line in report.by_genre().items()
    }
    return {
        **report.about,
        "figures": figures,
        "cycle_gain": cycle_gain(report.scores)._asdict(),
        "share_of_ceiling": shares,
        "promises": [promise._asdict() for promise in report.promises()],
        "tables": {
            table.name: {line.name: line.as_dict() for line in table.lines}
            for table in report.tables
        },
        "ablations": {
            one.name: {name: cell._asdict() for name, cell in one.figures.items()}
            for one in report.ablations
        },
        "codec": [_codec_entry(row) for row in report.codec],
        "genres": genres,
    }


def as_markdown(report: Report) -> str:
    """Write the report as a page."""
    sections = [
        "# Evaluation",
        "Made by `python -m training.evaluate`. Brackets hold 95 % bootstrap intervals over clips. "
        "The ceiling is the held-out pieces themselves under the same estimators and judge; the "
        "floor is the generated clips against other clips' prompts.",
        "\n".join(f"- {name}: {value}" for name, value in report.about.items()),
        "## Figures",
        markdown_table(("figure", *ROWS), _figure_lines(report)),
        "## Promised",
        markdown_table(
            ("promise", "measured", "holds"),
            [(*p[:2], "yes" if p.holds else "NO") for p in report.promises()],
        ),
        *(section for table in report.tables for section in table_sections(table)),
        *_ablation_sections(report.ablations),
        "## Codec, on held-out pieces",
        markdown_table(
            ("levels", "log10-mel L1", "SNR of magnitudes", "SNR of the waveform"),
            _codec_lines(report),
        ),
        "## By genre (generated / ceiling)",
        markdown_table(
            ("genre", *(figure.title for figure in GENRE_FIGURES)), _genre_lines(report)
        ),
    ]
    return "\n\n".join(sections) + "\n"


def table_sections(table: Table) -> list[str]:
    """A table's heading, what it is about, and its lines."""
    lines = [
        (
            line.title,
            *(in_words(cell, line.unit) for cell in (line.generated, line.ceiling, line.floor)),
            share(line.way),
        )
        for line in table.lines
    ]
    head = ("figure", *ROWS, "way from ceiling to floor")
    return [f"## {table.title}", table.about, markdown_table(head, lines)]


def _ablation_sections(ablations: Sequence[Ablation]) -> list[str]:
    if not ablations:
        return []
    head = ("played", *(figure.title for figure in SHOWN))
    lines = [
        (one.name, *(in_words(one.figures.get(figure.name), figure.unit) for figure in SHOWN))
        for one in ablations
    ]
    about = "The same prompts and seeds, played another way."
    return ["## Ablations", about, markdown_table(head, lines)]


def _figure_lines(report: Report) -> list[tuple[str, ...]]:
    return [
        (figure.title, *(in_words(report.cell(figure, row), figure.unit) for row in ROWS))
        for figure in FIGURES
    ]


def _codec_entry(row: CodecRow) -> dict[str, Any]:
    return {
        "levels": row.levels,
        "mel": row.mel._asdict(),
        "magnitude_snr_db": row.magnitude_snr_db._asdict(),
        "snr_db": row.snr_db._asdict(),
    }


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
        scale, digits = (100.0, 0) if figure.unit == "%" else (1.0, 1 if figure.unit else 2)
        return " / ".join(f"{scale * cells[row].value:.{digits}f}" for row in cells)

    return [
        (genre, *(cell(figure, line[figure.name]) for figure in GENRE_FIGURES))
        for genre, line in report.by_genre().items()
    ]
