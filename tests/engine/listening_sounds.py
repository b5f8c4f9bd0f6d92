"""Plain sounds for the listening tests: drums, tones and triads at any rate."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

State = TypeVar("State")

MAJOR, MINOR = (0, 4, 7), (0, 3, 7)


def drum_loop(bpm: float, seconds: float, rate: int, *, start: float = 0.3) -> np.ndarray:
    """[1, N] kick and hat on beats from `start` on, snare on every other, hats between."""
    out, beat = np.zeros(round(seconds * rate)), 60.0 / bpm
    rng = np.random.default_rng(0)
    t = np.arange(rate // 8) / rate
    kick = np.sin(2 * np.pi * 55 * t) * np.exp(-t * 25)
    hiss = rng.standard_normal(len(t))
    snare, hat = 0.5 * hiss * np.exp(-t * 40), 0.3 * np.diff(hiss, prepend=0.0) * np.exp(-t * 90)
    for index in range(int((seconds - start) / beat) + 1):
        now = start + index * beat
        _place(out, rate, now, hat + (snare if index % 2 else kick))
        _place(out, rate, now + beat / 2, hat)
    return 0.3 * out[None].astype(np.float32)


def click_track(bpm: float, seconds: float, rate: int) -> np.ndarray:
    """[1, N] one short tone per beat and nothing else."""
    out = np.zeros(round(seconds * rate))
    t = np.arange(rate // 50) / rate
    for index in range(int(seconds * bpm / 60.0)):
        _place(out, rate, index * 60.0 / bpm, np.sin(2 * np.pi * 1500 * t) * np.exp(-t * 300))
    return 0.3 * out[None].astype(np.float32)


def chords(
    roots: Sequence[float], shapes: Sequence[Sequence[int]], rate: int, *, seconds: float = 1.0
) -> np.ndarray:
    """[1, N] triads on MIDI roots, one after another, with a bass an octave below."""
    t = np.arange(round(seconds * rate)) / rate
    envelope = np.minimum(1.0, t * 100) * np.exp(-t) * np.minimum(1.0, (seconds - t) * 50)
    out = []
    for root, shape in zip(roots, shapes, strict=True):
        pitches = [root - 12, *(root + step for step in shape)]
        hertz = [440.0 * 2 ** ((pitch - 69) / 12) for pitch in pitches]
        out.append(sum(np.sin(2 * np.pi * k * f * t) / k**2 for f in hertz for k in (1, 2, 3)))
    return 0.1 * np.concatenate([chord * envelope for chord in out])[None].astype(np.float32)


def feed(
    hear: Callable[[np.ndarray, State, int], State], audio: np.ndarray, state: State, rate: int
) -> State:
    """Give a tracker [C, N], whole frames of it."""
    samples = rate // 25
    for start in range(0, audio.shape[1] - samples + 1, samples):
        state = hear(audio[:, start : start + samples], state, rate)
    return state


def _place(out: np.ndarray, rate: int, second: float, sound: np.ndarray) -> None:
    start = round(second * rate)
    part = out[start : start + len(sound)]
    part += sound[: len(part)]
