"""Malformed messages without end, the same for the same seed: for tests, and for the long run in
benchmarks/fuzz_bridge.py.

Three ways to be wrong: noise; a good message with some bytes damaged, doubled or cut; a well-formed
message that says what cannot be. A damaged message can come out well, and may then be obeyed.
"""

import json
import random
import struct
from collections.abc import Iterator

from bridge.osc_packet import write as osc
from bridge.wire import FIELDS, MAGIC

_BUNDLE = b"#bundle\0" + struct.pack(">Q", 1)

OSC_SEEDS = [
    osc("/prompt/1/text", ["warm tape choir"]),
    osc("/at/bar/prompt/2/pick", [1]),
    osc("/param/tempo", [97.3]),
    osc("/notes", [60, 64, 67]),
    osc("/subscribe", ["/status/*", 10.0]),
    osc("/antiphon/schema", []),
    _BUNDLE + struct.pack(">i", 16) + osc("/panic", [True]) + b"\0\0\0\0",
    _BUNDLE + struct.pack(">i", -4),
    _BUNDLE + struct.pack(">i", 2**31 - 1),
    b"/" + b"a" * 4000,
    b"/a\0\0," + b"i" * 60 + b"\0\0\0",
]
ADDRESSES = [
    "/prompt/9/text", "/prompt/1/weight", "/param/tempo", "/param/key", "/chord", "/mode", "/at/x",
    "/session/nobody/panic", "/session//", "//", "/*/*/*", "/status/x", "/antiphon/reply", "/notes",
    "/subscribe", "/unsubscribe", "/antiphon/focus", "/freeze", "/mnote", "/families/asked",
]  # fmt: skip
ODD = [None, True, -1, 0, 10**6, 2**40, 1e300, float("nan"), float("inf"), "", "x" * 700, "\u2603"]

CONTROL_SEEDS = [
    json.dumps(found).encode()
    for found in (
        {"type": "hello", "client": "fuzz", "session": "fuzz", "role": "controller"},
        {"type": "ask", "revision": 1, "command": {"kind": "prompt", "index": 1, "text": "house"}},
        {"type": "transport", "revision": 1, "sample": 0, "quarter": 0.0, "bpm": 120.0},
        {"type": "subscribe", "status_every_ms": 100, "changes": True},
        {"type": "heartbeat", "count": 1},
        {"type": "status"},
    )
]
KINDS = [
    "hello",
    "ask",
    "transport",
    "subscribe",
    "heartbeat",
    "status",
    "welcome",
    "sing",
    None,
    3,
]


def datagrams(seed: int) -> Iterator[bytes]:
    """OSC, or nearly."""
    rng = random.Random(seed)
    while True:
        way = rng.random()
        if way < 0.2:
            yield rng.randbytes(rng.randrange(300))
        elif way < 0.7:
            yield damaged(rng, rng.choice(OSC_SEEDS))
        else:
            arguments = [rng.choice(ODD) for _ in range(rng.randrange(4))]
            yield _osc(rng.choice(ADDRESSES), arguments)


def control_parts(seed: int) -> Iterator[bytes]:
    """Control messages, or nearly; none of them can open a session."""
    rng = random.Random(seed)
    while True:
        way = rng.random()
        if way < 0.2:
            yield rng.randbytes(rng.randrange(300))
        elif way < 0.6:
            yield damaged(rng, rng.choice(CONTROL_SEEDS))
        elif way < 0.65:
            yield rng.choice([b"[", b'{"a":', b'"', b"9", b" "]) * rng.randrange(1, 20_000)
        else:
            yield _message(rng)


def audio_parts(seed: int) -> Iterator[bytes]:
    """Audio messages, or nearly; none of them has the key of a session."""
    rng = random.Random(seed)
    while True:
        numbers = []
        for row in FIELDS:
            if row.format.endswith("s"):
                numbers.append(MAGIC if row.name == "magic" else rng.randbytes(16))
                continue
            most = 2 ** (8 * struct.calcsize(row.format)) - 1
            odd = rng.random() < 0.1
            numbers.append(rng.choice([0, most, rng.randrange(most)]) if odd else row.low)
        part = struct.pack("<" + "".join(row.format for row in FIELDS), *numbers)
        part += rng.randbytes(rng.choice([0, 0, 4, 8, 333]))
        yield damaged(rng, part) if rng.random() < 0.5 else part


def damaged(rng: random.Random, part: bytes) -> bytes:
    """A message with some bytes changed, cut out or doubled."""
    found = bytearray(part)
    for _ in range(rng.randint(1, 5)):
        place = rng.randrange(len(found)) if found else 0
        way = rng.randrange(4)
        if way == 0 and found:
            found[place] = rng.randrange(256)
        elif way == 1:
            del found[place : place + rng.randrange(8)]
        elif way == 2:
            found[place:place] = found[place : place + rng.randrange(16)]
        else:
            del found[rng.randrange(len(found) + 1) :]
    return bytes(found)


def _message(rng: random.Random) -> bytes:
    fields = ["client", "session", "role", "rate", "revision", "command", "when", "sample", "seed"]
    odd = [*ODD, [], {}, {"kind": "prompt"}, [[]] * 9, "controller", 48_000]
    found = {name: rng.choice(odd) for name in rng.sample(fields, rng.randrange(6))}
    found.pop("role", None)
    found["session"] = "nobody/"  # no name that a session can have
    return json.dumps({"type": rng.choice(KINDS), **found}).encode()


def _osc(address: str, arguments: list[object]) -> bytes:
    return osc(address, arguments)  # type: ignore[arg-type]
