"""The cast: which players a piece has, on which instruments, and in which sections they play.

In:  a plan.
Out: a `Cast`: seats (part template and instrument) with the sections each plays, and the drummer.

About one piece in eight of the genres with drums goes without them, a few without bass or lead, so
that a caption's "no drums" means something.
"""

from dataclasses import dataclass

import numpy as np

from training.corpus.chance import pick, pick_weighted, stream
from training.corpus.form import Stretch
from training.corpus.plan import Plan
from training.corpus.templates import Instrument, Kit, PartTemplate, instruments

ARRANGEMENTS = {"full": 0.77, "no drums": 0.13, "no bass": 0.05, "no lead": 0.05}
REST_CHANCE = 0.1  # that a part sits out a section it could play
BASS_ROLES = ("bass", "walk")


@dataclass(frozen=True)
class Seat:
    """One player with an instrument and the sections played."""

    part: PartTemplate
    sound: str  # key of instruments.toml
    instrument: Instrument
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True)
class Cast:
    """Everybody in a piece."""

    seats: tuple[Seat, ...]
    kit: Kit | None
    kit_sound: str
    kit_stretches: tuple[Stretch, ...]
    arrangement: str  # a key of ARRANGEMENTS


def choose_cast(plan: Plan) -> Cast:
    """Decide who plays, what, and when."""
    rng = stream(plan.seed, "cast")
    arrangement = _arrangement(plan, rng)
    drawn = [part for part in plan.genre.parts if rng.random() < part.chance]
    parts = [part for part in drawn if not _left_out(part, arrangement)] or [plan.genre.parts[0]]
    seats = []
    taken: dict[str, str] = {}  # part -> sound
    for part in parts:
        free = [s for s in part.sounds if s not in taken.values()] or list(part.sounds)
        sound = taken.get(part.like) or pick(rng, free)
        taken[part.name] = sound
        seats.append(Seat(part, sound, instruments()[sound], _sections(part, plan, rng)))
    kit = plan.genre.kit if arrangement != "no drums" else None
    kit_sound = pick(rng, kit.sounds) if kit else ""
    kit_stretches = _drum_sections(kit, plan, rng) if kit else ()
    return Cast(tuple(_fill_silence(seats, plan)), kit, kit_sound, kit_stretches, arrangement)


def _arrangement(plan: Plan, rng: np.random.Generator) -> str:
    possible = dict(ARRANGEMENTS)
    roles = {part.role for part in plan.genre.parts}
    if plan.genre.kit is None:
        possible.pop("no drums")
    if not roles & set(BASS_ROLES) or plan.genre.kit is None:
        possible.pop("no bass")
    if "lead" not in roles or len(plan.genre.parts) < 4:
        possible.pop("no lead")
    return pick_weighted(rng, possible)


def _left_out(part: PartTemplate, arrangement: str) -> bool:
    return (arrangement == "no bass" and part.role in BASS_ROLES) or (
        arrangement == "no lead" and part.role == "lead"
    )


def _sections(part: PartTemplate, plan: Plan, rng: np.random.Generator) -> tuple[Stretch, ...]:
    able = [s for s in plan.stretches if part.sections == () or s.name in part.sections]
    willing = [s for s in able if s.energy >= part.energy and rng.random() > REST_CHANCE]
    if not willing:
        willing = [max(able or plan.stretches, key=lambda s: s.energy)]
    return tuple(willing)


def _drum_sections(kit: Kit, plan: Plan, rng: np.random.Generator) -> tuple[Stretch, ...]:
    able = [s for s in plan.stretches if s.energy >= kit.energy]
    willing = [s for s in able if rng.random() > REST_CHANCE / 2]
    return tuple(willing) or (max(plan.stretches, key=lambda s: s.energy),)


def _fill_silence(seats: list[Seat], plan: Plan) -> list[Seat]:
    """Let the accompanists play where at most one part would."""
    sustaining = [i for i, seat in enumerate(seats) if seat.part.role not in ("lead", "hits")]
    for stretch in plan.stretches:
        missing = [i for i in sustaining if stretch not in seats[i].stretches]
        for index in missing[: max(0, 2 - (len(sustaining) - len(missing)))]:
            seat = seats[index]
            stretches = tuple(s for s in plan.stretches if s in seat.stretches or s == stretch)
            seats[index] = Seat(seat.part, seat.sound, seat.instrument, stretches)
    return seats
