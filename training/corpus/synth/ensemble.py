"""Ensemble voice: pads, strings, supersaws and reese basses from long looped spectra.

Paul Nasca's PADsynth idea: every partial of every detuned oscillator is one bin of a long spectrum
(2.7 s), one inverse FFT gives a seamless loop, and a note is a slice of it under its envelope.
Three loops per pitch (dark, middle, bright) are blended for the filter. Stereo.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from training.corpus.synth import spectrum
from training.corpus.synth.envelope import adsr, note_samples
from training.corpus.synth.patches import Ensemble
from training.corpus.synth.subtractive import hertz
from training.corpus.timing import RATE, Audio

LOOP = 2**17  # samples; bins are 0.37 Hz apart
SHADES = 3  # loops per pitch, from dark to bright


class EnsembleVoice:
    """One patch of one piece; keeps the loops of each pitch."""

    def __init__(self, patch: Ensemble, rng: np.random.Generator) -> None:
        self.patch = patch
        self.seed = int(rng.integers(2**31))
        self._loops: dict[int, NDArray[np.float32]] = {}

    def render(self, pitch: int, gate: int, velocity: float, slide_from: int | None) -> Audio:
        """Play one note: [2, n], RMS about 0.35; `gate` in samples, velocity 0..1."""
        patch = self.patch
        samples = note_samples(patch.amp, gate)
        if pitch not in self._loops:
            self._loops[pitch] = self._make_loops(pitch)
        opening = adsr(patch.filter, gate, samples) * np.float32(0.5 + 0.5 * velocity)
        sound = _blend(self._loops[pitch], opening * (SHADES - 1), start=pitch * 9_973 % LOOP)
        return sound * adsr(patch.amp, gate, samples)

    def _make_loops(self, pitch: int) -> NDArray[np.float32]:
        """Spectra to loops: [SHADES, 2, LOOP]."""
        patch = self.patch
        rng = np.random.default_rng([self.seed, pitch])
        follow = 2.0 ** (patch.key_follow * (pitch - 60) / 12)
        frequencies = np.arange(LOOP // 2 + 1) * (RATE / LOOP)
        plain = self._partials(hertz(pitch), rng) * spectrum.taper(frequencies)
        shades = np.geomspace(*patch.cutoff_hz, SHADES) * follow
        filters = np.stack(
            [
                spectrum.lowpass(frequencies, cutoff, patch.resonance, patch.poles)
                for cutoff in shades
            ]
        )
        loops = fft.irfft(plain[None] * filters[:, None], n=LOOP, axis=-1)
        return (loops * (0.35 / max(_rms(loops[-1]), 1e-9))).astype(np.float32)

    def _partials(self, frequency: float, rng: np.random.Generator) -> NDArray[np.complex64]:
        """All partials of all oscillators, left and right: [2, LOOP // 2 + 1]."""
        patch = self.patch
        bins = np.zeros((2, LOOP // 2 + 1), np.complex64)
        spread = np.linspace(-1, 1, patch.voices) * patch.detune_cents + rng.normal(
            0, 0.6, patch.voices
        )
        for voice, cents in enumerate(spread - spread.mean()):
            tuned = frequency * 2.0 ** (cents / 1200)
            amplitudes = spectrum.waveform(patch.wave, spectrum.harmonic_count(tuned))
            side = patch.width * (2.0 * voice / max(1, patch.voices - 1) - 1.0) * (-1) ** voice
            for channel, gain in enumerate((np.sqrt(0.5 - 0.4 * side), np.sqrt(0.5 + 0.4 * side))):
                _place(bins[channel], tuned, amplitudes * np.float32(gain), patch.smear_cents, rng)
        if patch.sub_level:
            level = patch.sub_level * np.sqrt(patch.voices)
            bins[:, round(frequency / 2 * LOOP / RATE)] += np.complex64(-1j * level * 0.6)
        return bins


def _place(
    bins: NDArray[np.complex64],
    frequency: float,
    amplitudes: NDArray[np.complex64],
    smear_cents: float,
    rng: np.random.Generator,
) -> None:
    """Add one oscillator's partials to `bins`, each at a random phase, smeared when asked."""
    h = np.arange(1, len(amplitudes) + 1)
    copies = 5 if smear_cents else 1
    cents = np.linspace(-1.5, 1.5, copies) * smear_cents if smear_cents else np.zeros(1)
    weight = np.exp(-0.5 * np.linspace(-1.5, 1.5, copies) ** 2) if smear_cents else np.ones(1)
    weight = weight / np.sqrt((weight**2).sum())
    where = frequency * h[:, None] * 2.0 ** (cents / 1200) * (LOOP / RATE)
    phases = np.exp(1j * rng.uniform(0, 2 * np.pi, where.shape))
    values = amplitudes[:, None] * weight * phases
    index = np.round(where).astype(np.int64)
    inside = (index > 0) & (index < len(bins))
    np.add.at(bins, index[inside], values[inside].astype(np.complex64))


def _blend(loops: NDArray[np.float32], shade: NDArray[np.float32], start: int) -> Audio:
    """Read the loops from `start`, blended between neighbouring shades: [2, n]."""
    sound = np.zeros((2, len(shade)), np.float32)
    for index, loop in enumerate(loops):
        weight = np.clip(1.0 - np.abs(shade - index), 0.0, 1.0)
        if weight.any():
            sound += _looped(loop, start, len(shade)) * weight
    return sound


def _looped(loop: Audio, start: int, samples: int) -> Audio:
    end = start + samples
    if end <= LOOP:
        return loop[:, start:end]
    return np.tile(loop, -(-end // LOOP))[:, start:end]


def _rms(sound: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(sound**2)))
