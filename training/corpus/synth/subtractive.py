"""Subtractive voice: wavetables whose second axis is the filter.

For each pitch a bank [K, L + 1] holds one period at K cutoffs (harmonics shaped before the inverse
FFT), read with bilinear interpolation over (cutoff, phase): a moving resonant filter for the price
of four table look-ups per sample, without aliasing. Mono.
"""

from math import tau

import numpy as np
from numpy.typing import NDArray

from training.corpus.synth import spectrum
from training.corpus.synth.envelope import adsr, clock, note_samples
from training.corpus.synth.patches import Subtractive
from training.corpus.timing import RATE

Mono = NDArray[np.float32]  # [n]
TABLE = 4096  # L: samples per period; linear interpolation leaves -77 dB of harmonic 40
CUTOFFS = 10  # K
VIBRATO_DELAY_S = 0.25


def hertz(pitch: float) -> float:
    """Frequency of a MIDI note."""
    return 440.0 * 2.0 ** ((pitch - 69) / 12)


class SubtractiveVoice:
    """One patch of one piece; keeps a bank per pitch."""

    def __init__(self, patch: Subtractive, rng: np.random.Generator) -> None:
        self.patch = patch
        self.phases = rng.uniform(0, 1, 3)  # start of oscillator 1, 2 and sub
        self._banks: dict[int, Mono] = {}

    def render(self, pitch: int, gate: int, velocity: float, slide_from: int | None) -> Mono:
        """Play one note: [1, n], peak about 1; `gate` in samples, velocity 0..1."""
        patch = self.patch
        samples = note_samples(patch.amp, gate)
        cycles = self._cycles(pitch, samples, slide_from)
        bank, row = self._bank(pitch), self._filter_row(gate, samples, velocity)
        if patch.detune_cents:
            ratio = 2.0 ** (patch.detune_cents / 2400)
            sound = 0.55 * _read(bank, row, cycles * ratio + self.phases[0])
            sound += 0.55 * _read(bank, row, cycles / ratio + self.phases[1])
        else:
            sound = _read(bank, row, cycles)
        if patch.sub_level:
            sound += patch.sub_level * np.sin(cycles * (tau / 2)).astype(np.float32)
        if patch.drive:
            sound = np.tanh(sound * patch.drive) / np.float32(np.tanh(patch.drive))
        return (sound * adsr(patch.amp, gate, samples))[None]

    def _cycles(self, pitch: int, samples: int, slide_from: int | None) -> NDArray[np.float64]:
        """Phase in cycles since the onset, vibrato and glide included: [samples]."""
        patch, frequency = self.patch, hertz(pitch)
        seconds = np.arange(samples) / RATE
        if not patch.vibrato_cents and slide_from is None:
            return seconds * frequency
        cents = np.zeros(samples, np.float32)
        if patch.vibrato_cents:
            depth = np.clip((clock(samples) - VIBRATO_DELAY_S) / 0.2, 0, 1) * patch.vibrato_cents
            cents += depth * np.sin(clock(samples) * np.float32(tau * patch.vibrato_hz))
        if slide_from is not None:
            cents += 100.0 * (slide_from - pitch) * np.exp(clock(samples) * (-3.0 / patch.glide_s))
        return np.cumsum(np.exp2(cents / 1200), dtype=np.float64) * (frequency / RATE)

    def _filter_row(self, gate: int, samples: int, velocity: float) -> Mono | None:
        """Where on the bank's cutoff axis each sample reads, 0..K-1; None for an open filter."""
        low, high = self.patch.cutoff_hz
        if low >= high:
            return None
        opening = adsr(self.patch.filter, gate, samples) * (0.45 + 0.55 * velocity)
        return opening.astype(np.float32) * np.float32(CUTOFFS - 1.001)

    def _bank(self, pitch: int) -> Mono:
        if pitch not in self._banks:
            self._banks[pitch] = self._make_bank(pitch)
        return self._banks[pitch]

    def _make_bank(self, pitch: int) -> Mono:
        """One period at each cutoff: [K, L + 1], the first sample repeated at the end."""
        patch, frequency = self.patch, hertz(pitch)
        count = min(spectrum.harmonic_count(frequency), TABLE // 2 - 1)
        harmonics = frequency * np.arange(1, count + 1)
        plain = spectrum.waveform(patch.wave, count) * spectrum.taper(harmonics)
        low, high = patch.cutoff_hz
        rows = CUTOFFS if low < high else 1
        follow = 2.0 ** (patch.key_follow * (pitch - 60) / 12)
        spectra = np.zeros((rows, TABLE // 2 + 1), np.complex64)
        for index, cutoff in enumerate(np.geomspace(low, high, rows) * follow):
            closed = spectrum.lowpass(harmonics, cutoff, patch.resonance, patch.poles)
            spectra[index, 1 : count + 1] = plain * (closed if rows > 1 else 1.0)
        table = np.fft.irfft(spectra, n=TABLE, axis=1).astype(np.float32) * (TABLE / 2)
        table /= max(1.0, float(np.abs(table).max()))
        return np.concatenate([table, table[:, :1]], axis=1)


def _read(bank: Mono, row: Mono | None, cycles: NDArray[np.float64]) -> Mono:
    """Read a bank along (row, phase): [n]."""
    place = ((cycles % 1.0) * TABLE).astype(np.float32)
    column = np.minimum(place.astype(np.int32), TABLE - 1)
    between = place - column
    if row is None:
        return _line(bank[0], column, between)
    upper = row.astype(np.int32)
    flat, start = bank.reshape(-1), upper * (TABLE + 1) + column
    dark = _line(flat, start, between)
    bright = _line(flat, start + (TABLE + 1), between)
    return dark + (bright - dark) * (row - upper)


def _line(table: Mono, index: NDArray[np.int32], between: Mono) -> Mono:
    left = table[index]
    return left + (table[index + 1] - left) * between
