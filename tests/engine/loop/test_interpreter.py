"""The interpreter made ready: a thread that keeps time goes first, what it starts does not."""

import os
import threading

import pytest

from engine.loop.interpreter import FRAME_PRIORITY, prefer_this_thread


def in_thread(act):
    found = []
    thread = threading.Thread(target=lambda: found.append(act()))
    thread.start()
    thread.join(10)
    return found[0]


def test_without_the_right_to_it_a_thread_stays_as_it_is(monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse, raising=False)
    monkeypatch.setattr(os, "setpriority", refuse, raising=False)
    assert in_thread(lambda: prefer_this_thread(FRAME_PRIORITY)) == "usual"


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="no such thing on this system")
def test_threads_that_it_starts_and_those_beside_it_are_as_usual():
    """The prompt worker is revived by the frame thread, and must not be as urgent."""

    def both() -> tuple[str, int, int]:
        got = prefer_this_thread(FRAME_PRIORITY)
        return got, os.sched_getscheduler(0) & 3, in_thread(lambda: os.sched_getscheduler(0) & 3)

    got, own, started = in_thread(both)
    assert started == os.SCHED_OTHER == os.sched_getscheduler(0)
    assert (own == os.SCHED_RR) == (got == "real time")
