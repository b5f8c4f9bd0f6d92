"""Clip: a few seconds of layered sounds through random effects, at any level; no musical labels.

In:  a seed of the split "sounds". Out: the stored clip: mix.flac and piece.json, no labels.npz.

One to three layers (a synthesiser nobody designed, babble, noise, hits), each with its own effects,
place and moments of silence; then a level between a whisper and full scale, now and then clipped.
For `train_codec` only: a model of music must not learn from what nobody composed.
"""

from pathlib import Path
from typing import Any

import numpy as np

from engine.spec import FRAME_RATE
from training.corpus import effects, master, store
from training.corpus.chance import pick, pick_weighted
from training.corpus.compose import COMPOSER_VERSION
from training.corpus.sounds.hits import hits
from training.corpus.sounds.noises import noise
from training.corpus.sounds.speech import speech
from training.corpus.sounds.voices import voice
from training.corpus.timing import FRAME_SAMPLES, RATE, Audio

MAKERS = {"voice": voice, "speech": speech, "noise": noise, "hits": hits}
ODDS = {"voice": 0.36, "speech": 0.28, "noise": 0.14, "hits": 0.22}
FRAMES = (150, 300)  # a clip is this long: 6 to 12 s
PEAK_DB = (-24.0, -1.0)
GAP_CHANCE, CLIPPED_CHANCE = 0.3, 0.06
ASSETS = [{"name": "training.corpus.sounds", "licence": "Apache-2.0"}]


def clip(seed: int) -> tuple[Audio, list[str]]:
    """Make a clip: [2, N] within -1 dBFS, whole frames, and the names of its layers."""
    rng = np.random.default_rng([seed, 0x50D])
    samples = int(rng.integers(*FRAMES)) * FRAME_SAMPLES
    names = [pick_weighted(rng, ODDS) for _ in range(pick(rng, (1, 1, 2, 2, 3)))]
    mix = np.zeros((2, samples), np.float32)
    for name in names:
        mix += np.float32(10 ** (rng.uniform(-15, 0) / 20)) * _layer(name, rng, samples)
    mix /= np.float32(max(float(np.abs(mix).max()), 1e-9))
    if rng.random() < CLIPPED_CHANCE:
        mix = np.clip(mix * np.float32(rng.uniform(2, 8)), -1, 1)
    return mix * np.float32(10 ** (rng.uniform(*PEAK_DB) / 20)), names


def make_clip(seed: int, root: Path) -> dict[str, Any]:
    """Make and store one clip; returns its piece.json."""
    mix, names = clip(seed)
    assert master.fits(mix), f"clip {seed} clips or is not finite"
    frames = mix.shape[1] // FRAME_SAMPLES
    info = {
        "id": f"sounds-{seed:08d}",
        "seed": seed,
        "split": "sounds",
        "kind": "clip",
        "layers": names,
        "duration": frames / FRAME_RATE,
        "length_frames": frames,
        "assets": ASSETS,
        "composer_version": COMPOSER_VERSION,
    }
    store.write(store.folder_of(root, "sounds", seed), info, None, mix, {})
    return info


def _layer(name: str, rng: np.random.Generator, samples: int) -> Audio:
    sound = MAKERS[name](rng, samples)
    stereo = sound if sound.ndim == 2 else _placed(sound, rng)
    around = effects.Surroundings(
        beat_s=float(rng.uniform(0.25, 1.0)),
        kicks=np.sort(rng.integers(0, samples, 8)),
        colour=float(rng.uniform(-1, 1)),
    )
    chain = rng.permutation(list(effects.EFFECTS))[: pick(rng, (0, 1, 1, 2, 3))]
    stereo = effects.apply([str(effect) for effect in chain], stereo, around)
    if rng.random() < 0.5:
        room = master.Room(float(rng.uniform(0.05, 0.95)), float(rng.uniform(0.1, 0.9)))
        stereo = stereo + master.reverberate(stereo * np.float32(rng.uniform(0.05, 0.8)), room)
    if rng.random() < GAP_CHANCE:
        stereo = _with_gap(stereo, rng)
    return stereo / np.float32(max(float(np.abs(stereo).max()), 1e-9))


def _placed(sound: np.ndarray, rng: np.random.Generator) -> Audio:
    """Set a mono sound somewhere between left and right, at equal power."""
    angle = rng.uniform(0.1, 0.9) * np.pi / 2
    gains = np.array([[np.cos(angle)], [np.sin(angle)]], np.float32)
    return gains * sound[None]


def _with_gap(sound: Audio, rng: np.random.Generator) -> Audio:
    """Cut to digital silence for a while, with 3 ms ramps."""
    start = int(rng.integers(0, sound.shape[1] - RATE // 2))
    end = min(sound.shape[1], start + int(rng.integers(RATE // 4, 3 * RATE)))
    gain = np.ones(sound.shape[1], np.float32)
    gain[start:end] = 0.0
    ramp = round(0.003 * RATE)
    return sound * np.convolve(gain, np.ones(ramp, np.float32) / ramp, "same")
