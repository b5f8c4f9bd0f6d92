"""Measure a bundle: does it play what held-out prompts ask for, and how well does its codec sound?

    python -m training.evaluate --bundle bundles/default --json
    python -m training.evaluate --quick --out out/evaluation.md
    python -m training.evaluate --continuation --corpus data/corpus/valid

Plays prompts through the engine and hears the takes, the held-out pieces themselves (ceiling), and
the takes against other prompts (floor). With --continuation, lets the performer hear held-out
pieces, and loops that are not of the corpus, and go on by itself instead. Progress on stderr, the
report on stdout.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from engine.backends import open_backend
from engine.bundle import Bundle
from engine.errors import AntiphonError, InputError
from engine.graph import Backend
from training.evaluation.beat import steady_beats
from training.evaluation.ceiling import hear_piece, opening_target, piece_beats
from training.evaluation.codec_table import CodecRow, codec_table
from training.evaluation.continuation import Outcome, measure_all
from training.evaluation.continuation import Plan as ContinuationPlan
from training.evaluation.continuation_report import as_dict as continuation_dict
from training.evaluation.continuation_report import as_markdown as continuation_page
from training.evaluation.generate import Request, play_all
from training.evaluation.judge import Judge, MulanJudge, Vector
from training.evaluation.prompts import HeldOut, derangement, held_out
from training.evaluation.report import Report, as_dict, as_markdown
from training.evaluation.scoring import Heard, Scores, listen, score
from training.evaluation.sources import Loop, Piece, Playable

LOOPS, FIRST_LOOP = 20, 200_000  # of seeds that no estimator was fitted on


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured."""

    prompts: int = 84  # four of each genre
    seconds: float = 16.0  # heard of each take, 5..30
    workers: int = 2  # processes that play
    long_takes: int = 12  # of the prompts, played for `long_seconds`
    long_seconds: float = 60.0  # over which loudness may drift
    codec_pieces: int = 24
    codec_seconds: float = 10.0

    def length(self, index: int) -> float:
        """Seconds to play of a prompt."""
        return self.long_seconds if index < self.long_takes else self.seconds


QUICK = Plan(prompts=21, seconds=8.0, long_takes=1, codec_pieces=4)


class Evaluation:
    """One bundle, one judge, the same pieces for every row."""

    def __init__(self, bundle: Bundle, judge: Judge, pieces: Sequence[HeldOut], plan: Plan) -> None:
        self.bundle, self.judge, self.pieces, self.plan = bundle, judge, pieces, plan
        self.styles: Vector = judge.read([piece.target.prompt for piece in pieces])

    def report(self) -> Report:
        """Measure everything."""
        takes = self._hear_takes()
        plan, bundle = self.plan, self.bundle
        return Report(
            about={
                "bundle": f"{bundle.manifest.name} {bundle.id[:12]}",
                "prompts": len(self.pieces),
                "seconds": plan.seconds,
                "long_takes": plan.long_takes,
                "long_seconds": plan.long_seconds,
                "codec_pieces": plan.codec_pieces,
            },
            scores={
                "generated": self._score_takes(takes, range(len(takes))),
                "ceiling": self._score_pieces(),
                "floor": self._score_takes(takes, derangement(len(takes))),
            },
            codec=self._codec(),
        )

    def _hear_takes(self) -> list[Heard]:
        requests = [
            Request(piece.target.prompt, self.plan.length(index), seed=piece.target.seed)
            for index, piece in enumerate(self.pieces)
        ]
        takes = play_all(self.bundle.path, requests, self.plan.workers)
        return [self._listen(take) for take in _track(takes, len(requests), "playing prompts")]

    def _score_takes(self, takes: Sequence[Heard], prompts: Sequence[int]) -> list[Scores]:
        """Hold takes against the prompts of an order, on a steady grid from beat 0."""
        scores = []
        for take, index in zip(takes, prompts, strict=True):
            target = self.pieces[index].target
            beats = steady_beats(take.onsets, target.tempo_bpm)
            scores.append(score(take, target, self.styles[index], beats))
        return scores

    def _score_pieces(self) -> list[Scores]:
        """Hold the pieces against their own prompts, on the grids of their scores."""
        scores = []
        pieces = _track(range(len(self.pieces)), len(self.pieces), "rendering held-out pieces")
        for index in pieces:
            piece = self.pieces[index]
            heard = self._listen(self._piece_audio(index))
            target = opening_target(piece.target, piece.score, self.plan.seconds)
            beats = piece_beats(piece.score, len(heard.onsets.strength))
            scores.append(score(heard, target, self.styles[index], beats))
        return scores

    def _codec(self) -> list[CodecRow]:
        count = min(self.plan.codec_pieces, len(self.pieces))
        samples = round(self.plan.codec_seconds * self.bundle.audio.rate)
        clips = (self._piece_audio(index)[:, :samples] for index in range(count))
        return codec_table(self.bundle, _track(clips, count, "measuring the codec"))

    def _piece_audio(self, index: int) -> NDArray[np.float32]:
        return hear_piece(self.pieces[index].score, self.plan.length(index), self.bundle.audio)

    def _listen(self, audio: NDArray[np.float32]) -> Heard:
        return listen(audio, self.bundle.audio.rate, self.judge, self.plan.seconds)


T = TypeVar("T")


def _track(things: Iterable[T], total: int, doing: str) -> Iterable[T]:
    return track(things, doing, total=total, console=Console(stderr=True))


def main(
    bundle: Annotated[Path, typer.Option(help="what to measure")] = Path("bundles/default"),
    prompts: Annotated[int, typer.Option(help="held-out prompts", min=2)] = Plan.prompts,
    seconds: Annotated[float, typer.Option(help="heard per take", min=5, max=30)] = Plan.seconds,
    workers: Annotated[int, typer.Option(help="processes that play", min=1)] = Plan.workers,
    quick: Annotated[bool, typer.Option("--quick", help="one short prompt per genre")] = False,
    continuation: Annotated[bool, typer.Option("--continuation", help="of playing audio")] = False,
    corpus: Annotated[Path, typer.Option(help="pieces to continue")] = Path("data/corpus/valid"),
    out: Annotated[Path | None, typer.Option(help="write the report here, as Markdown")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON as the last line")] = False,
) -> None:
    """Measure a bundle."""
    plan = QUICK if quick else Plan(prompts=prompts, seconds=seconds, workers=workers)
    torch.set_num_threads(1)  # the workers need the cores
    try:
        if continuation:
            page, found = _continue(bundle, corpus, ContinuationPlan(workers=workers), quick)
        else:
            report = _evaluate(bundle, open_backend(), plan)
            page, found = as_markdown(report), as_dict(report)
    except AntiphonError as exc:
        print(f"evaluate: {exc}", file=sys.stderr)
        raise typer.Exit(2) from exc
    print(page)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page)
    if as_json:
        print(json.dumps(found))


def _evaluate(folder: Path, backend: Backend, plan: Plan) -> Report:
    bundle = Bundle.open(folder, backend)  # first: it proves the judge's file too
    return Evaluation(bundle, MulanJudge.open(folder), held_out(plan.prompts), plan).report()


def _continue(
    folder: Path, corpus: Path, plan: ContinuationPlan, quick: bool
) -> tuple[str, dict[str, Any]]:
    """The continuation's table, as a page and for JSON."""
    opened = Bundle.open(folder, open_backend())  # first: a damaged one is refused in words
    pieces = [Piece(path.parent) for path in sorted(corpus.glob("*/piece.json"))]
    if len(pieces) < 2:
        raise InputError(f"{corpus} holds {len(pieces)} pieces, expected 2 or more to continue.")
    loops = [Loop(FIRST_LOOP + index) for index in range(LOOPS)]
    groups: dict[str, list[Outcome]] = {}
    for name, played in (("pieces", pieces), ("loops", loops)):
        chosen: Sequence[Playable] = played[:4] if quick else played
        outcomes = measure_all(folder, plan, chosen)
        groups[name] = list(_track(outcomes, len(chosen), f"continuing {name}"))
    about = {"bundle": f"{opened.manifest.name} {opened.id[:12]}", **asdict(plan)}
    return continuation_page(groups, about), {**about, **continuation_dict(groups)}


if __name__ == "__main__":
    typer.run(main)
