"""Material for parity: real audio, tokens and rows as each step graph will meet them.

In:  a prepared split (or nothing: noise stands in, for toy exports). Out: per graph, the inputs of
`FRAMES` frames and what torch makes of them in one piece.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.noise import gumbel
from models.codec import Codec
from models.lm import LanguageModel
from models.semantic import SemanticTokenizer

FRAMES = 100


@dataclass
class Material:
    """One stretch of music in every form."""

    audio: NDArray[np.float32]  # [C, FRAMES * F]
    rows: NDArray[np.float32]  # [FRAMES, ROW_WIDTH]


@dataclass
class Models:
    """The trained torch models that step graphs are made of."""

    codec: Codec
    semantic: SemanticTokenizer
    language: LanguageModel


Sequence = list[dict[str, NDArray[Any]]]
Case = tuple[Sequence, NDArray[Any] | None]  # inputs per frame; torch whole


def cases(models: Models, material: Material) -> dict[str, Callable[[], Case]]:
    """Per step graph, how to get its inputs and torch's answer in one piece."""
    codec = models.codec
    frames = codec.frames(torch.from_numpy(material.audio)[None])
    pieces = [{"audio": part[None]} for part in _split(material.audio, FRAMES)]
    with torch.no_grad():
        codes = codec.quantizer.encode(codec.encoder(frames))
        semantic = models.semantic.encode(frames)
        tokens = torch.cat([semantic, codes], -1)
        past = models.language.shifted(tokens)
        hidden = models.language.temporal((past, torch.from_numpy(material.rows)[None]))
        audio = codec.decoder(codec.quantizer.decode(codes))

    def compose() -> Case:
        ones = np.ones(models.language.config.levels, np.float32)
        frames = [
            {
                "hidden": hidden[:, t].numpy(),
                "weights": np.ones((1, 1), np.float32),
                "noise": gumbel(1, t)[:, : models.language.config.codebook],
                "temperature": ones,
                "cutoff": 6 * ones,
            }
            for t in range(FRAMES)
        ]
        return frames, None

    def observe() -> Case:
        rows = [
            {"tokens": past[:, t].numpy(), "row": material.rows[t : t + 1]} for t in range(FRAMES)
        ]
        return rows, hidden[0].numpy()[:, None]

    channels = codec.config.channels
    return {
        "encode": lambda: (pieces, codes[0].numpy()[:, None]),
        "listen": lambda: (pieces, semantic[0].numpy()[:, None]),
        "decode": lambda: (
            [{"codes": codes[:, t].numpy()} for t in range(FRAMES)],
            audio[0].reshape(FRAMES, 1, channels, -1).numpy(),
        ),
        "observe": observe,
        "compose": compose,
        "brief": compose,
    }


def _split(audio: NDArray[np.float32], parts: int) -> list[NDArray[np.float32]]:
    return [np.ascontiguousarray(part) for part in np.split(audio, parts, axis=1)]
