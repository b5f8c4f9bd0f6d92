"""Embeddings: what a clip sounds like as a few vectors, so that sets of clips can be compared.

In:  [N] mono audio at ANALYSIS_RATE, N >= 1 s. Out: [W, D] float64, one vector per window.
Two, because one alone can be fooled: statistics of log-mel bands, which nobody trained, and the
judge's styles, which know what music of the corpus is.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from training.evaluation.judge import Judge
from training.evaluation.onsets import ONSET_RATE, Vector, log_mel

Array = NDArray[np.float64]
Embedding = Callable[[Vector], Array]


def embeddings(judge: Judge) -> Mapping[str, Embedding]:
    """Every embedding of the report by name."""
    return {"log-mel": mel_statistics, "judge": lambda mono: judge.styles(mono).astype(np.float64)}


def mel_statistics(mono: Vector) -> Array:
    """Mean and deviation of each mel band over each second: [W, 2 * MELS]."""
    mel = log_mel(mono)
    seconds = len(mel) // ONSET_RATE
    parts = mel[: seconds * ONSET_RATE].reshape(seconds, ONSET_RATE, -1)
    return np.concatenate([parts.mean(1), parts.std(1)], 1).astype(np.float64)
