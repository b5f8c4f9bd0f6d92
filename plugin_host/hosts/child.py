"""A host in a process of its own, which does one job after another.

In:  jobs, one JSON object a line. Out: what came of each, one JSON object a line. A plugin that
crashes takes this process along and not the ladder, which then says what was being done.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import plugin_host
from plugin_host.rung import Failed

Jobs = Mapping[str, Callable[..., dict[str, Any]]]
ROOT: Final = Path(plugin_host.__file__).parents[1]
JOB_SECONDS: Final = 120.0


class Died(Failed):
    """The host's process ended; says how, and during what."""


class Child:
    """The ladder's end of it; the process is gone when the `with` block ends."""

    def __init__(self, module: str, environment: Mapping[str, str], log: Path) -> None:
        """Start one.

        Args:
            module: that calls `work` when it is run.
            environment: of the process.
            log: where what it says beside its answers goes.
        """
        paths = [str(ROOT), *filter(None, [environment.get("PYTHONPATH")])]
        self._log = log
        with log.open("a") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module],
                env={**environment, "PYTHONPATH": os.pathsep.join(paths)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
            )

    def __enter__(self) -> "Child":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def do(self, job: str, *, within: float = JOB_SECONDS, **words: Any) -> dict[str, Any]:
        """Have one job done.

        Args:
            job: its name.
            within: seconds that it may take.
            words: what else it needs to know.

        Raises:
            Died: the host's process ended; says which job it was.
            Failed: it did not answer in time, or could not do it.
        """
        self.begin(job, **words)
        return self.finish(job, within=within)

    def begin(self, job: str, **words: Any) -> None:
        """Have it begin, and go on; `finish` waits for the answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"job": job, **words}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise Died(self._obituary(job)) from error

    def finish(self, job: str, *, within: float = JOB_SECONDS) -> dict[str, Any]:
        """Wait for the answer to `begin`."""
        assert self._process.stdout is not None
        until, said = time.monotonic() + within, b""
        while not said.endswith(b"\n"):
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise Failed(f"the host did not finish `{job}` within {within:.0f} s.")
            part = os.read(self._process.stdout.fileno(), 65_536)
            if not part:
                raise Died(self._obituary(job))
            said += part
        answer: dict[str, Any] = json.loads(said)
        if "error" in answer:
            raise Failed(f"the host could not do `{job}`: {answer['error']}")
        return answer

    def has_made(self, path: Path, job: str) -> bool:
        """Whether a file is there that a job makes.

        Raises:
            Died: the host's process ended without it.
        """
        if self._process.poll() is not None and not path.is_file():
            raise Died(self._obituary(job))
        return path.is_file()

    def _obituary(self, job: str) -> str:
        status = self._process.wait(JOB_SECONDS)
        how = signal.Signals(-status).name if status < 0 else f"status {status}"
        return f"the host died with {how} while it did `{job}`; see {self._log}."


def work(jobs: Jobs) -> None:
    """Do jobs until stdin ends; the process' own end of it.

    What a host's library prints on stdout goes to stderr, so that answers stay whole.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        words = json.loads(line)
        try:
            answer = jobs[words.pop("job")](**words)
        except Exception as error:  # whatever a host raises is the job's answer
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
