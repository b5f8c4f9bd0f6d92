"""Attributes: what can be said about a piece in words, beside its numbers.

In:  plan, cast and written parts.
Out: a flat dictionary of strings for `Score.attributes`; captions and evaluation read it.
"""

from dataclasses import replace

from training.corpus.cast import Cast
from training.corpus.chance import pick, stream
from training.corpus.groove import choose_groove
from training.corpus.plan import Plan
from training.corpus.score import Part, Score
from training.corpus.settings import fit_mood

SPARSE_BELOW, DENSE_ABOVE = 4.0, 9.0  # note onsets per second over all parts
LOW_DRIVE, HIGH_DRIVE = 0.4, 0.65


def describe(plan: Plan, cast: Cast, parts: tuple[Part, ...]) -> dict[str, str]:
    """Draw era, place and title, find the mood, sum up level, energy, density, arrangement."""
    rng = stream(plan.seed, "attributes")
    genre = plan.genre
    return {
        "mood": fit_mood(rng, genre, plan.mode.scale, plan.bpm, plan.drive),
        "era": pick(rng, genre.eras),
        "place": pick(rng, genre.places),
        "title": f"{pick(rng, genre.titles)} {pick(rng, genre.titles)}",
        "use": pick(rng, genre.uses),
        "level": plan.level.name,
        "energy": _grade(plan.drive, LOW_DRIVE, HIGH_DRIVE, ("low", "medium", "high")),
        "density": _density(parts, plan.length * 60.0 / plan.bpm),
        "drums": "yes" if cast.kit else "no",
        "groove": _groove(plan, cast),
        "melody": _melody(cast, parts),
        "arrangement": cast.arrangement,
        "meter": plan.meter,
        "scale": plan.mode.scale,
        "feel": "swung" if plan.swing > 0.56 else "straight",
        "modulates": "yes" if len({s.tonic for s in plan.stretches}) > 1 else "no",
    }


def restate(score: Score) -> Score:
    """Say anew what a cut or another tempo may have made untrue: drums, density and others."""
    names = {part.name for part in score.parts}
    has_kit = any(part.family == "drums" for part in score.parts)
    said = score.attributes
    fresh = {
        "density": _density(score.parts, score.duration),
        "drums": "yes" if has_kit else "no",
        "groove": said["groove"] if has_kit else "",
        "melody": said["melody"] if said["melody"] in names else "",
        "modulates": "yes" if len({key for _, key in score.keys}) > 1 else "no",
    }
    return replace(score, attributes={**said, **fresh})


def _density(parts: tuple[Part, ...], seconds: float) -> str:
    onsets = sum(len({round(n.start, 2) for n in part.notes}) for part in parts)
    return _grade(onsets / seconds, SPARSE_BELOW, DENSE_ABOVE, ("sparse", "moderate", "dense"))


def _groove(plan: Plan, cast: Cast) -> str:
    """Name the drum pattern of the most energetic section, where it has a name."""
    if cast.kit is None:
        return ""
    return choose_groove(cast.kit, plan, max(cast.kit_stretches, key=lambda s: s.energy)).name


def _melody(cast: Cast, parts: tuple[Part, ...]) -> str:
    """Name the part that has the tune, the one with most notes of those that could; "" if none."""
    names = {seat.part.name for seat in cast.seats if seat.part.role == "lead"}
    leads = [part for part in parts if part.name in names]
    return max(leads, key=lambda part: len(part.notes)).name if leads else ""


def _grade(value: float, low: float, high: float, words: tuple[str, str, str]) -> str:
    return words[0] if value < low else words[2] if value > high else words[1]
