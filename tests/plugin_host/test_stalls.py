"""A machine that stands still is told from a program that is late."""

import time

from plugin_host.hosts import stalls
from plugin_host.hosts.stalls import Stalls


def test_what_the_machine_slept_through_is_counted_in_periods(monkeypatch):
    sleep = time.sleep
    slept = iter([0.05, 0.02])
    monkeypatch.setattr(stalls.time, "sleep", lambda seconds: sleep(next(slept, seconds)))
    seen = Stalls()
    with seen.watched():
        sleep(0.2)
    assert seen.periods(0.02) >= 3 + 1
    assert seen.figures()["machine_stood_still_ms"] >= 47.0


def test_a_machine_that_is_awake_excuses_nothing(monkeypatch):
    monkeypatch.setattr(stalls.time, "monotonic", lambda: 1.0)
    seen = Stalls()
    with seen.watched():
        time.sleep(0.02)
    assert seen.periods(0.01) == 0
    assert seen.figures()["machine_stood_still_ms"] == 0.0
