"""Held-out prompts: captions of test-split pieces, worded unlike any caption of the train split.

Out: a fixed list of `HeldOut` pieces that covers every genre, each with the `Target` its caption
asks for, and the derangement that pairs every clip with another prompt for the floor.
The seeds are of the test split: no model, estimator or judge was fitted on their pieces.
"""

from dataclasses import dataclass

import numpy as np

from engine.errors import OptionError
from engine.spec import FAMILIES
from training.corpus.captions import held_out_caption
from training.corpus.compose import compose
from training.corpus.piece import FIRST_SEEDS
from training.corpus.score import Part, Score
from training.corpus.templates import genre_names
from training.corpus.vocabulary import load_vocabulary
from training.evaluation.scoring import Target


@dataclass(frozen=True)
class HeldOut:
    """One held-out piece and the prompt made from it."""

    score: Score
    target: Target


def held_out(count: int) -> list[HeldOut]:
    """The first `count` held-out pieces, in the order of their seeds.

    Raises:
        OptionError: so few that a genre is missing.
    """
    pieces = pieces_from(0, count)
    missing = set(genre_names()) - {piece.score.genre for piece in pieces}
    if missing:
        raise OptionError.of(
            "prompts",
            count,
            f"at least {len(genre_names())}, one of every genre",
            f"Missing: {sorted(missing)}.",
        )
    return pieces


def pieces_from(place: int, count: int) -> list[HeldOut]:
    """`count` held-out pieces from a place on in the order of their seeds."""
    genres = len(genre_names())
    first = -(-FIRST_SEEDS["test"] // genres) * genres  # from a multiple on, genres come in packs
    scores = [compose(first + place + index) for index in range(count)]
    return [HeldOut(score, target_of(score)) for score in scores]


def target_of(score: Score) -> Target:
    """What the caption of a piece asks for."""
    prompt = held_out_caption(score)
    playing = {part.family for part in score.parts}
    named = {part.family for part in score.parts if is_named(part, prompt)}
    return Target(
        seed=score.seed,
        genre=score.genre,
        prompt=prompt,
        tempo_bpm=score.tempos[0][1],
        key=score.keys[0][1],
        drums="drums" in playing,
        families=tuple(name for name in FAMILIES if name in named),
        unsaid=tuple(name for name in FAMILIES if name in playing - named),
    )


def is_named(part: Part, prompt: str) -> bool:
    """Whether a prompt names a part's instrument, in any of the words that captions have for it."""
    banks = (load_vocabulary(name) for name in ("held_out", "training"))
    words = [word for bank in banks for word in bank.choices("instrument", part.instrument)]
    return any(word.lower() in prompt.lower() for word in words)


def derangement(count: int, seed: int = 0) -> list[int]:
    """Pair each of `count` clips, at least 2, with another one's prompt; none keeps its own."""
    rng = np.random.default_rng(seed)
    order = np.arange(count)
    while np.any(order == np.arange(count)):
        order = rng.permutation(count)
    return [int(index) for index in order]
