"""Scoring: one clip, heard once, then held against what was asked for.

In:  audio, and a `Target`: the words of a prompt and the facts behind them.
Out: `Heard` (what the estimators and the judge say of the clip, without knowing the target), then
     `Scores` of it against any target. The floor of the report scores the same `Heard` against
     another prompt's target, so nothing that looks at the target may happen before `score`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.spec import FAMILIES
from training.evaluation.beat import BeatPhase, beat_phase
from training.evaluation.drums import Drums, estimate_drums
from training.evaluation.judge import Judge, Vector, Verdict
from training.evaluation.key import Key, KeyMatch, compare_keys, estimate_key
from training.evaluation.level import Drift, Level, measure_drift, measure_level
from training.evaluation.onsets import Onsets, onset_strength, to_mono
from training.evaluation.tempo import Tempo, TempoMatch, compare_tempi, estimate_tempo


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a prompt asks for."""

    seed: int  # of the held-out piece whose caption the prompt is
    genre: str
    prompt: str
    tempo_bpm: float
    key: int  # index into engine.spec.KEYS
    drums: bool
    families: tuple[str, ...]  # named in the prompt
    unsaid: tuple[str, ...] = ()  # would fit as well: hearing them is neither right nor wrong


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One clip as the estimators and the judge hear it."""

    onsets: Onsets
    tempo: Tempo
    key: Key
    drums: Drums
    level: Level
    verdict: Verdict
    drift: Drift | None  # None where only the scored part was played


@dataclass(frozen=True, kw_only=True)
class Scores:
    """One clip against one target."""

    genre: str  # of the target, for breakdowns
    tempo: TempoMatch
    phase: BeatPhase
    key: KeyMatch
    drums_right: bool
    genre_right: bool
    families_asked: NDArray[np.bool_]  # [F]
    families_heard: NDArray[np.bool_]  # [F] without the unsaid
    cycle: float  # cosine of prompt and clip in the judge's space
    level: Level
    drift: Drift | None


def listen(audio: NDArray[np.floating], rate: int, judge: Judge, seconds: float) -> Heard:
    """Hear a clip [C, N]: its first `seconds`; level over all of it, and drift if there is more."""
    heard = round(seconds * rate)
    mono = to_mono(audio[:, :heard], rate)
    onsets = onset_strength(mono)
    return Heard(
        onsets=onsets,
        tempo=estimate_tempo(onsets),
        key=estimate_key(mono),
        drums=estimate_drums(mono),
        level=measure_level(audio, rate),
        verdict=judge.listen(mono),
        drift=measure_drift(audio, rate) if audio.shape[1] > heard else None,
    )


def score(heard: Heard, target: Target, style: Vector, beats: NDArray[np.floating]) -> Scores:
    """Hold a clip against a target.

    Args:
        heard: the clip.
        target: what it should have been.
        style: [128] the judge's reading of the target's prompt.
        beats: position in beats, by the target's grid, at each of the clip's onset values.
    """
    return Scores(
        genre=target.genre,
        tempo=compare_tempi(heard.tempo.bpm, target.tempo_bpm),
        phase=beat_phase(heard.onsets, beats, target.tempo_bpm),
        key=compare_keys(heard.key.key, target.key),
        drums_right=heard.drums.plays == target.drums,
        genre_right=heard.verdict.genre == target.genre,
        families_asked=np.array([name in target.families for name in FAMILIES]),
        families_heard=heard.verdict.families & [name not in target.unsaid for name in FAMILIES],
        cycle=float(heard.verdict.style @ style),
        level=heard.level,
        drift=heard.drift,
    )
