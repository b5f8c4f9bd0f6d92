"""Ablations: the same prompts and seeds with something left out, or turned up, while playing.

In:  held-out prompts, and other bundles if there are any: int8 against float weights, with and
     without semantic tokens.
Out: one `Ablation` per way of playing, each with the figures that tell ways apart.
Only ways that the runtime has; what has to be trained again comes as a bundle of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from training.evaluation.beat import steady_beats
from training.evaluation.figures import FIGURES, Interval, measure
from training.evaluation.generate import Audio, Request, Way
from training.evaluation.judge import Vector
from training.evaluation.prompts import HeldOut
from training.evaluation.scoring import Scores, listen, score
from training.evaluation.studio import Studio

WAYS: Mapping[str, Way] = {
    "as it is": Way(),
    "guidance 1": Way(guidance=1.0),
    "guidance 2": Way(guidance=2.0),
    "guidance 3": Way(guidance=3.0),
    "no planned chords": Way(harmony=False),
    "8 levels": Way(levels=8),
    "4 levels": Way(levels=4),
}
NAMES = ("tempo_hit", "beat_coherence", "key_hit", "drums", "families_micro_f1", "genre", "cycle")
SHOWN = tuple(figure for figure in FIGURES if figure.name in NAMES)


class Ablation(NamedTuple):
    """One way of playing."""

    name: str
    figures: dict[str, Interval]  # by the names of SHOWN


def ablate(
    studio: Studio,
    pieces: Sequence[HeldOut],
    styles: Vector,
    seconds: float,
    others: Mapping[str, Path] | None = None,
) -> list[Ablation]:
    """Play the captions in each of WAYS, and as it is on each of the other bundles' folders."""
    names = [*WAYS, *(others or {})]
    takes = _play(studio, pieces, seconds, others or {})
    return [
        Ablation(name, _figures(_score_all(studio, takes, pieces, styles, seconds)))
        for name in names
    ]


def _play(
    studio: Studio, pieces: Sequence[HeldOut], seconds: float, others: Mapping[str, Path]
) -> Iterator[Audio]:
    """All takes, way by way: one set of workers for the bundle, and one for each other."""
    plain = [Request(piece.target.prompt, seconds, piece.target.seed) for piece in pieces]
    ways = [request._replace(way=way) for way in WAYS.values() for request in plain]
    yield from studio.play(ways, "playing other ways")
    for name, folder in others.items():
        yield from studio.play(plain, f"playing {name}", folder)


def _score_all(
    studio: Studio,
    takes: Iterator[Audio],
    pieces: Sequence[HeldOut],
    styles: Vector,
    seconds: float,
) -> list[Scores]:
    """Hold the next takes, one per piece, against the pieces' captions."""
    scores = []
    for piece, style in zip(pieces, styles, strict=True):
        heard = listen(next(takes), studio.bundle.audio.rate, studio.judge, seconds)
        beats = steady_beats(heard.onsets, piece.target.tempo_bpm)
        scores.append(score(heard, piece.target, style, beats))
    return scores


def _figures(scores: Sequence[Scores]) -> dict[str, Interval]:
    cells = {figure.name: measure(figure, scores) for figure in SHOWN}
    return {name: cell for name, cell in cells.items() if cell}
