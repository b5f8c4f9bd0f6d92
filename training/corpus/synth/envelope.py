"""Envelopes: how loud a note is, and how open its filter, from its onset to its last sample.

All times in seconds, all outputs [n] float32 in 0..1. Pure functions.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.corpus.timing import RATE

Curve = NDArray[np.float32]
RELEASE_STEEPNESS = 5.0  # exponent at the end of the release, where it is faded to zero


class Adsr(NamedTuple):
    """Attack, decay and release in seconds; sustain level 0..1."""

    attack: float
    decay: float
    sustain: float
    release: float


def clock(samples: int) -> Curve:
    """Seconds since the onset: [samples]."""
    return np.arange(samples, dtype=np.float32) * np.float32(1.0 / RATE)


def held(shape: Adsr, samples: int) -> Curve:
    """Follow attack, decay and sustain, key held down: [samples]."""
    seconds = clock(samples)
    curve = np.full(samples, shape.sustain, np.float32)
    rise = min(samples, max(1, round(shape.attack * RATE)))
    curve[:rise] = np.linspace(0.0, 1.0, rise, endpoint=False, dtype=np.float32)
    fall_end = min(samples, rise + round(2.5 * shape.decay * RATE))
    fall = seconds[: fall_end - rise] * np.float32(-3.0 / max(shape.decay, 1e-3))
    curve[rise:fall_end] += np.float32(1.0 - shape.sustain) * np.exp(fall)
    return curve


def adsr(shape: Adsr, gate: int, samples: int) -> Curve:
    """Follow the whole note: [samples], exactly zero at the end.

    Args:
        shape: the four stages.
        gate: samples for which the key is down.
        samples: length of the result, at least `gate`.
    """
    curve = held(shape, min(gate, samples))
    release = samples - len(curve)
    if release <= 0:
        return curve
    level = curve[-1] if len(curve) else np.float32(0.0)
    fraction = np.arange(1, release + 1, dtype=np.float32) / np.float32(release)
    tail = level * np.exp(-RELEASE_STEEPNESS * fraction) * (1.0 - fraction)
    return np.concatenate([curve, tail])


def note_samples(shape: Adsr, gate: int) -> int:
    """Samples of a note whose key is down for `gate` samples, release included."""
    return gate + round(shape.release * RATE)
