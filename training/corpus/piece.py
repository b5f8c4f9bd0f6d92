"""Piece: from a seed to a stored folder, the corpus' whole road in one function.

compose -> render -> label -> measure -> caption -> store. Runs in worker processes; a piece is a
function of its split and seed only. What piece.json says of a medley's scenes, one by one, is what
it says of a whole piece.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from engine.row import Labels
from engine.spec import FRAME_RATE, KEYS
from training.corpus import captions, compose, labels, render, store
from training.corpus.brightness import brightness
from training.corpus.master import fits
from training.corpus.medley import programme
from training.corpus.mixture import mixture
from training.corpus.score import Scene, Score, in_a_row
from training.corpus.sounds.clip import make_clip
from training.corpus.timing import FRAME_SAMPLES, RATE

FIRST_SEEDS = {
    "train": 0,
    "valid": 10_000_000,
    "test": 20_000_000,
    "mixture": 30_000_000,
    "sounds": 40_000_000,
}
Made = tuple[dict[str, Any], float]  # piece.json, and seconds of a core's time

SOUND_FONT_ASSET = {"name": "FluidR3_GM sound font", "licence": "MIT"}
SYNTH_ASSET = {"name": "training.corpus.synth", "licence": "Apache-2.0"}
SCORE_ASSET = {"name": "training.corpus composer", "licence": "Apache-2.0"}


def make(seed: int, split: str, root: Path, *, with_stems: bool) -> dict[str, Any]:
    """Compose, render and store one piece; returns its piece.json."""
    if split == "sounds":
        return make_clip(seed, root)
    scenes = in_a_row([mixture(seed)]) if split == "mixture" else programme(seed)
    rendering = render.render_scenes(scenes)
    assert fits(rendering.mix), f"the mix of seed {seed} clips or is not finite"
    marks = _labels(scenes, rendering.mix)
    info = describe(scenes, split, len(marks))
    stems = rendering.stems if with_stems else {}
    store.write(store.folder_of(root, split, seed), info, marks, rendering.mix, stems)
    return info


def make_timed(seed: int, split: str, root: Path, *, with_stems: bool) -> Made:
    """Make a piece and measure the processor time it took."""
    started = time.process_time()
    info = make(seed, split, root, with_stems=with_stems)
    return info, time.process_time() - started


def _labels(scenes: Sequence[Scene], mix: np.ndarray) -> Labels:
    """The scenes' labels with the measured brightness: T = whole frames of the mix."""
    frames = mix.shape[1] // FRAME_SAMPLES
    # Half a sample more than N / RATE: the labeller floors, and the quotient may fall just below.
    marks = labels.label_scenes(scenes, (mix.shape[1] + 0.5) / RATE)
    assert len(marks) == frames, f"{len(marks)} labels for {frames} frames"
    return replace(marks, brightness=brightness(mix)[:frames])


def describe(scenes: Sequence[Scene], split: str, frames: int) -> dict[str, Any]:
    """What piece.json says: the first scene's words, and of a medley each scene's beside them."""
    seed = scenes[0].score.seed
    edges = [*(labels.first_frame(scene) for scene in scenes), frames]
    told = [
        {**_told(scene.score, end - start), "start_frame": start}
        for scene, (start, end) in zip(scenes, pairwise(edges), strict=True)
    ]
    scores = [scene.score for scene in scenes]
    medley = {"scenes": told, **_together(told)} if len(told) > 1 else {}
    return {
        "id": f"{split}-{seed:08d}",
        "seed": seed,
        "split": split,
        "kind": "medley" if medley else split if split == "mixture" else "piece",
        **_told(scores[0], frames),
        **medley,
        "steady_frames": _steady_frames(scenes[-1]),
        "assets": _assets({part.source for score in scores for part in score.parts}),
        "composer_version": compose.COMPOSER_VERSION,
    }


def _told(score: Score, frames: int) -> dict[str, Any]:
    """What is said of one score."""
    return {
        "genre": score.genre,
        "duration": frames / FRAME_RATE,
        "attributes": score.attributes,
        "captions": captions.captions(score),
        "tempo_bpm": score.tempos[0][1],
        "key": KEYS[score.keys[0][1]],
        "beats_per_bar": score.beats_per_bar,
        "instruments": sorted({part.instrument for part in score.parts}),
        "families": sorted({part.family for part in score.parts} - {"drums"}),
        "drums": any(part.family == "drums" and part.notes for part in score.parts),
        "length_frames": frames,
    }


def _together(told: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Everybody who plays anywhere in a medley."""
    return {
        "instruments": sorted({name for scene in told for name in scene["instruments"]}),
        "families": sorted({name for scene in told for name in scene["families"]}),
        "drums": any(scene["drums"] for scene in told),
    }


def _steady_frames(last: Scene) -> int:
    """Frames of the piece before it fades or is over."""
    beat = last.score.length if last.score.fade_from is None else last.score.fade_from
    return int((last.second + last.score.seconds(beat)) * FRAME_RATE)


def _assets(sources: set[str]) -> list[dict[str, str]]:
    assets = [SCORE_ASSET]
    assets += [SOUND_FONT_ASSET] if "soundfont" in sources else []
    return assets + ([SYNTH_ASSET] if "synth" in sources else [])
