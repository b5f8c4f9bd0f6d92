"""The judge: a second MuLan, trained apart from the one that steers, listens to the results.

In:  [N] mono audio at ANALYSIS_RATE, and prompts as text.
Out: `Verdict` per clip (style, families, genre) and a [128] style per prompt; their cosine
     is MuLan cycle consistency. Everything here is torch and never runs while music plays.
A judge makes mistakes of its own: the ceiling row of the report shows how many.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from engine.errors import BundleError
from models import minilm, mulan
from training.evaluation.onsets import ANALYSIS_RATE

JUDGE_FILE = "judge.safetensors"
WINDOW_SECONDS, STEP_SECONDS = 5.0, 2.5  # as long as the clips it was trained on; then averaged

Vector = NDArray[np.float32]


class Verdict(NamedTuple):
    """What the judge hears in one clip."""

    style: Vector  # [128] unit norm
    families: NDArray[np.bool_]  # [F] in the order of engine.spec.FAMILIES
    genre: str


class Judge(Protocol):
    """Whoever can listen to clips and read prompts."""

    def listen(self, mono: Vector) -> Verdict:
        """Hear [N] mono audio at ANALYSIS_RATE, N >= 1 s."""
        ...

    def styles(self, mono: Vector) -> Vector:
        """Embed windows of [N] mono audio at ANALYSIS_RATE, N >= 1 s: [W, 128] unit norm."""
        ...

    def read(self, prompts: Sequence[str]) -> Vector:
        """Embed P prompts: [P, 128] unit norm."""
        ...


class MulanJudge:
    """The judge of a bundle."""

    def __init__(self, model: mulan.Mulan, sentences: minilm.MiniLM) -> None:
        if model.tags is None:
            raise BundleError(
                f"{JUDGE_FILE} holds a MuLan without tag heads, expected a judge. "
                "Train one: python -m training.train_mulan --judge"
            )
        self.model, self.tags, self.sentences = model, model.tags, sentences
        self.tokenizer = minilm.load_tokenizer()

    @classmethod
    def open(cls, bundle: Path) -> "MulanJudge":
        """Load the judge that lies in a bundle's folder.

        Raises:
            BundleError: the file is missing or holds no judge.
            BackendMissing: the sentence encoder's package is not installed.
        """
        return cls(mulan.load(bundle / JUDGE_FILE), minilm.load())

    @torch.no_grad()
    def listen(self, mono: Vector) -> Verdict:
        """Hear windows of five seconds: what any of them holds is there, the rest is averaged."""
        audio = torch.from_numpy(windows(self._at_own_rate(mono), self.model.config.rate))
        tower = self.model.audio
        features = tower.features(tower.mel(audio[:, None]))
        families, _, genre = self.tags(features)  # logits, [W, F], drums and [W, G]
        style = tower.style(features).mean(0)
        return Verdict(
            style=(style / style.norm()).numpy(),
            families=(families > 0).any(0).numpy(),
            genre=self.model.config.genres[int(genre.mean(0).argmax())],
        )

    @torch.no_grad()
    def styles(self, mono: Vector) -> Vector:
        """Embed windows of five seconds, or the whole of a shorter clip: [W, 128] unit norm."""
        audio = torch.from_numpy(windows(self._at_own_rate(mono), self.model.config.rate))
        return self.model.audio(audio[:, None]).numpy()

    @torch.no_grad()
    def read(self, prompts: Sequence[str]) -> Vector:
        """Embed P prompts: [P, 128] unit norm."""
        ids, mask = minilm.batch_ids(self.tokenizer, prompts)
        return self.model.text(self.sentences(ids, mask)).numpy()

    def _at_own_rate(self, mono: Vector) -> Vector:
        rate = self.model.config.rate
        return mono if rate == ANALYSIS_RATE else soxr.resample(mono, ANALYSIS_RATE, rate)


def windows(mono: Vector, rate: int) -> Vector:
    """Cut [N] audio into [W, M] windows of five seconds, three apart; a shorter clip is one
    window."""
    size, step = int(WINDOW_SECONDS * rate), int(STEP_SECONDS * rate)
    if len(mono) <= size:
        return np.ascontiguousarray(mono[None], np.float32)
    starts = range(0, len(mono) - size + 1, step)
    return np.stack([mono[start : start + size] for start in starts]).astype(np.float32)
