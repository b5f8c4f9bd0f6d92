"""What the bridge stands: minutes without a gap, and a kill in mid-stream.

In:  a place to measure. Out: what was missed, and what differs from the replay; how long it took
from the kill to sound, and whether all that was in force was there again.
"""

import time
from contextlib import ExitStack
from typing import Final

import numpy as np

from benchmarks.bridge_place import RATE, JsonObject, Listener, Place, memory_mb, spread
from bridge.client import Client
from bridge.control import Status
from bridge.dialogue import Back, Event
from engine import EngineOptions, control_log, open_bundle
from engine.replay import replay
from tests.engine.rig import Rig

TURN_SECONDS: Final = 4.0  # from one change of a soak to the next
PROMPTS: Final = ("house, 124 bpm, drums and bass", "warm tape choir", "gritty dub bass, 75 bpm")
RESTARTS: Final = 5
NEAR_QUARTERS: Final = 0.05  # of the place in the song after a break


# --- soak -----------------------------------------------------------------------------------------


def soak(place: Place) -> JsonObject:
    """A live client for minutes, and a controller; every sample is held against the replay."""
    raw = place.folder / "heard.f32"
    with place.engine() as (program, _):
        listener = Listener(place.options.buffer_ms, "soak", "--raw", str(raw))
        before = memory_mb(program.pid)
        with Client("soak", role="controller") as pads:
            turns = _play_pads(pads, time.monotonic() + place.options.minutes * 60)
        after = memory_mb(program.pid)
        heard = listener.stop()
    bundle = open_bundle(place.bundle, EngineOptions(threads=1))
    (log,) = (place.folder / "takes").glob("*-soak.jsonl")
    audio = replay(bundle, control_log.read(log)).audio
    stand = type("Stand", (), {"bundle": bundle, "rate": RATE, "channels": 2})
    expected = Rig.at_host(stand, audio).T
    taken = np.fromfile(raw, np.float32).reshape(-1, 2)
    count = min(len(expected), len(taken))
    differ = int((taken[:count] != expected[:count]).any(axis=1).sum())
    return {
        **heard,
        "turns": turns,
        "compared_samples": count,
        "differing_samples": differ,
        "memory_mb": [round(before, 1), round(after, 1)],
    }


def _play_pads(pads: Client, end: float) -> int:
    """Turn the music every few seconds, at once and on the bar, until an end; how many turns."""
    for slot, text in enumerate(PROMPTS, 1):
        pads.prompt(slot, text).wait()
    turns = 0
    while time.monotonic() < end:
        turns += 1
        slot = 1 + turns % len(PROMPTS)
        pads.pick(slot, when="bar" if turns % 2 else "now").wait()
        pads.set("density", (turns % 5) / 4, glide_seconds=1.0)
        time.sleep(min(TURN_SECONDS, max(0.0, end - time.monotonic())))
    return turns


# --- restart --------------------------------------------------------------------------------------


def restart(place: Place) -> JsonObject:
    """Kill the engine in mid-stream, start another at once, and wait for half a second of sound."""
    until: dict[str, list[float]] = {"engine": [], "sound": []}  # seconds since the kill
    not_restored = 0
    for _ in range(place.options.rounds or RESTARTS):
        with ExitStack() as engines:
            program, _ = engines.enter_context(place.engine())
            with Client("lead", seed=7) as music:
                music.prompt(1, PROMPTS[0]).wait()
                music.read(seconds=1.0)
                music.wait_until(lambda: music.status().sample >= RATE, 10.0, "its status")
                before = music.status()
                program.kill()
                killed = time.perf_counter()
                engines.enter_context(place.engine())
                until["engine"].append(time.perf_counter() - killed)
                music.wait_until(lambda: _since_break(music, Back) != [], 30.0, "the next engine")
                music.read(seconds=0.5, timeout=30.0)
                until["sound"].append(time.perf_counter() - killed)
                music.wait_until(lambda: _since_break(music, Status) != [], 10.0, "its status")
                not_restored += not _goes_on(before, music.status())
    return {
        **{f"{name}_seconds": spread(seconds) for name, seconds in until.items()},
        "not_restored": not_restored,
    }


def _since_break(music: Client, kind: type[Event]) -> list[Event]:
    """Events of a kind since the engine was there again."""
    events = list(music.dialogue.events)
    came = next((place for place, one in enumerate(events) if isinstance(one, Back)), len(events))
    return [event for event in events[came:] if isinstance(event, kind)]


def _goes_on(before: Status, after: Status) -> bool:
    """Whether prompts, seed, tempo and the place in the song are as if nothing had happened."""
    was, now = before.engine, after.engine
    is_same = all(was[name] == now[name] for name in ("prompts", "seed", "tempo_bpm"))
    quarters = (after.sample - before.sample) / RATE * float(was["tempo_bpm"]) / 60
    return is_same and abs(now["quarter"] - was["quarter"] - quarters) < NEAR_QUARTERS
