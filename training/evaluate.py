"""Measure a bundle: does it play what held-out prompts ask for, and how well does its codec sound?

    python -m training.evaluate --bundle bundles/default --json
    python -m training.evaluate --quick --out out/evaluation.md

Plays prompts through the engine and hears the takes, the held-out pieces themselves (ceiling), and
the takes against other prompts (floor). Progress on stderr, the report on stdout.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from engine.backends import open_backend
from engine.bundle import Bundle
from training.evaluation.beat import steady_beats
from training.evaluation.ceiling import hear_piece, piece_beats
from training.evaluation.codec_table import CodecRow, codec_table
from training.evaluation.generate import Request, play_all
from training.evaluation.judge import Judge, Vector
from training.evaluation.prompts import HeldOut, derangement
from training.evaluation.report import Report
from training.evaluation.scoring import Heard, Scores, listen, score

LONG_SECONDS = 60.0  # takes in which drift is measured
LONG_TAKES = 12  # one in every so many prompts would cost hours of listening on a small machine
CODEC_PIECES, CODEC_SECONDS = 24, 10.0

Lengths = Sequence[float]  # seconds to play of each prompt


def evaluate(
    folder: Path, judge: Judge, pieces: Sequence[HeldOut], seconds: float, workers: int
) -> Report:
    """Measure a bundle on held-out pieces, hearing `seconds` of each take."""
    bundle = Bundle.open(folder, open_backend())
    lengths = [LONG_SECONDS if index < LONG_TAKES else seconds for index in range(len(pieces))]
    styles = judge.read([piece.target.prompt for piece in pieces])
    generated = _hear_takes(bundle, judge, pieces, lengths, seconds, workers)
    originals = _hear_pieces(bundle, judge, pieces, lengths, seconds)
    return Report(
        about={
            "bundle": f"{bundle.manifest.name} {bundle.id[:12]}",
            "prompts": len(pieces),
            "seconds": seconds,
            "genres": len({piece.target.genre for piece in pieces}),
            "long_takes": LONG_TAKES,
        },
        scores={
            "generated": _score(generated, pieces, styles, range(len(pieces))),
            "ceiling": _score_pieces(originals, pieces, styles),
            "floor": _score(generated, pieces, styles, derangement(len(pieces))),
        },
        codec=_measure_codec(bundle, pieces),
    )


def _hear_takes(
    bundle: Bundle,
    judge: Judge,
    pieces: Sequence[HeldOut],
    lengths: Lengths,
    seconds: float,
    workers: int,
) -> list[Heard]:
    requests = [
        Request(piece.target.prompt, length, seed=piece.target.seed)
        for piece, length in zip(pieces, lengths, strict=True)
    ]
    takes = play_all(bundle.path, requests, workers)
    progress = _track(takes, len(pieces), "playing the prompts")
    return [listen(take, bundle.audio.rate, judge, seconds) for take in progress]


def _hear_pieces(
    bundle: Bundle, judge: Judge, pieces: Sequence[HeldOut], lengths: Lengths, seconds: float
) -> list[Heard]:
    heard = []
    progress = _track(zip(pieces, lengths), len(pieces), "rendering the held-out pieces")
    for piece, length in progress:
        audio = hear_piece(piece.score, length, bundle.audio)
        heard.append(listen(audio, bundle.audio.rate, judge, seconds))
    return heard


def _score(
    heard: Sequence[Heard], pieces: Sequence[HeldOut], styles: Vector, prompts: Sequence[int]
) -> list[Scores]:
    """Score clips against the prompts of the given order, on a steady grid from beat 0."""
    scores = []
    for clip, index in zip(heard, prompts, strict=True):
        target = pieces[index].target
        beats = steady_beats(clip.onsets, target.tempo_bpm)
        scores.append(score(clip, target, styles[index], beats))
    return scores


def _score_pieces(
    heard: Sequence[Heard], pieces: Sequence[HeldOut], styles: Vector
) -> list[Scores]:
    """Score the pieces themselves, on the grid of their scores."""
    return [
        score(clip, piece.target, style, piece_beats(piece.score, len(clip.onsets.strength)))
        for clip, piece, style in zip(heard, pieces, styles, strict=True)
    ]


def _measure_codec(bundle: Bundle, pieces: Sequence[HeldOut]) -> list[CodecRow]:
    clips = (
        hear_piece(piece.score, CODEC_SECONDS, bundle.audio) for piece in pieces[:CODEC_PIECES]
    )
    progress = _track(clips, min(CODEC_PIECES, len(pieces)), "measuring the codec")
    return codec_table(bundle, progress)


def _track(things, total: int, doing: str):
    return track(things, doing, total=total, console=Console(stderr=True))
