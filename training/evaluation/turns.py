"""Turns: one prompt after another in one take. How soon is the new style there, how clean the seam?

In:  held-out pieces, each caption paired with another's; the second takes over on a bar line in the
     middle of the take, tempo, bars and key as they are.
Out: a `Table`: seconds until the judge finds the sound nearer to the new prompt than to the old,
and what the seam adds to the take's own bar lines in clicks and in loudness. One row is the piece
of the first prompt cut hard to that of the second: no style can be there sooner, and no seam is
worse. The other is the first piece played on: the best of seams, and the new style never comes.

Dimensions: W windows.
"""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.listening.joint import click_over_baseline_db, loudness_step_db
from engine.spec import FRAME_RATE, AudioFormat
from training.corpus.score import Score
from training.evaluation.generate import Audio, Request, Turn
from training.evaluation.judge import Judge, Vector
from training.evaluation.onsets import to_mono
from training.evaluation.prompts import HeldOut, derangement
from training.evaluation.studio import Studio, progress
from training.evaluation.table import Line, Table, line, mean, median

ABOUT = (
    "A second prompt takes over on a bar line. Arrival: until windows of 2 s that end there are "
    "nearer to the new prompt than to the old in the judge's space, or the end of the take. The "
    "seam: how much more of a click, and of a step in loudness, than the take's own bar lines. For "
    "arrival the ceiling is a piece of the old prompt cut to one of the new and the floor the "
    "piece played on; for the seam it is the other way round."
)
BEATS_PER_BAR = 4  # captions name no meter
WINDOW_SECONDS, STEP_SECONDS = 2.0, 0.2
STAYS = 3  # windows in a row that must be nearer


class Seam(NamedTuple):
    """Where a take turns."""

    frame: int
    bar_seconds: float


class Outcome(NamedTuple):
    """What was heard about one seam."""

    arrival_seconds: float  # the rest of the take where the style never came
    has_arrived: bool
    click_db: float  # over the 95th percentile of the other bar lines
    step_db: float  # size of the step over the median one of the other bar lines


def measure_turns(studio: Studio, pieces: Sequence[HeldOut], seconds: float) -> Table:
    """Turn from every prompt to another one in the middle of a take."""
    order = derangement(len(pieces))
    seams = [seam_of(piece.target.tempo_bpm, seconds) for piece in pieces]
    prompts = studio.judge.read([piece.target.prompt for piece in pieces])
    pairs = [prompts[[index, other]] for index, other in enumerate(order)]
    requests = [
        Request(
            piece.target.prompt,
            seconds,
            piece.target.seed,
            turn=Turn(pieces[other].target.prompt, seam.frame),
        )
        for piece, other, seam in zip(pieces, order, seams, strict=True)
    ]
    form = studio.bundle.audio

    def judged(audios: Sequence[Audio]) -> list[Outcome]:
        return [
            judge_turn(audio, form, studio.judge, seam, pair)
            for audio, seam, pair in zip(audios, seams, pairs, strict=True)
        ]

    takes = judged(list(studio.play(requests, "playing turns")))
    rendered = [studio.piece(p.score, seconds) for p in progress(pieces, len(pieces), "rendering")]
    cuts = [
        cut(rendered[index], studio, pieces[other].score, seam, seconds)
        for index, (other, seam) in enumerate(zip(order, seams, strict=True))
    ]
    return Table(
        "turns", "From one prompt to another", ABOUT, _lines(takes, judged(cuts), judged(rendered))
    )


def seam_of(tempo_bpm: float, seconds: float) -> Seam:
    """The first bar line at or after the middle of a take."""
    bar_seconds = BEATS_PER_BAR * 60.0 / tempo_bpm
    bars = ceil(seconds / 2 / bar_seconds)
    return Seam(ceil(bars * bar_seconds * FRAME_RATE - 1e-6), bar_seconds)


def cut(first: Audio, studio: Studio, second: Score, seam: Seam, seconds: float) -> Audio:
    """One piece, and from the seam on the beginning of another."""
    at = seam.frame * studio.bundle.audio.frame_samples
    begun = studio.piece(second, seconds)
    return np.concatenate([first[:, :at], begun[:, : first.shape[1] - at]], 1)


def judge_turn(
    audio: Audio, form: AudioFormat, judge: Judge, seam: Seam, prompts: Vector
) -> Outcome:
    """Hear one seam.

    Args:
        audio: [C, N].
        form: of the audio.
        judge: embeds windows.
        seam: where it turns.
        prompts: [2, 128] the old one and the new one.
    """
    arrival = arrival_seconds(audio, form.rate, judge, seam.frame / FRAME_RATE, prompts)
    bar = seam.bar_seconds * form.rate
    lines = [round(bar * index) for index in range(1, int(audio.shape[1] / bar))]
    at = seam.frame * form.frame_samples
    others = [one for one in lines if abs(one - at) > bar / 2]
    span = round(bar / 2)
    steps = [abs(loudness_step_db(audio, one, span, form.rate)) for one in others]
    rest = (audio.shape[1] - at) / form.rate
    return Outcome(
        arrival_seconds=rest if arrival is None else arrival,
        has_arrived=arrival is not None,
        click_db=click_over_baseline_db(audio, at, others, form.rate),
        step_db=abs(loudness_step_db(audio, at, span, form.rate)) - float(np.median(steps)),
    )


def arrival_seconds(
    audio: Audio, rate: int, judge: Judge, turn_second: float, prompts: Vector
) -> float | None:
    """Seconds from the turn to the end of the first of STAYS windows that are nearer to the new
    prompt than to the old; None where that never happens."""
    mono = to_mono(audio, rate)
    per_second = len(mono) / (audio.shape[1] / rate)
    ends = np.arange(turn_second, audio.shape[1] / rate + 1e-9, STEP_SECONDS)
    nearer: list[bool] = []
    for end in ends:
        stop = round(end * per_second)
        style = judge.styles(mono[max(0, stop - round(WINDOW_SECONDS * per_second)) : stop])[0]
        nearer.append(bool(style @ prompts[1] > style @ prompts[0]))
    first = _first_run(np.array(nearer), STAYS)
    return None if first is None else float(ends[first] - turn_second)


def _first_run(flags: NDArray[np.bool_], length: int) -> int | None:
    """Where the first run of so many true flags begins."""
    for start in range(len(flags) - length + 1):
        if flags[start : start + length].all():
            return start
    return None


def _lines(
    takes: Sequence[Outcome], cuts: Sequence[Outcome], played_on: Sequence[Outcome]
) -> tuple[Line, ...]:
    styles, seams = (takes, cuts, played_on), (takes, played_on, cuts)
    found = (
        line(
            "turn_arrival_s",
            "until the new style is nearer, median",
            "s",
            [[o.arrival_seconds for o in row] for row in styles],
            median,
        ),
        line(
            "turn_arrived",
            "new style there before the end",
            "%",
            [[o.has_arrived for o in row] for row in styles],
        ),
        line(
            "turn_click_db",
            "click at the seam over the take's own bar lines, mean",
            "dB",
            [[o.click_db for o in row] for row in seams],
            mean,
        ),
        line(
            "turn_step_db",
            "step in loudness at the seam over the take's own, mean",
            "dB",
            [[o.step_db for o in row] for row in seams],
            mean,
        ),
    )
    return tuple(one for one in found if one)
