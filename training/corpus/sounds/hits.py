"""Hits: struck things of all sizes, from a click to a gong, one by one or in a rattle.

In:  a stream of chance and a length. Out: [n] float32 at 48 kHz, peak about 1.

A hit is a burst of noise and a handful of decaying partials, in tune with each other or not.
"""

from math import tau

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from training.corpus.timing import RATE

Mono = NDArray[np.float32]


def hits(rng: np.random.Generator, samples: int) -> Mono:
    """A few different hits, evenly or at any time, each struck again and again."""
    out = np.zeros(samples)
    bodies = [_body(rng) for _ in range(int(rng.integers(1, 5)))]
    step = round(RATE * 2 ** rng.uniform(-4.5, 0.5))  # 45 ms to 1.4 s apart
    is_even = rng.random() < 0.6
    for count in range(max(1, samples // step)):
        start = count * step if is_even else int(rng.integers(samples))
        body = bodies[int(rng.integers(len(bodies)))][: samples - start]
        if rng.random() < 0.75:
            out[start : start + len(body)] += rng.uniform(0.2, 1.0) * body
    return (out / max(float(np.abs(out).max()), 1e-9)).astype(np.float32)


def _body(rng: np.random.Generator) -> NDArray[np.float64]:
    """One struck thing."""
    lowest = np.exp(rng.uniform(np.log(40), np.log(5_000)))
    ring_s = np.exp(rng.uniform(np.log(0.01), np.log(1.2)))
    seconds = np.arange(round(RATE * min(2.5, 5 * ring_s + 0.02))) / RATE
    is_tuned = rng.random() < 0.4
    count = int(rng.integers(1, 14))
    ratios = np.arange(1, count + 1) if is_tuned else np.sort(rng.uniform(1, 9, count))
    fall = 1 + rng.uniform(0, 1.5) * np.exp(-seconds / 0.02)  # a drum's skin is tighter at first
    phase = tau * np.cumsum(fall) / RATE
    sound = np.zeros(len(seconds))
    for ratio in ratios[ratios * lowest < 18_000]:
        decay = ring_s / (1 + rng.uniform(0, 0.6) * (ratio - 1))
        sound += (
            rng.uniform(0.2, 1)
            / ratio**0.5
            * np.exp(-seconds / decay)
            * np.sin(phase * lowest * ratio + rng.uniform(0, tau))
        )
    snap = rng.standard_normal(len(seconds)) * np.exp(-seconds / rng.uniform(0.001, 0.15))
    pole = rng.uniform(-0.9, 0.95)  # dark to bright
    sound += rng.uniform(0, 1.5) * lfilter((1 - abs(pole),), (1, -pole), snap)
    sound[-200:] *= np.linspace(1, 0, 200)
    return sound / max(float(np.abs(sound).max()), 1e-9)
