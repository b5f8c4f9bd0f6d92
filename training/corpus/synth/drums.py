"""Drum voices: kicks, snares, hats and the rest, from swept sines, noise and metal.

Every function gives one hit, [n] float32 mono with a peak of 1, from physical settings (Hz,
seconds) and a random generator for its noise. Pure; kits.py has the drum machines.
"""

from collections.abc import Sequence
from math import tau

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from training.corpus.synth.envelope import clock
from training.corpus.timing import RATE

Mono = NDArray[np.float32]  # [n]
Rng = np.random.Generator
METAL_RATIOS = (1.0, 1.342, 1.2312, 1.6532, 1.9523, 2.1523)  # the six oscillators of an 808 hat


def _finish(sound: NDArray[np.floating]) -> Mono:
    """Fade the last 3 ms out and set the peak to 1."""
    sound = np.asarray(sound, np.float32).copy()
    fade = min(len(sound), round(0.003 * RATE))
    sound[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return sound / np.float32(max(np.abs(sound).max(), 1e-6))


def _samples(decay_s: float) -> int:
    return round(min(6.0 * decay_s, 3.0) * RATE) + 256


def _fade(samples: int, decay_s: float) -> Mono:
    """Exponential decay, 1/e after `decay_s`."""
    return np.exp(clock(samples) * np.float32(-1.0 / decay_s))


def _sweep(samples: int, high_hz: float, low_hz: float, sweep_s: float) -> Mono:
    """A sine falling from high to low: [samples]."""
    frequency = low_hz + (high_hz - low_hz) * np.exp(-np.arange(samples) / (sweep_s * RATE))
    return np.sin(np.cumsum(frequency) * (tau / RATE)).astype(np.float32)


def _noise(samples: int, rng: Rng, low_hz: float = 20.0, high_hz: float = 18_000.0) -> Mono:
    """Noise between two frequencies, RMS 0.3: [samples]."""
    sections = butter(2, (low_hz, high_hz), "bandpass", fs=RATE, output="sos")
    sound = sosfilt(sections, rng.standard_normal(samples))
    return (sound * (0.3 / max(float(sound.std()), 1e-9))).astype(np.float32)


def _metal(samples: int, base_hz: float, rng: Rng, top_hz: float = 16_000.0) -> Mono:
    """Clashing square waves, harmonics above `top_hz` left out, RMS 0.3: [samples]."""
    sound, seconds = np.zeros(samples, np.float32), clock(samples)
    for ratio in METAL_RATIOS:
        for harmonic in range(1, 2 * int(top_hz / (base_hz * ratio) / 2), 2):
            angle = seconds * np.float32(tau * base_hz * ratio * harmonic)
            sound += np.sin(angle + np.float32(rng.uniform(0, tau))) / np.float32(harmonic)
    return sound * np.float32(0.3 / max(float(sound.std()), 1e-9))


def kick(
    rng: Rng,
    *,
    low_hz: float,
    high_hz: float,
    sweep_s: float,
    decay_s: float,
    click: float,
    drive: float,
) -> Mono:
    """A falling sine with a click; `drive` 1..4 pushes it into a soft clipper."""
    samples = _samples(decay_s)
    body = _sweep(samples, high_hz, low_hz, sweep_s) * _fade(samples, decay_s)
    body += click * _noise(samples, rng, 1_500, 9_000) * _fade(samples, 0.004)
    return _finish(np.tanh(drive * body))


def snare(
    rng: Rng,
    *,
    tone_hz: float,
    tone_s: float,
    noise_s: float,
    noise: float,
    low_hz: float = 1_200.0,
) -> Mono:
    """Two drum modes and rattling wires; `noise` is the wires' level against the modes."""
    samples = _samples(max(tone_s, noise_s))
    body = _sweep(samples, tone_hz * 1.5, tone_hz, 0.012) * _fade(samples, tone_s)
    body += (
        0.5 * _sweep(samples, tone_hz * 2.4, tone_hz * 1.78, 0.01) * _fade(samples, tone_s * 0.7)
    )
    wires = _noise(samples, rng, low_hz, 12_000) * (
        0.7 * _fade(samples, noise_s) + 0.6 * _fade(samples, 0.012)
    )
    return _finish(np.tanh(0.6 * body + noise * 2.0 * wires))


def clap(rng: Rng, *, centre_hz: float, decay_s: float) -> Mono:
    """Four bursts, 11 ms apart, and a room."""
    samples = _samples(decay_s)
    seconds = clock(samples)
    shape = 0.5 * _fade(samples, decay_s)
    for burst in range(4):
        since = seconds - np.float32(0.011 * burst)
        shape += np.where(since >= 0, np.exp(-np.maximum(since, 0) / np.float32(0.004)), 0)
    return _finish(_noise(samples, rng, centre_hz * 0.6, centre_hz * 2.5) * shape)


def hat(
    rng: Rng, *, base_hz: float, decay_s: float, noise: float = 0.5, low_hz: float = 6_500.0
) -> Mono:
    """Metal and hiss above `low_hz`; the decay makes it closed, pedalled or open."""
    samples = _samples(decay_s)
    sections = butter(3, low_hz, "highpass", fs=RATE, output="sos")
    sound = (1 - noise) * _metal(samples, base_hz, rng) + noise * _noise(samples, rng, 2_000)
    return _finish(sosfilt(sections, sound) * _fade(samples, decay_s))


def cymbal(
    rng: Rng, *, base_hz: float, decay_s: float, ping_hz: float = 0.0, low_hz: float = 2_500.0
) -> Mono:
    """A crash; with `ping_hz` a ride."""
    samples = _samples(decay_s)
    sections = butter(2, low_hz, "highpass", fs=RATE, output="sos")
    wash = sosfilt(
        sections, 0.55 * _metal(samples, base_hz, rng) + 0.7 * _noise(samples, rng, 1_500)
    )
    sound = wash * (0.65 * _fade(samples, decay_s) + 0.6 * _fade(samples, decay_s * 0.12))
    if ping_hz:
        bell = _tones(samples, (ping_hz, ping_hz * 1.48, ping_hz * 2.09), decay_s * 0.5)
        sound = 0.5 * sound + 0.35 * bell
    return _finish(sound)


def tom(rng: Rng, *, tone_hz: float, decay_s: float, noise: float = 0.12) -> Mono:
    """A falling sine with a little skin noise; also congas, bongos and timbales."""
    samples = _samples(decay_s)
    body = _sweep(samples, tone_hz * 1.6, tone_hz, 0.03) * _fade(samples, decay_s)
    body += noise * _noise(samples, rng, 400, 6_000) * _fade(samples, 0.02)
    return _finish(np.tanh(1.3 * body))


def _tones(samples: int, frequencies: Sequence[float], decay_s: float) -> Mono:
    seconds = clock(samples)
    waves = [np.sin(seconds * np.float32(tau * frequency)) for frequency in frequencies]
    return np.mean(waves, axis=0, dtype=np.float32) * _fade(samples, decay_s)


def block(rng: Rng, *, tones_hz: tuple[float, ...], decay_s: float, click: float = 0.3) -> Mono:
    """Rim shots, claves, wood blocks, agogos, triangles: a few sines and a click."""
    samples = _samples(decay_s)
    sound = _tones(samples, tones_hz, decay_s)
    return _finish(sound + click * _noise(samples, rng, 1_500, 12_000) * _fade(samples, 0.003))


def cowbell(rng: Rng, *, tone_hz: float, decay_s: float) -> Mono:
    """Two square waves a fifth and a bit apart."""
    samples = _samples(decay_s)
    seconds = clock(samples)
    sound = np.zeros(samples, np.float32)
    for frequency in (tone_hz, tone_hz * 1.48):
        for harmonic in (1, 3, 5, 7, 9):
            sound += np.sin(seconds * np.float32(tau * frequency * harmonic)) / np.float32(harmonic)
    sections = butter(1, (tone_hz * 0.8, tone_hz * 8), "bandpass", fs=RATE, output="sos")
    return _finish(
        sosfilt(sections, sound) * (0.5 * _fade(samples, decay_s) + 0.5 * _fade(samples, 0.02))
    )


def shaker(rng: Rng, *, low_hz: float, decay_s: float, attack_s: float = 0.002) -> Mono:
    """Maracas, cabasas, tambourines: hissing grains."""
    samples = _samples(decay_s)
    rise = np.minimum(1, clock(samples) / np.float32(attack_s))
    return _finish(_noise(samples, rng, low_hz, 15_000) * _fade(samples, decay_s) * rise)


def tambourine(rng: Rng, *, decay_s: float) -> Mono:
    """Jingles over a hiss."""
    samples = _samples(decay_s)
    jingles = _tones(samples, (6_100.0, 7_430.0, 8_870.0, 9_960.0, 11_300.0), decay_s)
    return _finish(
        0.7 * jingles + _noise(samples, rng, 5_000, 15_000) * _fade(samples, decay_s * 0.6)
    )


def chip_noise(rng: Rng, *, rate_hz: float, decay_s: float) -> Mono:
    """Console noise: random steps at `rate_hz`, in sixteen loudness steps."""
    samples = _samples(decay_s * 0.7)
    steps = rng.choice(np.array([-1.0, 1.0], np.float32), int(samples * rate_hz / RATE) + 2)
    sound = steps[(np.arange(samples) * (rate_hz / RATE)).astype(np.int64)]
    sections = butter(2, 15_000, fs=RATE, output="sos")
    return _finish(sosfilt(sections, sound * np.ceil(15 * _fade(samples, decay_s)) / 15))


def chip_kick(rng: Rng, *, high_hz: float, decay_s: float) -> Mono:
    """Console kick: a triangle falling fast."""
    samples = _samples(decay_s)
    wave = _sweep(samples, high_hz, 45, 0.035)
    return _finish(np.arcsin(0.98 * wave) * _fade(samples, decay_s))
