"""Brightness: the label that says how much treble a moment has.

In:  a mix [C, N] at 48 kHz. Out: [T] float32 in 0..1, one value per frame of 40 ms: the spectral
centroid on a logarithmic scale, smoothed over half a second.
"""

import numpy as np
from numpy.typing import NDArray

from training.corpus.loudness import frequencies, power_frames
from training.corpus.timing import FRAME_SAMPLES, RATE

CENTROID_TOP_HZ = 11_000.0  # so that copies at 24 kHz and 48 kHz agree
DARK_HZ, BRIGHT_HZ = 250.0, 5_000.0  # centroids that map to 0 and 1
SMOOTHING_S = 0.5


def centroid_hz(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Spectral centroid in Hz, smoothed over 0.5 s weighted by level: [C, N] -> [T].

    A silent stretch keeps the value before it; a silent piece has DARK_HZ everywhere.
    """
    useful = frequencies() <= CENTROID_TOP_HZ
    magnitude = np.sqrt(power_frames(audio)[:, useful])
    kernel = np.ones(2 * round(SMOOTHING_S * RATE / FRAME_SAMPLES / 2) + 1)
    weight = np.convolve(magnitude.sum(1, dtype=np.float64), kernel, "same")
    moment = np.convolve(magnitude @ frequencies()[useful], kernel, "same")
    sounding = weight > 1e-3
    latest = np.maximum.accumulate(np.where(sounding, np.arange(len(weight)), -1))
    centroid = np.where(sounding, moment / np.maximum(weight, 1e-9), DARK_HZ)
    return np.where(latest >= 0, centroid[latest], DARK_HZ).astype(np.float32)


def brightness(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Brightness per frame, octaves evenly from DARK_HZ (0) to BRIGHT_HZ (1): [C, N] -> [T]."""
    octaves = np.log2(centroid_hz(audio) / DARK_HZ) / np.log2(BRIGHT_HZ / DARK_HZ)
    return np.clip(octaves, 0.0, 1.0).astype(np.float32)
