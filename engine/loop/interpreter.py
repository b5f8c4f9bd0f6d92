"""The interpreter and its threads, made ready for real time.

A thread that waits for the interpreter gets it after the switch interval at the latest; Python's
5 ms are an eighth of a frame, half a millisecond is not felt. Everything that is alive after
priming is taken out of the garbage collector's sight, so that a collection has little to look at.
Counted: the first that enters changes the process, the last that leaves changes it back.

A thread that keeps time goes before others where the system allows it; where not, nothing happens.
Real-time priority is what helps: Linux weighs niceness within a session only, so a nicer thread
gets no more of a machine that is busy with other sessions.
"""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, get_native_id
from typing import Final

SWITCH_SECONDS: Final = 0.0005
# In real time, 1 is the lowest: whoever plays sound goes first, other programs' sound included.
PROMPT_PRIORITY, FRAME_PRIORITY, AUDIO_PRIORITY = 1, 2, 3
_NICE: Final = -10  # 0 is usual

_lock = Lock()
_inside = 0
_interval_before = 0.0


@contextmanager
def real_time() -> Iterator[None]:
    """Keep the interpreter ready while something plays. [control-thread]"""
    _enter()
    try:
        yield
    finally:
        _leave()


def freeze() -> None:
    """Take what is alive now out of the collector's sight, until the last player leaves."""
    gc.collect()
    gc.freeze()


def prefer_this_thread(priority: int) -> str:
    """Ask the system to let this thread go before others.

    Args:
        priority: among threads in real time; those that this thread starts are as usual.

    Returns:
        What it got: "real time", "nice" or "usual".
    """
    with suppress(OSError, AttributeError):  # not allowed, or not on this system
        policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(priority))
        return "real time"
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, get_native_id(), _NICE)
        return "nice"
    return "usual"


def prefer_delivery() -> str:
    """Let this thread, which hands on what others make, go before others as those do.

    At a lower priority than frame threads it would not get a processor while they take them all,
    and sound that is made in time would leave late.
    """
    return prefer_this_thread(FRAME_PRIORITY)


def _enter() -> None:
    global _inside, _interval_before
    with _lock:
        if _inside == 0:
            _interval_before = sys.getswitchinterval()
            sys.setswitchinterval(min(_interval_before, SWITCH_SECONDS))
        _inside += 1


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        if _inside == 0:
            sys.setswitchinterval(_interval_before)
            gc.unfreeze()
