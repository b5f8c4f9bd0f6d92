"""What the bridge adds, how many sessions a machine plays, and ten minutes without a gap.

    python -m benchmarks.bench_bridge latency                 message times, beside a bare echo
    python -m benchmarks.bench_bridge capacity --most 4       live sessions side by side
    python -m benchmarks.bench_bridge soak --minutes 10       every sample compared with the replay
    python -m benchmarks.bench_bridge restart                 from a kill to sound again

In:  a bundle, the toy one unless another is named. Out: a table on stdout and one JSON object as
its last line; `--record FILE` appends that with commit, date and machine. The engine and every
client are programs of their own. Exit status 1 if sound was missed where none should be.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import zmq

from benchmarks.fuzz_bridge import Listener
from bridge import control, wire
from bridge.client import Client
from bridge.control import Heartbeat, Hello, Welcome
from bridge.folders import RUNTIME_VARIABLE
from bridge.wire import Frame, Kind
from engine import EngineOptions, control_log, open_bundle
from engine.commands import machine
from engine.replay import replay
from tests.bridge import programs
from tests.engine.rig import Rig
from tests.fakes import write_toy_bundle

RATE: Final = 48_000
BLOCK: Final = RATE // 100
JsonObject = dict[str, Any]

ECHO: Final = """
import sys, zmq
router = zmq.Context().socket(zmq.ROUTER)
router.bind("tcp://127.0.0.1:0")
print(router.get_string(zmq.LAST_ENDPOINT).rstrip(chr(0)), flush=True)
while True:
    router.send_multipart(router.recv_multipart())
"""


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


# --- latency --------------------------------------------------------------------------------------


def latency(place: Place) -> JsonObject:
    """Times of messages to the engine and back, and to a program that only echoes, in turns."""
    found: dict[str, list[float]] = {"echo": [], "control": [], "audio": []}
    with ExitStack() as places:
        _, announced = places.enter_context(place.engine())
        echoing = programs.python(ECHO)
        places.callback(programs.end, echoing)
        context = places.enter_context(zmq.Context())
        echo = _dealer(context, echoing.stdout.readline().strip())
        talk = _dealer(context, announced["control"])
        talk.send(control.write(Hello(client="bench", rate=RATE)))
        welcome = control.read_engine(talk.recv())
        assert isinstance(welcome, Welcome), welcome
        sound = _dealer(context, str(welcome.audio))
        silence = bytes(wire.HEADER_BYTES + 2 * 4 * BLOCK)
        for turn in range(place.options.rounds):
            found["echo"].append(_timed(lambda: (echo.send(silence), echo.recv())))
            beat = control.write(Heartbeat(count=turn))
            found["control"].append(_timed(lambda: (talk.send(beat), talk.recv())))  # noqa: B023
            found["audio"].append(_timed(lambda: _next_block(sound, welcome, turn)))  # noqa: B023
            time.sleep(0.01)
        for one in (echo, talk, sound):
            one.close()
    return {name: _spread(times[50:]) for name, times in found.items()}


def _next_block(sound: zmq.Socket, welcome: Welcome, turn: int) -> None:
    """Ask for 10 ms more, which the engine has ready, and take them."""
    place = turn * BLOCK
    credit = Frame(
        kind=Kind.CREDIT, key=bytes.fromhex(str(welcome.key)), sequence=turn, sample=place,
        credit=place + BLOCK, rate=RATE,
    )  # fmt: skip
    sound.send(wire.pack(credit))
    while wire.unpack(sound.recv()).end < place + BLOCK:
        pass


def _dealer(context: zmq.Context, endpoint: str) -> zmq.Socket:
    socket = context.socket(zmq.DEALER)
    socket.linger, socket.rcvtimeo = 0, 10_000
    socket.connect(endpoint)
    return socket


def _timed(what: Callable[[], object]) -> float:
    start = time.perf_counter()
    what()
    return (time.perf_counter() - start) * 1000


def _spread(times_ms: list[float]) -> JsonObject:
    ordered = sorted(times_ms)
    at = {name: ordered[int(part * (len(ordered) - 1))] for name, part in
          (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("worst", 1.0))}  # fmt: skip
    return {name: round(value, 3) for name, value in at.items()} | {"rounds": len(ordered)}


# --- capacity -------------------------------------------------------------------------------------


def capacity(place: Place) -> JsonObject:
    """Live sessions side by side, one more each time, until one of them misses sound."""
    table = []
    for count in range(1, place.options.most + 1):
        with place.engine("--sessions", "16") as (program, _):
            listeners = [Listener(place.options.buffer_ms, f"s{n}") for n in range(count)]
            before = _cpu_seconds(program.pid)
            time.sleep(place.options.seconds)
            busy = (_cpu_seconds(program.pid) - before) / place.options.seconds
            memory = _memory_mb(program.pid)
            heard = [listener.stop() for listener in listeners]
        table.append(
            {
                "sessions": count,
                "missed_ms": [round(one["missed"] / RATE * 1000, 1) for one in heard],
                "late_frames": sum(one["engine_late_frames"] for one in heard),
                "shed": max(one["engine_shed"] for one in heard),
                "frame_ms_p95": round(max(one["frame_ms"]["p95"] for one in heard), 1),
                "cores_busy": round(busy, 2),
                "memory_mb": round(memory),
            }
        )
        print(table[-1], flush=True)
    clean = [row["sessions"] for row in table if not any(row["missed_ms"])]
    return {"table": table, "clean": max(clean, default=0)}


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS"))


# --- soak -----------------------------------------------------------------------------------------


def soak(place: Place) -> JsonObject:
    """A live client for minutes; then every sample that it took is held against the replay."""
    raw = place.folder / "heard.f32"
    with place.engine() as (program, _):
        listener = Listener(place.options.buffer_ms, "soak", "--raw", str(raw))
        before = _memory_mb(program.pid)
        time.sleep(place.options.minutes * 60)
        after = _memory_mb(program.pid)
        heard = listener.stop()
    bundle = open_bundle(place.bundle, EngineOptions(threads=1))
    (log,) = (place.folder / "takes").glob("*-soak.jsonl")
    audio = replay(bundle, control_log.read(log)).audio
    stand = type("Stand", (), {"bundle": bundle, "rate": RATE, "channels": 2})
    expected = Rig.at_host(stand, audio).T
    taken = np.fromfile(raw, np.float32).reshape(-1, 2)
    count = min(len(expected), len(taken))
    differ = int((taken[:count] != expected[:count]).any(axis=1).sum())
    return {
        **heard,
        "compared_samples": count,
        "differing_samples": differ,
        "memory_mb": [round(before, 1), round(after, 1)],
    }


# --- restart --------------------------------------------------------------------------------------


def restart(place: Place) -> JsonObject:
    """Kill the engine in mid-stream, start another at once, and wait for sound."""
    seconds = []
    for _ in range(place.options.rounds if place.options.rounds < 20 else 5):
        with ExitStack() as engines:
            program, _ = engines.enter_context(place.engine())
            with Client("lead", settings=({"kind": "pick", "index": 1},)) as music:
                music.read(seconds=1.0)
                program.kill()
                killed = time.perf_counter()
                engines.enter_context(place.engine())
                music.wait_until(lambda: len(music.events()) > 0, 10.0, "any event")
                music.read(seconds=0.5, timeout=30.0)
                seconds.append(round(time.perf_counter() - killed, 2))
    return {"seconds": sorted(seconds)}


# --- all ------------------------------------------------------------------------------------------

MEASURES: Final = {one.__name__: one for one in (latency, capacity, soak, restart)}


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ[RUNTIME_VARIABLE] = str(folder / "runtime")
        bundle = options.bundle or write_toy_bundle(folder / "toy")
        found = MEASURES[options.measure](Place(folder, bundle, options))
    for key, value in found.items():
        print(f"{key:20} {value}")
    where = {"bundle": "toy" if options.bundle is None else options.bundle.name}
    where |= {"load": [round(value, 1) for value in os.getloadavg()], "machine": machine.describe()}
    line = {"measure": f"bridge {options.measure}", **found, **where}
    if options.record:
        stamp = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": machine.commit(),
        }
        with options.record.open("a", encoding="utf-8") as file:
            file.write(json.dumps(stamp | line) + "\n")
    print(json.dumps(line))
    is_clean = not (found.get("missed") or found.get("lost") or found.get("differing_samples"))
    return 0 if is_clean else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("measure", choices=MEASURES)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--rounds", type=int, default=1_000, help="of latency, 10 ms each")
    parser.add_argument("--most", type=int, default=4, help="sessions")
    parser.add_argument("--seconds", type=float, default=20.0, help="per number of sessions")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the soak")
    parser.add_argument("--buffer-ms", type=float, default=100.0)
    parser.add_argument("--record", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
