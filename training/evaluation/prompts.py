"""Held-out prompts: captions of test-split pieces, worded unlike any caption the models learned
from.

Out: a fixed list of `Target`s that covers every genre, the score each one comes from, and the
derangement that pairs every clip with another prompt for the floor.
The seeds are of the test split: no model, estimator prior or judge has seen their pieces.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.spec import FAMILIES
from training.corpus.captions import held_out_caption
from training.corpus.compose import compose
from training.corpus.score import Score
from training.evaluation.scoring import Target

FIRST_TEST_SEED = 20_000_000


@dataclass(frozen=True)
class HeldOut:
    """One held-out piece and the prompt made from it."""

    score: Score
    target: Target


def held_out(count: int) -> list[HeldOut]:
    """The first `count` held-out pieces, in the order of their seeds."""
    scores = [compose(FIRST_TEST_SEED + index) for index in range(count)]
    return [HeldOut(score, target_of(score)) for score in scores]


def target_of(score: Score) -> Target:
    """What the caption of a piece asks for."""
    families = {part.family for part in score.parts if part.notes}
    return Target(
        seed=score.seed,
        genre=score.genre,
        prompt=held_out_caption(score),
        tempo_bpm=score.tempos[0][1],
        beats_per_bar=score.beats_per_bar,
        key=score.keys[0][1],
        drums="drums" in families,
        families=tuple(name for name in FAMILIES if name in families),
    )


def derangement(count: int, seed: int = 0) -> list[int]:
    """Pair each of `count` >= 2 clips with another one's prompt; no clip keeps its own."""
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(count)
        if np.all(order != np.arange(count)):
            return [int(index) for index in order]


def missing_genres(targets: Sequence[Target], genres: Sequence[str]) -> list[str]:
    """Genres that no prompt asks for."""
    return sorted(set(genres) - {target.genre for target in targets})
