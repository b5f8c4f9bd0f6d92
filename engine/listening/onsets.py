"""Onsets: how suddenly new sound enters, a hundred times a second, in four bands.

In:  [C, F] samples of one frame. Out: [4, BANDS] rises of a log-mel spectrum, not negative.
Value i of frame h belongs to the instant h + (i + 1) / 4 frames less `DELAY_SECONDS`: half the
window, less the lead with which a rise shows before the window's middle reaches the attack.
Soft input counts like loud input: levels are taken against those of the last seconds.
Pure; once per frame, about 0.2 ms.

Dimensions: C channels, F samples of a frame, W samples of a window, M mel bands.
"""

from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.listening.mono import mono_frame
from engine.spec import FRAME_RATE, AudioFormat

ONSETS_PER_FRAME: Final = 4
ONSET_RATE: Final = ONSETS_PER_FRAME * FRAME_RATE  # values per second
BANDS: Final = ("low", "mid", "upper", "high")
EDGES_HZ: Final = (200.0, 2000.0, 4000.0)  # between the bands
MELS: Final = 40
MEL_RANGE_HZ: Final = (30.0, 11_000.0)
COMPRESSION: Final = 140.0  # log(1 + c * magnitude / level): what counts begins at -43 dB
LEVEL: Final = 0.14  # RMS that is expected before anything is heard
LEAST_LEVEL: Final = 0.001  # -60 dBFS; softer input is not brought up any further
LEVEL_FRAMES: Final = 75  # over which the level follows
WINDOW_SECONDS: Final = 1024 / 24_000
LEAD_SECONDS: Final = 0.0035  # measured on clicks, kicks and plucked tones
DELAY_SECONDS: Final = WINDOW_SECONDS / 2 - LEAD_SECONDS

Audio = NDArray[np.float32]


class Onsets(NamedTuple):
    """What the next frame's rises depend on."""

    tail: Audio  # [W] the last samples, channels averaged
    mel: NDArray[np.float32]  # [2, M] mel magnitudes of the last two windows
    power: NDArray[np.float64]  # [] mean square of the last seconds with sound in them
    sounding: NDArray[np.int64]  # [] frames that it was taken from, up to LEVEL_FRAMES


def init_state(audio: AudioFormat) -> Onsets:
    """Silence before the first frame."""
    tail = np.zeros(_window(audio.rate), np.float32)
    mel = np.zeros((2, MELS), np.float32)
    return Onsets(tail, mel, np.array(LEVEL**2), np.array(0, np.int64))


def step(audio: Audio, onsets: Onsets, rate: int) -> tuple[NDArray[np.float32], Onsets]:
    """Take in one frame.

    Args:
        audio: [C, F]; what is not finite counts as silence.
        onsets: what the previous call returned. Not written to.
        rate: Hz.

    Returns:
        rises: [4, BANDS], and the state for the next frame.

    Raises:
        ShapeError: not one frame.
    """
    mono = mono_frame(audio, rate)
    heard = np.concatenate([onsets.tail, mono])
    mel = np.concatenate([onsets.mel, _mel(heard, len(mono), rate)])
    power, sounding = _level(mono, onsets)
    log = np.log1p(mel * np.float32(COMPRESSION / max(power**0.5, LEAST_LEVEL)))
    # Against the lower of the two windows before: 20 ms of attack count as one rise.
    rise = np.maximum(log[2:] - np.minimum(log[1:-1], log[:-2]), 0.0)
    rises: NDArray[np.float32] = rise @ _bands(rate)
    counted = np.array(sounding, np.int64)
    return rises, Onsets(heard[len(mono) :], mel[ONSETS_PER_FRAME:], np.array(power), counted)


def _level(mono: Audio, onsets: Onsets) -> tuple[float, int]:
    """Mean square of the last frames with sound in them, and how many there are; pauses keep it."""
    power, sounding = float(onsets.power), int(onsets.sounding)
    now = float(np.mean(mono.astype(np.float64) ** 2))
    if now < LEAST_LEVEL**2 / 10:
        return power, sounding
    sounding = min(sounding + 1, LEVEL_FRAMES)
    return power + (now - power) / sounding, sounding


def _window(rate: int) -> int:
    return round(WINDOW_SECONDS * rate)


def _mel(heard: Audio, samples: int, rate: int) -> NDArray[np.float32]:
    """[4, M] magnitudes of the windows that end at each quarter of the last frame."""
    window = _window(rate)
    ends = window + np.arange(1, ONSETS_PER_FRAME + 1) * samples // ONSETS_PER_FRAME
    frames = np.stack([heard[end - window : end] for end in ends])
    size = np.abs(np.fft.rfft(frames * _hann(window)))
    mel: NDArray[np.float32] = size @ _mel_bank(rate)
    return mel


@cache
def _hann(window: int) -> Audio:
    """[W], scaled so that a sine's magnitude is its amplitude."""
    shape = np.hanning(window)
    scaled: Audio = (shape / shape.sum() * 2).astype(np.float32)
    return scaled


@cache
def _mel_bank(rate: int) -> NDArray[np.float32]:
    """[W // 2 + 1, M] triangles, each summing to one so that a band is a mean magnitude."""
    window = _window(rate)
    low, high = MEL_RANGE_HZ[0], min(MEL_RANGE_HZ[1], 0.46 * rate)
    mel = 2595.0 * np.log10(1.0 + np.array([low, high]) / 700.0)
    edges = 700.0 * (10 ** (np.linspace(mel[0], mel[1], MELS + 2) / 2595.0) - 1.0)
    hz = np.fft.rfftfreq(window, 1 / rate)[:, None]
    rise = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    bank = np.maximum(0.0, np.minimum(rise, fall))
    nearest = np.abs(hz - edges[1:-1]).argmin(0)  # narrow bass bands keep at least one bin
    bank[nearest, np.arange(MELS)] = np.maximum(bank[nearest, np.arange(MELS)], 0.5)
    filters: NDArray[np.float32] = (bank / bank.sum(0)).astype(np.float32)
    return filters


@cache
def _bands(rate: int) -> NDArray[np.float32]:
    """[M, BANDS] means over the mel bands of each."""
    centre = np.fft.rfftfreq(_window(rate), 1 / rate) @ _mel_bank(rate)
    member = np.eye(len(BANDS))[np.searchsorted(EDGES_HZ, centre)]
    means: NDArray[np.float32] = (member / np.maximum(member.sum(0), 1.0)).astype(np.float32)
    return means
