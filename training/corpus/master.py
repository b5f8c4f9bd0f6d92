"""The master bus: shared reverberation, glue, loudness and a limiter that nothing passes.

In:  the sum of all parts [2, N] and names of master effects; out: the finished mix [2, N] at about
-16 LUFS (see loudness.py), no sample above -1 dBFS. Pure functions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pedalboard as pb
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from engine.errors import OptionError
from training.corpus import settings
from training.corpus.loudness import FLOOR_LUFS, loudness
from training.corpus.timing import RATE, Audio

TARGET_LUFS = -16.0
CEILING = 10 ** (-1 / 20)  # -1 dBFS
BLOCK = 48  # samples, 1 ms: the limiter's grid
LOOKAHEAD_BLOCKS = 5
HISS = 10 ** (-54 / 20)  # of a shellac record, at -18 LUFS
FADE_S = 0.25  # at the very end, where a reverberation may still sound


@dataclass(frozen=True)
class Room:
    """The reverberation that all parts share."""

    size: float  # 0..1
    damping: float  # 0..1
    wetness: float = 1.0  # factor on what is sent


def room_of(seed: int, genre: str, place: str = "") -> Room:
    """Choose the piece's room: its place's, where a place has one; large for halls; else small."""
    rng = np.random.default_rng([seed, 0x700])
    halls = ("ambient", "meditation", "orchestral", "film", "dub", "choral", "synthwave")
    size = 0.82 if any(word in genre for word in halls) else 0.5
    wander, damping = rng.uniform(-0.14, 0.12), float(rng.uniform(0.3, 0.7))
    of_place = settings.room_of(place)
    if of_place is not None:
        size = float(np.clip(of_place.size + 0.3 * wander, 0.05, 0.98))
        return Room(size, damping, of_place.wetness)
    return Room(float(size + wander), damping)


def reverberate(send: Audio, room: Room) -> Audio:
    """The room's answer to what is sent, without the dry sound: [2, N]."""
    if not send.any():
        return send
    plugins = [
        pb.HighpassFilter(180),
        pb.Reverb(
            room_size=room.size, damping=room.damping, wet_level=0.9, dry_level=0.0, width=1.0
        ),
        pb.LowpassFilter(9_000),
    ]
    return pb.Pedalboard(plugins)(send * np.float32(room.wetness), RATE)


def _tape(audio: Audio) -> Audio:
    """Low bump, rounded treble, gentle saturation."""
    board = pb.Pedalboard(
        [pb.PeakFilter(90, gain_db=1.5, q=0.8), pb.HighShelfFilter(7_000, gain_db=-3.5)]
    )
    return np.tanh(1.6 * board(audio, RATE)) / np.float32(1.6)


def _wide(audio: Audio) -> Audio:
    """More side above 250 Hz, and some air."""
    side = pb.Pedalboard([pb.HighpassFilter(250)])((audio[:1] - audio[1:]) * np.float32(0.5), RATE)
    widened = audio + np.float32(0.5) * np.concatenate([side, -side], dtype=np.float32)
    return pb.Pedalboard([pb.HighShelfFilter(9_000, gain_db=1.5)])(widened, RATE)


def _loud(audio: Audio) -> Audio:
    """A second, harder compressor, and presence."""
    return pb.Pedalboard(
        [
            pb.Compressor(threshold_db=-20, ratio=3.5, attack_ms=8, release_ms=90),
            pb.PeakFilter(3_000, gain_db=1.5, q=0.7),
            pb.LowShelfFilter(90, gain_db=1.0),
        ]
    )(audio, RATE)


def _lofi(audio: Audio) -> Audio:
    """A narrow, worn medium: no sub bass, no air."""
    board = pb.Pedalboard([pb.HighpassFilter(70), pb.LowpassFilter(5_200), pb.LowpassFilter(9_000)])
    return np.tanh(2.0 * board(audio, RATE)) / np.float32(2.0)


def _shellac(audio: Audio) -> Audio:
    """A record of the thirties: nearly mono, no bass, no treble, the hiss of the surface."""
    band = pb.Pedalboard(
        [pb.HighpassFilter(110), pb.PeakFilter(1_600, gain_db=3, q=0.7), pb.LowpassFilter(5_800)]
    )
    worn = np.tanh(1.8 * band(_narrowed(audio, 0.15), RATE)) / np.float32(1.8)
    hiss = np.random.default_rng(78).standard_normal((1, audio.shape[1]), np.float32)
    return pb.Pedalboard([pb.LowpassFilter(6_500)])(worn + np.float32(HISS) * hiss, RATE)


def _valve(audio: Audio) -> Audio:
    """A valve recording of the fifties and sixties: narrow, rounded, thick in the middle."""
    board = pb.Pedalboard(
        [pb.HighpassFilter(55), pb.PeakFilter(900, gain_db=1.5, q=0.6), pb.LowpassFilter(10_500)]
    )
    return np.tanh(1.7 * board(_narrowed(audio, 0.5), RATE)) / np.float32(1.7)


def _bright(audio: Audio) -> Audio:
    """Early digital: lean bass, glassy treble."""
    return pb.Pedalboard(
        [pb.LowShelfFilter(140, gain_db=-2.0), pb.HighShelfFilter(5_500, gain_db=4.0)]
    )(audio, RATE)


def _punchy(audio: Audio) -> Audio:
    """A mix of the loudness war: dense, with a scooped middle."""
    return pb.Pedalboard(
        [
            pb.Compressor(threshold_db=-22, ratio=3.0, attack_ms=12, release_ms=80),
            pb.LowShelfFilter(100, gain_db=2.0),
            pb.PeakFilter(500, gain_db=-1.5, q=0.7),
        ]
    )(audio, RATE)


def _airy(audio: Audio) -> Audio:
    """Wide and glistening."""
    return pb.Pedalboard([pb.HighShelfFilter(8_000, gain_db=3.0)])(_wide(audio), RATE)


def _narrowed(audio: Audio, width: float) -> Audio:
    middle = audio.mean(0, keepdims=True)
    return middle + np.float32(width) * (audio - middle)


MASTERS: dict[str, Callable[[Audio], Audio]] = {
    "tape": _tape,
    "wide": _wide,
    "loud": _loud,
    "lofi": _lofi,
    "shellac": _shellac,
    "valve": _valve,
    "bright": _bright,
    "punchy": _punchy,
    "airy": _airy,
}


def finish(audio: Audio, names: Sequence[str]) -> Audio:
    """Glue, colour, set the loudness, limit, fade the last moment: [2, N].

    Raises:
        OptionError: no such master effect.
    """
    unknown = [name for name in names if name not in MASTERS]
    if unknown:
        raise OptionError.of("master effect", unknown[0], f"one of {', '.join(MASTERS)}")
    if not audio.any():
        return audio
    glue = pb.Compressor(threshold_db=-18, ratio=1.8, attack_ms=25, release_ms=180)
    audio = pb.Pedalboard([glue])(to_loudness(audio, TARGET_LUFS - 2), RATE)
    for name in names:
        audio = MASTERS[name](audio)
    audio = pb.Pedalboard([pb.HighpassFilter(25)])(audio, RATE)  # no DC from anything above
    audio = limit(to_loudness(audio, TARGET_LUFS))
    fade = min(audio.shape[1], round(FADE_S * RATE))
    audio[:, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32) ** 2
    return audio


def fade_out(samples: int, start_s: float, end_s: float) -> NDArray[np.float32]:
    """A fader pulled down from one second to another, even to the ear: [samples], 1 to 0."""
    seconds = np.arange(samples) / RATE
    left = np.clip((end_s - seconds) / max(end_s - start_s, 1e-3), 0, 1)
    return (left**2).astype(np.float32)


def to_loudness(audio: Audio, target_lufs: float) -> Audio:
    """Scale to a loudness; silence stays silence."""
    level = loudness(audio)
    if level <= FLOOR_LUFS:
        return audio
    return audio * np.float32(10 ** ((target_lufs - level) / 20))


def limit(audio: Audio) -> Audio:
    """Hold every sample below -1 dBFS by a gain that looks ahead 5 ms: [2, N].

    Per block of 1 ms the gain that its peak needs; the minimum over the neighbours within the
    look-ahead, smoothed over the same span, is never above what any block needs; straight lines
    between block edges, each edge the lower of its two blocks.
    """
    samples = audio.shape[1]
    blocks = -(-samples // BLOCK)
    padded = np.pad(np.abs(audio).max(0), (0, blocks * BLOCK - samples))
    peaks = padded.reshape(blocks, BLOCK).max(1)
    if peaks.max() <= CEILING:
        return audio
    needed = np.minimum(1.0, CEILING / np.maximum(peaks, 1e-9))
    span = 2 * LOOKAHEAD_BLOCKS + 1
    gain = uniform_filter1d(minimum_filter1d(needed, 2 * span + 1), span, mode="nearest")
    edges = np.minimum(np.append(gain, gain[-1]), np.insert(gain, 0, gain[0]))
    curve = np.interp(np.arange(samples), np.arange(blocks + 1) * BLOCK, edges)
    return np.clip(audio * curve.astype(np.float32), -CEILING, CEILING).astype(np.float32)


def fits(audio: NDArray[np.floating]) -> bool:
    """Whether a mix may be stored: finite, and below the ceiling."""
    return bool(np.isfinite(audio).all() and np.abs(audio).max(initial=0.0) <= CEILING + 1e-6)
