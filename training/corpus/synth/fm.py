"""FM voice: electric pianos, bells and basses by phase modulation.

A carrier under a fading modulator, a quickly fading "tine" pair on top, and a second carrier a few
cents away on the other side. The index is bounded so that the sidebands stay below 18 kHz. Stereo.
"""

from math import tau

import numpy as np
from numpy.typing import NDArray

from training.corpus.synth.envelope import adsr, clock, note_samples
from training.corpus.synth.patches import Fm
from training.corpus.synth.spectrum import TOP_HZ
from training.corpus.synth.subtractive import hertz
from training.corpus.timing import RATE, Audio

TREMOLO_HZ = 4.6


class FmVoice:
    """One patch of one piece."""

    def __init__(self, patch: Fm, rng: np.random.Generator) -> None:
        self.patch = patch
        self.tremolo_phase = float(rng.uniform(0, tau))

    def render(self, pitch: int, gate: int, velocity: float, slide_from: int | None) -> Audio:
        """Play one note: [1 or 2, n], peak about 1 at full velocity; `gate` in samples."""
        patch, samples = self.patch, note_samples(self.patch.amp, gate)
        seconds = clock(samples)
        index = _index(patch, pitch, velocity) * (
            patch.index_floor + (1 - patch.index_floor) * np.exp(-seconds / patch.index_decay_s)
        )
        amplitude = adsr(patch.amp, gate, samples)
        sides = (-0.5, 0.5) if patch.detune_cents else (0.0,)
        sound = np.stack(
            [self._carrier(pitch, side, index, velocity) * amplitude for side in sides]
        )
        if patch.tremolo and len(sides) == 2:
            swing = (
                0.5
                * patch.tremolo
                * np.sin(seconds * np.float32(tau * TREMOLO_HZ) + self.tremolo_phase)
            )
            sound *= np.stack([1 + swing, 1 - swing])
        return sound.astype(np.float32)

    def _carrier(
        self, pitch: int, side: float, index: NDArray[np.float32], velocity: float
    ) -> NDArray[np.float32]:
        patch = self.patch
        frequency = hertz(pitch + side * patch.detune_cents / 100)
        phase = _phase(frequency, len(index))
        sound = np.sin(phase + index * np.sin(_phase(frequency * patch.ratio, len(index))))
        if patch.tine_level and frequency * (patch.tine_ratio + 2) < TOP_HZ:
            fade = np.exp(clock(len(index)) * np.float32(-1 / 0.12))
            sound += (
                patch.tine_level
                * velocity
                * fade
                * np.sin(_phase(frequency * patch.tine_ratio, len(index)))
            )
        return sound


def _index(patch: Fm, pitch: int, velocity: float) -> np.float32:
    """Modulation index in radians, lowered until the sidebands fit (Carson: index + 1 pairs)."""
    room = (TOP_HZ / hertz(pitch) - 1) / patch.ratio - 1
    wanted = patch.index * (0.35 + 0.65 * velocity) * 2.0 ** ((60 - pitch) / 36)
    return np.float32(np.clip(min(wanted, room), 0.0, 8.0))


def _phase(frequency: float, samples: int) -> NDArray[np.float32]:
    """Phase in radians, wrapped in double precision: [samples]."""
    return ((np.arange(samples) * (frequency / RATE) % 1.0) * tau).astype(np.float32)
