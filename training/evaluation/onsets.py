"""Onset strength: how suddenly new sound enters, a hundred times a second.

In:  [N] mono audio at ANALYSIS_RATE (`to_mono` brings any audio there).
Out: `Onsets`, non-negative strengths at ONSET_RATE; value t belongs to the instant t / 100 s.
The common front end of the tempo and beat estimators. Knows nothing about tempo.

Dimensions: C channels, N samples, T onset values.
"""

from typing import NamedTuple

import numpy as np
import soxr
from numpy.typing import NDArray

from engine.errors import ShapeError

ANALYSIS_RATE = 24_000  # Hz; every estimator listens at this rate
ONSET_RATE = 100  # values per second
HOP = ANALYSIS_RATE // ONSET_RATE
WINDOW = 1024  # samples, 43 ms
MELS = 40  # mel bands, 30 Hz .. 11 kHz
COARSE = 10  # bands of loudness
COMPRESSION = 1000.0  # log(1 + c * magnitude): a sound starts to count at -60 dB of full scale
LOW_HZ, MID_HZ, HIGH_HZ = 200.0, 2000.0, 4000.0  # low under, mid between the first two, high over
# The flux of a log spectrum rises as soon as the window's edge meets an attack, so strengths come
# early by this much. Measured on clicks, kicks and plucked tones, which then agree within 3 ms.
LEAD_SECONDS = 0.0035

Vector = NDArray[np.float32]


class Onsets(NamedTuple):
    """Onset strength of a stretch of audio, each half second's mean taken off; and loudness."""

    strength: Vector  # [T] >= 0, over all bands
    low: Vector  # [T] >= 0, kick and bass
    mid: Vector  # [T] >= 0, harmony, snare, voices
    high: Vector  # [T] >= 0, cymbals and plectrums
    loudness: Vector  # [T, COARSE] >= 0, on a log scale, from the lowest bands to the highest

    @property
    def seconds(self) -> NDArray[np.float64]:
        """[T] the instant each value belongs to."""
        return np.arange(len(self.strength)) / ONSET_RATE


def to_mono(audio: NDArray[np.floating], rate: int) -> Vector:
    """Mix [C, N] or [N] down to [N] mono at ANALYSIS_RATE.

    Raises:
        ShapeError: more than two dimensions, or under half a second of sound.
    """
    audio = np.asarray(audio, np.float32)
    mono = audio.mean(0) if audio.ndim == 2 else audio
    if mono.ndim != 1 or len(mono) < rate // 2:
        raise ShapeError.of("audio", audio.shape, "[C, N] or [N] of at least half a second")
    return mono if rate == ANALYSIS_RATE else soxr.resample(mono, rate, ANALYSIS_RATE)


def onset_strength(mono: Vector) -> Onsets:
    """Measure onset strength of [N] mono audio at ANALYSIS_RATE."""
    mel = log_mel(mono)
    # Against the lower of the two frames before: 20 ms of attack count as one rise.
    before = np.minimum(np.roll(mel, 1, 0), np.roll(mel, 2, 0))
    flux = np.maximum(mel - before, 0.0)
    flux[:2] = 0.0
    rising = (_above_local_mean(flux[:, band].mean(1)) for band in _BANDS)
    return Onsets(*rising, loudness=mel.reshape(len(mel), COARSE, -1).mean(2))


def log_mel(mono: Vector) -> NDArray[np.float32]:
    """How loud each mel band of [N] mono audio is, on a log scale: [T, MELS] >= 0."""
    return np.log1p(COMPRESSION * (_magnitudes(mono) @ _MEL))


def _magnitudes(mono: Vector) -> NDArray[np.float32]:
    """[T, WINDOW // 2 + 1] magnitudes; frame t is centred LEAD_SECONDS before t / ONSET_RATE."""
    lead = round(LEAD_SECONDS * ANALYSIS_RATE)
    padded = np.pad(mono, (WINDOW // 2 + lead, WINDOW // 2))[: len(mono) + WINDOW]
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    return np.abs(np.fft.rfft(frames * _HANN, axis=1)).astype(np.float32) / _HANN.sum() * 2


def _above_local_mean(flux: NDArray[np.floating], seconds: float = 0.5) -> Vector:
    """Take off the mean of the half second around and drop what is left below zero."""
    width = int(seconds * ONSET_RATE) | 1
    local = np.convolve(np.pad(flux, width // 2, mode="edge"), np.ones(width) / width, "valid")
    return np.maximum(flux - local, 0.0).astype(np.float32)


def _mel_bank(low_hz: float = 30.0, high_hz: float = 11_000.0) -> NDArray[np.float32]:
    """[WINDOW // 2 + 1, MELS] triangles, each summing to one so that a band is a mean magnitude."""

    def mel(hz: NDArray[np.floating] | float) -> NDArray[np.floating]:
        return 2595.0 * np.log10(1.0 + np.asarray(hz) / 700.0)

    edges = 700.0 * (10 ** (np.linspace(mel(low_hz), mel(high_hz), MELS + 2) / 2595.0) - 1.0)
    hz = np.fft.rfftfreq(WINDOW, 1 / ANALYSIS_RATE)[:, None]
    rise = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    bank = np.maximum(0.0, np.minimum(rise, fall))
    nearest = np.abs(hz - edges[1:-1]).argmin(0)  # narrow bass bands keep at least one bin
    bank[nearest, np.arange(MELS)] = np.maximum(bank[nearest, np.arange(MELS)], 0.5)
    return (bank / bank.sum(0)).astype(np.float32)


def _bands() -> tuple[NDArray[np.bool_], ...]:
    """Which mel bands each field of `Onsets` sums, [MELS] each."""
    is_mid = (BAND_HZ >= LOW_HZ) & (BAND_HZ < MID_HZ)
    return BAND_HZ > 0, BAND_HZ < LOW_HZ, is_mid, BAND_HZ >= HIGH_HZ


_HANN = np.hanning(WINDOW).astype(np.float32)
_MEL = _mel_bank()
BAND_HZ = np.fft.rfftfreq(WINDOW, 1 / ANALYSIS_RATE) @ _MEL  # [MELS] the middle of each mel band
_BANDS = _bands()
