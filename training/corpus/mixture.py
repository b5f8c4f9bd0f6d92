"""Mixture: a piece in a blend of two genres that no model has heard, for evaluation only.

In:  a seed. Out: a score played by the instruments of one genre, to the groove or in the harmony of
another. Its `genre` is that of the instruments; `mixed` and `mixed_genre` in its attributes say
what comes from where.

Only the split "mixture" is made of these; train, valid and test never are.
"""

from dataclasses import replace

from training.corpus.attributes import restate
from training.corpus.chance import pick, stream
from training.corpus.compose import compose_in, deal_genre, deal_tonic
from training.corpus.score import Score
from training.corpus.templates import Genre, genre_names, load_genre
from training.corpus.turns import ended

ATTEMPTS = 40  # four in five have drums
ATTEMPT_SEEDS = 1_000_000_000


def mixture(seed: int) -> Score:
    """Compose the mixture of a seed: genres dealt in packs, grooves and harmonies in turn."""
    instruments = load_genre(deal_genre(seed))
    others = [name for name in genre_names() if name != instruments.name]
    rng = stream(seed, "mixture")
    if seed % 2:
        other = load_genre(pick(rng, others))
        score = compose_in(in_harmony(instruments, other), seed, deal_tonic(seed, other.name))
        return _noted(score, "harmony", other, seed)
    other = load_genre(pick(rng, [name for name in others if load_genre(name).kit]))
    blend = to_groove(instruments, other)
    for attempt in range(ATTEMPTS):  # a groove needs a drummer: until one is drawn
        score = compose_in(blend, seed + attempt * ATTEMPT_SEEDS, deal_tonic(seed, other.name))
        if score.attributes["drums"] == "yes":
            return _noted(score, "groove", other, seed)
    raise AssertionError(f"no drums in {ATTEMPTS} attempts at seed {seed}")


def in_harmony(instruments: Genre, other: Genre) -> Genre:
    """Give a genre the modes and progressions of another."""
    return _blended(instruments, modes=other.modes)


def to_groove(instruments: Genre, other: Genre) -> Genre:
    """Give a genre the drummer, tempo, swing and drive of another, on drums of its own if any."""
    assert other.kit is not None, f"{other.name} has no groove"
    sounds = instruments.kit.sounds if instruments.kit else other.kit.sounds
    able = {groove.meter for groove in other.kit.grooves} & set(instruments.meters)
    return _blended(
        instruments,
        kit=other.kit.model_copy(update={"sounds": sounds}),
        tempo=other.tempo,
        drive=other.drive,
        swing=other.swing,
        swing_step=other.swing_step,
        meters={meter: other.meters[meter] for meter in able if meter in other.meters},
    )


def _blended(instruments: Genre, **changes: object) -> Genre:
    """Check the blend as a template of its own."""
    fields = {name: getattr(instruments, name) for name in Genre.model_fields}
    return Genre(**{**fields, **changes})


def _noted(score: Score, what: str, other: Genre, seed: int) -> Score:
    said = {**score.attributes, "mixed": what, "mixed_genre": other.name}
    return restate(ended(replace(score, seed=seed, attributes=said)))
