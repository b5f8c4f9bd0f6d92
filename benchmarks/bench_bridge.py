"""What the bridge adds, how many sessions a machine plays, and ten minutes without a gap.

    python -m benchmarks.bench_bridge latency                 message times, beside a bare echo
    python -m benchmarks.bench_bridge capacity --most 32      live sessions side by side
    python -m benchmarks.bench_bridge soak --minutes 10       every sample compared with the replay
    python -m benchmarks.bench_bridge restart                 from a kill to sound again

In:  a bundle, the toy one unless another is named. Out: a table on stdout and one JSON object as
its last line; `--record FILE` appends that with commit, date and machine. The engine and every
client are programs of their own. `engine_late_frames` are frames made again for a change when the
old ones were on their way already: who listens misses nothing. Exit status 1 if a soak missed sound
or differs from its replay, or if a restart did not restore what was in force.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import zmq

from benchmarks.bridge_endurance import restart, soak
from benchmarks.bridge_place import (
    RATE,
    JsonObject,
    Listener,
    Place,
    cpu_seconds,
    memory_mb,
    spread,
)
from benchmarks.record import tell
from bridge import control, wire
from bridge.control import Heartbeat, Hello, Welcome
from bridge.folders import RUNTIME_VARIABLE
from bridge.wire import Frame, Kind
from tests.bridge import programs
from tests.fakes import write_toy_bundle

BLOCK: Final = RATE // 100
LATENCY_ROUNDS: Final = 1_000

ECHO: Final = """
import sys, zmq
router = zmq.Context().socket(zmq.ROUTER)
router.bind("tcp://127.0.0.1:0")
print(router.get_string(zmq.LAST_ENDPOINT).rstrip(chr(0)), flush=True)
while True:
    router.send_multipart(router.recv_multipart())
"""


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
        for turn in range(place.options.rounds or 1_000):
            found["echo"].append(_timed(lambda: (echo.send(silence), echo.recv())))
            beat = control.write(Heartbeat(count=turn))
            found["control"].append(_timed(lambda: (talk.send(beat), talk.recv())))  # noqa: B023
            found["audio"].append(_timed(lambda: _next_block(sound, welcome, turn)))  # noqa: B023
            time.sleep(0.01)
        for one in (echo, talk, sound):
            one.close()
    return {name: spread(times[50:]) for name, times in found.items()}


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


# --- capacity -------------------------------------------------------------------------------------


def capacity(place: Place) -> JsonObject:
    """Live sessions side by side, more each time, until a frame is late or sound is missed."""
    table: list[JsonObject] = []
    for count in range(place.options.least, place.options.most + 1, place.options.step):
        with place.engine("--sessions", str(count)) as (program, _):
            listeners = [Listener(place.options.buffer_ms, f"s{n}") for n in range(count)]
            before = cpu_seconds(program.pid)
            time.sleep(place.options.seconds)
            busy = (cpu_seconds(program.pid) - before) / place.options.seconds
            memory = memory_mb(program.pid)
            heard = [listener.stop() for listener in listeners]
        table.append(
            {
                "sessions": count,
                "missed_ms": [round(one["missed"] / RATE * 1000, 1) for one in heard],
                "own_lateness_ms": max(one["own_worst_lateness_ms"] for one in heard),
                "late_frames": sum(one["engine_late_frames"] for one in heard),
                "shed": max(one["engine_shed"] for one in heard),
                "frame_ms_p95": round(max(one["frame_ms"]["p95"] for one in heard), 1),
                "cores_busy": round(busy, 2),
                "memory_mb": round(memory),
            }
        )
        print(table[-1], flush=True)
        if any(table[-1]["missed_ms"]) or table[-1]["late_frames"]:
            break
    clean = [row["sessions"] for row in table if not (any(row["missed_ms"]) or row["late_frames"])]
    return {"clean": max(clean, default=0), "table": table}


# --- all ------------------------------------------------------------------------------------------

FAULTS: Final = ("missed", "lost", "late", "differing_samples", "not_restored")
MEASURES: Final = {one.__name__: one for one in (latency, capacity, soak, restart)}


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ[RUNTIME_VARIABLE] = str(folder / "runtime")
        bundle = options.bundle or write_toy_bundle(folder / "toy")
        found = MEASURES[options.measure](Place(folder, bundle, options))
    name = "toy" if options.bundle is None else options.bundle.name
    tell({"measure": f"bridge {options.measure}", "bundle": name, **found}, options.record)
    return 1 if any(found.get(name) for name in FAULTS) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("measure", choices=MEASURES)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--rounds", type=int, help="of latency 1,000, 10 ms each; of restart 5")
    parser.add_argument("--least", type=int, default=1, help="sessions to begin with")
    parser.add_argument("--most", type=int, default=16, help="sessions to end with")
    parser.add_argument("--step", type=int, default=1, help="sessions more each time")
    parser.add_argument("--seconds", type=float, default=20.0, help="per number of sessions")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the soak")
    parser.add_argument("--buffer-ms", type=float, default=100.0)
    parser.add_argument("--record", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
