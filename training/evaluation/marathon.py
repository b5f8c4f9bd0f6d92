"""The marathon: a take of five minutes. Do loudness, spectrum and tempo stay where they were?

In:  a few prompts, played for minutes. Out: a `Table` of the last half minute against the first.
The ceiling is the same takes over a short time, each half minute against the next; the floor is the
first half minute against the last one of another prompt's take, where there are several.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.evaluation.generate import Request
from training.evaluation.onsets import ANALYSIS_RATE, Vector, log_mel, onset_strength
from training.evaluation.prompts import HeldOut
from training.evaluation.studio import Studio
from training.evaluation.table import Line, Table, line, mean, median
from training.evaluation.tempo import TempoMatch, compare_tempi, estimate_tempo

ABOUT = (
    "The last half minute of a long take against the first. The ceiling is each half minute "
    "against the next one of the same take; the floor is the last half minute of another prompt's "
    "take, where several were played."
)
PART_SECONDS = 30
FLOOR_DB = -80.0


class Part(NamedTuple):
    """Half a minute of a take."""

    loudness_db: float  # RMS against full scale
    spectrum: NDArray[np.float64]  # [MELS] decibels about their mean: colour without loudness
    bpm: float


class Change(NamedTuple):
    """From one part to another."""

    loudness_db: float
    spectrum_db: float  # mean over mel bands
    tempo: float  # ratio less one


def measure_marathons(studio: Studio, pieces: Sequence[HeldOut], seconds: float) -> Table:
    """Play the pieces' captions for so many seconds, at least two half minutes."""
    requests = [Request(p.target.prompt, seconds, p.target.seed) for p in pieces]
    takes = [parts(mono) for mono in studio.hear(requests, "playing long takes")]
    asked = [piece.target.tempo_bpm for piece in pieces]
    about = f"{ABOUT} {len(takes)} takes of {seconds:g} s."
    return Table("long", "Long takes", about, _lines(takes, asked))


def parts(mono: Vector) -> list[Part]:
    """Cut [N] mono audio into whole half minutes and hear each."""
    size = PART_SECONDS * ANALYSIS_RATE
    return [_hear(mono[at : at + size]) for at in range(0, len(mono) - size + 1, size)]


def _hear(mono: Vector) -> Part:
    power = float(np.mean(np.asarray(mono, np.float64) ** 2))
    mel_db = 20 * np.log10(np.maximum(np.expm1(log_mel(mono)).mean(0), 1e-3))
    return Part(
        max(FLOOR_DB, 10 * np.log10(max(power, 1e-12))),
        (mel_db - mel_db.mean()).astype(np.float64),
        estimate_tempo(onset_strength(mono)).bpm,
    )


def compare(before: Part, after: Part) -> Change:
    """What has changed, each a size."""
    return Change(
        abs(after.loudness_db - before.loudness_db),
        float(np.abs(after.spectrum - before.spectrum).mean()),
        abs(after.bpm / before.bpm - 1),
    )


def _lines(takes: Sequence[Sequence[Part]], asked: Sequence[float]) -> tuple[Line, ...]:
    over = [compare(take[0], take[-1]) for take in takes]
    next_ = [compare(a, b) for take in takes for a, b in zip(take, take[1:])]
    others = list(zip(takes, [*takes[1:], takes[0]], strict=True)) if len(takes) > 1 else []
    apart = [compare(take[0], other[-1]) for take, other in others]
    rows = (over, next_, apart)
    at_end, at_start = (
        [
            compare_tempi(take[index].bpm, bpm) is TempoMatch.HIT
            for take, bpm in zip(takes, asked, strict=True)
        ]
        for index in (-1, 0)
    )
    found = (
        line(
            "long_loudness_db",
            "change of loudness, median size",
            "dB",
            [[change.loudness_db for change in row] for row in rows],
            median,
        ),
        line(
            "long_spectrum_db",
            "change of spectrum, mean over bands",
            "dB",
            [[change.spectrum_db for change in row] for row in rows],
            mean,
        ),
        line(
            "long_tempo",
            "change of tempo, median size",
            "%",
            [[change.tempo for change in row] for row in rows],
            median,
        ),
        line(
            "long_tempo_hit",
            "tempo within 4 % at the end (ceiling: at the beginning)",
            "%",
            [at_end, at_start],
        ),
    )
    return tuple(one for one in found if one)
