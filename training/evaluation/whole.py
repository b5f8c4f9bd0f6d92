"""The whole evaluation: one bundle, one judge, the same pieces for every row of every table.

In:  a bundle, a judge, held-out pieces and a plan. Out: a `Report`.
Prompts are played once; what depends on those takes alone (figures, distances) is measured on them,
and each group of the plan adds its own takes.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from engine.bundle import Bundle
from training.evaluation.ablations import Ablation, ablate
from training.evaluation.beat import steady_beats
from training.evaluation.ceiling import opening_target, piece_beats
from training.evaluation.codec_table import Audio, CodecRow, codec_table
from training.evaluation.distances import Sets, coded_piece, measure_distances, untrained_take
from training.evaluation.embeddings import embeddings
from training.evaluation.frechet import Array
from training.evaluation.generate import Request
from training.evaluation.given import measure_given
from training.evaluation.judge import Judge, Vector
from training.evaluation.marathon import measure_marathons
from training.evaluation.plan import Group, Plan
from training.evaluation.prompts import HeldOut, derangement, pieces_from
from training.evaluation.report import Report
from training.evaluation.scoring import Heard, Scores, listen, score
from training.evaluation.studio import Studio, progress
from training.evaluation.swaps import measure_swaps
from training.evaluation.table import Table
from training.evaluation.turns import measure_turns


class Clip(NamedTuple):
    """A take or a piece, as it is heard."""

    heard: Heard
    embedded: dict[str, Array]  # [W, D] by the name of the embedding


class Evaluation:
    """One bundle, one judge, the same pieces for every row."""

    def __init__(
        self,
        bundle: Bundle,
        judge: Judge,
        pieces: Sequence[HeldOut],
        plan: Plan,
        others: Mapping[str, Path] | None = None,  # bundles among the ablations
    ) -> None:
        self.bundle, self.judge, self.pieces, self.plan = bundle, judge, pieces, plan
        self.others = others or {}
        self.studio = Studio(bundle=bundle, judge=judge, workers=plan.workers)
        self.styles: Vector = judge.read([piece.target.prompt for piece in pieces])

    def report(self) -> Report:
        """Measure everything that the plan names."""
        takes, own = self._takes(), self._pieces()
        heard = [take.heard for take in takes]
        return Report(
            about=self._about(),
            scores={
                "generated": self._score_takes(heard, range(len(takes))),
                "ceiling": self._score_pieces(own),
                "floor": self._score_takes(heard, derangement(len(takes))),
            },
            codec=self._codec(),
            tables=self._tables(takes, own),
            ablations=self._ablations(),
        )

    def _about(self) -> dict[str, object]:
        plan = self.plan
        return {
            "bundle": f"{self.bundle.manifest.name} {self.bundle.id[:12]}",
            "prompts": len(self.pieces),
            "seconds": plan.seconds,
            "long_takes": plan.long_takes,
            "long_seconds": plan.long_seconds,
            "codec_pieces": plan.codec_pieces,
            "groups": ", ".join(plan.groups),
        }

    def _takes(self) -> list[Clip]:
        requests = [
            Request(piece.target.prompt, self.plan.length(index), seed=piece.target.seed)
            for index, piece in enumerate(self.pieces)
        ]
        return [self._hear(take) for take in self.studio.play(requests, "playing prompts")]

    def _pieces(self) -> list[Clip]:
        indices = range(len(self.pieces))
        doing = progress(indices, len(indices), "rendering held-out pieces")
        return [self._hear(self._piece_audio(index)) for index in doing]

    def _score_takes(self, takes: Sequence[Heard], prompts: Sequence[int]) -> list[Scores]:
        """Hold takes against the prompts of an order, on a steady grid from beat 0."""
        scores = []
        for take, index in zip(takes, prompts, strict=True):
            target = self.pieces[index].target
            beats = steady_beats(take.onsets, target.tempo_bpm)
            scores.append(score(take, target, self.styles[index], beats))
        return scores

    def _score_pieces(self, clips: Sequence[Clip]) -> list[Scores]:
        """Hold the pieces against their own prompts, on the grids of their scores."""
        scores = []
        for piece, style, (heard, _) in zip(self.pieces, self.styles, clips, strict=True):
            target = opening_target(piece.target, piece.score, self.plan.seconds)
            beats = piece_beats(piece.score, len(heard.onsets.strength))
            scores.append(score(heard, target, style, beats))
        return scores

    def _codec(self) -> list[CodecRow]:
        count = min(self.plan.codec_pieces, len(self.pieces))
        samples = round(self.plan.codec_seconds * self.bundle.audio.rate)
        clips = (self._piece_audio(index)[:, :samples] for index in range(count))
        return codec_table(self.bundle, progress(clips, count, "measuring the codec"))

    def _tables(self, takes: Sequence[Clip], own: Sequence[Clip]) -> list[Table]:
        """The tables of the groups that the plan names, in order."""
        plan, studio, pieces = self.plan, self.studio, self.pieces
        makers: dict[Group, Callable[[], Table]] = {
            Group.DISTANCES: lambda: self._distances(takes, own),
            Group.GIVEN: lambda: measure_given(studio, pieces[: plan.given_prompts], plan.seconds),
            Group.SWAPS: lambda: measure_swaps(
                studio,
                pieces[: plan.swap_prompts],
                [take.heard for take in takes[: plan.swap_prompts]],
                plan.seconds,
            ),
            Group.TURNS: lambda: measure_turns(studio, pieces[: plan.turns], plan.seconds),
            Group.LONG: lambda: measure_marathons(
                studio, pieces[: plan.marathons], plan.marathon_seconds
            ),
        }
        return [make() for group, make in makers.items() if group in plan.groups]

    def _distances(self, takes: Sequence[Clip], own: Sequence[Clip]) -> Table:
        """The takes and as many other pieces against the prompts' own pieces."""
        count, seconds = len(self.pieces), self.plan.seconds
        rest = pieces_from(count, count)
        others = [
            self._embed(self.studio.hear_piece(piece.score, seconds))
            for piece in progress(rest, count, "rendering other pieces")
        ]
        untrained = [
            self._embed(self.studio.mono(untrained_take(self.bundle, seconds, seed)))
            for seed in progress(range(count), count, "playing random tokens")
        ]
        coded = [
            self._embed(self.studio.mono(coded_piece(self.bundle, self._opening(index))))
            for index in progress(range(count), count, "coding pieces")
        ]
        sets = {
            name: Sets(
                [clip.embedded[name] for clip in own],
                [clip.embedded[name] for clip in takes],
                [clip[name] for clip in others],
                [clip[name] for clip in untrained],
                [clip[name] for clip in coded],
            )
            for name in embeddings(self.judge)
        }
        genres = [piece.target.genre for piece in self.pieces]
        return measure_distances(sets, genres, [piece.target.genre for piece in rest])

    def _ablations(self) -> list[Ablation]:
        if Group.ABLATIONS not in self.plan.groups:
            return []
        count = self.plan.ablation_prompts
        return ablate(
            self.studio,
            self.pieces[:count],
            self.styles[:count],
            self.plan.seconds,
            self.others,
        )

    def _hear(self, audio: Audio) -> Clip:
        samples = round(self.plan.seconds * self.bundle.audio.rate)
        heard = listen(audio, self.bundle.audio.rate, self.judge, self.plan.seconds)
        return Clip(heard, self._embed(self.studio.mono(audio[:, :samples])))

    def _embed(self, mono: Vector) -> dict[str, Array]:
        return {name: embed(mono) for name, embed in embeddings(self.judge).items()}

    def _opening(self, index: int) -> Audio:
        """As much of a piece as is heard: [C, N]."""
        return self._piece_audio(index)[:, : round(self.plan.seconds * self.bundle.audio.rate)]

    def _piece_audio(self, index: int) -> Audio:
        return self.studio.piece(self.pieces[index].score, self.plan.length(index))
