"""Noises: coloured hiss, wind, sweeps, hum, crackle; what microphones and machines add.

In:  a stream of chance and a length. Out: [n] float32 at 48 kHz, peak about 1.
"""

from collections.abc import Callable
from math import tau

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from training.corpus.chance import pick
from training.corpus.timing import RATE

Mono = NDArray[np.float32]
LOWEST_HZ, HIGHEST_HZ = 25.0, 20_000.0


def noise(rng: np.random.Generator, samples: int) -> Mono:
    """One kind of noise, drawn."""
    sound = pick(rng, KINDS)(rng, samples)
    return (sound / max(float(np.abs(sound).max()), 1e-9)).astype(np.float32)


def coloured(rng: np.random.Generator, samples: int) -> NDArray[np.float64]:
    """Noise whose spectrum falls or rises by up to 9 dB per octave, swelling a little."""
    slope = rng.uniform(-1.5, 0.5)  # of the amplitude: -0.5 is pink, -1 red
    bins = fft.rfftfreq(samples, 1 / RATE)
    shape = np.maximum(bins, LOWEST_HZ) ** slope
    spectrum = shape * (rng.standard_normal(len(bins)) + 1j * rng.standard_normal(len(bins)))
    return np.asarray(fft.irfft(spectrum, samples)) * _swell(rng, samples)


def banded(rng: np.random.Generator, samples: int) -> NDArray[np.float64]:
    """A band of noise as wide as a third or as four octaves: wind, surf, ventilation."""
    middle = np.exp(rng.uniform(np.log(80), np.log(9_000)))
    octaves = np.log2(np.maximum(fft.rfftfreq(samples, 1 / RATE), 1.0) / middle)
    shape = np.exp(-0.5 * (octaves / rng.uniform(0.15, 2.0)) ** 2)
    spectrum = shape * np.exp(1j * rng.uniform(0, tau, len(shape)))
    return np.asarray(fft.irfft(spectrum, samples)) * _swell(rng, samples)


def sweep(rng: np.random.Generator, samples: int) -> NDArray[np.float64]:
    """A sine, or a sum of a few, gliding over the whole range."""
    seconds = np.linspace(0, 1, samples)
    out = np.zeros(samples)
    for _ in range(int(rng.integers(1, 4))):
        knots = np.exp(rng.uniform(np.log(LOWEST_HZ), np.log(HIGHEST_HZ / 2), 4))
        hertz = np.exp(np.interp(seconds, np.linspace(0, 1, 4), np.log(knots)))
        out += rng.uniform(0.3, 1.0) * np.sin(tau * np.cumsum(hertz) / RATE)
    return out * _swell(rng, samples)


def hum(rng: np.random.Generator, samples: int) -> NDArray[np.float64]:
    """Mains hum with its harmonics, and hiss."""
    mains = pick(rng, (50.0, 60.0))
    seconds = np.arange(samples) / RATE
    out = 0.02 * rng.standard_normal(samples)
    for harmonic in range(1, 20):
        level = rng.uniform(0, 1) / harmonic
        out += level * np.sin(tau * (mains * harmonic * seconds + rng.random()))
    return out


def crackle(rng: np.random.Generator, samples: int) -> NDArray[np.float64]:
    """Clicks and crackles of all sizes over faint hiss."""
    out = 0.004 * rng.standard_normal(samples)
    clicks = rng.integers(0, samples, int(samples / RATE * rng.uniform(3, 80)))
    out[clicks] += rng.standard_normal(len(clicks)) * rng.pareto(2.0, len(clicks))
    width = int(rng.integers(2, 40))
    return np.convolve(out, np.hanning(width + 2), "same")


KINDS: tuple[Callable[[np.random.Generator, int], NDArray[np.float64]], ...] = (
    coloured,
    banded,
    sweep,
    hum,
    crackle,
)


def _swell(rng: np.random.Generator, samples: int) -> NDArray[np.float64]:
    knots = rng.uniform(0.05, 1.0, int(rng.integers(2, 12)))
    return np.interp(np.linspace(0, 1, samples), np.linspace(0, 1, len(knots)), knots)
