"""Where the bridge is measured: engines and listeners as programs of their own, and their cost.

In:  a bundle, a folder for what they leave. Out: programs that run until they are told to end.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.bridge import programs

RATE: Final = 48_000
JsonObject = dict[str, Any]


@dataclass
class Place:
    """Where a measurement happens."""

    folder: Path
    bundle: Path
    options: argparse.Namespace

    @contextmanager
    def engine(self, *options: str) -> Iterator[tuple[Any, JsonObject]]:
        program, announced = programs.serve(self.bundle, self.folder / "takes", *options)
        try:
            yield program, announced
        finally:
            programs.end(program)


class Listener:
    """A session that plays live in a program of its own, and counts what it misses."""

    def __init__(self, buffer_ms: float, session: str, *options: str) -> None:
        command = [sys.executable, "-m", "benchmarks.live_listener", session, *options]
        self.program = subprocess.Popen(
            [*command, "--buffer-ms", str(buffer_ms)],
            env=programs.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.program.stdout is not None
        assert self.program.stdout.readline() == "playing\n"

    def stop(self) -> dict[str, Any]:
        out, _ = self.program.communicate("")
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
        return found


def cpu_seconds(pid: int) -> float:
    """What a process has used of all cores so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    return programs.held(pid).memory_mb


def spread(times: list[float]) -> JsonObject:
    """The distribution of some times, in their own unit; never a mean alone."""
    ordered = sorted(times)
    at = {name: ordered[int(part * (len(ordered) - 1))] for name, part in
          (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("worst", 1.0))}  # fmt: skip
    return {name: round(value, 3) for name, value in at.items()} | {"rounds": len(ordered)}
