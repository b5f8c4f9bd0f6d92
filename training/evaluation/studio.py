"""The studio: where prompts are played, pieces are rendered, and both are heard alike.

In:  a bundle, a judge, requests and scores. Out: audio [C, N] at the bundle's rate, or [N] mono at
ANALYSIS_RATE, in the order of what was asked for. All that the report's parts share; progress goes
to stderr.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from engine.bundle import Bundle
from training.corpus.score import Score
from training.evaluation.ceiling import hear_piece
from training.evaluation.generate import Request, play_all
from training.evaluation.judge import Judge
from training.evaluation.onsets import Vector, to_mono

Audio = NDArray[np.float32]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Studio:
    """One bundle, one judge, some worker processes."""

    bundle: Bundle
    judge: Judge
    workers: int

    def play(
        self, requests: Sequence[Request], doing: str, folder: Path | None = None
    ) -> Iterator[Audio]:
        """Play requests on the bundle, or on the one in another folder: [C, N] each."""
        takes = play_all(folder or self.bundle.path, requests, self.workers)
        yield from progress(takes, len(requests), doing)

    def hear(self, requests: Sequence[Request], doing: str) -> Iterator[Vector]:
        """Play requests and listen: [N] mono each."""
        return map(self.mono, self.play(requests, doing))

    def piece(self, score: Score, seconds: float) -> Audio:
        """Render the first seconds of a score: [C, N]."""
        return hear_piece(score, seconds, self.bundle.audio)

    def hear_piece(self, score: Score, seconds: float) -> Vector:
        """Render the first seconds of a score and listen: [N] mono."""
        return self.mono(self.piece(score, seconds))

    def mono(self, audio: Audio) -> Vector:
        """What the estimators listen to: [N] mono at ANALYSIS_RATE."""
        return to_mono(audio, self.bundle.audio.rate)


def progress(things: Iterable[T], total: int, doing: str) -> Iterator[T]:
    """Pass things on, with a bar on stderr."""
    yield from track(things, doing, total=total, console=Console(stderr=True))
