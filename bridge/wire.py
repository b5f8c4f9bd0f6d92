"""Audio messages: the byte layout, and the only place that packs and unpacks it.

In:  single-part messages of a header and float32 samples, channel after channel. Out: a `Frame`.
`FIELDS` is the one table: the struct below, the C++ header and the page of the protocol are made
from it. All numbers are little-endian. Whatever does not fit the table is a `WireError`, before
anything is allocated for it. Pure; any thread.
"""

import struct
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.errors import WireError
from bridge.limits import (
    MAX_BLOCK_SAMPLES,
    MAX_CHANNELS,
    MAX_POSITION,
    RATE_HZ,
    RATE_STEP_HZ,
)

Audio = NDArray[np.float32]  # [C, N]

MAGIC: Final = b"ANTP"
VERSION: Final = 1
KEY_BYTES: Final = 16
MAX_COUNT: Final = 2**64 - 1


class Kind(IntEnum):
    """What a message is."""

    SOUND = 1  # engine to client: what was made
    INPUT = 2  # client to engine: what was played or recorded
    CREDIT = 3  # client to engine: how far sound may be sent; no samples


class Flag(IntFlag):
    """What else is to be said of a message."""

    NONE = 0
    GAP = 1  # the stream jumped: samples between the last message and this one were left out
    REDUCED = 2  # made under pressure, without guidance or with fewer fine levels
    WAITS = 4  # CREDIT: the client waits for the sound, as in an offline bounce; nothing is late


class Field(NamedTuple):
    """One row of the layout."""

    name: str
    format: str  # as `struct` has it
    low: int
    high: int
    meaning: str


FIELDS: Final = (
    Field("magic", "4s", 0, 0, f'always "{MAGIC.decode()}"'),
    Field("version", "H", VERSION, VERSION, "of this layout"),
    Field("kind", "H", min(Kind), max(Kind), "1 SOUND, 2 INPUT, 3 CREDIT"),
    Field("key", "16s", 0, 0, "the session's, from `welcome`; 16 bytes"),
    Field("sequence", "Q", 0, MAX_COUNT, "counts the messages of this direction from 0"),
    Field(
        "sample",
        "Q",
        0,
        MAX_POSITION,
        "place of the first sample in the client's stream; CREDIT: the first still of use",
    ),
    Field(
        "credit",
        "Q",
        0,
        MAX_POSITION,
        "CREDIT: sound may be sent up to here; SOUND: the last credit received; INPUT: 0",
    ),
    Field("frame", "Q", 0, MAX_COUNT, "SOUND: frame of 40 ms in which the first sample was made"),
    Field("seed", "Q", 0, 2**63 - 1, "SOUND: the seed in force"),
    Field("change", "Q", 0, MAX_COUNT, "SOUND: newest change in force at the first sample"),
    Field("rate", "I", *RATE_HZ, f"Hz, a multiple of {RATE_STEP_HZ}"),
    Field("samples", "I", 0, MAX_BLOCK_SAMPLES, "per channel; 0 in CREDIT"),
    Field("channels", "H", 1, MAX_CHANNELS, "1 or 2"),
    Field("flags", "H", 0, 2 * max(Flag) - 1, "sum of 1 GAP, 2 REDUCED, 4 WAITS"),
    Field("reserved", "I", 0, 0, "0"),
)

_LAYOUT: Final = struct.Struct("<" + "".join(row.format for row in FIELDS))
_CHECKED: Final = tuple(  # place in the tuple, and the row
    (index, row) for index, row in enumerate(FIELDS) if not row.format.endswith("s")
)
HEADER_BYTES: Final = _LAYOUT.size
SAMPLE_BYTES: Final = 4
MAX_MESSAGE_BYTES: Final = HEADER_BYTES + SAMPLE_BYTES * MAX_CHANNELS * MAX_BLOCK_SAMPLES


def _silence() -> Audio:
    return np.zeros((1, 0), np.float32)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One audio message."""

    kind: Kind
    key: bytes  # KEY_BYTES
    sequence: int
    sample: int
    rate: int  # Hz
    credit: int = 0
    frame: int = 0
    seed: int = 0
    change: int = 0
    flags: Flag = Flag.NONE
    audio: Audio = field(default_factory=_silence)  # [C, N], finite or not

    @property
    def samples(self) -> int:
        """N."""
        count: int = self.audio.shape[1]
        return count

    @property
    def end(self) -> int:
        """Place of the sample behind the last."""
        return self.sample + self.samples


def pack(frame: Frame) -> bytes:
    """Lay a message out.

    Raises:
        WireError: a field is out of its range.
    """
    channels, samples = frame.audio.shape
    values = (
        MAGIC, VERSION, frame.kind, frame.key, frame.sequence, frame.sample, frame.credit,
        frame.frame, frame.seed, frame.change, frame.rate, samples, channels, frame.flags, 0,
    )  # fmt: skip
    _check(values)
    return _LAYOUT.pack(*values) + np.ascontiguousarray(frame.audio, "<f4").tobytes()


def unpack(message: bytes) -> Frame:
    """Read a message.

    Returns:
        The frame; its audio is the message's own memory and not writeable.

    Raises:
        WireError: anything is not as the table says.
    """
    if len(message) < HEADER_BYTES:
        raise WireError.of("size", len(message), f"at least {HEADER_BYTES} bytes")
    values = _LAYOUT.unpack_from(message)
    _check(values)
    found = dict(zip((row.name for row in FIELDS), values, strict=True))
    channels, samples = found["channels"], found["samples"]
    size = HEADER_BYTES + SAMPLE_BYTES * channels * samples
    if len(message) != size:
        raise WireError.of("size", len(message), f"{size} bytes for {channels} x {samples} samples")
    audio = np.frombuffer(message, "<f4", channels * samples, HEADER_BYTES)
    return Frame(
        kind=Kind(found["kind"]),
        key=found["key"],
        sequence=found["sequence"],
        sample=found["sample"],
        rate=found["rate"],
        credit=found["credit"],
        frame=found["frame"],
        seed=found["seed"],
        change=found["change"],
        flags=Flag(found["flags"]),
        audio=audio.reshape(channels, samples),
    )


def _check(values: tuple[object, ...]) -> None:
    """Hold a header against the table."""
    if values[0] != MAGIC:
        raise WireError.of("magic", values[0], f"{MAGIC!r}")
    for index, row in _CHECKED:
        value = values[index]
        if not (isinstance(value, int) and row.low <= value <= row.high):
            raise WireError.of(row.name, value, _range(row))
    found = dict(zip((row.name for row in FIELDS), values, strict=True))
    key, rate, samples = found["key"], found["rate"], found["samples"]
    if not (isinstance(key, bytes) and len(key) == KEY_BYTES):
        raise WireError.of("key", key, f"{KEY_BYTES} bytes")
    if isinstance(rate, int) and rate % RATE_STEP_HZ:
        raise WireError.of("rate", rate, f"a multiple of {RATE_STEP_HZ} Hz")
    if found["kind"] == Kind.CREDIT and samples != 0:
        raise WireError.of("samples", samples, "0 in a CREDIT message")


def _range(row: Field) -> str:
    return str(row.low) if row.low == row.high else f"{row.low:,} to {row.high:,}"
