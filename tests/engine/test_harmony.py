"""Harmony: chords are planned in the key, the same at the same place, and never over a player's."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from engine import harmony
from engine.backends import open_backend
from engine.bundle import Bundle
from engine.command import SetChord, SetMode, SetParam
from engine.desk import Desk
from engine.errors import BundleError
from engine.found import Found
from engine.row import Controls
from engine.session import Session
from engine.spec import KEYS, NO_CHORD, NO_KEY, QUALITY_NAMES, STYLE_WIDTH
from tests.engine.rig import Rig
from tests.fakes import two_idioms, write_toy_bundle

BALLAD = np.eye(STYLE_WIDTH, dtype=np.float32)[0]
D_MAJOR, D_MINOR = KEYS.index("D major"), KEYS.index("D minor")


@pytest.fixture
def book():
    return harmony.parse(json.dumps(two_idioms()).encode(), "harmony.json")


def asked(beat, **changed):
    given = {"style": BALLAD, "beat": beat, "key": D_MAJOR, "harmony": "planned"}
    return Controls(**given | changed)


def chords(book, beats, seed=0, **changed):
    planned = [book.plan(asked(beat, **changed), seed) for beat in beats]
    return [(c.chord_root, QUALITY_NAMES[c.chord_quality]) for c in planned]


def test_a_progression_goes_by_bars_in_the_key(book):
    heard = chords(book, (0, 3.9, 4, 8, 12, 13.99, 14, 15.9, 16))
    d, b_minor, g, e_minor, a = (2, "maj"), (11, "min"), (7, "maj"), (4, "min7"), (9, "7")
    assert heard == [d, d, b_minor, g, e_minor, e_minor, a, a, d]


def test_the_minor_key_has_the_minor_progression(book):
    assert chords(book, (0, 4), key=D_MINOR) == [(2, "min"), (10, "maj")]


def test_bars_are_as_long_as_the_meter_says(book):
    heard = chords(book, (0, 2.9, 3, 9, 10.9, 11), beats_per_bar=3)
    assert [root for root, _ in heard] == [2, 2, 11, 4, 4, 9]


def test_the_form_is_two_verses_a_bridge_and_a_verse(book):
    first_of_part = [chords(book, (part * 32,))[0] for part in range(5)]
    assert first_of_part == [(2, "maj"), (2, "maj"), (4, "min7"), (2, "maj"), (2, "maj")]


def test_a_count_in_is_part_of_the_form_that_comes_round(book):
    assert chords(book, (-4,)) == chords(book, (4 * 4 * 8 - 4,))


def test_the_nearest_style_leads_and_without_one_somebody_does(book):
    assert chords(book, (0, 4), style=-BALLAD) == [(2, "5"), (2, "5")]
    assert book.plan(asked(0, style=None), 0).chord_root != NO_CHORD


@pytest.mark.parametrize(
    "changed",
    [
        {"harmony": "played"},
        {"beat": None},
        {"key": NO_KEY, "harmony": "in key"},
        {"chord_root": 3, "chord_quality": 4},
    ],
)
def test_nothing_is_planned_over_what_is_played_or_unknown(book, changed):
    controls = replace(asked(0), **changed)
    assert book.plan(controls, 0) is controls


def test_a_take_without_a_key_has_one_of_its_own(book):
    planned = [book.plan(asked(beat, key=NO_KEY), 5) for beat in range(128)]
    assert len({c.key for c in planned}) == 1
    keys = [book.plan(asked(0, key=NO_KEY), seed).key for seed in range(600)]
    assert set(keys) == set(range(12)), "ballads are in major, in every key"
    assert max(Counter(keys).values()) < 100
    assert book.plan(asked(0, key=NO_KEY, style=-BALLAD), 5).key >= 12, "drones are in minor"


def test_the_seed_chooses_among_progressions():
    found = two_idioms()
    verses = found["idioms"][0]["modes"]["major"]["verse"]
    verses += [[[[root, "maj"]]] for root in range(1, 12)]
    book = harmony.parse(json.dumps(found).encode(), "harmony.json")
    assert len({chords(book, (0,), seed)[0] for seed in range(200)}) == 12
    assert chords(book, range(64), 9) == chords(book, range(64), 9)


def test_a_take_without_a_tempo_has_one_that_suits_the_style(book):
    plain, slow, fast = (
        {book.tempo_bpm(BALLAD, said, seed) for seed in range(300)}
        for said in ("a ballad", "a Slow ballad", "a fast ballad")
    )
    assert plain == set(range(60, 91))
    assert (min(slow), max(slow), min(fast), max(fast)) == (60, 70, 80, 90)


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda book: book["idioms"].clear(), "idioms"),
        (lambda book: book["idioms"][0].update(style=[0.0]), "idioms.0.style"),
        (lambda book: book["idioms"][0].update(minor=2.0), "idioms.0.minor"),
        (lambda book: book["idioms"][0].update(tempo=[0, 90]), "idioms.0.tempo.0"),
        (lambda book: book["idioms"][0].update(mood="sad"), "idioms.0.mood"),
        (lambda book: book["idioms"][0]["modes"].pop("minor"), "idioms.0.modes"),
        (lambda book: book["idioms"][0]["modes"]["major"]["verse"].clear(), "major.verse"),
        (lambda book: book["idioms"][0]["modes"]["major"]["verse"][0][0].clear(), "verse.0.0"),
    ],
)
def test_a_book_that_cannot_be_followed_is_refused_by_field(spoil, field):
    found = two_idioms()
    spoil(found)
    with pytest.raises(BundleError, match=rf"(?s)harmony\.json: .*{field}.*Export"):
        harmony.parse(json.dumps(found).encode(), "harmony.json")


@pytest.mark.parametrize("chord", [[12, "maj"], [-1, "maj"], [0, "major"], [0]])
def test_a_chord_that_is_none_is_refused(chord):
    found = two_idioms()
    found["idioms"][0]["modes"]["major"]["verse"][0][0][0] = chord
    with pytest.raises(BundleError, match="verse"):
        harmony.parse(json.dumps(found).encode(), "harmony.json")


@pytest.fixture
def bundle(tmp_path):
    return Bundle.open(write_toy_bundle(tmp_path / "toy", harmony=two_idioms()), open_backend())


def test_a_session_follows_the_bundles_book(bundle, toy_bundle):
    """As if the chord had been played; a bundle without a book leaves it to the model."""
    plain = Session(bundle, seed=3).step(asked(4.0, harmony="played"))
    planned = Session(bundle, seed=3).step(asked(4.0))
    played = Session(bundle, seed=3).step(asked(4.0, chord_root=11, chord_quality=1))
    np.testing.assert_array_equal(planned, played)
    assert np.abs(planned - plain).max() > 0
    without = [
        Session(toy_bundle, seed=3).step(asked(4.0, harmony=h)) for h in ("played", "planned")
    ]
    np.testing.assert_array_equal(*without)


def test_what_is_heard_is_followed_without_a_plan(bundle):
    tokens = np.zeros(13, np.int64)
    sessions = [Session(bundle, seed=3), Session(bundle, seed=3)]
    for session, who in zip(sessions, ("planned", "played"), strict=True):
        session.follow(tokens, asked(4.0, harmony=who))
    heard = [session.step(asked(5.0, harmony="played")) for session in sessions]
    np.testing.assert_array_equal(*heard)


def test_a_desk_lets_the_engine_plan_unless_it_listens_or_is_told_not_to():
    desk = Desk()
    assert desk.controls(0).harmony == "planned"
    assert desk.apply(SetMode(mode="answer"), 0).controls(0).harmony == "in key"
    assert desk.controls(0, found=Found(style=BALLAD)).harmony == "in key", "a take was primed"
    assert desk.apply(SetParam(name="harmony", value=False), 0).controls(0).harmony == "played"


def test_a_player_is_shown_what_is_planned(bundle, tmp_path):
    """To play along: the key and the chord of the frame that sounds."""
    rig = Rig(bundle, tmp_path / "take.jsonl", block=480)
    rig.ask(SetChord(root="G", quality="7"))
    rig.play(20)
    assert rig.runner.status().chord == "G 7"
    rig.ask(SetChord(root=None))
    rig.ask(SetParam(name="key", value="D major"))
    rig.play(20)
    assert (rig.runner.status().key, rig.runner.status().chord) == ("D major", "D maj")
    rig.ask(SetParam(name="harmony", value=False))
    rig.play(20)
    assert rig.runner.status().chord is None
    rig.runner.stop()
