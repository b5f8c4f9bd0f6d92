"""Generate: play every prompt through the engine, exactly as `antiphon render` would.

In:  a bundle's folder and requests (prompt, seconds, seed).
Out: audio [C, N] per request at the bundle's rate, as the model made it: no guard, so that clipping
     shows. Worker processes hold one bundle each; the seed alone decides the sound, not the worker.
"""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import offline, story
from engine.backends import open_backend
from engine.bundle import Bundle
from engine.prompt_parser import parse
from engine.session import Session
from engine.stages import prompt as prompts

Audio = NDArray[np.float32]


class Request(NamedTuple):
    """One take."""

    prompt: str
    seconds: float
    seed: int


def play(bundle: Bundle, request: Request) -> Audio:
    """Play one request: [C, N], sample 0 is beat 0."""
    asked = parse(request.prompt)
    piece = story.single(asked, request.seconds, said=request.prompt, seed=request.seed)
    styles = [prompts.encode(bundle, asked.text) if asked.text else None]
    return offline.render(
        Session(bundle, seed=request.seed),
        lambda frame: piece.controls(frame, styles),
        frames=piece.frames,
        guard=False,
    ).audio


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


_opened: list[Bundle] = []  # of this worker process


def _open(path: Path, threads: int) -> None:
    _opened[:] = [Bundle.open(path, open_backend(threads=threads))]


def _play(request: Request) -> Audio:
    return play(_opened[0], request)
