"""The long run of nonsense: a million datagrams and two hundred thousand messages beside music.

    python -m benchmarks.fuzz_bridge --datagrams 1000000 --messages 200000

In:  counts. Out: a table on stdout and one JSON object as its last line: what was sent and counted,
faults, memory before and after, and whether a well-behaved session beside it lost a sample. An
engine runs as a program of its own on the toy bundle, unless another one is named. Exit status 1
if anything is not as it should be.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, Final

import zmq

from bridge.client import Client
from bridge.folders import RUNTIME_VARIABLE
from bridge.osc_packet import write as osc
from tests.bridge import programs
from tests.bridge.nonsense import audio_parts, control_parts, datagrams
from tests.fakes import write_toy_bundle

BATCH: Final = 100
TIMEOUT_MS: Final = 60_000
MEMORY_SLACK_MB: Final = 20.0  # of what Python keeps for itself


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


def main() -> int:
    options = _options()
    with ExitStack() as places:
        folder = Path(places.enter_context(tempfile.TemporaryDirectory()))
        os.environ[RUNTIME_VARIABLE] = str(folder / "runtime")
        bundle = options.bundle or write_toy_bundle(folder / "toy")
        program, announced = programs.serve(bundle, folder / "takes")
        places.callback(programs.end, program)
        found = _run(options, announced, program.pid)
        found["is_alive"] = program.poll() is None
    problems = _problems(found)
    for name, value in found.items():
        print(f"{name:20} {value}")
    for problem in problems:
        print(f"not as it should be: {problem}")
    print(json.dumps(found | {"problems": problems}))
    return 1 if problems else 0


def _run(options: argparse.Namespace, announced: dict[str, Any], pid: int) -> dict[str, Any]:
    listener = Listener(options.buffer_ms, "well-behaved")
    with Client("well-behaved", role="controller") as watch:
        before, start = _memory_mb(pid), time.perf_counter()
        sent = {
            "datagrams": _send_datagrams(announced["osc_port"], options.datagrams),
            "control": _send_parts(announced["control"], control_parts(2), options.messages // 2),
            "audio": _send_parts(announced["audio"], audio_parts(3), options.messages // 2),
        }
        seconds, after = time.perf_counter() - start, _memory_mb(pid)
        watch.events()
        watch.wait_until(lambda: bool(watch.events()), 10.0, "a status")
        counters = watch.status().counters
    session = listener.stop()
    return {
        "sent": sent,
        "seconds": round(seconds, 1),
        "per_second": round(sum(sent.values()) / seconds),
        "counters": {name: counters[name] for name in sorted(counters)},
        "session": session,
        "memory_mb": [round(before, 1), round(after, 1)],
    }


def _send_datagrams(port: int, count: int) -> int:
    """Send in batches, each waited for, so that the system drops none; how many were sent."""
    sent, nonsense = 0, datagrams(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as pads:
        pads.settimeout(60.0)
        pads.connect(("127.0.0.1", port))
        while sent < count:
            for datagram in islice(nonsense, BATCH):
                pads.send(datagram)
            pads.send(osc("/antiphon/reply", [0]))
            pads.send(osc("/antiphon/ping", []))
            sent += BATCH + 2
            while not pads.recv(65_536).startswith(b"/antiphon/pong"):
                pass
    return sent


def _send_parts(endpoint: str, parts: Any, count: int) -> int:
    """Send in batches; each ends with a message that is surely refused, and is waited for."""
    sent = 0
    with zmq.Context() as context, context.socket(zmq.DEALER) as bad:
        bad.linger, bad.rcvtimeo = 0, TIMEOUT_MS
        bad.connect(endpoint)
        while sent < count:
            for part in islice(parts, BATCH):
                bad.send(part)
            bad.send(b"the end of a batch")
            sent += BATCH + 1
            refused = 0
            while refused < 1 or bad.poll(0):
                refused += b'"refuse"' in bad.recv()
        while bad.poll(500):
            bad.recv()
    return sent


def _memory_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1000
    return 0.0


def _problems(found: dict[str, Any]) -> list[str]:
    counters, session, sent = found["counters"], found["session"], found["sent"]
    problems = []
    if not found["is_alive"]:
        problems.append("the engine died")
    if counters.get("faults", 0):
        problems.append(f"{counters['faults']} faults of ours; see the log")
    if counters["osc_received"] != sent["datagrams"]:
        problems.append(f"{counters['osc_received']:,} datagrams were counted")
    if counters["audio_refused"] != sent["audio"]:
        problems.append(f"{counters['audio_refused']:,} audio messages were refused")
    if session["lost"] or session["late"] or session["missed"]:
        problems.append(f"the well-behaved session missed sound: {session}")
    before, after = found["memory_mb"]
    if after - before > MEMORY_SLACK_MB:
        problems.append(f"memory grew by {after - before:.1f} MB")
    return problems


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datagrams", type=int, default=1_000_000)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--buffer-ms", type=float, default=200.0, help="of the session beside it")
    parser.add_argument("--bundle", type=Path, help="the toy bundle if none is named")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
