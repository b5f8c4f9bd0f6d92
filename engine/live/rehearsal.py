"""A rehearsal: the null device in a set's place of a sound card, and what it heard.

In:  maybe an audio file that is played to the engine, from its start; silence follows. Out: the
number and the digest of the samples that sounded. The device's thread; the digest is read at the
end.
"""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine import audio_file
from engine.live.host import Host, SampleClock
from engine.null_device import BLOCK, NullDevice
from engine.spec import AudioFormat

Audio = NDArray[np.float32]


class Witness:
    """Counts what sounds, and digests it. With a limit, what comes later does not count.

    `samples` are little-endian float32, interleaved, as a WAV file of floats holds them.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit, self.samples = limit, 0
        self._digest = sha256()

    @property
    def is_full(self) -> bool:
        """Whether the limit has been reached."""
        return self.limit is not None and self.samples >= self.limit

    @property
    def sha256(self) -> str:
        """Of all that counts so far."""
        return self._digest.hexdigest()

    def hear(self, sample: int, block: Audio) -> None:
        """Take in a block [C, N]. [audio-thread]"""
        left = block.shape[1] if self.limit is None else self.limit - self.samples
        counted = block[:, : max(0, left)]
        self._digest.update(np.ascontiguousarray(counted.T, "<f4").tobytes())
        self.samples += counted.shape[1]


def rehearse(
    host: Host,
    now: Callable[[], float],
    *,
    rate: int,
    channels: int,
    block: int = 0,
    seconds: float | None = None,
    play: str | None = None,
) -> tuple[NullDevice, Witness]:
    """Make a null device and its witness.

    Args:
        host: says what time it is in the song.
        now: seconds; the clock of the host's pulses.
        rate: Hz.
        channels: of output and input.
        block: samples a call; 0: the device's own choice.
        seconds: that count; None: all.
        play: a file to play to the engine.

    Raises:
        AudioFileError: a file that cannot be used.
    """
    witness = Witness(None if seconds is None else round(seconds * rate))
    size = block or BLOCK
    clock = SampleClock(rate)
    device = NullDevice(
        rate=rate,
        channels=channels,
        block=size,
        source=None
        if play is None
        else _player(Path(play), AudioFormat(rate=rate, channels=channels)),
        sink=witness.hear,
        host=lambda sample: host.block(sample, rate, clock.at(now(), size)),
    )
    return device, witness


def _player(path: Path, audio: AudioFormat) -> Callable[[int, Audio], None]:
    """Plays a file from sample 0 on."""
    samples = audio_file.read(path, audio)

    def fill(sample: int, block: Audio) -> None:
        part = samples[:, sample : sample + block.shape[1]]
        block[:, : part.shape[1]] = part
        block[:, part.shape[1] :] = 0.0

    return fill
