"""The live bench measures what it says: against a runner whose delay is known, and busy processes
that are gone afterwards."""

import os

import numpy as np
import pytest

from engine.clock import SystemClock
from engine.commands import bench_switches
from engine.commands.busy import Busy
from engine.loop.gate import Gate


def measured(toy_bundle, switches: int = 4) -> bench_switches.Switches:
    return bench_switches.measure(toy_bundle, lead_ms=200.0, switches=switches, block=512)


def is_on_time(found: bench_switches.Switches) -> bool:
    return (found.late_frames, found.underruns, found.overtaken) == (0, 0, 0)


def test_every_switch_is_found_and_the_device_got_what_the_log_says(toy_bundle):
    found = measured(toy_bundle)
    if not is_on_time(found):
        pytest.skip("this machine is too busy to play in time")
    assert (len(found.ear_ms), len(found.frame_ms), found.wrong_samples) == (4, 4, 0)
    assert min(found.ear_ms) > 0.0


def test_a_request_that_is_held_back_is_found_out(toy_bundle, monkeypatch):
    """A runner that says it was quick: each request is kept for 150 ms behind its back."""
    from engine.runner import Runner

    ask, clock = Runner.ask, SystemClock()

    def late(runner, request):
        clock.sleep_until(clock.now() + 0.15)
        ask(runner, request)

    monkeypatch.setattr(Runner, "ask", late)
    assert min(measured(toy_bundle, 2).ear_ms) > 150.0


def test_sound_that_is_not_the_logs_is_found_out(toy_bundle, monkeypatch):
    """One sample in each block is a little louder."""
    exchange = Gate.exchange

    def wrong(gate, block_in, out, said):
        exchange(gate, block_in, out, said)
        out[:, 100] *= np.float32(1.001)

    monkeypatch.setattr(Gate, "exchange", wrong)
    assert measured(toy_bundle, 1).wrong_samples > 50


def test_prompts_are_all_different():
    assert len(set(bench_switches.prompts(1000))) == 1000


def test_busy_processes_run_and_are_gone_afterwards():
    with Busy(2) as busy:
        numbers = [process.pid for process in busy._processes]
        assert all(process.poll() is None for process in busy._processes)
    for number in numbers:
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)
