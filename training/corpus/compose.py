"""Compose: a seed becomes a score.

    seed -> genre and tonic -> plan (tempo, form, harmony) -> cast -> notes -> feel -> Score

A piece is a function of its seed (and of the genre, where one is asked for). Genres and tonics are
dealt like cards, a whole pack at a time, so that any run of seeds is balanced. Makes no sound.
What a band does with a whole piece (`turns.py`) and medleys (`medley.py`) come after.
"""

from training.corpus.accompaniment import (
    play_arp,
    play_bass,
    play_comp,
    play_drone,
    play_hits,
    play_pad,
    play_voice,
    play_walk,
)
from training.corpus.attributes import describe
from training.corpus.cast import Cast, Seat, choose_cast
from training.corpus.chance import stream
from training.corpus.endings import play_ending
from training.corpus.feel import limit_player, play_with_feel
from training.corpus.groove import final_stroke, play_drums
from training.corpus.melody import decorate, play_melody
from training.corpus.plan import FREE, Given, Plan, make_plan
from training.corpus.score import Note, Part, Score, Section
from training.corpus.settings import sound_of
from training.corpus.templates import Genre, genre_names, instruments, load_genre

COMPOSER_VERSION = 2  # 1 had no medleys, turns, moods by music, rooms by place, sound by era
WAYS_OF_PLAYING = {
    "bass": play_bass,
    "walk": play_walk,
    "comp": play_comp,
    "pad": play_pad,
    "arp": play_arp,
    "voice": play_voice,
    "drone": play_drone,
    "lead": play_melody,
    "hits": play_hits,
}
MELODIC = ("lead",)
FALLIBLE = ("lead", "comp", "arp", "voice")


def deal_genre(seed: int) -> str:
    """Choose a seed's genre: every whole pack of as many seeds as genres has each once."""
    names = genre_names()
    block, place = divmod(seed, len(names))
    return names[int(stream(block, "genres").permutation(len(names))[place])]


def deal_tonic(seed: int, genre: str) -> int:
    """Choose a seed's tonic: each genre goes through all twelve before one returns."""
    cycle, place = divmod(seed // len(genre_names()), 12)
    return int(stream(cycle, "tonics", genre).permutation(12)[place])


def compose(seed: int, genre: str | None = None) -> Score:
    """Compose a piece of about 35 to 60 s.

    Args:
        seed: 0 or more; the same seed gives the same piece.
        genre: a name of `templates.genre_names()`, or None to have one dealt.

    Raises:
        ValueError: a negative seed or an unknown genre.
    """
    name = genre or deal_genre(_checked(seed))
    return compose_in(load_genre(name), seed, deal_tonic(_checked(seed), name))


def compose_in(genre: Genre, seed: int, tonic: int, given: Given = FREE) -> Score:
    """Compose a piece in a template, from a tonic (pitch class), some of it settled beforehand."""
    plan = make_plan(_checked(seed), genre, tonic, given)
    cast = choose_cast(plan)
    parts = [_play_seat(seat, index, plan) for index, seat in enumerate(cast.seats)]
    if cast.kit:
        parts.append(_play_kit(cast, plan))
    return _score(plan, cast, tuple(part for part in parts if part.notes))


def _checked(seed: int) -> int:
    if seed < 0:
        raise ValueError(f"seed is {seed}, expected 0 or more")
    return seed


def _play_seat(seat: Seat, index: int, plan: Plan) -> Part:
    part, notes = seat.part, []
    for stretch in seat.stretches:
        notes += WAYS_OF_PLAYING[part.role](part, plan, stretch)
    if part.role in MELODIC:
        notes = decorate(notes, part, plan)
    if seat.stretches[-1] == plan.stretches[-1] or index == 0:
        notes += play_ending(part, plan, notes)
    human = not seat.instrument.patch
    if human and part.role in FALLIBLE:
        notes = limit_player(notes, plan, part.name, melodic=part.role in MELODIC)
    return Part(
        name=part.name,
        instrument=seat.sound,
        family=seat.instrument.family,
        source="synth" if seat.instrument.patch else "soundfont",
        program=seat.instrument.program or 0,
        patch=seat.instrument.patch,
        notes=play_with_feel(
            notes, plan, part.name, human=human, drums=False, lay_back_ms=part.lay_back_ms
        ),
        gain_db=part.gain_db,
        pan=part.pan,
        reverb=part.reverb,
        effects=part.effects,
    )


def _play_kit(cast: Cast, plan: Plan) -> Part:
    kit, sound = cast.kit, instruments()[cast.kit_sound]
    assert kit is not None, "only called for a cast with a drummer"
    notes: list[Note] = []
    for stretch in cast.kit_stretches:
        notes += play_drums(kit, plan, stretch, fill=stretch != plan.stretches[-1])
    if cast.kit_stretches[-1] == plan.stretches[-1]:
        notes += final_stroke(plan)
    return Part(
        name="drums",
        instrument=cast.kit_sound,
        family="drums",
        source="synth" if sound.patch else "soundfont",
        program=sound.program or 0,
        patch=sound.patch,
        notes=play_with_feel(
            notes, plan, "drums", human=not sound.patch, drums=True, lay_back_ms=kit.lay_back_ms
        ),
        gain_db=kit.gain_db,
        reverb=kit.reverb,
        effects=kit.effects,
    )


def _score(plan: Plan, cast: Cast, parts: tuple[Part, ...]) -> Score:
    per_bar = plan.beats_per_bar
    keys: list[tuple[float, int]] = []
    for stretch in plan.stretches:
        if not keys or keys[-1][1] != plan.key_of(stretch):
            keys.append((float(stretch.first_bar * per_bar), plan.key_of(stretch)))
    sections = tuple(
        Section(float(s.first_bar * per_bar), s.name, round(s.energy, 3)) for s in plan.stretches
    )
    attributes = describe(plan, cast, parts)
    return Score(
        seed=plan.seed,
        genre=plan.genre.name,
        tempos=((0.0, plan.bpm),),
        beats_per_bar=per_bar,
        keys=tuple(keys),
        chords=plan.chords,
        sections=sections,
        parts=parts,
        length=plan.length,
        attributes=attributes,
        master=(*plan.genre.master, *sound_of(attributes["era"])),
    )
