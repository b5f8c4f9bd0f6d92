"""Spectra: the harmonics of the classic waveforms, and what a resonant filter makes of them.

Filtering is done on harmonic amplitudes, before the waveform exists: no aliasing above
`TOP_HZ`, no recursive filter per note. Pure functions; complex amplitudes [H], h = 1..H,
of cos(h x), so a sine is -1j.
"""

import numpy as np
from numpy.typing import NDArray

Amplitudes = NDArray[np.complex64]  # [H]
TOP_HZ = 18_000.0  # no oscillator has a partial above this
TAPER_HZ = 3_000.0  # the last partials are faded out, or a glide would switch them on and off


def harmonic_count(frequency: float) -> int:
    """How many harmonics of a note in Hz fit below TOP_HZ, at least one."""
    return max(1, int(TOP_HZ / frequency))


def waveform(name: str, count: int) -> Amplitudes:
    """Harmonics of "sine", "saw", "square", "triangle", "pulse25", "steps": [count].

    "steps" is the 32-step triangle of old game consoles.
    """
    h = np.arange(1, count + 1)
    odd = h % 2 == 1
    if name == "sine":
        amplitudes = np.where(h == 1, -1j, 0)
    elif name == "saw":
        amplitudes = 1j / h * (2 / np.pi)
    elif name == "square":
        amplitudes = np.where(odd, -1j / h * (4 / np.pi), 0)
    elif name == "triangle":
        amplitudes = np.where(odd, 1.0 / h**2 * (8 / np.pi**2), 0)
    elif name == "pulse25":
        amplitudes = 4 / (np.pi * h) * np.sin(np.pi * h * 0.25)
    elif name == "steps":
        amplitudes = _stepped_triangle(count)
    else:
        raise ValueError(
            f"waveform is {name!r}, expected sine, saw, square, triangle, pulse25, steps"
        )
    return amplitudes.astype(np.complex64)


def _stepped_triangle(count: int) -> NDArray[np.complex128]:
    levels = np.concatenate([np.arange(16), np.arange(15, -1, -1)]) / 7.5 - 1.0
    fine = np.repeat(levels, 2 ** int(np.ceil(np.log2(max(2 * (count + 1) / 32, 8)))))
    return 2.0 * np.fft.rfft(fine)[1 : count + 1] / len(fine)


def lowpass(
    frequencies: NDArray[np.floating], cutoff: float, resonance: float, poles: int
) -> NDArray[np.float32]:
    """Magnitude of a resonant low-pass: shape of `frequencies`, in Hz.

    Args:
        frequencies: where to evaluate.
        cutoff: Hz.
        resonance: Q of the resonant pair, 0.5 .. 12.
        poles: 2 or 4 (12 or 24 dB per octave).
    """
    x = np.asarray(frequencies, np.float64) / cutoff
    gain = 1.0 / np.sqrt((1.0 - x**2) ** 2 + (x / resonance) ** 2)
    if poles == 4:
        gain = gain / (1.0 + x**2)
    return gain.astype(np.float32)


def taper(frequencies: NDArray[np.floating]) -> NDArray[np.float32]:
    """Fade partials out towards TOP_HZ: shape of `frequencies`, 1 to 0."""
    fraction = (TOP_HZ - np.asarray(frequencies)) / TAPER_HZ
    return np.clip(fraction, 0.0, 1.0).astype(np.float32)
