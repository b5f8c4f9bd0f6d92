"""Level: how loud the last seconds are, whether they are silence, and the gain of a take-over.

In:  [C, F] samples of one frame. Out: K-weighted levels in dB of full scale, silence, a gain.
The weighting is BS.1770's, taken on the power spectrum of two frames under a Hann window; a
direct current counts for nothing. Channels are averaged, not summed: mono is as loud as the same
in stereo, and a full-scale sine of 1 kHz is at -3 dB in both. Pure.
"""

from functools import cache
from math import log10
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import ShapeError
from engine.spec import FRAME_RATE, AudioFormat

WINDOW_FRAMES: Final = 3 * FRAME_RATE  # that loudness is taken over
SILENCE_DB: Final = -60.0  # a frame under it is quiet
SILENCE_FRAMES: Final = 13  # quiet frames in a row, half a second, that make silence
GAIN_LIMIT_DB: Final = 9.0  # of a take-over, both ways
FLOOR_DB: Final = -120.0
AT_1_KHZ_DB: Final = 0.691  # that the standard's filters add there

Audio = NDArray[np.float32]


class Level(NamedTuple):
    """What has been heard of a stream's loudness."""

    tail: Audio  # [C, F] the last frame
    powers: NDArray[np.float64]  # [WINDOW_FRAMES] mean square of each frame, the newest last
    quiet: NDArray[np.int64]  # [] quiet frames in a row


def init_state(audio: AudioFormat) -> Level:
    """Nothing heard yet, which counts as silence."""
    tail = np.zeros((audio.channels, audio.frame_samples), np.float32)
    return Level(tail, np.zeros(WINDOW_FRAMES), np.array(SILENCE_FRAMES, np.int64))


def step(audio: Audio, level: Level, rate: int) -> Level:
    """Take in one frame.

    Args:
        audio: [C, F], as `ear.fit` gives it; what is not finite counts as silence.
        level: of the frames before. Not written to.
        rate: Hz.

    Raises:
        ShapeError: another shape than the stream's frames.
    """
    if audio.shape != level.tail.shape:
        raise ShapeError.of("audio", audio.shape, str(level.tail.shape))
    frame = np.where(np.isfinite(audio), audio, 0.0).astype(np.float32)
    power = _power(np.concatenate([level.tail, frame], axis=1), rate)
    is_quiet = _db(power) < SILENCE_DB
    quiet = min(int(level.quiet) + 1, SILENCE_FRAMES) if is_quiet else 0
    return Level(frame, np.append(level.powers[1:], power), np.array(quiet, np.int64))


def frame_db(level: Level) -> float:
    """Level of the last frame."""
    return _db(float(level.powers[-1]))


def loudness_db(level: Level) -> float:
    """Level of the last 3 s, quiet frames left out; FLOOR_DB if all are quiet."""
    return _db(_gated(level))


def is_silent(level: Level) -> bool:
    """Tell whether the last half second, or more, was quiet."""
    return bool(level.quiet >= SILENCE_FRAMES)


def gain_to(wanted_db: float, made: Level) -> float:
    """Factor that gives the last 3 s of what was made a level in dB, the gain of a take-over.

    Returns:
        Within +-GAIN_LIMIT_DB; 1 where one of them is silence.
    """
    given = _gated(made)
    if wanted_db <= FLOOR_DB or given == 0.0:
        return 1.0
    limit = float(10.0 ** (GAIN_LIMIT_DB / 20.0))
    return float(min(max((10.0 ** (wanted_db / 10.0) / given) ** 0.5, 1.0 / limit), limit))


def _gated(level: Level) -> float:
    """Mean square of the frames that are not quiet; 0 if there is none."""
    loud = level.powers[level.powers >= 10.0 ** (SILENCE_DB / 10.0)]
    return float(loud.mean()) if len(loud) else 0.0


def _power(audio: Audio, rate: int) -> float:
    """K-weighted mean square of [C, 2 F], channels averaged."""
    size = audio.shape[1]
    spectra = np.fft.rfft((audio - audio.mean(1, keepdims=True)) * _hann(size))
    power = (spectra.real**2 + spectra.imag**2) @ _weighting(size, rate)
    return float(power.mean())


@cache
def _hann(size: int) -> Audio:
    """[size] periodic."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)


@cache
def _weighting(size: int, rate: int) -> NDArray[np.float32]:
    """[size // 2 + 1] what a bin's power adds to the mean square: BS.1770's shelf and high-pass.

    The filters are the standard's for 48 kHz, read at each bin's frequency in Hz.
    """
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(size, 1 / rate) / 48_000)
    shelf = (1.53512485958697 - 2.69169618940638 * z + 1.19839281085285 * z**2) / (
        1 - 1.69065929318241 * z + 0.73248077421585 * z**2
    )
    high_pass = (1 - 2 * z + z**2) / (1 - 1.99004745483398 * z + 0.99007225036621 * z**2)
    both_halves = np.full(len(z), 2.0)
    both_halves[0] = 1.0
    if size % 2 == 0:
        both_halves[-1] = 1.0
    scale = size * float((_hann(size) ** 2).sum()) * 10 ** (AT_1_KHZ_DB / 10)  # Parseval
    weighting = np.abs(shelf * high_pass) ** 2 * both_halves / scale
    return np.asarray(weighting, np.float32)


def _db(power: float) -> float:
    return max(FLOOR_DB, 10.0 * log10(power)) if power > 0.0 else FLOOR_DB
