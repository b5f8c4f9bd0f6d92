"""Engines and clients as programs of their own, to be killed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.gates.tree import ROOT

ANTIPHON = [sys.executable, "-c", "from bridge.cli import main; main()"]


def environment() -> dict[str, str]:
    """What a program of this tree needs; one thread, so that tests share the machine."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def serve(bundle: Path, takes: Path, *options: str) -> tuple[subprocess.Popen, dict[str, Any]]:
    """Start `antiphon serve` on any ports and wait until it is ready; the program, and where."""
    command = [*ANTIPHON, "serve", "--bundle", str(bundle), "--takes", str(takes), "--json"]
    command += ["--port", "0", "--osc-port", "0", "--threads", "1", *options]
    program = subprocess.Popen(
        command,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert program.stdout is not None
    return program, json.loads(program.stdout.readline())


def python(code: str, *arguments: str) -> subprocess.Popen:
    """Start a Python program of this tree; what it prints can be read."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )


class Held(NamedTuple):
    """What a process holds."""

    memory_mb: float  # resident
    threads: int


def held(pid: int) -> Held:
    """Look at a process, on Linux."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = dict(line.split(":", 1) for line in lines)
    return Held(int(found["VmRSS"].split()[0]) / 1000, int(found["Threads"]))


def end(program: subprocess.Popen) -> int:
    """Make sure that a program is gone; its exit status."""
    if program.poll() is None:
        program.kill()
    status = program.wait(10.0)
    if program.stdout is not None:
        program.stdout.close()
    return status
