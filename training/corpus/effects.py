"""Effects: what stands between a player and the mixing desk, by name.

In:  a part's [2, N] audio at 48 kHz, the names of its effects in order, the tempo.
Out: the same shape. Built on pedalboard (new plugins for every call, so nothing is left over from
the part before); ducking and tremolo are our own. Deterministic.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import tau

import numpy as np
import pedalboard as pb
from numpy.typing import NDArray

from engine.errors import OptionError
from training.corpus.timing import RATE, Audio

DUCK_DEPTH = 0.7  # share of the level taken away on the kick
DUCK_S = 0.22  # until half of it is back


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What an effect may know about the piece."""

    beat_s: float  # length of a beat at the start
    kicks: NDArray[np.int64]  # [K] samples of the kick's hits, or of the beats where no kick plays
    colour: float  # -1..1 from the piece's seed: every effect's knobs lean with it


Effect = Callable[[Audio, Surroundings], Audio]


def _chain(*plugins: pb.Plugin) -> Callable[[Audio], Audio]:
    def run(audio: Audio) -> Audio:
        return pb.Pedalboard(list(plugins))(audio, RATE)

    return run


def _chorus(audio: Audio, around: Surroundings) -> Audio:
    depth = 0.2 + 0.08 * around.colour
    return _chain(pb.Chorus(rate_hz=0.9 + 0.4 * around.colour, depth=depth, mix=0.4))(audio)


def _phaser(audio: Audio, around: Surroundings) -> Audio:
    return _chain(pb.Phaser(rate_hz=0.4 + 0.2 * around.colour, depth=0.5, feedback=0.3, mix=0.45))(
        audio
    )


def _overdrive(audio: Audio, around: Surroundings) -> Audio:
    warm = pb.LowpassFilter(5_000 + 1_000 * around.colour)
    return _driven(audio, 14.0 + 3.0 * around.colour, (pb.HighpassFilter(90), warm))


def _distortion(audio: Audio, around: Surroundings) -> Audio:
    """High gain into a speaker cabinet: a bite at 2.4 kHz, little above 5 kHz."""
    top = 4_800 + 700 * around.colour
    cabinet = (
        pb.HighpassFilter(85),
        pb.PeakFilter(2_400, gain_db=4, q=0.9),
        pb.LowpassFilter(top),
        pb.LowpassFilter(top),
    )
    return _driven(audio, 26.0 + 4.0 * around.colour, cabinet)


def _driven(audio: Audio, drive_db: float, after: Sequence[pb.Plugin]) -> Audio:
    """Clip softly at a level that does not depend on the part's own level."""
    peak = float(np.abs(audio).max()) or 1.0
    return _chain(pb.Distortion(drive_db=drive_db), *after)(audio * np.float32(0.5 / peak))


def _delay(audio: Audio, around: Surroundings) -> Audio:
    """Echoes on the dotted eighth."""
    echo = _chain(
        pb.Delay(0.75 * around.beat_s, feedback=0.35, mix=1.0),
        pb.HighpassFilter(250),
        pb.LowpassFilter(4_500),
    )(audio)
    return audio + np.float32(0.28 + 0.08 * around.colour) * echo


def _lowpass(audio: Audio, around: Surroundings) -> Audio:
    ladder = pb.LadderFilter(pb.LadderFilter.LPF24, 1_800 * 2 ** (0.6 * around.colour), 0.15)
    return _chain(ladder)(audio)


def _highpass(audio: Audio, around: Surroundings) -> Audio:
    return _chain(pb.HighpassFilter(280), pb.HighpassFilter(280))(audio)


def _bitcrush(audio: Audio, around: Surroundings) -> Audio:
    """Eight bits at full scale, and the treble of an old sampler."""
    peak = float(np.abs(audio).max()) or 1.0
    crushed = _chain(pb.Bitcrush(8), pb.LowpassFilter(7_500))(audio / np.float32(peak))
    return crushed * np.float32(peak)


def _tremolo(audio: Audio, around: Surroundings) -> Audio:
    seconds = np.arange(audio.shape[1]) / RATE
    swing = 0.35 * np.sin(tau * seconds * (5.0 + around.colour))
    return audio * (1.0 - 0.35 + swing).astype(np.float32)


def _sidechain(audio: Audio, around: Surroundings) -> Audio:
    """Duck at every kick, back to half within DUCK_S."""
    gain = np.ones(audio.shape[1], np.float32)
    length = round(4 * DUCK_S * RATE)
    dip = 1.0 - DUCK_DEPTH * np.exp2(-np.arange(length) / (DUCK_S * RATE))
    attack = round(0.003 * RATE)
    dip[:attack] = np.linspace(1.0, dip[attack], attack)
    for kick in around.kicks:
        stretch = gain[kick : kick + length]
        np.minimum(stretch, dip[: len(stretch)].astype(np.float32), out=stretch)
    return audio * gain


EFFECTS: dict[str, Effect] = {
    "chorus": _chorus,
    "phaser": _phaser,
    "overdrive": _overdrive,
    "distortion": _distortion,
    "delay": _delay,
    "lowpass": _lowpass,
    "highpass": _highpass,
    "bitcrush": _bitcrush,
    "tremolo": _tremolo,
    "sidechain": _sidechain,
}


def apply(names: Sequence[str], audio: Audio, around: Surroundings) -> Audio:
    """Send a part through its effects in order: [2, N].

    Raises:
        OptionError: no such effect.
    """
    for name in names:
        if name not in EFFECTS:
            raise OptionError.of("effect", name, f"one of {', '.join(EFFECTS)}")
        audio = EFFECTS[name](audio, around)
    return audio
