"""The null device: it calls like a card, on time, and can be pulled and put back."""

import threading

import numpy as np
import pytest

from engine.clock import HostBlock, VirtualClock
from engine.errors import OptionError
from engine.null_device import NullDevice


class Calls:
    """Stands for a runner: notes every call; enough of them sets `enough`."""

    def __init__(self, clock: VirtualClock, wanted: int) -> None:
        self.clock, self.wanted = clock, wanted
        self.seconds, self.given, self.said = [], [], []
        self.enough = threading.Event()

    def exchange(self, block_in, out, said):
        self.seconds.append(self.clock.now())
        self.given.append(None if block_in is None else block_in.copy())
        self.said.append(said)
        out[:] = len(self.seconds)
        if len(self.seconds) >= self.wanted:
            self.enough.set()


def run(wanted: int = 20, **options) -> tuple[Calls, NullDevice]:
    clock = VirtualClock()
    calls, device = Calls(clock, wanted), NullDevice(clock=clock, **options)
    device.start(calls.exchange)
    assert calls.enough.wait(10)
    device.stop()
    return calls, device


@pytest.mark.parametrize(("rate", "block"), [(48_000, 512), (44_100, 441), (96_000, 1)])
def test_it_calls_for_a_block_when_one_would_have_been_played(rate, block):
    calls, _ = run(rate=rate, block=block)
    expected = np.arange(len(calls.seconds)) * block / rate
    np.testing.assert_allclose(calls.seconds, expected, atol=1e-9)


def test_a_late_call_is_made_up_for():
    clock = VirtualClock()
    calls = Calls(clock, 10)
    device = NullDevice(rate=48_000, block=480, clock=clock)

    def slow(block_in, out, said):
        calls.exchange(block_in, out, said)
        if len(calls.seconds) == 3:
            clock.advance(0.025)

    device.start(slow)
    assert calls.enough.wait(10)
    device.stop()
    np.testing.assert_allclose(calls.seconds[6:], np.arange(6, len(calls.seconds)) * 0.01)


def test_after_the_machine_slept_it_does_not_call_for_the_night():
    clock = VirtualClock()
    calls = Calls(clock, 10)
    device = NullDevice(rate=48_000, block=480, clock=clock)

    def slow(block_in, out, said):
        calls.exchange(block_in, out, said)
        if len(calls.seconds) == 3:
            clock.advance(3600.0)

    device.start(slow)
    assert calls.enough.wait(10)
    device.stop()
    np.testing.assert_allclose(np.diff(calls.seconds[4:]), 0.01, atol=1e-9)


def test_it_hands_over_input_a_hosts_words_and_what_sounded():
    heard = []
    calls, device = run(
        block=64,
        source=lambda sample, out: out.fill(sample),
        sink=lambda sample, out: heard.append((sample, float(out[0, 0]))),
        host=lambda sample: HostBlock(sample=sample, rate=48_000),
    )
    assert device.has_input
    assert [float(block[0, 0]) for block in calls.given[:3]] == [0.0, 64.0, 128.0]
    assert [said.sample for said in calls.said[:3]] == [0, 64, 128]
    assert heard[:3] == [(0, 1.0), (64, 2.0), (128, 3.0)]


def test_it_can_be_pulled_and_put_back_and_leaves_no_thread():
    before = threading.active_count()
    calls, device = run()
    assert "stopped" in device.problem()
    assert threading.active_count() == before
    calls.enough.clear()
    device.revive()
    assert device.problem() == ""
    assert calls.enough.wait(10)
    device.stop()
    assert threading.active_count() == before


@pytest.mark.parametrize("option", ["rate", "channels", "block"])
def test_a_device_of_nothing_is_refused(option):
    with pytest.raises(OptionError, match=f"{option} is 0, expected 1 or more"):
        NullDevice(**{option: 0})
