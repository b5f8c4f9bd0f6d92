"""The composer: what a musician can check by looking at the scores."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from engine.spec import FAMILIES, KEYS, SECTIONS
from training.corpus.cast import choose_cast
from training.corpus.chance import stream
from training.corpus.compose import compose, deal_genre, deal_tonic
from training.corpus.feel import DRUM_STEADINESS, limit_player, play_with_feel, swing_beat
from training.corpus.form import SHORTEST_SECONDS
from training.corpus.melody import play_melody
from training.corpus.plan import LEVELS, Plan, make_plan
from training.corpus.score import Chord, Note, Part, Score
from training.corpus.templates import DRUMS, genre_names, load_genre
from training.corpus.theory import chord_classes

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def scores() -> list[Score]:
    """Two whole packs: every genre twice."""
    return [compose(seed) for seed in range(2 * len(genre_names()))]


def plan_of(seed: int) -> Plan:
    """What `compose` decides before it writes a note: tempo, key, form and harmony."""
    genre = deal_genre(seed)
    return make_plan(seed, load_genre(genre), deal_tonic(seed, genre))


def drum_steps(plan: Plan) -> np.ndarray:
    """Slow and obvious: where the steps of one beat pair may fall, in beats."""
    if plan.beats_per_bar == 2:
        return np.arange(13) / 6
    return np.array([swing_beat(k / 4, plan.swing, plan.genre.swing_step) for k in range(9)])


def test_the_same_seed_gives_the_same_piece_in_another_process():
    """Python's `hash` would differ between processes; the composer must not depend on it."""
    code = (
        "from zlib import crc32; from training.corpus.compose import compose;"
        "print(crc32(repr(compose(11)).encode()))"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert int(elsewhere.stdout) == crc32(repr(compose(11)).encode())
    assert compose(11) == compose(11)
    assert compose(11) != compose(12)


@pytest.mark.parametrize("genre", genre_names())
def test_every_genre_composes_on_demand(genre):
    score = compose(3, genre)
    assert score.genre == genre
    assert SHORTEST_SECONDS - 3 < score.duration < 60
    assert score.length % score.beats_per_bar == 0
    assert score.parts
    assert {s.name for s in score.sections} <= set(SECTIONS)
    assert score.sections[0].name == "intro"
    assert score.sections[-1].name == "outro"


def test_an_unknown_genre_says_which_there_are():
    with pytest.raises(ValueError, match=r"genre is 'polka', expected one of ambient"):
        compose(1, "polka")
    with pytest.raises(ValueError, match="seed is -1"):
        compose(-1)


def test_notes_lie_inside_the_piece_and_the_keyboard(scores):
    for score in scores:
        for part in score.parts:
            assert part.notes, f"{score.genre} {score.seed}: {part.name} is silent"
            assert part.family in (*FAMILIES, "drums")
            for note in part.notes:
                assert 0 <= note.start < score.length
                assert 0 < note.length <= score.length
                assert 21 <= note.pitch <= 108
                assert 1 <= note.velocity <= 127
                if part.family == "drums":
                    assert note.pitch in DRUMS.values()


def test_part_names_are_unique(scores):
    for score in scores:
        names = [part.name for part in score.parts]
        assert len(set(names)) == len(names)


def test_drums_lie_on_the_grid(scores):
    """Every stroke is within the drummer's wobble of a step: the bar grid can be heard."""
    seen = 0
    for score in scores:
        plan = plan_of(score.seed)
        late_ms = plan.genre.kit.lay_back_ms if plan.genre.kit else 0.0
        wobble_ms = late_ms + 2 * DRUM_STEADINESS * plan.level.jitter_ms + 1
        for note in (n for p in score.parts if p.family == "drums" for n in p.notes):
            seen += 1
            away = np.abs(drum_steps(plan) - note.start % 2).min() * 60_000 / plan.bpm
            assert away < wobble_ms, f"{score.genre} {score.seed} at beat {note.start}"
    assert seen > 3000


def test_drum_machines_are_exact():
    score = compose(4, "techno")
    drums = [p for p in score.parts if p.family == "drums"]
    starts = np.array([n.start for p in drums for n in p.notes])
    np.testing.assert_allclose(starts * 4, np.round(starts * 4), atol=1e-4)


def chord_at(score: Score, beat: float) -> Chord:
    return [c for c in score.chords if c.beat <= beat + 0.1][-1]


def in_chord(score: Score, part: Part) -> float:
    """Share of a part's notes that belong to the chord of their moment."""
    hits = [
        note.pitch % 12 in chord_classes(c.root, c.quality)
        for note in part.notes
        for c in [chord_at(score, note.start)]
    ]
    return sum(hits) / len(hits)


def test_bass_lines_follow_the_chords(scores):
    """Walking basses pass through the scale, metal riffs through tritones; others stay inside."""
    for score in scores:
        for part in (p for p in score.parts if p.name == "bass"):
            least = {"jazz_swing": 0.45, "death_metal": 0.35}.get(score.genre, 0.7)
            assert in_chord(score, part) >= least, f"{score.genre} {score.seed}"


def test_walking_basses_put_the_root_where_a_chord_begins():
    for seed in range(3):
        score = compose(seed, "jazz_swing")
        bass = [n for p in score.parts if p.name == "bass" for n in p.notes]
        for note in bass:
            chord = chord_at(score, note.start)
            if (
                abs(chord.beat - note.start) < 0.1
                and chord.beat < score.length - score.beats_per_bar
            ):
                assert note.pitch % 12 == chord.bass


def test_pads_sound_only_chord_tones():
    for genre in ("house", "ambient", "drum_and_bass"):
        score = compose(9, genre)
        (pad,) = [part for part in score.parts if part.name == "pad"]
        assert in_chord(score, pad) == 1.0


def test_quartets_keep_their_voices_apart():
    """On average the cello lies under the viola, and so on up to the first violin."""
    score = compose(2, "string_quartet")
    middle = {p.name: np.mean([n.pitch for n in p.notes]) for p in score.parts}
    assert middle["cello"] < middle["viola"] < middle["second violin"] < middle["first violin"]


def test_pieces_begin_and_end_at_home():
    """First and last chord share the root of the key of their moment."""
    for seed in range(105):
        plan = plan_of(seed)
        assert plan.chords[-1].root == plan.stretches[-1].tonic, plan.genre.name
        assert plan.chords[0].root == plan.stretches[0].tonic, plan.genre.name


def test_keys_and_genres_come_out_even():
    """Over 252 seeds each genre comes twelve times, each tonic once per genre, both modes often."""
    count = 12 * len(genre_names())
    genres = Counter(deal_genre(seed) for seed in range(count))
    assert set(genres.values()) == {12}
    plans = [plan_of(seed) for seed in range(200)]
    keys = [plan.key_of(plan.stretches[0]) for plan in plans]
    tonics = np.bincount([key % 12 for key in keys], minlength=12)
    assert tonics.min() >= 8
    assert tonics.max() <= 27
    assert 0.35 < np.mean([key >= 12 for key in keys]) < 0.65
    assert len(set(keys)) == len(KEYS)


def test_tempos_cover_slow_to_very_fast():
    tempos = [plan_of(seed).bpm for seed in range(200)]
    assert min(tempos) < 62
    assert max(tempos) > 170
    assert all(
        load_genre(g).tempo[0] >= 40 and load_genre(g).tempo[1] <= 220 for g in genre_names()
    )


def test_some_pieces_go_without_drums_bass_or_lead():
    plans = [plan_of(seed) for seed in range(200)]
    casts = [choose_cast(plan) for plan in plans if plan.genre.kit]
    arrangements = Counter(cast.arrangement for cast in casts)
    assert 0.06 < arrangements["no drums"] / len(casts) < 0.2
    assert arrangements["no bass"]
    assert arrangements["no lead"]
    for cast in casts:
        roles = {seat.part.role for seat in cast.seats}
        assert (cast.kit is None) == (cast.arrangement == "no drums")
        assert not (cast.arrangement == "no bass" and roles & {"bass", "walk"})
        assert not (cast.arrangement == "no lead" and "lead" in roles)


def test_the_drums_attribute_is_true(scores):
    for score in scores:
        has_kit = any(part.family == "drums" for part in score.parts)
        assert (score.attributes["drums"] == "yes") == has_kit


def test_fewer_than_24_voices_at_once(scores):
    for score in scores:
        notes = [n for p in score.parts if p.family != "drums" for n in p.notes]
        moments = np.arange(0, score.length, 0.5) + 0.01
        starts = np.array([n.start for n in notes])
        ends = starts + np.array([n.length for n in notes])
        sounding = ((starts <= moments[:, None]) & (ends > moments[:, None])).sum(1)
        assert sounding.max() < 24


@pytest.mark.parametrize("genre", ["chiptune", "rock", "scottish_folk", "string_quartet"])
def test_motifs_return(genre):
    """Every verse of a piece sings the same rhythm, and a chorus another one in some pieces."""
    same_as_chorus = []
    for seed in range(8):
        plan = make_plan(seed, load_genre(genre), 0)
        part = next(p for p in plan.genre.parts if p.role == "lead")
        rhythms = {"verse": [], "chorus": []}
        for stretch in (s for s in plan.stretches if s.name in rhythms):
            first = stretch.first_bar * plan.beats_per_bar
            end = first + plan.beats_per_bar
            bar = [note for note in play_melody(part, plan, stretch) if note.start < end]
            rhythms[stretch.name].append([round(n.start - first, 4) for n in bar])
        assert all(verse == rhythms["verse"][0] for verse in rhythms["verse"])
        if rhythms["chorus"]:
            same_as_chorus.append(rhythms["chorus"][0] == rhythms["verse"][0])
    assert not all(same_as_chorus)


def test_beginners_play_sparser_and_looser_than_professionals():
    spread, played = {}, {}
    grid = [Note(k / 2, 0.4, 60, 90) for k in range(70)]
    for name in ("beginner", "professional"):
        plan = replace(plan_of(6), level=LEVELS[name], swing=0.5)
        kept = limit_player(grid, plan, "tune", melodic=True)
        timed = play_with_feel(kept, plan, "tune", human=True, drums=False, lay_back_ms=0.0)
        starts = np.array([note.start for note in timed])
        spread[name] = np.abs(starts - np.round(starts * 2) / 2).mean()
        played[name] = len(timed)
    assert spread["beginner"] > 3 * spread["professional"]
    assert played["beginner"] < 0.95 * played["professional"]


def test_streams_of_chance_do_not_disturb_each_other():
    first = stream(5, "melody").random(3)
    stream(5, "bass").random(100)
    np.testing.assert_array_equal(stream(5, "melody").random(3), first)
