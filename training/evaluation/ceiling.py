"""The ceiling: the held-out pieces themselves, rendered, in the format of the bundle under test.

In:  a score and how many seconds of it are needed.
Out: [C, N] audio at the bundle's rate. Renderings are kept as FLAC under data/eval_cache, named by
     the score's own hash, so that another composer never meets an old rendering.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from engine.spec import AudioFormat
from training.corpus.render import render
from training.corpus.score import Score
from training.evaluation.onsets import ONSET_RATE

RENDER_RATE = 48_000  # Hz, of training.corpus.render
CACHE = Path("data/eval_cache")

Audio = NDArray[np.float32]


def hear_piece(score: Score, seconds: float, audio: AudioFormat, cache: Path = CACHE) -> Audio:
    """Render the first seconds of a piece: [C, N] at the bundle's rate; less if the piece is
    shorter."""
    path = cache / f"{score.seed}-{fingerprint(score)}-{seconds:g}s.flac"
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        mix = render(opening(score, seconds)).mix[:, : round(seconds * RENDER_RATE)]
        part = path.with_suffix(".part")
        soundfile.write(part, mix.T, RENDER_RATE, format="FLAC", subtype="PCM_16")
        part.replace(path)
    stereo, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mixed = stereo.mean(1, keepdims=True) if audio.channels == 1 else stereo
    return np.ascontiguousarray(soxr.resample(mixed, rate, audio.rate).T)


def opening(score: Score, seconds: float) -> Score:
    """The score without the notes that start after some seconds, which nobody will hear."""
    end = score.beat_at(seconds)
    parts = (
        replace(part, notes=tuple(note for note in part.notes if note.start < end))
        for part in score.parts
    )
    return replace(score, parts=tuple(part for part in parts if part.notes))


def piece_beats(score: Score, values: int) -> NDArray[np.float64]:
    """[T] position in beats at each onset value of a piece heard from its start."""
    return np.array([score.beat_at(index / ONSET_RATE) for index in range(values)])


def fingerprint(score: Score) -> str:
    """Eight hex digits of everything that is in a score."""
    return hashlib.sha256(repr(score).encode()).hexdigest()[:8]
