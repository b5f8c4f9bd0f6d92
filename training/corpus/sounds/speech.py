"""Speech-like sounds: a buzzing or breathing source through moving formants, in syllables.

In:  a stream of chance and a length. Out: [n] float32 at 48 kHz, peak about 1.

Source and filter as in Klatt (1980), with random vowels of no language, fricative noise between
them and a wandering pitch. Nobody's voice is in it.
"""

from math import tau

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from training.corpus.timing import RATE

Mono = NDArray[np.float32]
BLOCK = 240  # samples, 5 ms: how often the formants move
# First three formants of vowels in Hz, a grown man's; others are scaled (Peterson and Barney 1952).
VOWELS = np.array(
    [
        (270, 2290, 3010), (390, 1990, 2550), (530, 1840, 2480), (660, 1720, 2410),
        (730, 1090, 2440), (570, 840, 2410), (440, 1020, 2240), (300, 870, 2240), (490, 1350, 1690),
    ]
)  # fmt: skip
BANDWIDTHS_HZ = (70.0, 100.0, 150.0, 250.0)
FOURTH_HZ = 3_500.0


def speech(rng: np.random.Generator, samples: int) -> Mono:
    """Babble: a syllable after another, with pauses."""
    blocks = -(-samples // BLOCK)
    size = rng.uniform(0.85, 1.3)  # of the mouth: formants scale with it
    pitch = _pitch(rng, blocks, rng.uniform(85, 260))
    formants, voiced, level = _syllables(rng, blocks)
    is_whisper = rng.random() < 0.12
    phase = np.cumsum(np.repeat(pitch, BLOCK) / RATE)
    pulses = _glottis(phase % 1.0, rng.uniform(0.5, 0.75))
    breath = rng.standard_normal(len(phase))
    mix = np.repeat(voiced * (not is_whisper), BLOCK)
    source = mix * pulses + (0.03 * mix + 0.25 * (1 - mix)) * breath
    sound = _vocal_tract(source * np.repeat(_smooth(level, 5), BLOCK), formants * size)
    sound = sound[:samples]
    return (sound / max(float(np.abs(sound).max()), 1e-9)).astype(np.float32)


def _pitch(rng: np.random.Generator, blocks: int, middle_hz: float) -> NDArray[np.float64]:
    """A melody of speech: falling phrases with small wavering, in Hz per block."""
    wander = np.interp(np.arange(blocks), np.linspace(0, blocks, 12), rng.uniform(-0.3, 0.35, 12))
    return middle_hz * 2 ** (wander + 0.01 * rng.standard_normal(blocks))


def _syllables(
    rng: np.random.Generator, blocks: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Formants [blocks, 3], share of voice [blocks] and level [blocks] of random syllables."""
    formants = np.zeros((blocks, 3))
    voiced, level = np.ones(blocks), np.zeros(blocks)
    at, vowel = 0, VOWELS[rng.integers(len(VOWELS))]
    while at < blocks:
        consonant, nucleus = int(rng.integers(6, 24)), int(rng.integers(14, 60))
        following = VOWELS[rng.integers(len(VOWELS))]
        end = min(blocks, at + consonant + nucleus)
        formants[at:end] = vowel + np.linspace(0, 1, end - at)[:, None] * (following - vowel)
        voiced[at : at + consonant] = rng.choice([0.0, 0.3, 1.0])
        level[at : at + consonant] = rng.uniform(0.0, 0.5)
        level[at + consonant : end] = rng.uniform(0.6, 1.0)
        vowel, at = following, end
        if rng.random() < 0.15:
            at += int(rng.integers(20, 100))
    unset = formants[:, 0] == 0
    formants[unset] = VOWELS[0]
    return _smooth(formants, 7), _smooth(voiced, 3), level


def _glottis(phase: NDArray[np.float64], open_share: float) -> NDArray[np.float64]:
    """The derivative of a glottal pulse (Rosenberg 1971, simplified)."""
    inside = phase < open_share
    return np.where(inside, np.sin(tau * phase / open_share) * (phase / open_share) ** 2, 0.0)


def _vocal_tract(source: NDArray[np.float64], formants: NDArray[np.float64]) -> NDArray[np.float64]:
    """Four resonators in a row, their poles moved every 5 ms."""
    blocks = len(formants)
    fourth = np.full((blocks, 1), FOURTH_HZ * formants[:, 1].mean() / VOWELS[:, 1].mean())
    sound = source[: blocks * BLOCK]
    for place, hertz in enumerate(np.concatenate([formants, fourth], 1).T):
        sound = _resonate(sound, np.clip(hertz, 150, 6_000), BANDWIDTHS_HZ[place])
    return np.diff(sound, prepend=0.0)  # the lips


def _resonate(
    sound: NDArray[np.float64], hertz: NDArray[np.float64], bandwidth: float
) -> NDArray[np.float64]:
    radius = np.exp(-np.pi * bandwidth / RATE)
    out, memory = np.empty_like(sound), np.zeros(2)
    for block, frequency in enumerate(hertz):
        poles = (1.0, -2 * radius * np.cos(tau * frequency / RATE), radius**2)
        span = slice(block * BLOCK, (block + 1) * BLOCK)
        out[span], memory = lfilter((sum(poles),), poles, sound[span], zi=memory)
    return out


def _smooth(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """A moving mean over blocks, along the first axis."""
    kernel = np.ones(width) / width
    padded = np.pad(values, [(width // 2, width // 2), *[(0, 0)] * (values.ndim - 1)], "edge")
    return np.apply_along_axis(np.convolve, 0, padded, kernel, "valid")
