"""The scribe: writes the control log beside the frame loop, which never waits for a disk.

In:  operations as they are carried out, and heard frames. Out: the log, in the same order. If it
cannot be written, the music goes on and `problem` says what is missing. A thread of its own; in
tests, whoever calls `turn`.
"""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread

import numpy as np
from numpy.typing import NDArray

from engine.control_log import LogWriter
from engine.errors import AntiphonError
from engine.operation import Ended, Operation

Audio = NDArray[np.float32]
Page = Callable[[LogWriter], object]


class Scribe:
    """Keeps one log, or none; closes it at the end. Methods without a tag: [frame-thread]."""

    def __init__(self, log: LogWriter | None) -> None:
        self._log = log
        self._pages: SimpleQueue[Page | None] = SimpleQueue()  # None wakes the thread to its end
        self._thread: Thread | None = None
        self._is_ended = False
        self.problem = ""  # [any-thread]
        self.lost = 0  # operations that were not written [any-thread]

    def write(self, operation: Operation) -> None:
        """Append an operation."""
        if self._log is not None:
            self._pages.put(lambda log: log.write(operation))

    def hear(self, frame: int, audio: Audio) -> None:
        """Append a heard frame, [C, F], not written to afterwards."""
        if self._log is not None:
            self._pages.put(lambda log: log.hear(frame, audio))

    def turn(self) -> bool:
        """Write what waits; False when the log is ended. [log-thread]"""
        while True:
            try:
                page = self._pages.get(block=self._thread is not None)
            except Empty:
                return True
            if page is None:
                return False
            self._put_down(page)

    def start(self) -> None:
        """Start the thread. [control-thread]"""
        if self._log is not None:
            self._thread = Thread(target=self.turn, name="antiphon log", daemon=True)
            self._thread.start()

    def end(self, frame: int) -> None:
        """Write the last line, once; nothing is taken after it."""
        if self._log is not None and not self._is_ended:
            self._is_ended = True
            self.write(Ended(frame=frame))
            self._pages.put(lambda log: log.close())
            self._pages.put(None)

    def stop(self, timeout: float) -> None:
        """Wait until everything is written, but no longer than the timeout. [control-thread]"""
        if self._thread is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                self.problem = "the log is still being written; the disk is slow"
        else:
            self.turn()

    def _put_down(self, page: Page) -> None:
        assert self._log is not None, "without a log nothing is written"
        if self.problem:
            self.lost += 1
            return
        try:
            page(self._log)
        except AntiphonError as refusal:
            self.problem, self.lost = f"the take is not written any more: {refusal}", 1
