"""Piece: from a seed to a stored folder, the corpus' whole road in one function.

compose -> render -> label -> measure -> caption -> store. Runs in worker processes; a piece is a
function of its seed only.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.row import Labels
from engine.spec import FRAME_RATE, KEYS
from training.corpus import captions, compose, labels, render, store
from training.corpus.brightness import brightness
from training.corpus.master import fits
from training.corpus.score import Score
from training.corpus.timing import FRAME_SAMPLES, RATE

FIRST_SEEDS = {"train": 0, "valid": 10_000_000, "test": 20_000_000}
SOUND_FONT_ASSET = {"name": "FluidR3_GM sound font", "licence": "MIT"}
SYNTH_ASSET = {"name": "training.corpus.synth", "licence": "Apache-2.0"}
SCORE_ASSET = {"name": "training.corpus composer", "licence": "Apache-2.0"}


def make(seed: int, split: str, root: Path, *, with_stems: bool) -> dict[str, Any]:
    """Compose, render and store one piece; returns its piece.json."""
    score = compose.compose(seed)
    rendering = render.render(score)
    assert fits(rendering.mix), f"the mix of seed {seed} clips or is not finite"
    marks = _labels(score, rendering.mix)
    info = describe(score, split, len(marks))
    stems = rendering.stems if with_stems else {}
    store.write(store.folder_of(root, split, seed), info, marks, rendering.mix, stems)
    return info


def _labels(score: Score, mix: np.ndarray) -> Labels:
    """The score's labels with the measured brightness: T = whole frames of the mix."""
    frames = mix.shape[1] // FRAME_SAMPLES
    # Half a sample more than N / RATE: the labeller floors, and the quotient may fall just below.
    marks = labels.label(score, (mix.shape[1] + 0.5) / RATE)
    assert len(marks) == frames, f"{len(marks)} labels for {frames} frames"
    return replace(marks, brightness=brightness(mix)[:frames])


def describe(score: Score, split: str, frames: int) -> dict[str, Any]:
    """What piece.json says."""
    families = sorted({part.family for part in score.parts} - {"drums"})
    sources = {part.source for part in score.parts}
    assets = [SCORE_ASSET]
    assets += [SOUND_FONT_ASSET] if "soundfont" in sources else []
    assets += [SYNTH_ASSET] if "synth" in sources else []
    return {
        "id": f"{split}-{score.seed:08d}",
        "seed": score.seed,
        "split": split,
        "genre": score.genre,
        "duration": frames / FRAME_RATE,
        "attributes": score.attributes,
        "captions": captions.captions(score),
        "tempo_bpm": score.tempos[0][1],
        "key": KEYS[score.keys[0][1]],
        "beats_per_bar": score.beats_per_bar,
        "instruments": sorted({part.instrument for part in score.parts}),
        "families": families,
        "drums": any(part.family == "drums" and part.notes for part in score.parts),
        "length_frames": frames,
        "assets": assets,
        "composer_version": compose.COMPOSER_VERSION,
    }
