"""A JACK server without a sound card, and what a rung needs of one.

In:  a rate and a period. Out: a server of its own name, ports connected, sound recorded, and how
often each client was late. The server's word on lateness is its log; it names the client.
"""

import os
import re
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple

from plugin_host.rung import Failed

PROGRAMS: Final = {"jackd": "jackd2", "jack_lsp": "jackd2", "jack_rec": "jackd2"}
PRIORITY: Final = 70  # of 99, where real time is allowed; a usual one for sound
READY_SECONDS: Final = 15.0
LATE: Final = re.compile(r"client = (\S+) was not \w+, state = (\w+)")
SAMPLE_BYTES: Final = 3
STUCK_SECONDS: Final = 15.0
WATCH_SECONDS: Final = 0.05


class Late(NamedTuple):
    """How often a client was not done at a period's end."""

    working: int  # it was at work: the client is slow, or waits for something
    waiting: int  # it had not been given a processor: the machine is busy


class Recorder:
    """One jack_rec at work.

    It counts the server's periods, and not the clock's seconds: the dummy driver that is late for
    one begins to count anew, so on a machine that stands still now and then it plays more slowly.
    """

    def __init__(
        self, path: Path, seconds: int, ports: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        """Begin to record.

        Args:
            path: of the WAV file.
            seconds: of sound, after which it ends by itself.
            ports: one for each channel.
            environment: which names the server.
        """
        self._path, self._frame_bytes = path, SAMPLE_BYTES * len(ports)
        self._process = subprocess.Popen(
            ["jack_rec", "-f", str(path), "-d", str(seconds), "-b", str(8 * SAMPLE_BYTES), *ports],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def samples(self) -> int:
        """How many of each channel it has written so far."""
        return self._path.stat().st_size // self._frame_bytes if self._path.exists() else 0

    def finish(self, stuck_seconds: float = STUCK_SECONDS) -> None:
        """Wait until it is done, for as long as it gets on.

        Raises:
            Failed: nothing more came for so many seconds.
        """
        count, since = self.samples(), time.monotonic()
        while self._process.poll() is None:
            if (now := self.samples()) > count:
                count, since = now, time.monotonic()
            elif time.monotonic() > since + stuck_seconds:
                self._process.kill()
                self._process.wait()
                raise Failed(
                    f"JACK stands still: jack_rec has {count} samples, and none more came in "
                    f"{stuck_seconds:.0f} s."
                )
            time.sleep(WATCH_SECONDS)


def missing() -> list[str]:
    """Name the Debian packages without which there is no server."""
    return sorted({package for name, package in PROGRAMS.items() if shutil.which(name) is None})


def realtime() -> list[str]:
    """What tells a server to have its threads and its clients' go first, if that is allowed."""
    may = os.geteuid() == 0 or resource.getrlimit(resource.RLIMIT_RTPRIO)[0] > PRIORITY
    return ["-R", "-P", str(PRIORITY)] if may else ["-r"]


def dummy(rate: int, period: int) -> list[str]:
    """What names the driver that has no card."""
    return ["-d", "dummy", "-r", str(rate), "-p", str(period)]


class Jack:
    """One server with the dummy driver; gone when the `with` block ends."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *, rate: int, period: int):
        """Start it and wait until it answers.

        Args:
            folder: for its log.
            environment: of its clients; it adds the server's name.
            rate: Hz.
            period: samples.

        Raises:
            Failed: it did not answer.
        """
        self.name = f"antiphon-{os.getpid()}"
        self.environment = {**environment, "JACK_DEFAULT_SERVER": self.name}
        self.environment["JACK_NO_START_SERVER"] = "1"
        self._log = folder / "jackd.log"
        with self._log.open("w") as log:
            self._server = subprocess.Popen(
                ["jackd", "-n", self.name, *realtime(), *dummy(rate, period)],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_ready()

    def __enter__(self) -> "Jack":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.send_signal(signal.SIGTERM)
        try:
            self._server.wait(5.0)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()

    def ports(self) -> list[str]:
        """Names of all there are."""
        done = self._run(["jack_lsp"], 10.0)
        return done.stdout.split("\n")[:-1] if done.returncode == 0 else []

    def wait_for(self, beginnings: Sequence[str], seconds: float = 20.0) -> list[str]:
        """Wait for ports whose names begin so; all of them.

        Raises:
            Failed: they did not come.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = [port for port in self.ports() if port.startswith(tuple(beginnings))]
            if len(found) >= len(beginnings):
                return found
            time.sleep(0.1)
        raise Failed(f"JACK has the ports {self.ports()}, expected some that begin {beginnings}.")

    def connect(self, source: str, target: str) -> None:
        """Join two ports; what is joined already stays so."""
        self._run(["jack_connect", source, target], 10.0)

    def record(self, path: Path, seconds: int, ports: Sequence[str]) -> Recorder:
        """Begin to record so many seconds of sound."""
        return Recorder(path, seconds, ports, self.environment)

    def late(self, client: str) -> Late:
        """How often a client was late since the server began."""
        found = LATE.findall(self._log.read_text(errors="replace"))
        states = [state for name, state in found if name == client]
        working = states.count("Running")
        return Late(working, len(states) - working)

    def _run(self, command: list[str], seconds: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def _wait_ready(self) -> None:
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            if self._server.poll() is not None:
                break
            if self.ports():
                return
            time.sleep(0.1)
        end = " ".join(self._log.read_text(errors="replace").split()[-30:])
        raise Failed(f"jackd did not answer within {READY_SECONDS:.0f} s; its log ends: {end}")
