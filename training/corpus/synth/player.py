"""Player: put a patch's notes on the time line.

In:  `Events` of one part, a patch or kit name, a seed.
Out: [2, N] float32 at 48 kHz. Notes that repeat (same pitch, length bucket and velocity bucket) are
rendered once per part; the exact velocity is applied as gain. Deterministic from its arguments.
"""

from collections import Counter
from typing import NamedTuple, Protocol
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from engine.errors import OptionError
from training.corpus.synth.ensemble import EnsembleVoice
from training.corpus.synth.fm import FmVoice
from training.corpus.synth.kits import CHOKE_SAMPLES, CHOKED_BY, KITS, DrumMachine
from training.corpus.synth.patches import PATCHES, Ensemble, Fm, vary
from training.corpus.synth.subtractive import SubtractiveVoice
from training.corpus.timing import RATE, Audio, Events

LENGTH_BUCKET = round(0.02 * RATE)  # half a frame: inaudible, and labels stay right
VELOCITY_BUCKETS = 8
VELOCITY_CURVE = 1.5  # gain = (velocity / 127) ** this


class Voice(Protocol):
    """What every synthesiser here can do."""

    def render(self, pitch: int, gate: int, velocity: float, slide_from: int | None) -> Audio:
        """Play one note: [1 or 2, n]; `gate` in samples, velocity 0..1."""
        ...


class _Key(NamedTuple):
    """What two notes must share to sound the same."""

    pitch: int
    gate: int  # samples
    bucket: int  # of velocity
    slide_from: int | None


def voice_of(patch: str, seed: int) -> Voice:
    """Make a patch's or kit's synthesiser, its knobs turned by the seed.

    Raises:
        OptionError: no such patch.
    """
    rng = np.random.default_rng([seed, crc32(patch.encode())])
    if patch in KITS:
        return DrumMachine(patch, rng)
    if patch not in PATCHES:
        raise OptionError.of("patch", patch, f"one of {', '.join((*PATCHES, *KITS))}")
    settings = vary(PATCHES[patch], rng)
    if isinstance(settings, Ensemble):
        return EnsembleVoice(settings, rng)
    if isinstance(settings, Fm):
        return FmVoice(settings, rng)
    return SubtractiveVoice(settings, rng)


def play(patch: str, events: Events, samples: int, seed: int) -> Audio:
    """Render a part on one of our synthesisers: [2, samples]."""
    voice = voice_of(patch, seed)
    is_kit = patch in KITS
    glides = getattr(PATCHES.get(patch), "glide_s", 0.0) > 0
    keys = [_key(events, index, is_kit, glides) for index in range(len(events.start))]
    repeats = Counter(keys)
    kept: dict[_Key, Audio] = {}
    gains = (events.velocity / 127.0) ** VELOCITY_CURVE
    out = np.zeros((2, samples), np.float32)
    for index, key in enumerate(keys):
        sound = kept.get(key)
        if sound is None:
            sound = voice.render(
                key.pitch, key.gate, (key.bucket + 0.5) / VELOCITY_BUCKETS, key.slide_from
            )
            if repeats[key] > 1:
                kept[key] = sound
        if key.pitch in CHOKED_BY and is_kit:
            sound = _choke(sound, events, index)
        start = int(events.start[index])
        end = min(samples, start + sound.shape[1])
        if end > start:
            out[:, start:end] += np.float32(gains[index]) * sound[:, : end - start]
    return out


def _key(events: Events, index: int, is_kit: bool, glides: bool) -> _Key:
    pitch = int(events.pitch[index])
    bucket = int(events.velocity[index]) * VELOCITY_BUCKETS // 128
    if is_kit:
        return _Key(pitch, 0, 0, None)
    gate = max(1, round(int(events.length[index]) / LENGTH_BUCKET)) * LENGTH_BUCKET
    return _Key(pitch, gate, bucket, _slides_from(events, index) if glides else None)


def _slides_from(events: Events, index: int) -> int | None:
    """Pitch of the note before when it is still held at this one's onset."""
    if index == 0 or events.start[index - 1] + events.length[index - 1] <= events.start[index]:
        return None
    before = int(events.pitch[index - 1])
    return before if before != events.pitch[index] else None


def _choke(sound: Audio, events: Events, index: int) -> Audio:
    """Cut a ringing hat at the next hit that closes it."""
    later = slice(index + 1, None)
    closing = np.isin(events.pitch[later], CHOKED_BY[int(events.pitch[index])])
    hits: NDArray[np.int64] = events.start[later][closing]
    if not len(hits):
        return sound
    stop = int(hits[0] - events.start[index])
    if stop >= sound.shape[1]:
        return sound
    cut = sound[:, : min(stop + CHOKE_SAMPLES, sound.shape[1])].copy()
    cut[:, stop:] *= np.linspace(1, 0, cut.shape[1] - stop, dtype=np.float32)
    return cut
