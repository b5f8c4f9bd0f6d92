"""The file of what was heard: the input beside a control log, as a WAV file of 32-bit floats.

In:  [C, N] float32 blocks while it is written. Out: any stretch of it by its samples.
Samples are on the disk as soon as a block is written. The lengths in the header are those of an
endless stream until the file is closed, so that a performance which was cut off can be read, here
and by others: what counts is how long the file is.
"""

import struct
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import AudioFileError, OptionError

Audio = NDArray[np.float32]

_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHHH4sII4sI")  # RIFF, fmt with extension, fact, data
_ENDLESS: Final = 0xFFFFFFFF
_FLOAT: Final = 3  # WAVE_FORMAT_IEEE_FLOAT
_BYTES: Final = 4  # per sample


class HeardWriter:
    """Writes the file, from its first sample on. For one thread."""

    def __init__(self, path: Path, rate: int, channels: int) -> None:
        """Begin a file.

        Raises:
            OptionError: it is there already, or cannot be written.
        """
        self.path, self.rate, self.channels, self.samples = path, rate, channels, 0
        try:
            self._file = path.open("xb", buffering=0)
            self._file.write(_header(rate, channels, _ENDLESS))
        except OSError as exc:
            raise unwritable(path, exc) from exc

    def write(self, block: Audio) -> None:
        """Append [C, N].

        Raises:
            OptionError: the disk is full or the like.
        """
        assert block.shape[0] == self.channels, "the writer of the log fits what it hears"
        try:
            self._file.write(np.ascontiguousarray(block.T, "<f4").tobytes())
        except OSError as exc:
            raise unwritable(self.path, exc) from exc
        self.samples += block.shape[1]

    def close(self) -> None:
        """Write the lengths into the header, unless they are too large for it, and end."""
        count = self.samples * self.channels * _BYTES
        if not self._file.closed:
            self._file.seek(0)
            self._file.write(_header(self.rate, self.channels, min(count, _ENDLESS)))
            self._file.close()


class HeardReader:
    """Reads the file, whole or cut off."""

    def __init__(self, path: Path, rate: int, channels: int) -> None:
        """Open a file.

        Args:
            path: the file.
            rate: Hz, that it must have.
            channels: that it must have.

        Raises:
            AudioFileError: missing, or not what `HeardWriter` writes at that rate.
        """
        expected = _header(rate, channels, _ENDLESS)
        try:
            with path.open("rb") as file:
                found = file.read(_HEADER.size)
            size = path.stat().st_size
        except OSError as exc:
            raise AudioFileError(f"{path} cannot be read ({exc.strerror}).") from exc
        if _without_lengths(found) != _without_lengths(expected):
            what = f"{rate} Hz, {channels} channels, 32-bit float, as `antiphon live` writes it"
            raise AudioFileError(f"{path} is not a WAV file of {what}.")
        self.path = path
        self.samples = (size - _HEADER.size) // (_BYTES * channels)
        shape = (self.samples, channels)
        self._samples: NDArray[np.float32] = np.zeros(shape, np.float32)
        if self.samples:
            self._samples = np.memmap(path, "<f4", "r", offset=_HEADER.size, shape=shape)

    def read(self, sample: int, count: int) -> Audio:
        """[C, count], a copy.

        Raises:
            AudioFileError: the file ends before.
        """
        if sample + count > self.samples:
            raise AudioFileError(
                f"{self.path} has {self.samples:,} samples, expected {sample + count:,} or more: "
                "it was cut off before the log was."
            )
        return np.array(self._samples[sample : sample + count].T, np.float32, order="C")


def unwritable(path: Path, reason: OSError) -> OptionError:
    """What to say about a file that cannot be written."""
    why = "it is there already" if isinstance(reason, FileExistsError) else reason.strerror
    return OptionError(
        f"{path} cannot be written ({why}), expected a new file in a folder that you may write to. "
        "Choose another name."
    )


def _header(rate: int, channels: int, size: int) -> bytes:
    bytes_per_frame = channels * _BYTES
    riff = min(size + _HEADER.size - 8, _ENDLESS)
    fmt = (16 + 2, _FLOAT, channels, rate, rate * bytes_per_frame, bytes_per_frame, 8 * _BYTES, 0)
    fact = min(size // bytes_per_frame, _ENDLESS)
    return _HEADER.pack(b"RIFF", riff, b"WAVE", b"fmt ", *fmt, b"fact", 4, fact, b"data", size)


def _without_lengths(header: bytes) -> bytes:
    """The header but for the three fields that depend on how much was written."""
    return header[:4] + header[8:46] + header[50:54]
