"""Report: the table of what a corpus holds.

In:  the piece.json of every piece. Out: figures as plain data, and the same as rich tables.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from training.corpus import store

TEMPO_STEP = 20  # bpm per bar of the histogram
BAR_WIDTH = 30  # characters

Infos = Sequence[dict[str, Any]]


def summarise(infos: Infos) -> dict[str, Any]:
    """Minutes per genre, tempo and key histograms, share with drums and so on.

    A medley counts scene by scene, so that every minute stands where it belongs; clips that are no
    music count by their layers.
    """
    minutes = sum(info["duration"] for info in infos) / 60
    scenes = [scene for info in infos for scene in store.scenes(info) if "genre" in scene]
    music = sum(scene["duration"] for scene in scenes) / 60
    with_drums = sum(scene["duration"] for scene in scenes if scene["drums"]) / 60
    tempos = Counter(int(scene["tempo_bpm"] // TEMPO_STEP) * TEMPO_STEP for scene in scenes)
    said = [scene["attributes"] for scene in scenes]
    return {
        "pieces": len(infos),
        "scenes": len(scenes),
        "minutes": round(minutes, 2),
        "kinds": _counted(info.get("kind", "piece") for info in infos),
        "minutes_per_genre": _minutes(scenes, lambda scene: [scene["genre"]]),
        "minutes_per_family": _minutes(scenes, lambda scene: scene["families"]),
        "tempos": {f"{low}-{low + TEMPO_STEP}": tempos[low] for low in sorted(tempos)},
        "keys": _counted(scene["key"] for scene in scenes),
        "meters": _counted(said["meter"] for said in said),
        "levels": _counted(said["level"] for said in said),
        "changes": _counted(said["change"] for said in said if "change" in said),
        "stops": _counted(said["stop"] for said in said if "stop" in said),
        "endings": _counted(said["ending"] for said in said if "ending" in said),
        "layers": _counted(name for info in infos for name in info.get("layers", ())),
        "composer_versions": _counted(str(info["composer_version"]) for info in infos),
        "share_with_drums": round(with_drums / music, 3) if music else 0.0,
    }


def _minutes(scenes: Infos, words: Callable[[dict[str, Any]], Sequence[str]]) -> dict[str, float]:
    total: Counter[str] = Counter()
    for scene in scenes:
        total.update({word: scene["duration"] / 60 for word in words(scene)})
    return {name: round(value, 2) for name, value in total.most_common()}


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(words).most_common())


def show(summary: dict[str, Any], console: Console) -> None:
    """Print the figures as tables."""
    console.print(
        f"{summary['pieces']} pieces, {summary['scenes']} scenes, "
        f"{summary['minutes']:.1f} minutes, "
        f"{100 * summary['share_with_drums']:.0f} % with drums"
    )
    for title, key, unit in (
        ("kind", "kinds", "pieces"),
        ("genre", "minutes_per_genre", "minutes"),
        ("family", "minutes_per_family", "minutes"),
        ("tempo (bpm)", "tempos", "scenes"),
        ("key", "keys", "scenes"),
        ("meter", "meters", "scenes"),
        ("level", "levels", "scenes"),
        ("change", "changes", "scenes"),
        ("stop", "stops", "scenes"),
        ("ending", "endings", "scenes"),
        ("layer", "layers", "clips"),
        ("composer", "composer_versions", "pieces"),
    ):
        if summary[key]:
            console.print(_histogram(title, summary[key], unit))


def _histogram(title: str, counts: dict[str, float], unit: str) -> Table:
    table = Table(title, unit, "", box=None, pad_edge=False)
    most = max(counts.values(), default=1) or 1
    for name, count in counts.items():
        table.add_row(name, f"{count:g}", "#" * max(1, round(BAR_WIDTH * count / most)))
    return table
