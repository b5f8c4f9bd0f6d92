"""Clips to fit the estimators on: stretches of training pieces, clean or as the codec plays them.

In:  pieces on disk (mix.flac, piece.json, labels.npz) and a trained codec.
Out: `Clip`s of up to CLIP_SECONDS, [N] mono audio at ANALYSIS_RATE with the labels of its frames.
What is measured later comes out of a codec, so every clip is there twice. The scenes of a medley
are pieces of their own: no clip has two of them in it. Pieces with drums can be had in two halves
too, all but the kit and the kit alone: the corpus hardly has rock without a kit, or a quartet with
one, so that what learns from whole pieces alone hears the genre and not the strokes.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from engine.errors import InputError, OptionError
from engine.spec import FRAME_RATE, exact_div
from models.codec import Codec
from training.corpus.labels import label
from training.corpus.medley import programme
from training.corpus.render import render
from training.corpus.timing import RATE
from training.evaluation.ceiling import opening
from training.evaluation.onsets import ANALYSIS_RATE, Vector, to_mono

CLIP_SECONDS = 12.0
LEAST_SECONDS = 8.0  # of a scene's first clip; later ones are whole
FRAME = exact_div(ANALYSIS_RATE, FRAME_RATE)  # samples
DULL_HZ, NOISE_DB = 5000.0, -32.0  # of a worn clip: low-pass, and hiss against its own RMS


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A stretch of one piece, or of one scene of a medley."""

    piece: int  # place of the piece in its split
    is_beginning: bool  # of the piece or of a scene
    is_coded: bool
    mono: Vector  # [N] at ANALYSIS_RATE
    tempo_bpm: float
    key: int  # index into engine.spec.KEYS: the one in force for longest
    drums: NDArray[np.uint8]  # [T] whether the kit has a note in the bar, by frames


def read_clips(corpus: Path, pieces: int, codec: Codec) -> Iterator[Clip]:
    """Clips of the first pieces of a split, each clean and then coded.

    Args:
        corpus: a split's folder.
        pieces: how many of it, at most.
        codec: mono at ANALYSIS_RATE.

    Raises:
        InputError: the folder holds no piece.
        OptionError: the codec is not mono at ANALYSIS_RATE.
    """
    for number, path in enumerate(_pieces(corpus, pieces, codec)):
        info = json.loads(path.read_text())
        with np.load(path.with_name("labels.npz"), allow_pickle=False) as stored:
            tempo, key, drums = (stored[name] for name in ("tempo_bpm", "key", "drums"))
        stereo, rate = soundfile.read(path.with_name("mix.flac"), dtype="float32", always_2d=True)
        mono = to_mono(stereo.T, rate)
        scenes = [scene["start_frame"] for scene in info.get("scenes", [{"start_frame": 0}])]
        for start, end in stretches(scenes, info["steady_frames"]):
            clip = Clip(
                piece=number,
                is_beginning=start in scenes,
                is_coded=False,
                mono=mono[start * FRAME : end * FRAME],
                tempo_bpm=float(tempo[start]),
                key=int(np.bincount(key[start:end]).argmax()),
                drums=drums[start:end],
            )
            yield from _both(clip, codec)


def read_halves(corpus: Path, pieces: int, codec: Codec) -> Iterator[Clip]:
    """Openings of those of the first pieces of a split that have drums, rendered in two halves.

    For each piece, first all but its kit, and then its kit alone, each clean and then coded; a half
    in which nobody plays is left out. Takes some seconds a piece. Raises as `read_clips`.
    """
    for number, path in enumerate(_pieces(corpus, pieces, codec)):
        info = json.loads(path.read_text())
        if info["drums"]:
            for half in halves(info["seed"]):
                yield from _both(replace(half, piece=number), codec)


def halves(seed: int) -> Iterator[Clip]:
    """The opening of the first scene with drums: without its kit, and its kit alone."""
    scores = (scene.score for scene in programme(seed))
    score = next(one for one in scores if any(part.family == "drums" for part in one.parts))
    seconds = min(CLIP_SECONDS, score.duration)
    start = opening(score, seconds)
    for is_kit in (False, True):
        parts = tuple(part for part in start.parts if (part.family == "drums") == is_kit)
        if not parts:
            continue
        half = replace(start, parts=parts)
        drums = label(half, seconds).drums
        yield Clip(
            piece=0,
            is_beginning=True,
            is_coded=False,
            mono=to_mono(render(half).mix, RATE)[: len(drums) * FRAME],
            tempo_bpm=score.tempos[0][1],
            key=score.keys[0][1],
            drums=drums,
        )


def _pieces(corpus: Path, pieces: int, codec: Codec) -> list[Path]:
    if (codec.config.rate, codec.config.channels) != (ANALYSIS_RATE, 1):
        heard = f"{codec.config.rate} Hz, {codec.config.channels} channels"
        raise OptionError.of("codec", heard, f"{ANALYSIS_RATE} Hz, 1 channel")
    paths = sorted(corpus.glob("*/piece.json"))[:pieces]
    if not paths:
        raise InputError(f"{corpus} holds no piece. Make some: python -m training.corpus")
    return paths


def _both(clip: Clip, codec: Codec) -> Iterator[Clip]:
    yield clip
    yield replace(clip, is_coded=True, mono=coded(codec, clip.mono))


def stretches(scenes: list[int], end: int) -> Iterator[tuple[int, int]]:
    """Cut a piece into clips, in frames: from each scene's start on, none across a border."""
    whole, least = round(CLIP_SECONDS * FRAME_RATE), round(LEAST_SECONDS * FRAME_RATE)
    for first, border in zip(scenes, [*scenes[1:], end], strict=True):
        for start in range(first, border, whole):
            length = min(whole, border - start)
            if length == whole or (start == first and length >= least):
                yield start, start + length


@torch.no_grad()
def coded(codec: Codec, mono: Vector) -> Vector:
    """Send [N] mono audio, N whole frames, through a codec and back: as long, in time with it."""
    played = codec.decode(codec.encode(torch.from_numpy(mono)[None, None]))[0, 0].numpy()
    return np.pad(played[codec.config.hop :], (0, codec.config.hop))


def read_opening(path: Path, seconds: float) -> Vector:
    """The first seconds of a file as mono at ANALYSIS_RATE."""
    rate = soundfile.info(path).samplerate
    audio, _ = soundfile.read(path, round(seconds * rate), dtype="float32", always_2d=True)
    return to_mono(audio.T, rate)


def worn(mono: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Take treble away and add hiss."""
    dull = sosfilt(butter(4, DULL_HZ, fs=ANALYSIS_RATE, output="sos"), mono)
    hiss = np.random.default_rng(seed).standard_normal(len(mono))
    return (dull + hiss * mono.std() * 10 ** (NOISE_DB / 20)).astype(np.float32)
