"""Report: the table of what a corpus holds.

In:  the piece.json of every piece. Out: figures as plain data, and the same as rich tables.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

TEMPO_STEP = 20  # bpm per bar of the histogram
BAR_WIDTH = 30  # characters

Infos = Sequence[dict[str, Any]]


def summarise(infos: Infos) -> dict[str, Any]:
    """Minutes per genre, tempo and key histograms, share with drums and so on."""
    minutes = sum(info["duration"] for info in infos) / 60
    by_genre: Counter[str] = Counter()
    families: Counter[str] = Counter()
    for info in infos:
        by_genre[info["genre"]] += info["duration"] / 60
        families.update({family: info["duration"] / 60 for family in info["families"]})
    with_drums = sum(info["duration"] for info in infos if info["drums"]) / 60
    tempos = Counter(int(info["tempo_bpm"] // TEMPO_STEP) * TEMPO_STEP for info in infos)
    return {
        "pieces": len(infos),
        "minutes": round(minutes, 2),
        "minutes_per_genre": {name: round(value, 2) for name, value in by_genre.most_common()},
        "minutes_per_family": {name: round(value, 2) for name, value in families.most_common()},
        "tempos": {f"{low}-{low + TEMPO_STEP}": tempos[low] for low in sorted(tempos)},
        "keys": dict(Counter(info["key"] for info in infos).most_common()),
        "meters": dict(Counter(str(info["beats_per_bar"]) for info in infos).most_common()),
        "share_with_drums": round(with_drums / minutes, 3) if minutes else 0.0,
    }


def show(summary: dict[str, Any], console: Console) -> None:
    """Print the figures as tables."""
    console.print(
        f"{summary['pieces']} pieces, {summary['minutes']:.1f} minutes, "
        f"{100 * summary['share_with_drums']:.0f} % with drums"
    )
    for title, key, unit in (
        ("genre", "minutes_per_genre", "minutes"),
        ("family", "minutes_per_family", "minutes"),
        ("tempo (bpm)", "tempos", "pieces"),
        ("key", "keys", "pieces"),
        ("beats per bar", "meters", "pieces"),
    ):
        console.print(_histogram(title, summary[key], unit))


def _histogram(title: str, counts: dict[str, float], unit: str) -> Table:
    table = Table(title, unit, "", box=None, pad_edge=False)
    most = max(counts.values(), default=1) or 1
    for name, count in counts.items():
        table.add_row(name, f"{count:g}", "#" * max(1, round(BAR_WIDTH * count / most)))
    return table
