"""What breaks on a stage, and what happens then: engines and clients killed without a word."""

import os
import signal
import time
from functools import partial

import numpy as np
import pytest

from bridge.client import Client
from bridge.dialogue import Back, Gone
from bridge.errors import LinkError
from engine.loop.interpreter import FRAME_PRIORITY
from tests.bridge import programs

PLAY = """
import sys
from bridge.client import Client
music = Client("lead", client="plugin", seed=5)
music.prompt(1, "warm tape choir").wait()
while True:
    music.read(seconds=0.1)
    print("playing", flush=True)
"""

PLAY_THREE = """
from bridge.client import Client
music = [Client(timeout=60.0) for _ in range(3)]
for one in music:
    one.prompt(1, "warm tape choir").wait(60.0)
    one.read(seconds=1.0, timeout=60.0)
print("playing", flush=True)
music[0].read(seconds=3600.0, timeout=3600.0)
"""


@pytest.fixture
def engine(toy_bundle_path, tmp_path):
    """Start an engine; all are gone when the test ends."""
    started = []

    def start(*options: str):
        program, _ = programs.serve(toy_bundle_path, tmp_path / "takes", *options)
        started.append(program)
        return program

    yield start
    for program in started:
        programs.end(program)


def test_an_engine_is_killed_in_mid_stream_and_the_next_one_goes_on(engine, capsys):
    """Prompts, seed, tempo and the place in the song are there again, and what was missed is told.

    The second engine is on other ports; the client finds it by itself.
    """
    first = engine()
    with Client("lead", seed=7) as music:
        music.prompt(1, "warm tape choir").wait()
        music.prompt(2, "gritty dub bass").wait()
        music.pick(2).wait()
        music.set("tempo", 97.3).wait()
        music.set("seed", 11).wait()
        music.read(seconds=2.0)
        music.wait_until(lambda: music.status().engine["quarter"] > 2.5, 10.0, "the song")
        before = music.status()
        first.kill()
        music.wait_until(lambda: music.dialogue.state == "calling", 10.0, "the break")
        killed = time.monotonic()
        second = engine()
        music.wait_until(lambda: music.dialogue.state == "open", 10.0, "the next engine")
        sound = music.read(seconds=1.0, timeout=30.0)
        back = time.monotonic() - killed
        music.wait_until(lambda: music.status().sample > before.sample, 10.0, "its status")
        after = music.status()
        events = [event for event in music.events() if isinstance(event, Gone | Back)]
    assert second.poll() is None
    assert np.abs(sound).max() > 0.01
    assert events == [Gone(), Back(is_restored=True, missed_samples=0)]
    assert after.engine["prompts"] == before.engine["prompts"]
    assert (after.engine["seed"], after.engine["tempo_bpm"]) == (11, 97.3)
    gone_on = (after.sample - before.sample) / 48_000 * 97.3 / 60  # quarters
    assert after.engine["quarter"] - before.engine["quarter"] == pytest.approx(gone_on, abs=0.05)
    with capsys.disabled():
        print(f"\n  playing again {back:.2f} s after the kill, the engine's start included")


def come_back() -> Client:
    """Try until the engine has noticed that the other one is gone."""
    for _ in range(100):
        try:
            return Client("lead", client="plugin", timeout=5.0)
        except LinkError as refused:
            reason = str(refused)
        time.sleep(0.2)
    raise AssertionError(reason)


def test_a_client_is_killed_and_its_next_life_finds_everything_as_it_was(engine):
    engine()
    first = programs.python(PLAY)
    for _ in range(10):
        assert first.stdout.readline() == "playing\n"
    first.kill()
    programs.end(first)
    with come_back() as music:
        welcome = music.dialogue.welcome
        assert (welcome.state, welcome.seed, welcome.revision) == ("resumed", 5, 1)
        assert music.dialogue.asking.book.prompt(1) == "warm tape choir"
        assert np.abs(music.read(seconds=0.5)).max() > 0.01


def test_what_killed_clients_held_returns_when_their_sessions_expire(engine, monkeypatch):
    """Memory and threads, while another plays on; and whoever comes next finds room.

    Three sessions of the toy bundle hold 45 MB and eight threads; openings keep two threads.
    """
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "1000000")  # so that glibc keeps none of it
    program = engine("--sessions", "4", "--expire-seconds", "0.2")
    with Client("beside") as music:
        music.read(seconds=0.5)
        before = programs.held(program.pid)

        def is_as_before() -> bool:
            now = programs.held(program.pid)
            return now.threads <= before.threads + 2 and now.memory_mb < before.memory_mb + 25

        def have_expired(count: int) -> bool:
            return music.status().counters.get("sessions_expired", 0) == count

        for expired in (3, 6, 9):
            victims = programs.python(PLAY_THREE)
            assert victims.stdout.readline() == "playing\n"
            assert not is_as_before()
            victims.kill()
            programs.end(victims)
            music.wait_until(partial(have_expired, expired), 60.0, "the end of three sessions")
            music.wait_until(is_as_before, 20.0, "memory and threads to return")
            assert np.abs(music.read(seconds=0.2)).max() > 0.01
        assert (music.playback.lost, music.playback.late, music.playback.missed) == (0, 0, 0)


def test_an_engine_that_is_told_to_end_saves_its_takes_and_leaves_nothing_behind(engine, tmp_path):
    for number in (signal.SIGINT, signal.SIGTERM):
        program = engine()
        with Client(f"lead-{number}") as music:
            music.prompt(1, "warm tape choir").wait()
            music.read(seconds=0.5)
            program.send_signal(number)
            assert program.wait(20.0) == 0
        (log,) = (tmp_path / "takes").glob(f"*-lead-{number}.jsonl")
        assert '"op":"end"' in log.read_text().splitlines()[-1]
    assert list((tmp_path / "runtime").iterdir()) == []


def test_who_hands_on_sound_goes_before_others_as_those_who_make_it(engine):
    own = os.sched_getscheduler(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except OSError:
        pytest.skip("this user may not ask for the priority of real time")
    os.sched_setscheduler(0, own, os.sched_param(0))
    program, until = engine(), time.monotonic() + 10.0
    while time.monotonic() < until:
        is_first = os.sched_getscheduler(program.pid) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR
        if is_first:
            break
        time.sleep(0.05)
    assert is_first
    assert os.sched_getparam(program.pid).sched_priority == FRAME_PRIORITY
