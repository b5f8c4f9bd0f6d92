"""Read an audio file that a player points at, in the bundle's rate and channels.

In:  a path to anything libsndfile reads (WAV, FLAC, OGG, MP3, AIFF). Out: [C, N] float32.
Everything that can be wrong with it is an `AudioFileError`. Whole files only; streams are the
bridge's.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import AudioFileError
from engine.spec import AudioFormat

MIN_SECONDS, MAX_SECONDS = 1.0, 600.0
MAX_CHANNELS: Final = 16
MAX_LEVEL: Final = 1e4  # +80 dB; beyond, the file is damaged


def read(path: Path, audio: AudioFormat) -> NDArray[np.float32]:
    """Read a file.

    Args:
        path: the file.
        audio: what rate and how many channels to give; mono is copied to both sides, more are
            mixed down.

    Returns:
        [C, N] float32 at `audio.rate`.

    Raises:
        AudioFileError: missing, not audio, shorter than 1 s, longer than 10 min, not finite, or
            silent.
    """
    samples, rate = _decode(path)
    _require_usable(path, samples)
    if samples.shape[1] != audio.channels:
        samples = np.repeat(samples.mean(axis=1, keepdims=True), audio.channels, axis=1)
    if rate != audio.rate:
        import soxr

        samples = soxr.resample(samples, rate, audio.rate, quality="HQ")
    return np.ascontiguousarray(samples.T, dtype=np.float32)


def _decode(path: Path) -> tuple[NDArray[np.float32], int]:
    """[N, C] and its rate."""
    import soundfile

    try:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist"
            raise AudioFileError(f"{path} {what}, expected an audio file.")
        with soundfile.SoundFile(path) as file:
            seconds = file.frames / file.samplerate
            if not MIN_SECONDS <= seconds <= MAX_SECONDS or file.channels > MAX_CHANNELS:
                raise AudioFileError(
                    f"{path} has {seconds:.2f} s in {file.channels} channels, expected "
                    f"{MIN_SECONDS:g} to {MAX_SECONDS:g} s in at most {MAX_CHANNELS}. Cut it."
                )
            return file.read(dtype="float32", always_2d=True), file.samplerate
    except (soundfile.LibsndfileError, OSError) as exc:
        raise AudioFileError(
            f"{path} cannot be read as audio ({exc}), expected WAV, FLAC, OGG, MP3 or AIFF."
        ) from exc


def _require_usable(path: Path, samples: NDArray[np.float32]) -> None:
    bad = ~np.isfinite(samples)
    if bad.any():
        first = int(np.argwhere(bad)[0, 0])
        raise AudioFileError(
            f"{path} holds {int(bad.sum()):,} samples that are NaN or infinite (the first at "
            f"sample {first:,}), expected finite ones. Export it again."
        )
    loudest = float(np.abs(samples).max())
    if not 0.0 < loudest < MAX_LEVEL:
        raise AudioFileError(
            f"{path} peaks at {loudest:g}, expected sound between 0 and full scale 1."
        )
