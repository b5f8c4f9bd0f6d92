"""How long this machine stands still by itself, which nothing that runs on it can help.

In:  a stretch of time. Out: how late a thread was that only sleeps, at a priority above all audio
where that is allowed. A virtual machine is late when its host gives the processors to another.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import ceil
from typing import Final

STEP_SECONDS: Final = 0.002
PRIORITY: Final = 95  # of 99; above JACK's


class Stalls:
    """What a thread that only sleeps has seen, in all stretches that were watched."""

    def __init__(self) -> None:
        self._lateness: list[float] = []  # seconds

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look on until the block ends. What computes in this process in it is seen as well."""
        is_over = threading.Event()
        thread = threading.Thread(target=self._look_on, args=(is_over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def periods(self, seconds: float) -> int:
        """How many periods of so much cannot be held against what runs here.

        One that the machine slept through by half is among them.
        """
        return sum(ceil(one / seconds) for one in self._lateness if one > seconds / 2)

    def figures(self) -> dict[str, float]:
        """The worst, in ms, and how many were longer than 20 ms."""
        return {
            "machine_stood_still_ms": 1000.0 * max(self._lateness, default=0.0),
            "machine_stood_still": float(sum(one > 0.02 for one in self._lateness)),
        }

    def _look_on(self, is_over: threading.Event) -> None:
        if hasattr(os, "sched_setscheduler"):
            with suppress(OSError):  # not allowed: what it sees is the usual priority's lateness
                os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        before = time.monotonic()
        while not is_over.is_set():
            time.sleep(STEP_SECONDS)
            now = time.monotonic()
            late = now - before - STEP_SECONDS
            if late > STEP_SECONDS:
                self._lateness.append(late)
            before = now
