"""Write a finished take: a WAV or FLAC file that is whole or not there.

In:  [C, N] float32 audio, +-1 full scale. Out: a file, and the SHA-256 of its samples as written.
`reserve` claims the place before any rendering: what cannot be written is known in the first
second. The data goes to a temporary file in the same folder, which takes the name only when it is
finished.
"""

import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import OptionError

Subtype = Literal["PCM_24", "FLOAT"]
Container = Literal["WAV", "FLAC"]
Tag = Literal["title", "software", "comment"]

PCM_24_FULL_SCALE: Final = 2**23 - 1
BLOCK: Final = 1 << 20  # samples laid out at once, to bound the memory


@contextmanager
def reserve(path: Path, suffix: str) -> Iterator[Path]:
    """Claim a place for a file; yields the temporary file to write to.

    It is renamed when the block ends well, and taken away when not.

    Args:
        path: where the file shall be; an existing file is replaced.
        suffix: the ending that its name must have, like ".wav".

    Raises:
        OptionError: a folder, another ending, a missing folder, or not writable.
    """
    target = Path(os.path.realpath(path))  # a link keeps pointing at the file
    part = target.with_name(f".{target.name[:50]}.{secrets.token_hex(4)}.part")
    try:
        _require_place(path, target, suffix)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as exc:
        raise _unwritable(path, exc.strerror) from exc
    try:
        yield part
        try:
            os.replace(part, target)
        except OSError as exc:
            raise _unwritable(path, exc.strerror) from exc
    finally:
        part.unlink(missing_ok=True)


def _require_place(path: Path, target: Path, suffix: str) -> None:
    if target.is_dir():
        raise _unwritable(path, "it is a folder")
    if path.suffix.lower() != suffix:
        raise OptionError(f"{path} has the wrong ending, expected a name that ends in {suffix}.")
    if not target.parent.is_dir():
        raise _unwritable(path, f"there is no folder {target.parent}")
    if target.exists():
        if not stat.S_ISREG(target.stat().st_mode):
            raise _unwritable(path, "it is not a regular file")
        if not os.access(target, os.W_OK):
            raise _unwritable(path, "it is write-protected")


def _unwritable(path: Path, reason: str | None) -> OptionError:
    return OptionError(
        f"{path} cannot be written ({reason or 'unknown reason'}), expected a file in a folder "
        "that you may write to. Choose another."
    )


def write_wav(path: Path, audio: NDArray[np.float32], rate: int, subtype: Subtype) -> str:
    """Write a WAV file without tags; see `write_audio`."""
    return write_audio(path, audio, rate, subtype)


def write_audio(
    path: Path,
    audio: NDArray[np.float32],
    rate: int,
    subtype: Subtype,
    *,
    container: Container = "WAV",
    tags: Mapping[Tag, str] | None = None,
) -> str:
    """Write a file; returns the SHA-256 of its samples, interleaved, as a WAV file holds them.

    Args:
        path: the file, usually from `reserve`.
        audio: [C, N] finite. PCM_24 holds -1..1, beyond is cut; FLOAT keeps everything.
        rate: Hz.
        subtype: the sample format; FLAC holds PCM_24.
        container: the file format.
        tags: what it says about itself, of up to 2,000 bytes each.

    Raises:
        OptionError: the disk is full or the like.
    """
    import soundfile

    digest = sha256()
    try:
        with soundfile.SoundFile(path, "w", rate, len(audio), subtype, format=container) as file:
            for name, text in (tags or {}).items():
                setattr(file, name, text)
            for first in range(0, audio.shape[1], BLOCK):
                as_stored, samples = _lay_out(audio[:, first : first + BLOCK], subtype)
                digest.update(as_stored)
                file.write(samples)
    except (soundfile.LibsndfileError, OSError) as exc:
        raise _unwritable(path, str(exc)) from exc
    return digest.hexdigest()


def _lay_out(audio: NDArray[np.float32], subtype: Subtype) -> tuple[bytes, NDArray[np.generic]]:
    """The bytes that the file will hold, and the [N, C] array that libsndfile stores as them."""
    if subtype == "FLOAT":
        samples = np.ascontiguousarray(audio.T, dtype="<f4")
        return samples.tobytes(), samples
    scaled = np.rint(audio.T.astype(np.float64) * PCM_24_FULL_SCALE)
    whole = np.clip(scaled, -PCM_24_FULL_SCALE, PCM_24_FULL_SCALE).astype("<i4")
    left_aligned = np.ascontiguousarray(whole << 8)  # libsndfile keeps the upper 24 bits
    three_bytes = left_aligned.view(np.uint8).reshape(-1, 4)[:, 1:]
    return three_bytes.tobytes(), left_aligned
