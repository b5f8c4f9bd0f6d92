"""A session that listens: it takes in what was heard, and goes on from there."""

import numpy as np
import pytest

from engine.backends import open_backend
from engine.bundle import Bundle
from engine.errors import OptionError, ShapeError
from engine.options import SamplingOptions
from engine.row import Controls
from engine.session import Session
from tests.fakes import TEMPERATURE, write_toy_bundle

UNGUIDED, GUIDED = SamplingOptions(guidance=1.0), SamplingOptions(guidance=3.0)


def test_following_its_own_tokens_is_playing_them(toy_bundle, asked, play):
    """Same tokens, same rows: the same sound, and the same music after it."""
    composer = Session(toy_bundle, seed=7)
    listener = Session(toy_bundle, seed=7)
    for frame in range(8):
        sound = composer.step(asked(frame))
        np.testing.assert_array_equal(listener.follow(composer.last_tokens, asked(frame)), sound)
    assert listener.frame == composer.frame == 8
    np.testing.assert_array_equal(play(listener, 5), play(composer, 5))


def test_what_was_heard_changes_what_is_composed(toy_bundle, asked, play):
    """The continuation depends on the call, also on its first frame."""
    calls = [np.full(13, 5), np.full(13, 700)]
    takes = []
    for first in calls:
        session = Session(toy_bundle, seed=7)
        session.follow(first, asked(0))
        session.follow(calls[0], asked(1))
        takes.append(play(session, 4))
    assert np.abs(takes[0] - takes[1]).max() > 1e-3


def test_a_heard_frame_may_be_written_to_afterwards(toy_bundle, asked, play):
    session, twin = (Session(toy_bundle, seed=7) for _ in range(2))
    heard = np.arange(13)
    session.follow(heard, asked(0))
    twin.follow(heard.copy(), asked(0))
    heard[:] = 0
    np.testing.assert_array_equal(play(session, 3), play(twin, 3))


@pytest.mark.parametrize(
    ("tokens", "error"),
    [
        (np.zeros(12, np.int64), ShapeError),
        (np.full(13, 1024), OptionError),
        (np.full(13, -1), OptionError),
    ],
)
def test_what_is_no_frame_of_tokens_is_refused(toy_bundle, tokens, error):
    session = Session(toy_bundle)
    with pytest.raises(error, match="tokens"):
        session.follow(tokens, Controls())
    assert session.frame == 0


def test_a_branch_of_a_listener_goes_its_own_way(toy_bundle, asked, play):
    session = Session(toy_bundle, seed=7)
    session.follow(np.full(13, 9), asked(0))
    branch = session.branch()
    expected = play(session.branch(), 3)
    branch.follow(np.full(13, 600), asked(1))
    np.testing.assert_array_equal(play(session, 3), expected)


def test_another_seed_is_another_take_from_the_next_frame_on(toy_bundle, play):
    session = Session(toy_bundle, seed=7)
    play(session, 3)
    other, same = session.branch(), session.branch()
    other.set_seed(8)
    same.set_seed(7)
    expected = play(session, 3)
    np.testing.assert_array_equal(play(same, 3), expected)
    assert np.abs(play(other, 3) - expected).max() > 1e-3
    assert other.seed == 8
    with pytest.raises(OptionError, match="seed"):
        other.set_seed(-1)


def test_a_session_without_its_second_row_plays_as_if_guidance_were_1(toy_bundle, play):
    """Saving time costs the guidance and nothing else, whatever is asked meanwhile."""
    session = Session(toy_bundle, seed=7, sampling=GUIDED)
    session.set_guided(False)
    session.set_sampling(SamplingOptions(guidance=5.0))
    without = Session(toy_bundle, seed=7, sampling=UNGUIDED)
    np.testing.assert_allclose(play(session, 10), play(without, 10), atol=1e-5)
    assert session.guidance == 5.0


def test_a_second_row_that_comes_back_begins_as_a_copy_of_the_first(toy_bundle, play):
    session = Session(toy_bundle, seed=7, sampling=GUIDED)
    play(session, 5)
    session.set_guided(False)
    play(session, 5)
    thin = session.save()
    session.set_guided(True)
    state = session.save()
    assert state["batch"] == 2
    for name in ("memory", "ring", "position"):
        both = state[f"state/observe/{name}"]
        np.testing.assert_array_equal(both[:1], thin[f"state/observe/{name}"])
        np.testing.assert_array_equal(both[1], both[0])
    assert np.isfinite(play(session, 5)).all()


def test_switching_guidance_off_and_on_between_two_frames_keeps_the_first_row(toy_bundle, play):
    session = Session(toy_bundle, seed=7, sampling=UNGUIDED, guidable=True)
    play(session, 5)
    twin = session.branch()
    twin.set_guided(False)
    twin.set_guided(True)
    np.testing.assert_allclose(play(twin, 10), play(session, 10), atol=1e-5)


def test_a_session_that_never_had_a_second_row_gets_none(toy_bundle):
    session = Session(toy_bundle, sampling=UNGUIDED)
    session.set_guided(False)
    with pytest.raises(OptionError, match="guidable=True"):
        session.set_guided(True)


def test_heat_multiplies_the_temperatures_of_one_frame(toy_bundle, play, asked):
    given = []

    class Watched:
        spec = toy_bundle.graph("compose").spec

        def run(self, inputs):
            given.append(inputs["temperature"])
            return toy_bundle.graph("compose").run(inputs)

    session = Session(toy_bundle, seed=7)
    session._graphs = {**session._graphs, "compose": Watched()}
    heat = np.linspace(1.0, 2.0, 13, dtype=np.float32)
    session.step(asked(0), heat=heat)
    session.step(asked(1))
    np.testing.assert_allclose(given[0], np.array(TEMPERATURE, np.float32) * heat)
    np.testing.assert_allclose(given[1], TEMPERATURE)


def test_a_brief_frame_has_the_coarse_tokens_of_a_full_one(toy_bundle, asked):
    """What is left out is the fine levels; the next frame has them again."""
    session = Session(toy_bundle, seed=7)
    full, brief = session.branch(), session.branch()
    full.step(asked(0))
    brief.step(asked(0), brief=True)
    np.testing.assert_array_equal(brief.last_tokens[:5], full.last_tokens[:5])
    assert (brief.last_tokens[5:] == 1024).all()
    brief.step(asked(1))
    assert (brief.last_tokens < 1024).all()


def test_a_bundle_without_a_brief_graph_plays_all_levels(tmp_path, asked):
    folder = write_toy_bundle(tmp_path / "toy", lambda found: found["graphs"].pop("brief"))
    session = Session(Bundle.open(folder, open_backend("ort", threads=1)), seed=7)
    session.step(asked(0), brief=True)
    assert (session.last_tokens < 1024).all()
