"""Voices: notes on synthesiser patches that nobody designed, every knob drawn.

In:  a stream of chance and a length. Out: [2, n] float32 at 48 kHz, peak about 1.

The engines are the corpus' own (`synth/`); pitches are of no scale and fall on no grid.
"""

import numpy as np

from training.corpus.chance import pick
from training.corpus.synth.ensemble import EnsembleVoice
from training.corpus.synth.envelope import Adsr
from training.corpus.synth.fm import FmVoice
from training.corpus.synth.patches import Ensemble, Fm, Subtractive
from training.corpus.synth.player import Voice
from training.corpus.synth.subtractive import SubtractiveVoice
from training.corpus.timing import RATE, Audio

WAVES = ("saw", "square", "triangle", "pulse25", "steps")


def voice(rng: np.random.Generator, samples: int) -> Audio:
    """A few notes, clusters or arpeggios on one random patch."""
    instrument = _instrument(rng)
    out = np.zeros((2, samples), np.float32)
    low = rng.uniform(24, 80)
    pitches = rng.integers(low, low + rng.integers(2, 30), int(rng.integers(1, 7)))
    at, step = 0, rng.uniform(0.06, 1.0)
    while at < samples:
        gate = max(1, round(RATE * step * rng.uniform(0.2, 1.6)))
        for pitch in sorted({int(p) for p in rng.choice(pitches, int(rng.integers(1, 3)))}):
            sound = instrument.render(pitch, gate, rng.uniform(0.2, 1), None)
            end = min(samples, at + sound.shape[1])
            out[:, at:end] += sound[:, : end - at]
        at += max(1, round(RATE * step * pick(rng, (0.5, 1.0, 1.0, 2.0))))
    return out / np.float32(max(float(np.abs(out).max()), 1e-9))


def _instrument(rng: np.random.Generator) -> Voice:
    kind = int(rng.integers(3))
    if kind == 0:
        return SubtractiveVoice(_subtractive(rng), rng)
    return EnsembleVoice(_ensemble(rng), rng) if kind == 1 else FmVoice(_fm(rng), rng)


def _envelope(rng: np.random.Generator) -> Adsr:
    attack, decay, release = np.exp(
        rng.uniform(np.log((0.001, 0.03, 0.02)), np.log((0.6, 2.0, 1.2)))
    )
    return Adsr(float(attack), float(decay), float(rng.uniform(0, 1)), float(release))


def _cutoffs(rng: np.random.Generator) -> tuple[float, float]:
    low, high = np.sort(np.exp(rng.uniform(np.log(120), np.log(18_000), 2)))
    return float(low), float(high)


def _subtractive(rng: np.random.Generator) -> Subtractive:
    return Subtractive(
        wave=pick(rng, WAVES),
        amp=_envelope(rng),
        cutoff_hz=_cutoffs(rng),
        filter=_envelope(rng),
        key_follow=rng.uniform(0, 1),
        resonance=rng.uniform(0.5, 9),
        poles=pick(rng, (2, 4)),
        detune_cents=rng.uniform(0, 60),
        sub_level=rng.uniform(0, 0.8) * (rng.random() < 0.4),
        vibrato_cents=rng.uniform(0, 90) * (rng.random() < 0.5),
        vibrato_hz=rng.uniform(2, 9),
        drive=rng.uniform(1, 8) * (rng.random() < 0.4),
    )


def _ensemble(rng: np.random.Generator) -> Ensemble:
    return Ensemble(
        wave=pick(rng, ("saw", "square", "triangle")),
        amp=_envelope(rng),
        voices=int(rng.integers(2, 8)),
        detune_cents=rng.uniform(2, 50),
        cutoff_hz=_cutoffs(rng),
        filter=_envelope(rng),
        resonance=rng.uniform(0.5, 4),
        poles=pick(rng, (2, 4)),
        smear_cents=rng.uniform(0, 20),
        width=rng.uniform(0, 1),
    )


def _fm(rng: np.random.Generator) -> Fm:
    return Fm(
        amp=_envelope(rng),
        ratio=pick(rng, (0.5, 1.0, 1.41, 2.0, 3.0, 3.5, 5.03, 7.0)),
        index=rng.uniform(0.2, 6),
        index_decay_s=rng.uniform(0.05, 2.0),
        index_floor=rng.uniform(0, 0.8),
        tine_ratio=pick(rng, (0.0, 7.1, 11.0, 14.0)),
        tine_level=rng.uniform(0, 0.3),
        detune_cents=rng.uniform(0, 12),
        tremolo=rng.uniform(0, 0.8),
    )
