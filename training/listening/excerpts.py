"""Excerpts: some seconds of one held-out piece of each of a few genres, and the words that ask for
it.

In:  a split of a corpus, as `training.corpus` writes it. Out: `Excerpt`, at a bundle's rate.
Only pieces that stay what they are: no medley, no change of key. The corpus alone decides.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import InputError
from engine.prompt_parser import parse
from engine.spec import FRAME_RATE, KEYS, AudioFormat
from training.evaluation.sources import Audio, Piece

# As far apart as the corpus goes; other genres follow in the order of their pieces.
SHOWN = (
    "reggae",
    "techno",
    "jazz_swing",
    "rock",
    "chiptune",
    "scottish_folk",
    "orchestral",
    "ambient",
)
INTO = 0.25  # of a piece, before its excerpt begins: past introductions


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """A stretch of one piece, from a bar line on."""

    id: str  # of the piece
    genre: str
    prompt: str  # one of its captions
    tempo_bpm: float
    key: int  # index into engine.spec.KEYS
    audio: Audio  # [C, N], one frame longer than asked for: the codec answers late


def excerpts(corpus: Path, wanted: AudioFormat, count: int, seconds: float) -> list[Excerpt]:
    """Cut one excerpt of each of `count` genres.

    Raises:
        InputError: the corpus has pieces of fewer genres that are long enough.
    """
    found = chosen(corpus, seconds)
    if len(found) < count:
        raise InputError(
            f"{corpus} has steady pieces of {len(found)} genres, expected {count}. "
            "Render more: python -m training.corpus --split valid"
        )
    return [cut(found[genre], wanted, seconds) for genre in list(found)[:count]]


def chosen(corpus: Path, seconds: float) -> dict[str, Path]:
    """The folder of the first steady piece of each genre, in the order they are shown in."""
    found: dict[str, Path] = {}
    for path in sorted(corpus.glob("*/piece.json")):
        info = json.loads(path.read_text())
        if is_steady(info) and info["duration"] * (1 - INTO) > seconds + 5:
            found.setdefault(info["genre"], path.parent)
    first = [genre for genre in SHOWN if genre in found]
    return {genre: found[genre] for genre in [*first, *(g for g in found if g not in first)]}


def is_steady(info: dict[str, Any]) -> bool:
    """Whether a piece keeps its style, key and tempo throughout."""
    changes = info.get("scenes") or info["attributes"].get("modulates") == "yes"
    return info["kind"] == "piece" and not changes


def cut(folder: Path, wanted: AudioFormat, seconds: float) -> Excerpt:
    """Take an excerpt from a piece."""
    info = json.loads((folder / "piece.json").read_text())
    frame = bar_line(folder)
    source = Piece(folder).open(frame / FRAME_RATE, 0, wanted)
    size = wanted.frame_samples
    end = (frame + 1) * size + round(seconds * wanted.rate)
    return Excerpt(
        id=info["id"],
        genre=info["genre"],
        prompt=asking(info["captions"]),
        tempo_bpm=info["tempo_bpm"],
        key=KEYS.index(info["key"]),
        audio=np.ascontiguousarray(source.audio[:, frame * size : end]),
    )


def bar_line(folder: Path) -> int:
    """The first frame of the first bar after the introduction."""
    with np.load(folder / "labels.npz", allow_pickle=False) as labels:
        bars = np.floor(labels["beat"] / labels["beats_per_bar"])
    first = int(INTO * len(bars))
    return first + 1 + int(np.argmax(np.diff(bars[first:]) > 0))


def asking(captions: list[str]) -> str:
    """The longest of the captions that say most of tempo and key."""

    def says(caption: str) -> tuple[int, int]:
        asked = parse(caption)
        return (asked.tempo_bpm is not None) + (asked.key is not None), len(caption)

    return max(captions, key=says)
