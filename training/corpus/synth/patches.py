"""Patches: the synthesisers' settings by name, and how a piece varies them.

Three kinds of instrument: `Subtractive` (one or two oscillators through a moving filter),
`Ensemble` (many detuned oscillators, stereo) and `Fm`. Plain frozen data.
"""

from dataclasses import dataclass, replace

import numpy as np

from training.corpus.synth.envelope import Adsr

PLAIN_SWEEP = Adsr(0.005, 0.3, 0.5, 0.2)


@dataclass(frozen=True, kw_only=True)
class Subtractive:
    """A mono synthesiser voice."""

    wave: str  # see spectrum.waveform
    amp: Adsr
    cutoff_hz: tuple[float, float] = (18_000.0, 18_000.0)  # filter closed, filter open
    filter: Adsr = PLAIN_SWEEP
    key_follow: float = 0.4  # how far the cutoff follows the pitch above middle C, 0..1
    resonance: float = 0.8  # Q
    poles: int = 2  # 2 or 4
    detune_cents: float = 0.0  # distance of a second oscillator; 0: one oscillator
    sub_level: float = 0.0  # sine one octave below, 0..1
    vibrato_cents: float = 0.0
    vibrato_hz: float = 5.5
    glide_s: float = 0.0  # slide from the note before, when the two overlap
    drive: float = 0.0  # 0: clean; 1..8: gain into a soft clipper


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """Many detuned oscillators spread over the stereo field."""

    wave: str
    amp: Adsr
    voices: int  # oscillators, 2..9
    detune_cents: float  # half the spread
    cutoff_hz: tuple[float, float]
    filter: Adsr
    resonance: float = 0.7
    poles: int = 2
    key_follow: float = 0.4
    smear_cents: float = 0.0  # width of each partial: bowing noise and breath
    sub_level: float = 0.0
    width: float = 1.0  # 0 mono .. 1 wide


@dataclass(frozen=True, kw_only=True)
class Fm:
    """Carriers modulated in phase."""

    amp: Adsr
    ratio: float  # modulator to carrier
    index: float  # radians at the onset, full velocity
    index_decay_s: float
    index_floor: float = 0.1  # share of `index` that remains
    tine_ratio: float = 0.0  # a second, quickly fading modulator pair; 0: none
    tine_level: float = 0.0
    detune_cents: float = 0.0  # of a second carrier on the other side: slow chorus
    tremolo: float = 0.0  # stereo, 0..1


Patch = Subtractive | Ensemble | Fm

PATCHES: dict[str, Patch] = {
    "saw_lead": Subtractive(
        wave="saw",
        amp=Adsr(0.008, 0.3, 0.75, 0.16),
        cutoff_hz=(1_100, 7_500),
        filter=Adsr(0.01, 0.45, 0.45, 0.2),
        resonance=1.4,
        detune_cents=9,
        vibrato_cents=14,
    ),
    "square_lead": Subtractive(
        wave="square",
        amp=Adsr(0.006, 0.25, 0.7, 0.12),
        cutoff_hz=(1_000, 6_000),
        filter=Adsr(0.005, 0.35, 0.5, 0.2),
        resonance=1.1,
        detune_cents=5,
        vibrato_cents=16,
    ),
    "pluck": Subtractive(
        wave="saw",
        amp=Adsr(0.002, 0.55, 0.0, 0.22),
        cutoff_hz=(350, 7_000),
        filter=Adsr(0.001, 0.28, 0.05, 0.1),
        resonance=1.6,
        detune_cents=7,
    ),
    "acid_bass": Subtractive(
        wave="saw",
        amp=Adsr(0.002, 0.5, 0.6, 0.03),
        cutoff_hz=(220, 2_600),
        glide_s=0.06,
        filter=Adsr(0.002, 0.22, 0.1, 0.05),
        resonance=6.5,
        poles=4,
        key_follow=0.2,
        drive=2.5,
    ),
    "sub_bass": Subtractive(
        wave="triangle",
        amp=Adsr(0.006, 0.4, 0.85, 0.07),
        cutoff_hz=(160, 420),
        filter=Adsr(0.002, 0.15, 0.2, 0.1),
        resonance=0.7,
        key_follow=0.6,
        drive=1.5,
    ),
    "synth_bass": Subtractive(
        wave="saw",
        amp=Adsr(0.003, 0.35, 0.65, 0.06),
        cutoff_hz=(260, 2_400),
        sub_level=0.35,
        filter=Adsr(0.002, 0.25, 0.25, 0.08),
        resonance=1.8,
        poles=4,
        detune_cents=6,
        drive=1.4,
    ),
    "pulse25": Subtractive(
        wave="pulse25", amp=Adsr(0.001, 0.15, 0.65, 0.02), vibrato_cents=12, vibrato_hz=6.2
    ),
    "pulse50": Subtractive(
        wave="square", amp=Adsr(0.001, 0.12, 0.6, 0.02), vibrato_cents=10, vibrato_hz=6.0
    ),
    "triangle_chip": Subtractive(wave="steps", amp=Adsr(0.001, 0.1, 1.0, 0.01)),
    "supersaw": Ensemble(
        wave="saw",
        voices=7,
        detune_cents=16,
        amp=Adsr(0.01, 0.4, 0.8, 0.25),
        cutoff_hz=(1_500, 11_000),
        filter=Adsr(0.01, 0.5, 0.55, 0.3),
    ),
    "reese_bass": Ensemble(
        wave="saw",
        voices=3,
        detune_cents=20,
        amp=Adsr(0.006, 0.3, 0.9, 0.08),
        sub_level=0.6,
        cutoff_hz=(240, 1_500),
        filter=Adsr(0.12, 0.5, 0.5, 0.2),
        resonance=1.5,
        poles=4,
        width=0.35,
    ),
    "soft_pad": Ensemble(
        wave="triangle",
        voices=5,
        detune_cents=9,
        amp=Adsr(0.35, 0.8, 0.85, 0.9),
        cutoff_hz=(700, 2_600),
        filter=Adsr(0.6, 1.5, 0.6, 1.0),
        smear_cents=6,
    ),
    "warm_pad": Ensemble(
        wave="saw",
        voices=5,
        detune_cents=12,
        amp=Adsr(0.25, 0.8, 0.85, 0.8),
        cutoff_hz=(380, 1_900),
        filter=Adsr(0.5, 1.2, 0.5, 0.8),
        smear_cents=3,
        poles=4,
    ),
    "string_pad": Ensemble(
        wave="saw",
        voices=6,
        detune_cents=14,
        amp=Adsr(0.14, 0.5, 0.9, 0.5),
        cutoff_hz=(1_300, 5_200),
        filter=Adsr(0.3, 1.0, 0.7, 0.6),
        smear_cents=8,
    ),
    "fm_epiano": Fm(
        amp=Adsr(0.002, 2.2, 0.08, 0.25),
        ratio=1.0,
        index=1.7,
        index_decay_s=0.9,
        tine_ratio=14.0,
        tine_level=0.10,
        detune_cents=3,
        tremolo=0.25,
    ),
    "fm_bell": Fm(
        amp=Adsr(0.001, 2.6, 0.0, 0.9),
        ratio=3.5,
        index=1.3,
        index_decay_s=1.4,
        tine_ratio=7.1,
        tine_level=0.12,
        detune_cents=2,
    ),
    "fm_bass": Fm(amp=Adsr(0.002, 0.6, 0.45, 0.06), ratio=1.0, index=3.2, index_decay_s=0.18),
}


def vary(patch: Patch, rng: np.random.Generator) -> Patch:
    """Turn a patch's knobs a little, so that no two pieces have the same synthesiser."""

    def knob(octaves: float) -> float:
        return float(2.0 ** rng.uniform(-octaves, octaves))

    amp = patch.amp._replace(
        attack=patch.amp.attack * knob(0.6),
        decay=patch.amp.decay * knob(0.5),
        release=patch.amp.release * knob(0.4),
    )
    if isinstance(patch, Fm):
        return replace(
            patch,
            amp=amp,
            index=patch.index * knob(0.45),
            index_decay_s=patch.index_decay_s * knob(0.5),
            tremolo=patch.tremolo * knob(1),
        )
    closed, opened = patch.cutoff_hz
    brightness = knob(0.5)
    swept = patch.filter._replace(decay=patch.filter.decay * knob(0.6))
    patch = replace(
        patch,
        amp=amp,
        filter=swept,
        detune_cents=patch.detune_cents * knob(0.6),
        cutoff_hz=(closed * brightness, min(opened * brightness, 18_000.0)),
        resonance=patch.resonance * knob(0.35),
    )
    if isinstance(patch, Ensemble):
        return replace(patch, width=min(1.0, patch.width * knob(0.4)))
    return replace(
        patch,
        vibrato_cents=patch.vibrato_cents * knob(0.7),
        vibrato_hz=patch.vibrato_hz * knob(0.15),
    )
