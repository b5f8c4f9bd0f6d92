"""A client that plays live, as a program of its own: what it missed is the last line it prints.

    python -m benchmarks.live_listener SESSION [--rate 48000] [--channels 2] [--buffer-ms 100]

In:  an engine that runs. Out: "playing" when the first second is heard; then, when its stdin is
closed, one JSON object. Takes a block every 10 ms by the clock, like a sound card, and waits for
nothing. With --raw FILE every sample it took is kept, as 32-bit floats.
"""

import argparse
import contextlib
import gc
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

from bridge.client import Client

BLOCKS_PER_SECOND = 100
PROMPT = "house, 124 bpm, A minor, drums, bass and synth pads"


def main() -> None:
    options = _options()
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    wish = {"rate": options.rate, "channels": options.channels, "seed": options.seed}
    wish["buffer_seconds"] = options.buffer_ms / 1000
    wish["settings"] = ({"kind": "prompt", "index": 1, "text": PROMPT},)
    with contextlib.ExitStack() as places:
        music = places.enter_context(Client(options.session, **wish))
        raw = places.enter_context(options.raw.open("wb")) if options.raw else None
        print(json.dumps(_play(music, over, raw)), flush=True)
        music.close(keep=False)


def _play(music: Client, over: threading.Event, raw: BinaryIO | None) -> dict[str, Any]:
    block = music.playback.rate // BLOCKS_PER_SECOND
    _take(music, 0, None)
    music.wait_until(lambda: music.playback.ready >= block, 30.0, "sound")
    gc.freeze()
    start, blocks, worst_ms = time.perf_counter(), 0, 0.0
    by_minute: list[list[float]] = []  # missed samples, own worst lateness in ms
    while not over.is_set():
        _take(music, block, raw)
        blocks += 1
        if blocks == BLOCKS_PER_SECOND:
            print("playing", flush=True)
        due = start + blocks / BLOCKS_PER_SECOND
        now = time.perf_counter()
        late_ms = (now - due) * 1000
        worst_ms = max(worst_ms, late_ms)
        if blocks % (60 * BLOCKS_PER_SECOND) == 1:
            by_minute.append([music.playback.missed, 0.0])
        by_minute[-1][1] = max(by_minute[-1][1], round(late_ms, 1))
        time.sleep(max(0.0, due - now))
    heard, status = music.playback, music.status()
    return {
        "seconds": blocks / BLOCKS_PER_SECOND,
        "samples": blocks * block,
        "missed": heard.missed,
        "late": heard.late,
        "lost": heard.lost,
        "own_worst_lateness_ms": round(worst_ms, 1),
        "by_minute": by_minute,
        "engine_late_frames": status.engine["late_frames"],
        "engine_skipped_frames": status.engine["skipped_frames"],
        "engine_overtaken": status.engine["overtaken"],
        "engine_shed": status.engine["shed"],
        "frame_ms": status.engine["frame_ms"],
    }


def _take(music: Client, samples: int, raw: BinaryIO | None) -> None:
    sound = music.take(samples)
    if raw is not None:
        raw.write(sound.T.tobytes())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("session")
    parser.add_argument("--rate", type=int, default=48_000)
    parser.add_argument("--channels", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--buffer-ms", type=float, default=100.0)
    parser.add_argument("--raw", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
