"""The engine behind the bridge: what a client hears is what the take says, to the bit."""

import gc
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

from bridge.client import Client
from bridge.engine_player import EngineRoom
from bridge.errors import Refusal
from bridge.sessions import Wanted
from bridge.status_words import STATUS
from engine import Command, HostBlock, Signature, control_log
from engine.operation import Moved
from engine.replay import replay
from tests.engine.rig import Rig

BLOCK = 480


@pytest.fixture
def room(toy_bundle, tmp_path) -> EngineRoom:
    return EngineRoom(toy_bundle, 80.0, tmp_path / "takes")


@pytest.fixture
def band(serve, room):
    """A server that plays the toy bundle."""
    return serve(room.open, sessions=4)


def take_of(session: str, tmp_path: Path) -> control_log.Take:
    """A session's take, once it is whole."""
    (path,) = (tmp_path / "takes").glob(f"*-{session}.jsonl")
    for _ in range(1000):
        if '"op":"end"' in path.read_text():
            break
        time.sleep(0.02)
    return control_log.read(path)


def expected(session: str, tmp_path: Path, bundle, rate: int, channels: int) -> np.ndarray:
    """What a take makes at a host's rate: played again, resampled all at once."""
    audio = replay(bundle, take_of(session, tmp_path)).audio
    twin = Rig.at_host
    stand = type("Stand", (), {"bundle": bundle, "rate": rate, "channels": channels})
    return twin(stand, audio)


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (44_100, 1), (24_000, 1)])
def test_what_a_client_hears_is_the_replay_of_its_take(band, toy_bundle, tmp_path, rate, channels):
    with Client("lead", rate=rate, channels=channels, seed=7, buffer_seconds=0.001) as music:
        music.prompt(1, "warm tape choir, 120 bpm").wait()
        heard = [music.read(seconds=1.0)]
        music.transport(music.playback.playhead, quarter=4.0, bpm=120.0)
        music.prompt(2, "gritty dub bass").wait()
        music.pick(2, when="bar")
        music.set("density", 0.3, glide_seconds=0.5).wait()
        heard.append(music.read(seconds=2.0))
        music.set("seed", 11).wait()
        heard.append(music.read(seconds=1.0))
        assert (music.playback.lost, music.playback.late, music.playback.missed) == (0, 0, 0)
        made = music.playback.made
        assert music.dialogue.status.engine["late_frames"] == 0
        music.close(keep=False)
    audio = np.concatenate(heard, axis=1)
    replayed = expected("lead", tmp_path, toy_bundle, rate, channels)
    np.testing.assert_array_equal(audio, replayed[:, : audio.shape[1]])
    assert np.abs(audio).max() > 0.01
    assert (made.seed, made.change) == (11, 5)


def test_a_session_that_begins_with_a_prompt_plays_it_from_the_first_sample(band):
    settings = ({"kind": "prompt", "index": 1, "text": "warm tape choir"},)
    sounds = {}
    for name, wish in (("a", settings), ("b", settings), ("c", ())):
        with Client(name, seed=3, settings=wish) as music:
            sounds[name] = music.read(seconds=0.5)
    np.testing.assert_array_equal(sounds["a"], sounds["b"])
    assert not np.array_equal(sounds["a"][:, :4800], sounds["c"][:, :4800])


def test_a_song_that_begins_in_the_middle_is_there_from_the_first_frame(room, tmp_path):
    """In its own tempo and meter, on the bar lines that were said, and so again in the replay."""
    prompt = Command.from_json({"kind": "prompt", "index": 1, "text": "waltz in 3/4, 97.3 bpm"})
    song = HostBlock(
        sample=0, rate=48_000, quarter=30.5, signature=Signature(3, 4), bar_quarter=28.0
    )
    player = room.open(Wanted("lead", 48_000, 2, 0, settings=(prompt,), song=song))
    try:
        status = player.status()
    finally:
        player.stop()
    assert (status["tempo_bpm"], status["beats_per_bar"], status["bar"]) == (97.3, 3, 9)
    assert (status["quarter"], status["beat"]) == pytest.approx((30.5, 2.5), abs=0.02)
    moved = [op for op in take_of("lead", tmp_path).operations if isinstance(op, Moved)]
    assert [(op.frame, op.transport.quarter, op.is_hosted) for op in moved] == [(0, 30.5, False)]


def test_input_is_heard_at_the_place_it_was_played_at(band, tmp_path):
    """The take's input is the client's, sample for sample, however far behind the sound it came."""
    played = np.random.default_rng(1).standard_normal((1, 24_000)).astype(np.float32) / 8
    with Client("lead", rate=24_000, channels=1, listens=True) as music:
        for start in range(0, 24_000, BLOCK):
            music.read(BLOCK)
            music.write(played[:, start : start + BLOCK], start)
        music.wait_until(lambda: music.dialogue.status.engine["input_db"] is not None, 10, "input")
        music.read(12_000)
        music.close(keep=False)
    heard = take_of("lead", tmp_path).heard()
    count = min(24_000, heard.samples)
    assert count >= 12_000
    np.testing.assert_array_equal(heard.read(0, count), played[:, :count])


def test_a_host_can_change_its_rate_in_the_middle(band):
    with Client("lead", rate=48_000) as music:
        music.read(seconds=0.5)
        place = music.status().engine["quarter"]
        token = music.dialogue.welcome.token
        with Client("lead", client=music.dialogue.wish.client, rate=44_100, token=token) as other:
            sound = other.read(seconds=0.5)
            assert other.dialogue.welcome.state == "resumed"
            assert other.status().engine["quarter"] >= place
    assert np.abs(sound).max() > 0.01


def test_what_the_engine_refuses_comes_back_in_its_words(band):
    with Client() as music:
        reply = music.freeze(16)  # nothing was made yet that could be repeated
        music.read(seconds=0.5)
        with pytest.raises(Refusal, match="bars"):
            reply.wait()


def test_the_status_says_what_it_promises(room):
    player = room.open(Wanted("a", 48_000, 2, 0))
    try:
        assert set(player.status()) == set(STATUS)
        assert player.status()["is_running"]
    finally:
        player.stop()


def test_a_session_that_is_over_leaves_no_memory_behind_while_another_plays(room):
    """Without the collector, which does not look at what was there when music began."""
    beside, *over = (room.open(Wanted(f"s{number}", 48_000, 2, 0)) for number in range(3))
    runners = [weakref.ref(player._runner) for player in over]
    gc.disable()
    try:
        for player in over:
            player.stop()
        del player, over
        assert [runner() for runner in runners] == [None] * 2
        assert beside.status()["is_running"]
    finally:
        gc.enable()
        beside.stop()


def test_takes_of_one_name_do_not_overwrite_each_other(room, tmp_path):
    for _ in range(3):
        room.open(Wanted("lead", 48_000, 2, 0)).stop()
    assert len(list((tmp_path / "takes").glob("*-lead*.jsonl"))) == 3
