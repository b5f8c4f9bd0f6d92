"""Impressions: the style of an input is taken beside the loop, logged, and put into a slot."""

import numpy as np
import pytest

from engine import control_log
from engine.command import SetHeard, SetMode
from engine.errors import BackendError
from engine.listening import style
from engine.loop.impressions import EVERY_FRAMES, Impressions
from engine.operation import Felt
from tests.engine.listening_sounds import drum_loop
from tests.engine.performing import style_of
from tests.engine.rig import Rig
from tests.fakes import CHANNELS, FRAME

FRAME_OF_SOUND = np.full((CHANNELS, FRAME), 0.1, np.float32)


def hear(impressions: Impressions, frames: int, *, is_silent: bool = False) -> int:
    """How often there was work."""
    return sum(impressions.hear(FRAME_OF_SOUND, is_silent=is_silent) for _ in range(frames))


def test_a_style_is_taken_every_few_seconds_of_sound():
    windows = []
    impressions = Impressions(lambda window: windows.append(len(window.frames)) or style_of(1))
    assert hear(impressions, EVERY_FRAMES - 1) == 0
    assert hear(impressions, 10 * EVERY_FRAMES, is_silent=True) == 0
    assert hear(impressions, 1) == 1
    assert impressions.take() is None
    assert impressions.turn()
    assert not impressions.turn()
    np.testing.assert_array_equal(impressions.take(), style_of(1))
    assert impressions.take() is None
    assert hear(impressions, 2 * EVERY_FRAMES) == 2
    assert impressions.turn()
    assert windows == [EVERY_FRAMES, 3 * EVERY_FRAMES]


def test_a_tower_that_fails_leaves_no_style_and_says_so():
    def fail(window: style.Window) -> np.ndarray:
        raise BackendError("out of memory")

    impressions = Impressions(fail)
    hear(impressions, EVERY_FRAMES)
    assert impressions.turn()
    assert impressions.take() is None
    assert "out of memory" in impressions.problem


def test_a_bundle_without_the_tower_has_no_impressions():
    assert hear(Impressions(None), 3 * EVERY_FRAMES) == 0


@pytest.fixture
def rig(toy_bundle, tmp_path) -> Rig:
    sound = np.repeat(drum_loop(120.0, 20.0, 48_000), 2, axis=0)
    return Rig(toy_bundle, tmp_path / "t.jsonl", source=lambda at, n: sound[:, at : at + n])


def test_what_is_heard_is_felt_shown_and_replayed(rig):
    rig.ask(SetMode(mode="listen"))
    rig.play(4 * 48_000 // 512)
    assert rig.performer.found.style is not None
    rig.ask(SetMode(mode="continue"))
    rig.play(8 * 48_000 // 512)
    rig.ask(SetMode(mode="listen"))
    rig.play(4 * 48_000 // 512)
    status = rig.runner.status()
    assert status.input_tempo_bpm == pytest.approx(120.0, rel=0.01)
    assert status.tempo_bpm == pytest.approx(120.0, rel=0.01)
    replayed = rig.replayed()
    operations = control_log.read(rig.path).operations
    assert sum(isinstance(one, Felt) for one in operations) >= 3
    sound = rig.sound()
    expected = rig.at_host(replayed.audio)
    count = min(sound.shape[1], expected.shape[1])
    np.testing.assert_array_equal(sound[:, :count], expected[:, :count])


def test_a_tower_that_fails_is_a_problem_and_the_music_goes_on(rig):
    def fail(window: style.Window) -> np.ndarray:
        raise BackendError("out of memory")

    good, rig.runner._loop.impressions._encode = rig.runner._loop.impressions._encode, fail
    rig.play(3 * 48_000 // 512)
    (problem,) = rig.runner.status().problems
    assert problem == "the style of what is heard could not be taken: out of memory"
    rig.runner._loop.impressions._encode = good
    assert np.abs(rig.play(3 * 48_000 // 512)).max() > 0.0
    assert rig.runner.status().problems == ()
    rig.runner.stop()


def test_the_style_of_what_is_heard_goes_into_a_slot(rig):
    early = rig.ask(SetHeard(index=3), name="early")
    rig.play(8)
    rig.play(4 * 48_000 // 512)
    late = rig.ask(SetHeard(index=3), name="late")
    rig.play(8)
    acks = {ack.id: ack for ack in rig.acks()}
    assert (acks[early].what, acks[late].what) == ("refused", "done")
    assert "2 s of sound are needed" in acks[early].reason
    assert "what is heard" in repr(rig.performer.desk.pads)
    rig.runner.stop()
