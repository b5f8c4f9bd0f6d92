"""Numbers into words, and rows into Markdown: how every page of the evaluation writes."""

from collections.abc import Sequence

from training.evaluation.figures import Interval


def in_words(interval: Interval | None, unit: str) -> str:
    """Put an interval into words: "61 % (50 to 72)", "3.2 dB (2.9 to 3.6)"."""
    if interval is None:
        return "–"
    scale, digits = (100.0, 0) if unit == "%" else (1.0, 3 if unit == "" else 1)
    value, low, high = (f"{scale * x:.{digits}f}" for x in interval[:3])
    return f"{value} {unit}".rstrip() + f" ({low} to {high})"


def share(value: float | None) -> str:
    """A share as a whole percentage."""
    return "–" if value is None else f"{round(100 * value)} %"


def markdown_table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Lay rows out as a Markdown table."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
