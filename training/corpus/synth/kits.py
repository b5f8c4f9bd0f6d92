"""Kits: drum machines as tables from General MIDI drum to drum voice.

A kit names, for each drum, a voice of drums.py, its settings, a level and a place in the stereo
field; what a machine of its kind never had is borrowed from the common table. Hits are rendered
once per piece, and closed hats cut the open one.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from engine.errors import OptionError
from training.corpus.synth import drums
from training.corpus.timing import RATE, Audio

CHOKED_BY = {46: (42, 44)}  # an open hat ends when one of these is hit
CHOKE_SAMPLES = round(0.012 * RATE)


class Hit(NamedTuple):
    """How one drum is made, how loud it is and where it stands."""

    voice: Callable[..., drums.Mono]
    level: float  # 0..1
    pan: float  # -1 left .. 1 right
    settings: dict[str, float | tuple[float, ...]]


def _hit(
    voice: Callable[..., drums.Mono],
    level: float,
    pan: float = 0.0,
    **settings: float | tuple[float, ...],
) -> Hit:
    return Hit(voice, level, pan, settings)


def _toms(low_hz: float, decay_s: float, level: float) -> dict[int, Hit]:
    places = {41: 0, 43: 1, 45: 2, 47: 3, 48: 4, 50: 5}
    return {
        number: _hit(
            drums.tom,
            level,
            -0.5 + 0.2 * step,
            tone_hz=low_hz * 1.19**step,
            decay_s=decay_s * 0.94**step,
        )
        for number, step in places.items()
    }


COMMON: dict[int, Hit] = {
    **_toms(82, 0.2, 0.75),
    37: _hit(drums.block, 0.45, 0.1, tones_hz=(1_650.0, 450.0), decay_s=0.018, click=0.8),
    49: _hit(drums.cymbal, 0.5, -0.35, base_hz=410, decay_s=0.6),
    51: _hit(drums.cymbal, 0.3, 0.35, base_hz=520, decay_s=0.35, ping_hz=3_100),
    52: _hit(drums.cymbal, 0.5, -0.4, base_hz=340, decay_s=0.4, low_hz=1_800),
    53: _hit(drums.block, 0.3, 0.35, tones_hz=(2_600.0, 3_850.0, 5_430.0), decay_s=0.25),
    54: _hit(drums.tambourine, 0.32, 0.3, decay_s=0.07),
    55: _hit(drums.cymbal, 0.45, -0.2, base_hz=560, decay_s=0.22, low_hz=4_000),
    56: _hit(drums.cowbell, 0.4, 0.2, tone_hz=545, decay_s=0.12),
    58: _hit(drums.chip_noise, 0.3, 0.4, rate_hz=2_400, decay_s=0.3),
    60: _hit(drums.tom, 0.45, 0.3, tone_hz=440, decay_s=0.06),
    61: _hit(drums.tom, 0.45, 0.4, tone_hz=315, decay_s=0.08),
    62: _hit(drums.tom, 0.4, -0.3, tone_hz=330, decay_s=0.04, noise=0.4),
    63: _hit(drums.tom, 0.5, -0.3, tone_hz=300, decay_s=0.12),
    64: _hit(drums.tom, 0.5, -0.4, tone_hz=210, decay_s=0.15),
    65: _hit(drums.snare, 0.45, 0.4, tone_hz=520, tone_s=0.1, noise_s=0.05, noise=0.2),
    66: _hit(drums.snare, 0.45, 0.5, tone_hz=380, tone_s=0.12, noise_s=0.05, noise=0.2),
    67: _hit(drums.block, 0.3, 0.5, tones_hz=(1_310.0, 3_390.0), decay_s=0.12),
    68: _hit(drums.block, 0.3, 0.5, tones_hz=(890.0, 2_310.0), decay_s=0.14),
    69: _hit(drums.shaker, 0.3, -0.4, low_hz=5_500, decay_s=0.035, attack_s=0.004),
    70: _hit(drums.shaker, 0.3, 0.45, low_hz=4_500, decay_s=0.02),
    75: _hit(drums.block, 0.4, -0.2, tones_hz=(2_500.0,), decay_s=0.022),
    76: _hit(drums.block, 0.4, 0.2, tones_hz=(1_050.0, 2_600.0), decay_s=0.025),
    77: _hit(drums.block, 0.4, 0.3, tones_hz=(760.0, 1_900.0), decay_s=0.03),
    80: _hit(drums.block, 0.2, -0.4, tones_hz=(4_130.0, 6_890.0, 9_240.0), decay_s=0.05),
    81: _hit(drums.block, 0.2, -0.4, tones_hz=(4_130.0, 6_890.0, 9_240.0), decay_s=0.5),
    82: _hit(drums.shaker, 0.3, 0.4, low_hz=5_000, decay_s=0.03, attack_s=0.006),
}
# Played as a close relative.
ALIASES = {35: 36, 40: 38, 57: 49, 59: 51, 73: 70, 74: 82, 78: 62, 79: 63, 71: 81, 72: 81}

KITS: dict[str, dict[int, Hit]] = {
    "808_kit": {
        **_toms(74, 0.26, 0.75),
        36: _hit(
            drums.kick,
            1.0,
            low_hz=48,
            high_hz=160,
            sweep_s=0.018,
            decay_s=0.32,
            click=0.25,
            drive=1.3,
        ),
        38: _hit(
            drums.snare, 0.8, tone_hz=178, tone_s=0.09, noise_s=0.07, noise=0.55, low_hz=1_600
        ),
        39: _hit(drums.clap, 0.75, centre_hz=1_050, decay_s=0.09),
        42: _hit(drums.hat, 0.36, 0.15, base_hz=540, decay_s=0.028, noise=0.25),
        44: _hit(drums.hat, 0.32, 0.15, base_hz=540, decay_s=0.045, noise=0.25),
        46: _hit(drums.hat, 0.4, 0.15, base_hz=540, decay_s=0.2, noise=0.25),
    },
    "909_kit": {
        **_toms(92, 0.18, 0.75),
        36: _hit(
            drums.kick,
            1.0,
            low_hz=52,
            high_hz=330,
            sweep_s=0.022,
            decay_s=0.15,
            click=0.9,
            drive=2.2,
        ),
        38: _hit(drums.snare, 0.8, tone_hz=205, tone_s=0.07, noise_s=0.11, noise=0.75),
        39: _hit(drums.clap, 0.75, centre_hz=1_250, decay_s=0.07),
        42: _hit(drums.hat, 0.4, 0.15, base_hz=620, decay_s=0.03, noise=0.65, low_hz=7_500),
        44: _hit(drums.hat, 0.36, 0.15, base_hz=620, decay_s=0.05, noise=0.65, low_hz=7_000),
        46: _hit(drums.hat, 0.42, 0.15, base_hz=620, decay_s=0.17, noise=0.65, low_hz=7_000),
    },
    "electro_kit": {
        **_toms(110, 0.2, 0.8),
        36: _hit(
            drums.kick, 1.0, low_hz=45, high_hz=230, sweep_s=0.03, decay_s=0.2, click=0.6, drive=3.2
        ),
        38: _hit(drums.snare, 0.85, tone_hz=190, tone_s=0.12, noise_s=0.15, noise=0.9, low_hz=900),
        39: _hit(drums.clap, 0.75, centre_hz=1_450, decay_s=0.12),
        42: _hit(drums.hat, 0.36, 0.2, base_hz=700, decay_s=0.022, noise=0.8, low_hz=8_000),
        44: _hit(drums.hat, 0.32, 0.2, base_hz=700, decay_s=0.04, noise=0.8, low_hz=8_000),
        46: _hit(drums.hat, 0.4, 0.2, base_hz=700, decay_s=0.14, noise=0.8, low_hz=7_500),
    },
    "noise_drums": {
        **_toms(120, 0.09, 0.7),
        36: _hit(drums.chip_kick, 1.0, high_hz=320, decay_s=0.08),
        38: _hit(drums.chip_noise, 0.6, rate_hz=9_000, decay_s=0.07),
        39: _hit(drums.chip_noise, 0.55, rate_hz=12_000, decay_s=0.09),
        42: _hit(drums.chip_noise, 0.3, rate_hz=44_000, decay_s=0.018),
        44: _hit(drums.chip_noise, 0.28, rate_hz=40_000, decay_s=0.03),
        46: _hit(drums.chip_noise, 0.34, rate_hz=40_000, decay_s=0.1),
        49: _hit(drums.chip_noise, 0.5, rate_hz=24_000, decay_s=0.35),
        51: _hit(drums.chip_noise, 0.28, rate_hz=47_000, decay_s=0.06),
    },
}


class DrumMachine:
    """One kit of one piece: tuned and damped a little differently in each."""

    def __init__(self, kit: str, rng: np.random.Generator) -> None:
        self.hits = {**COMMON, **KITS[kit]}
        self.seed = int(rng.integers(2**31))
        self.tuning = float(2.0 ** rng.uniform(-0.12, 0.12))
        self.damping = float(2.0 ** rng.uniform(-0.35, 0.35))

    def render(self, pitch: int, gate: int, velocity: float, slide_from: int | None) -> Audio:
        """Hit one drum: [2, n], peak about its level at full velocity; `gate` is not read.

        Raises:
            OptionError: no such drum in General MIDI's table.
        """
        number = ALIASES.get(pitch, pitch)
        if number not in self.hits:
            raise OptionError.of("drum", pitch, f"one of {', '.join(map(str, sorted(self.hits)))}")
        hit = self.hits[number]
        sound = hit.voice(np.random.default_rng([self.seed, number]), **self._settings(hit))
        angle = (hit.pan + 1) * np.pi / 4
        gains = np.array([np.cos(angle), np.sin(angle)], np.float32) * np.float32(
            np.sqrt(2) * hit.level
        )
        return gains[:, None] * sound

    def _settings(self, hit: Hit) -> dict[str, float | tuple[float, ...]]:
        tuned = dict(hit.settings)
        for name in ("low_hz", "tone_hz", "base_hz"):
            value = tuned.get(name)
            if isinstance(value, float | int):
                tuned[name] = value * self.tuning
        decay = tuned.get("decay_s")
        if isinstance(decay, float | int):
            tuned["decay_s"] = decay * self.damping
        return tuned
