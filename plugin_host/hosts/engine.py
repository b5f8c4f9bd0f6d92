"""An engine as a program of its own, to be found, killed, stopped in mid-sentence and started
again.

In:  the command that starts one. Out: a process that announced itself in the stage's runtime
folder. The plugin finds it there as it finds any other; nothing is told to the plugin.
"""

import json
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from plugin_host.rung import Failed

READY_SECONDS: Final = 120.0  # a busy machine, a large bundle
END_SECONDS: Final = 10.0
WATCH_SECONDS: Final = 0.01


class Engine:
    """One `antiphon serve`; gone when the `with` block ends."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        takes: Path,
        *options: str,
        ready_seconds: float = READY_SECONDS,
    ) -> None:
        """Start and wait until it says that it is ready.

        Args:
            command: what starts one, up to and with `serve`.
            environment: of the process; names the runtime folder.
            takes: where its takes go.
            options: more of them.
            ready_seconds: how long it may take.

        Raises:
            Failed: it ended, or was not ready in time.
        """
        free = ("--port", "0", "--osc-port", "0", "--json", "--takes", str(takes))
        self.log = takes.with_suffix(".log")
        self.takes = takes
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [*command, *free, *options],
                env={**environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self.announced = self._wait_ready(ready_seconds)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def __enter__(self) -> "Engine":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def kill(self) -> None:
        """Without a word, as a crash does."""
        self._process.kill()
        self._process.wait(END_SECONDS)

    @contextmanager
    def killed_at(self, is_time: Callable[[], bool]) -> Iterator[None]:
        """Kill it as soon as something is so, while the block goes on; at its end at the latest."""
        is_over = threading.Event()

        def watch() -> None:
            while not is_time() and not is_over.wait(WATCH_SECONDS):
                pass
            self.kill()

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            is_over.set()
            watcher.join()

    def hang(self) -> None:
        """It is there and answers nothing (SIGSTOP)."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """After `hang`."""
        os.kill(self.pid, signal.SIGCONT)

    def end(self) -> None:
        """Ask it to end, so that it keeps its takes; kill it if it does not."""
        if self._process.poll() is None:
            self.go_on()
            self._process.terminate()
            try:
                self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _wait_ready(self, seconds: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        until, said = time.monotonic() + seconds, b""
        while not said.endswith(b"\n"):
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                self.kill()
                raise Failed(f"the engine was not ready within {seconds:.0f} s; see {self.log}.")
            part = os.read(self._process.stdout.fileno(), 65_536)
            if not part:
                said_last = [line for line in self._log_lines() if any(map(str.isalpha, line))][-1:]
                end = " ".join(said_last) or "no word"
                raise Failed(f"the engine ended as it was started: {end}")
            said += part
        announced: dict[str, Any] = json.loads(said)
        return announced

    def _log_lines(self) -> list[str]:
        return self.log.read_text(errors="replace").splitlines()
