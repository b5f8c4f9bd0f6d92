"""Going on from a take: it is understood, followed beside what sounds, joined without a seam."""

import json

import numpy as np
import pytest

from engine.command import MAX_PRIME_FRAMES, Command, Panic, Prime, SetMode, SetParam
from engine.errors import InputError, OptionError
from engine.listening import level, take
from engine.listening.ear import Ear
from engine.matching import Matching
from engine.performer import Performer
from engine.priming import FRAMES_AT_ONCE
from engine.row import Controls
from engine.session import Session
from engine.spec import CODEBOOK_SIZE, FRAME_RATE, LEVELS
from tests.engine.listening_sounds import MINOR, chords, drum_loop
from tests.engine.performing import (
    BAR,
    first_difference,
    free,
    play,
    play_and_answer,
    request,
    style,
    style_of,
)
from tests.engine.test_recall import through_a_file
from tests.fakes import FRAME, LATENCY, RATE

FADE = RATE // 200
FRAMES = 40


def codes(seed: int, frames: int = FRAMES) -> tuple[tuple[int, ...], ...]:
    drawn = np.random.default_rng(seed).integers(0, CODEBOOK_SIZE, (frames, LEVELS))
    return tuple(map(tuple, drawn.tolist()))


def prime(seed: int = 1, **fields) -> Prime:
    told = {"said": "mine.wav", "tokens": codes(seed), "loudness_db": -20.0, **fields}
    return Prime(**told)


# --- what is asked ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"tokens": ()}, "frames of a take is 0"),
        ({"tokens": codes(1, MAX_PRIME_FRAMES + 1)}, "frames of a take"),
        ({"tokens": ((1, 2, 3),)}, f"{LEVELS} codes"),
        ({"tokens": ((CODEBOOK_SIZE,) * LEVELS,)}, f"{LEVELS} codes"),
        ({"loudness_db": 90.0}, "loudness"),
        ({"loudness_db": float("nan")}, "loudness"),
        ({"beat": float("inf")}, "beat"),
        ({"tempo_bpm": 1.0}, "tempo"),
        ({"key": "H"}, "key"),
    ],
)
def test_what_is_no_take_is_refused(fields, said):
    with pytest.raises(OptionError, match=said):
        prime(**fields)


def test_a_take_goes_through_json_exactly():
    asked = prime(tempo_bpm=97.3, beat=8.01, key="D minor", style=style_of(3))
    assert Command.from_json(json.loads(json.dumps(asked.to_json()))) == asked


# --- at the beginning ---------------------------------------------------------------------------


def test_the_first_frame_goes_on_from_the_end_of_a_take(toy_bundle):
    """By hand: follow the take under what is known of it, compose on, and make it as loud."""
    asked = prime(tempo_bpm=100.0, beat=8.0, key="D minor", style=style_of(3))
    performer = Performer(toy_bundle, seed=7)
    performer.ask(request(asked, name="go"))
    made, acks = play_and_answer(performer, 5)

    session = Session(toy_bundle, seed=7, guidable=True)
    loudness = level.init_state(toy_bundle.audio)
    for index, tokens in enumerate(asked.tokens):
        known = Controls(
            style=asked.style,
            key=14,
            tempo_bpm=100.0,
            beat=8.0 - (FRAMES - index) / FRAME_RATE * 100 / 60,
        )
        loudness = level.step(session.follow(np.array(tokens), known), loudness, RATE)
    matching = Matching.of(-20.0, loudness)
    assert matching.gain != 1.0
    expected = []
    for frame in range(5):
        beat = 8.0 + frame / FRAME_RATE * 100 / 60
        controls = Controls(style=asked.style, key=14, tempo_bpm=100.0, beat=beat)
        sound, matching = matching.apply(session.step(controls), toy_bundle.audio)
        expected.append(sound)
    expected = np.concatenate(expected, axis=1)
    after = LATENCY + FADE
    np.testing.assert_allclose(made[:, after:], expected[:, after:], atol=1e-5)
    assert acks == [type(acks[0])(id="go", frame=0, sample=LATENCY, what="done")]


def test_it_begins_at_once_and_in_the_takes_own_time(toy_bundle):
    performer = Performer(toy_bundle, seed=7)
    performer.ask(request(prime(tempo_bpm=100.0, beat=6.5)))
    performer.make()
    assert performer.position(0).beat == pytest.approx(6.5)
    assert performer.position(25).tempo_bpm == pytest.approx(100.0)


@pytest.mark.parametrize("who", ["a host", "a hand"])
def test_who_says_a_tempo_keeps_it(toy_bundle, who):
    performer = Performer(toy_bundle, seed=7)
    if who == "a host":
        performer.set_transport(free(90.0), is_hosted=True)
    else:
        performer.ask(request(SetParam(name="tempo", value=90.0)))
    performer.ask(request(prime(tempo_bpm=100.0, beat=6.5)))
    performer.make()
    assert performer.position(25).tempo_bpm == pytest.approx(90.0)


def test_key_and_style_of_the_take_hold_where_nobody_asks_for_others(toy_bundle):
    performer = Performer(toy_bundle, seed=7)
    performer.ask(request(prime(key="D minor", style=style_of(3))))
    performer.make()
    controls = performer.desk.controls(1, None, performer.found)
    assert controls.key == 14
    np.testing.assert_array_equal(controls.style, style_of(3))
    performer.ask(request(style(4)))
    performer.make()
    controls = performer.desk.controls(1, None, performer.found)
    np.testing.assert_allclose(controls.style, style_of(4), atol=1e-6)
    performer.ask(request(Panic()))
    performer.make()
    assert performer.found.key is None


# --- while something sounds ---------------------------------------------------------------------


def test_what_sounds_goes_on_until_the_take_is_followed(toy_bundle):
    performer = Performer(toy_bundle, seed=7)
    play(performer, 10)
    twin = performer.branch()
    performer.ask(request(prime(), name="go"))
    made, acks = play_and_answer(performer, 30)
    frames = -(-FRAMES // FRAMES_AT_ONCE) - 1
    assert [(ack.id, ack.what, ack.frame) for ack in acks] == [("go", "done", 10 + frames)]
    assert first_difference(made, play(twin, 30)) == frames * FRAME + LATENCY


def test_on_the_bar_it_enters_on_the_next_line_behind_its_end(toy_bundle):
    performer = Performer(toy_bundle, seed=7)
    play(performer, 45)
    twin = performer.branch()
    performer.ask(request(prime(), BAR, name="go"))
    made, acks = play_and_answer(performer, 65)
    assert acks[0].sample == 4 * RATE  # the line at 2 s comes too early
    assert first_difference(made, play(twin, 65)) == 4 * RATE - 45 * FRAME


def test_a_newer_take_replaces_one_that_is_being_followed(toy_bundle):
    performer = Performer(toy_bundle, seed=7)
    play(performer, 10)
    performer.ask(request(prime(1), name="old"))
    play(performer, 5)
    performer.ask(request(prime(2), name="new"))
    _, acks = play_and_answer(performer, 20)
    assert [(ack.id, ack.what) for ack in acks] == [("old", "replaced"), ("new", "done")]


def test_a_listener_goes_on_from_a_take_too(toy_bundle):
    performer = Performer(toy_bundle, seed=7)
    performer.ask(request(SetMode(mode="listen")))
    play(performer, 10)
    performer.ask(request(prime()))
    play(performer, 20)
    assert (performer.role, performer.desk.mode) == ("sound", "continue")


def test_frames_made_again_follow_the_take_again(toy_bundle):
    performer = Performer(toy_bundle, seed=7)
    play(performer, 10)
    performer.ask(request(prime()))
    before = play(performer, 20)
    performer.rewind(performer.frame - 12)
    np.testing.assert_array_equal(play(performer, 12), before[:, 8 * FRAME :])


def test_a_performance_saved_on_the_way_goes_on_bit_for_bit(toy_bundle):
    performer = Performer(toy_bundle, seed=7)
    play(performer, 10)
    performer.ask(request(prime(key="D minor")))
    play(performer, 4)
    restored = through_a_file(performer, toy_bundle)
    np.testing.assert_array_equal(play(restored, 20), play(performer, 20))
    restored = through_a_file(performer, toy_bundle)
    np.testing.assert_array_equal(play(restored, 5), play(performer, 5))


# --- understanding ------------------------------------------------------------------------------


def test_a_take_is_understood(toy_bundle):
    drums = drum_loop(104.0, 12.0, RATE, start=0.0)
    song = drums + chords([57] * 12, [MINOR] * 12, RATE)
    found = take.understand(toy_bundle, song, "mine.wav")
    assert found.tempo_bpm == pytest.approx(104.0, rel=0.01)
    assert (found.beat - 12.0 * 104 / 60 + 0.5) % 1.0 == pytest.approx(0.5, abs=0.03)
    assert found.key == "A minor"
    assert found.style is not None
    loudness, ear = level.init_state(toy_bundle.audio), Ear(toy_bundle)
    state, tokens = ear.init_state(), []
    for frame in range(12 * FRAME_RATE):
        part = song[:, frame * FRAME : (frame + 1) * FRAME]
        loudness = level.step(part, loudness, RATE)
        heard, state = ear.hear(part, state)
        tokens.append(tuple(heard))
    assert found.tokens == tuple(tokens)
    assert found.loudness_db == pytest.approx(level.loudness_db(loudness))


def test_its_last_sample_ends_its_last_frame(toy_bundle):
    song = drum_loop(104.0, 3.0, RATE, start=0.0)
    odd = np.concatenate([np.ones((1, 17), np.float32), song], axis=1)
    one, other = (take.understand(toy_bundle, audio, "a take") for audio in (song, odd))
    assert one.tokens == other.tokens


def test_of_a_long_take_the_end_counts(toy_bundle):
    song = drum_loop(104.0, 40.0, RATE, start=0.0)
    assert len(take.understand(toy_bundle, song, "a take").tokens) == MAX_PRIME_FRAMES


@pytest.mark.parametrize(
    ("audio", "said"),
    [
        (np.full((1, RATE // 2), 0.1, np.float32), "0.50 s long, expected 1 s or more"),
        (np.pad(drum_loop(104.0, 3.0, RATE), [(0, 0), (0, 2 * RATE)]), "ends in silence"),
    ],
)
def test_nothing_goes_on_from_next_to_nothing(toy_bundle, audio, said):
    with pytest.raises(InputError, match=said):
        take.understand(toy_bundle, audio, "a take")
