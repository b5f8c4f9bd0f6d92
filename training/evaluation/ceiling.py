"""The ceiling: the held-out pieces themselves, rendered, in the format of the bundle under test.

In:  a score and how many of its first seconds are needed.
Out: [C, N] audio at the bundle's rate, and the target as far as those seconds fulfil it.
Renderings are kept as FLAC under data/eval_cache, named by the score's own hash, so that another
composer never meets an old rendering; delete the folder when the renderer changes.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from engine.spec import FAMILIES, AudioFormat
from training.corpus.labels import label
from training.corpus.render import render
from training.corpus.score import Score
from training.corpus.timing import RATE
from training.evaluation.onsets import ONSET_RATE
from training.evaluation.scoring import Target
from training.mulan_data import PLAYING_SHARE

CACHE = Path("data/eval_cache")


def hear_piece(
    score: Score, seconds: float, audio: AudioFormat, cache: Path = CACHE
) -> NDArray[np.float32]:
    """Render the first seconds of a piece, without its last reverberation: [C, N]."""
    seconds = min(seconds, score.duration)
    path = cache / f"{score.seed}-{fingerprint(score)}-{seconds:g}s.flac"
    if not path.is_file():
        mix = render(opening(score, seconds)).mix[:, : round(seconds * RATE)]
        _write(path, mix)
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


def opening_target(target: Target, score: Score, seconds: float) -> Target:
    """The target without what the piece does not play yet in its first seconds."""
    labels = label(score, seconds)
    plays = dict(zip(FAMILIES, labels.families.mean(0) >= PLAYING_SHARE, strict=True))
    later = tuple(name for name in target.families if not plays[name])
    return replace(
        target,
        drums=bool(labels.drums.mean() >= PLAYING_SHARE),
        families=tuple(name for name in target.families if plays[name]),
        unsaid=target.unsaid + later,
    )


def piece_beats(score: Score, values: int) -> NDArray[np.float64]:
    """[T] position in beats at each onset value of a piece heard from its start."""
    return np.array([score.beat_at(index / ONSET_RATE) for index in range(values)])


def fingerprint(score: Score) -> str:
    """Eight hex digits of everything that is in a score."""
    return hashlib.sha256(repr(score).encode()).hexdigest()[:8]


def _write(path: Path, mix: NDArray[np.float32]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    soundfile.write(part, mix.T, RATE, format="FLAC", subtype="PCM_16")
    part.replace(path)
