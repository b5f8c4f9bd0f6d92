"""Recall: a performance that was put away goes on as if nobody had stopped it."""

import json

import numpy as np
import pytest
from safetensors.numpy import load, save

from engine.backends import open_backend
from engine.bundle import Bundle
from engine.command import Freeze, NoteOn, Panic, SetMode, SetParam
from engine.errors import BundleError, InputError, ShapeError
from engine.performer import Performer
from engine.spec import FRAME_RATE
from tests.engine.listening_sounds import drum_loop
from tests.engine.performing import (
    BAR,
    BEAT,
    When,
    free,
    guitar,
    play,
    play_heard,
    request,
    style,
    style_of,
)
from tests.fakes import FRAME, RATE, write_toy_bundle


def through_a_file(performer: Performer, bundle) -> Performer:
    """Put it away and take it out again, in another performer, opened otherwise."""
    arrays, facts = performer.save()
    other = Performer(bundle, seed=99)
    play(other, 3)
    other.restore(load(save(arrays)), json.loads(json.dumps(facts)))
    return other


def listening(performer):
    performer.ask(request(SetMode(mode="listen")))
    play_heard(performer, 30)


def answering(performer):
    performer.ask(request(SetMode(mode="answer", call_bars=1, response_bars=1)))
    play_heard(performer, 70)


def continuing(performer):
    """The gain still moves, and the style of what was heard holds."""
    listening(performer)
    performer.feel(style_of(5))
    performer.ask(request(SetMode(mode="continue")))
    play(performer, 10)
    assert performer._now.voice.source.line.matching.left > 0


def keeping_heard_time(performer):
    performer.ask(request(SetMode(mode="listen")))
    drums = drum_loop(120.0, 12.0, RATE)
    for _ in range(11 * FRAME_RATE):
        performer.make()
        at = performer.heard_frame * FRAME
        performer.hear(drums[:, at : at + FRAME])
    assert performer._now.follows


def waiting_for_the_bar(performer):
    performer.ask(request(style(1), BAR, glide_seconds=1.0))
    performer.ask(request(SetParam(name="tempo", value=90.0), When(kind="frame", frame=60)))
    play(performer, 20)


def gliding(performer):
    performer.ask(request(style(1)))
    play(performer, 5)
    performer.ask(request(style(2), glide_seconds=2.0))
    performer.ask(request(NoteOn(pitch=60)))
    play(performer, 10)


def crossing(performer):
    play(performer, 45)
    performer.ask(request(style(1), BAR))
    play(performer, 5)
    assert len(performer._now.voice.entries) == 2


def crossing_back(performer):
    """Three sources at once: a beat of 60 ms asks on each."""
    performer.set_transport(free(1000.0))
    for number in range(6):
        performer.ask(request(style(number), BEAT))
        play(performer, 2)


def frozen(performer):
    performer.ask(request(Freeze(bars=1), BAR), since=1)
    play(performer, 75)


def freezing(performer):
    """The tape does not hold the whole bar yet."""
    performer.ask(request(Freeze(bars=1), BAR), since=1)
    play(performer, 50)
    assert performer._now.voice.source.repeat.body is None


def resting(performer):
    play(performer, 30)
    performer.set_transport(free(120, sample=30 * FRAME, quarter=2.4, playing=False))
    play(performer, 10)


def resting_frozen(performer):
    frozen(performer)
    performer.set_transport(free(120, sample=75 * FRAME, quarter=6.0, playing=False))
    play(performer, 10)


def silenced(performer):
    play(performer, 10)
    performer.ask(request(Panic()))
    play(performer, 3)


def saving_time(performer):
    play(performer, 10)
    performer.shed(2)
    play(performer, 5)


def answering_a_rival(performer):
    """An answer waits for the next frame."""
    performer.ask(request(style(1), BAR, name="old"))
    performer.ask(request(style(2), BAR, name="new"))


MOMENTS = [
    play_heard,
    listening,
    answering,
    continuing,
    keeping_heard_time,
    waiting_for_the_bar,
    gliding,
    crossing,
    crossing_back,
    frozen,
    freezing,
    resting,
    resting_frozen,
    silenced,
    saving_time,
    answering_a_rival,
]


def go_on(performer: Performer) -> tuple[np.ndarray, list]:
    """Two and a half seconds more, heard and asked, stopped and started."""
    takes, answers = [], []
    for frame in range(60):
        if frame == 20:
            performer.ask(request(SetMode(mode="continue"), BEAT, name="continue"))
        if frame == 40:
            sample = performer.frame * FRAME
            performer.set_transport(free(97.3, sample=sample, quarter=5.5))
        made = performer.make()
        takes.append(made.chunk)
        answers += made.acks
        while performer.heard_frame < performer.frame - 2:
            performer.hear(guitar(performer.heard_frame))
    return np.concatenate(takes, axis=1), answers


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
def test_a_restored_performance_goes_on_bit_for_bit(toy_bundle, moment):
    performer = Performer(toy_bundle, seed=7)
    moment(performer, 3) if moment is play_heard else moment(performer)
    other = through_a_file(performer, toy_bundle)
    assert other.frame == other.first_frame == performer.frame
    for name, array in performer._now.copies._asdict().items():
        np.testing.assert_array_equal(getattr(other._now.copies, name), array)
    expected, answered = go_on(performer)
    audio, answers = go_on(other)
    np.testing.assert_array_equal(audio, expected)
    assert answers == answered
    assert other.desk.to_json() == performer.desk.to_json()


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
def test_a_branch_goes_on_bit_for_bit_too(toy_bundle, moment):
    performer = Performer(toy_bundle, seed=7)
    moment(performer, 3) if moment is play_heard else moment(performer)
    branch = performer.branch()
    expected, answered = go_on(performer)
    audio, answers = go_on(branch)
    np.testing.assert_array_equal(audio, expected)
    assert answers == answered


def test_what_was_saved_stays_as_it_was(toy_bundle):
    performer = Performer(toy_bundle, seed=7)
    answering(performer)
    arrays, _ = performer.save()
    before = {name: array.copy() for name, array in arrays.items()}
    go_on(performer)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, before[name])


def test_a_performance_of_another_bundle_is_refused(toy_bundle, tmp_path):
    folder = write_toy_bundle(tmp_path / "other", lambda found: found.update(name="other"))
    other = Bundle.open(folder, open_backend("ort", threads=1))
    kept = Performer(toy_bundle).save()
    with pytest.raises(BundleError, match=f"{toy_bundle.id[:12]}, this is {other.id[:12]}"):
        Performer(other).restore(*kept)


def set_fact(name, value):
    return lambda arrays, facts: facts.__setitem__(name, value)


def set_source(name, value):
    return lambda arrays, facts: facts["sources"][0].__setitem__(name, value)


def set_array(name, value):
    return lambda arrays, facts: arrays.__setitem__(name, value)


def drop_array(name):
    return lambda arrays, facts: arrays.pop(name)


DAMAGE = {
    "another format": (set_fact("format", 1), InputError, "contradicts itself"),
    "a frame below 0": (set_fact("frame", -1), InputError, "contradicts itself"),
    "no number": (set_fact("frame", "many"), InputError, "frame is 'many'"),
    "a fact too many": (set_fact("mood", "blue"), InputError, "mood"),
    "a fact missing": (lambda _, facts: facts.pop("plays"), InputError, "plays"),
    "heard in the future": (set_fact("heard", 99), InputError, "contradicts itself"),
    "no source": (set_fact("sources", []), InputError, "contradicts itself"),
    "an unknown role": (set_source("role", "shout"), InputError, "role"),
    "a loop of nothing": (set_source("role", "loop"), InputError, "contradicts itself"),
    "a line ahead of time": (set_source("at", 99), InputError, "contradicts itself"),
    "a level beyond all": (set_source("matched_db", 1e9), InputError, "contradicts itself"),
    "a line nobody asked": (set_source("wishes", []), InputError, "contradicts itself"),
    "an array too many": (set_array("surprise", np.zeros(3)), InputError, "holds surprise"),
    "an array missing": (drop_array("intake/rest"), InputError, "intake/rest .* is missing"),
    "a session missing": (drop_array("source0/session/tokens"), InputError, "tokens .* missing"),
    "another type": (set_array("tape", np.zeros((1, 960))), InputError, "tape .* float64"),
    "half a frame": (set_array("tape", np.zeros((1, 900), np.float32)), ShapeError, "whole frames"),
    "no sound": (
        set_array("intake/rest", np.full((1, 700), np.nan, np.float32)),
        InputError,
        "not finite",
    ),
    "a tempo of no music": (
        set_array("intake/tracking/pulse", np.array([1e9, 0.0, 0.0])),
        InputError,
        "tempo or a key that there is not",
    ),
    "a key of no music": (
        set_array("intake/tracking/key", np.array([99, -1, 0])),
        InputError,
        "tempo or a key that there is not",
    ),
    "a take of nobody": (set_fact("primed_frames", 3), InputError, "a take that nobody"),
    "another ear": (
        set_array("intake/ear/encode/tail", np.zeros((1, 1, 5), np.float32)),
        ShapeError,
        "encode/tail",
    ),
    "tokens of nobody": (
        set_array("intake/tokens", np.full((3, 13), 5000)),
        InputError,
        "tokens that nobody hears",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_no_performer_saves_is_refused_and_the_performer_plays_on(toy_bundle, damage):
    """A project file is checked before it is believed."""
    spoil, error, match = DAMAGE[damage]
    performer = Performer(toy_bundle, seed=7)
    play_heard(performer, 6)
    arrays, facts = performer.save()
    facts = json.loads(json.dumps(facts))
    spoil(arrays, facts)
    twin = performer.branch()
    with pytest.raises(error, match=match):
        performer.restore(arrays, facts)
    np.testing.assert_array_equal(play(performer, 3), play(twin, 3))
