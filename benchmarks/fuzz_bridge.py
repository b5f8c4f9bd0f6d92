"""The long run of nonsense: a million datagrams and two hundred thousand messages beside music.

    python -m benchmarks.fuzz_bridge --datagrams 1000000 --messages 200000 --minutes 30

In:  counts, and a bound in time. Out: a table on stdout and one JSON object as its last line: what
was sent and counted, faults, memory before, after all of it and after a tenth of it again, and
whether a well-behaved session beside it lost a sample. Some of the nonsense happens to be a change
that makes sense; `engine_late_frames` counts frames that were made again for such a change when the
old ones were on their way already, which are heard as they were. `--record FILE` appends it. An
engine runs as a program of its own on the toy bundle, unless another one is named. Exit status 1 if
anything is not as it should be.
"""

import argparse
import os
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Final

import zmq

from benchmarks.bridge_place import JsonObject, Listener, memory_mb
from benchmarks.record import tell
from bridge import control
from bridge.client import Client
from bridge.control import Hello
from bridge.folders import RUNTIME_VARIABLE
from bridge.osc_packet import write as osc
from tests.bridge import programs
from tests.bridge.nonsense import audio_parts, control_parts, datagrams
from tests.fakes import write_toy_bundle

BATCH: Final = 50  # of up to 4 kB, so that a socket's usual buffer holds them all
TIMEOUT_MS: Final = 60_000
AGAIN: Final = 10  # at the end a tenth of all comes again, and may take hardly any memory
WARM_MB: Final = 20.0  # that tables, buffers and Python's own pools may take
LEAK_MB: Final = 2.0  # 18 bytes a message
SESSION: Final = "well-behaved"
LAST: Final = b"the end of a batch"  # is surely refused


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
    problems = _problems(found, options)
    name = "toy" if options.bundle is None else options.bundle.name
    line = {"measure": "bridge fuzz", "bundle": name, **found, "problems": problems}
    tell(line, options.record)
    return 1 if problems else 0


def _run(options: argparse.Namespace, announced: JsonObject, pid: int) -> JsonObject:
    listener = Listener(options.buffer_ms, SESSION)
    with Client(SESSION, role="controller") as watch:
        before, start = memory_mb(pid), time.monotonic()
        end = start + options.minutes * 60
        sent, refused = Counter[str](), Counter[str]()
        _send_all(announced, options.datagrams, options.messages, end, sent, refused)
        after = memory_mb(pid)
        few = options.datagrams // AGAIN, options.messages // AGAIN
        _send_all(announced, *few, end, sent, refused)
        seconds, again = time.monotonic() - start, memory_mb(pid)
        watch.events()
        watch.wait_until(lambda: bool(watch.events()), 10.0, "a status")
        counters = watch.status().counters
    return {
        "sent": dict(sent),
        "refused": dict(refused),
        "seconds": round(seconds, 1),
        "per_second": round(sent.total() / seconds),
        "counters": {name: counters[name] for name in sorted(counters)},
        "session": listener.stop(),
        "memory_mb": [round(memory, 1) for memory in (before, after, again)],
    }


def _send_all(
    announced: JsonObject,
    datagrams: int,
    messages: int,
    end: float,
    sent: Counter[str],
    refused: Counter[str],
) -> None:
    """Send nonsense to every door; adds up what was sent and what was refused."""
    sent["datagrams"] += _send_datagrams(announced["osc_port"], datagrams, end)
    for which, parts in (("control", control_parts(2)), ("audio", audio_parts(3))):
        nonsense = _Nonsense(announced[which], says_hello=which == "control")
        sent[which] += nonsense.send(parts, messages // 2, end)
        refused[which] += nonsense.refused


def _send_datagrams(port: int, count: int, end: float) -> int:
    """Send in batches, each waited for, so that the system drops none; how many were sent."""
    sent, nonsense = 0, datagrams(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as pads:
        pads.settimeout(TIMEOUT_MS / 1000)
        pads.connect(("127.0.0.1", port))
        while sent < count and time.monotonic() < end:
            for datagram in islice(nonsense, BATCH):
                pads.send(datagram)
            pads.send(osc("/antiphon/reply", [0]))
            pads.send(osc("/antiphon/ping", []))
            sent += BATCH + 2
            while not pads.recv(65_536).startswith(b"/antiphon/pong"):
                pass
    return sent


class _Nonsense:
    """Sends parts to one socket in batches, each waited for, and counts the refusals."""

    def __init__(self, endpoint: str, *, says_hello: bool) -> None:
        self._endpoint, self._says_hello = endpoint, says_hello
        self.refused = 0

    def send(self, parts: Iterator[bytes], count: int, end: float) -> int:
        """Send so many, or until an end; how many were sent."""
        sent = 0
        with zmq.Context() as context, context.socket(zmq.DEALER) as bad:
            bad.linger, bad.rcvtimeo = 0, TIMEOUT_MS
            bad.connect(self._endpoint)
            while sent < count and time.monotonic() < end:
                if self._says_hello:  # some nonsense takes it out of the session again
                    bad.send(control.write(Hello(client="x", session=SESSION, role="controller")))
                for part in islice(parts, BATCH):
                    bad.send(part)
                bad.send(LAST)
                sent += BATCH + 1 + self._says_hello
                self._hear(bad, at_least=1)
            while bad.poll(500):
                self._hear(bad, at_least=0)
        return sent

    def _hear(self, bad: zmq.Socket, at_least: int) -> None:
        before = self.refused
        while self.refused - before < at_least or bad.poll(0):
            self.refused += b'"type":"refuse"' in bad.recv()


def _problems(found: JsonObject, options: argparse.Namespace) -> list[str]:
    counters, sent, refused = Counter(found["counters"]), found["sent"], found["refused"]
    session = found["session"]
    missed = {name: session[name] for name in ("lost", "late", "missed")}
    before, after, again = found["memory_mb"]
    osc_refused = counters["osc_unreadable"] + counters["osc_refused_later"]
    osc_refused += counters["osc_messages"] - counters["osc_taken"]
    checks = {
        "the engine died": not found["is_alive"],
        "time was over before all was sent": sent["datagrams"] < options.datagrams
        or sent["control"] + sent["audio"] < options.messages,
        f"{counters['faults']} faults of ours; see the log": counters["faults"] > 0,
        "not every datagram was counted": counters["osc_received"] != sent["datagrams"],
        "refusals over OSC do not add up": counters["osc_refused"] != osc_refused,
        "not every audio message was refused": not (
            sent["audio"] == refused["audio"] == counters["audio_refused"]
        ),
        "refusals of control were not all heard": not (
            0 <= counters["control_refused"] - refused["control"] <= counters["control_unsent"]
        ),
        "what came is not what was taken or refused": any(
            counters[f"{which}_received"]
            != counters[f"{which}_taken"] + counters[f"{which}_refused"]
            for which in ("control", "audio")
        ),
        f"the well-behaved session missed sound: {missed}": any(missed.values()),
        f"memory grew by {after - before:.1f} MB": after - before > WARM_MB,
        f"memory grew by {again - after:.1f} MB more": again - after > LEAK_MB,
    }
    return [problem for problem, is_so in checks.items() if is_so]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datagrams", type=int, default=1_000_000)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--minutes", type=float, default=30.0, help="at most")
    parser.add_argument("--buffer-ms", type=float, default=200.0, help="of the session beside it")
    parser.add_argument("--bundle", type=Path, help="the toy bundle if none is named")
    parser.add_argument("--record", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
