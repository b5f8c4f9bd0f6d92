"""Ogg Vorbis files that are the same bytes for the same sound.

In:  [C, N] float audio in -1..1 (beyond it is cut). Out: a file.
libsndfile numbers its streams at random; here every stream is number 0 and its pages' checksums are
made again (RFC 3533, section 6), so that a page that is made again shows no difference in git.
"""

import io
import struct
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

QUALITY = 0.6  # libsndfile's compression level: 1 is smallest
HEADER = 27  # bytes of a page before its segment table
SERIAL, CHECKSUM, SEGMENTS = slice(14, 18), slice(22, 26), 26  # inside a page


def write(path: Path, audio: NDArray[np.float32], rate: int) -> None:
    """Write a file."""
    buffer = io.BytesIO()
    soundfile.write(
        buffer,
        np.clip(audio.T, -1.0, 1.0),
        rate,
        format="OGG",
        subtype="VORBIS",
        compression_level=QUALITY,
    )
    path.write_bytes(b"".join(renumbered(page) for page in pages(buffer.getvalue())))


def pages(data: bytes) -> list[bytes]:
    """Take a stream apart."""
    found, at = [], 0
    while at < len(data):
        count = data[at + SEGMENTS]
        length = HEADER + count + sum(data[at + HEADER : at + HEADER + count])
        found.append(data[at : at + length])
        at += length
    return found


def renumbered(page: bytes) -> bytes:
    """The page as one of stream 0."""
    changed = bytearray(page)
    changed[SERIAL] = changed[CHECKSUM] = bytes(4)
    changed[CHECKSUM] = struct.pack("<I", checksum(changed))
    return bytes(changed)


def checksum(data: bytes | bytearray) -> int:
    """Ogg's CRC-32: polynomial 04c11db7, not reflected, from 0."""
    value = 0
    for byte in data:
        value = (value << 8 & 0xFFFFFFFF) ^ _TABLE[value >> 24 ^ byte]
    return value


def _entry(index: int) -> int:
    value = index << 24
    for _ in range(8):
        value = (value << 1 ^ (0x04C11DB7 if value >> 31 else 0)) & 0xFFFFFFFF
    return value


_TABLE = tuple(_entry(index) for index in range(256))
