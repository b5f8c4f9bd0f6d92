"""Generate: play every prompt through the engine, exactly as `antiphon render` would.

In:  a bundle's folder and requests: a prompt, seconds and seed; maybe chords or notes that are
     given, a second prompt to turn to, or another way of choosing tokens.
Out: audio [C, N] per request at the bundle's rate, as the model made it: no guard, so that clipping
     shows. Worker processes hold one bundle each; the seed alone decides the sound, not the worker.
"""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import offline, story
from engine.backends import open_backend
from engine.bundle import Bundle
from engine.offline import ControlsAt
from engine.options import SamplingOptions
from engine.prompt_parser import parse
from engine.row import Controls
from engine.session import Session
from engine.spec import ACOUSTIC_LEVELS, SEMANTIC_LEVELS
from engine.stages import prompt as prompts
from training.evaluation.codec_table import decode, keep

Audio = NDArray[np.float32]


class Given(NamedTuple):
    """What is played beside the prompt, frame by frame; after its end nothing is."""

    chord_root: NDArray[np.int64] | None = None  # [T] pitch class or NO_CHORD
    chord_quality: NDArray[np.int64] | None = None  # [T], goes with the root
    notes: NDArray[np.uint8] | None = None  # [T, PITCHES]


class Turn(NamedTuple):
    """Another prompt from a frame on; tempo, bars and key stay as they are."""

    prompt: str
    frame: int


class Way(NamedTuple):
    """How tokens become sound, where it is not the bundle's way."""

    guidance: float | None = None  # 1..8, None is the bundle's
    harmony: bool = True  # plan chords where none are given
    levels: int = ACOUSTIC_LEVELS  # of each frame that the decoder is given


class Request(NamedTuple):
    """One take."""

    prompt: str
    seconds: float
    seed: int
    given: Given = Given()
    turn: Turn | None = None
    way: Way = Way()


def play(bundle: Bundle, request: Request) -> Audio:
    """Play one request: [C, N], sample 0 is beat 0."""
    frames, controls = script(bundle, request)
    sampling = SamplingOptions(guidance=request.way.guidance)
    session = Session(bundle, seed=request.seed, sampling=sampling)
    if request.way.levels == ACOUSTIC_LEVELS:
        return offline.render(session, controls, frames=frames, guard=False).audio
    return play_levels(session, controls, frames, request.way.levels)


def play_all(bundle: Path, requests: Sequence[Request], workers: int) -> Iterator[Audio]:
    """Play requests in worker processes; takes come in the order of the requests."""
    threads = max(1, (os.cpu_count() or 1) // workers)
    with ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context(
            "spawn"
        ),  # inference libraries do not survive a fork
        initializer=_open,
        initargs=(bundle, threads),
    ) as pool:
        yield from pool.map(_play, requests)


def script(bundle: Bundle, request: Request) -> tuple[int, ControlsAt]:
    """How many frames a request has, and what it asks of each."""
    frames, first = _lines(bundle, request.prompt, request)
    turn = request.turn
    second = first if turn is None else _lines(bundle, turn.prompt, request)[1]

    def controls(frame: int) -> Controls:
        asked = first(frame)
        if turn is not None and frame >= turn.frame:
            new = second(frame)
            asked = replace(
                asked,
                style=new.style,
                drums=new.drums,
                families=new.families,
                without=new.without,
            )
        return _with_given(asked, request.given, frame)

    return frames, controls


def _lines(bundle: Bundle, prompt: str, request: Request) -> tuple[int, ControlsAt]:
    """How many frames a take has, and what a prompt asks of each."""
    asked = parse(prompt)
    piece = story.single(
        asked, request.seconds, said=prompt, seed=request.seed, harmony=request.way.harmony
    )
    styles = [prompts.encode(bundle, asked.text) if asked.text else None]
    return piece.frames, lambda frame: piece.controls(frame, styles)


def _with_given(controls: Controls, given: Given, frame: int) -> Controls:
    """The controls with the chord and notes of a frame, where there are any."""
    if given.chord_root is not None and frame < len(given.chord_root):
        assert given.chord_quality is not None, "a root comes with its quality"
        root, quality = int(given.chord_root[frame]), int(given.chord_quality[frame])
        controls = replace(controls, chord_root=root, chord_quality=quality)
    if given.notes is not None and frame < len(given.notes):
        controls = replace(controls, notes=given.notes[frame])
    return controls


def play_levels(session: Session, controls: ControlsAt, frames: int, levels: int) -> Audio:
    """Play with fewer acoustic levels: the same tokens, decoded without the finest."""
    late = session.latency_samples
    total = frames - (-late // session.bundle.audio.frame_samples)
    tokens = []
    for frame in range(total):
        session.step(controls(frame))
        tokens.append(session.last_tokens[SEMANTIC_LEVELS:])
    audio = decode(session.bundle, keep(np.stack(tokens), levels))
    return audio[:, late : late + frames * session.bundle.audio.frame_samples]


_opened: list[Bundle] = []  # of this worker process


def _open(path: Path, threads: int) -> None:
    _opened[:] = [Bundle.open(path, open_backend(threads=threads))]


def _play(request: Request) -> Audio:
    return play(_opened[0], request)
