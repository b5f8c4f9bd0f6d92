"""Material for parity: real audio, tokens and rows as each step graph will meet them.

In:  a prepared split (or nothing: noise stands in, for toy exports). Out: per graph, the inputs of
`FRAMES` frames and what torch makes of them in one piece.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from engine.noise import gumbel
from engine.spec import AudioFormat
from models.codec import Codec, Writer
from models.downmix import Downmix
from models.lm import LanguageModel
from models.semantic import SemanticTokenizer
from models.streaming import Chain, Steppable
from models.upmix import Upmix

FRAMES = 100


@dataclass
class Material:
    """One stretch of music in every form."""

    audio: NDArray[np.float32]  # [C, FRAMES * F], as the bundle hears it
    rows: NDArray[np.float32]  # [FRAMES, ROW_WIDTH]


@dataclass
class Models:
    """The trained torch models that step graphs are made of.

    With an upmix the bundle plays and hears stereo at twice the rate of its codec; tokens are the
    same.
    """

    codec: Codec
    semantic: SemanticTokenizer
    language: LanguageModel
    upmix: Upmix | None = None

    @property
    def audio(self) -> AudioFormat:
        """What the bundle plays and hears."""
        return self.upmix.config.audio if self.upmix else self.codec.config.audio

    @property
    def downmix(self) -> Downmix | None:
        """What brings the bundle's audio to the codec, where that is another format."""
        return Downmix(self.audio, self.codec.config.rate) if self.upmix else None

    @property
    def encoder(self) -> Steppable:
        """Audio frames [B, T, C * F] to the codec's latents."""
        return self._behind_downmix(self.codec.encoder)

    @property
    def ear(self) -> Steppable:
        """Audio frames [B, T, C * F] to latents of the semantic tokenizer."""
        return self._behind_downmix(self.semantic.encoder)

    @property
    def decoder(self) -> Steppable:
        """The codec's latents to audio frames [B, T, C * F]."""
        if self.upmix is None:
            return self.codec.decoder
        return Chain(Writer(self.codec.decoder), self.upmix)

    def _behind_downmix(self, part: Steppable) -> Steppable:
        return Chain(self.downmix, part) if self.downmix else part


Sequence = list[dict[str, NDArray[Any]]]
Case = tuple[Sequence, NDArray[Any] | None]  # inputs per frame; torch whole


def cases(models: Models, material: Material) -> dict[str, Callable[[], Case]]:
    """Per step graph, how to get its inputs and torch's answer in one piece."""
    codec, channels = models.codec, models.audio.channels
    pieces = [{"audio": part[None]} for part in _split(material.audio, FRAMES)]
    frames = torch.from_numpy(
        np.concatenate([piece["audio"].reshape(1, 1, -1) for piece in pieces], 1)
    )
    with torch.no_grad():
        codes = codec.quantizer.encode(models.encoder(frames))
        semantic = models.semantic.quantizer.encode(models.ear(frames))
        tokens = torch.cat([semantic, codes], -1)
        past = models.language.shifted(tokens)
        hidden = models.language.temporal((past, torch.from_numpy(material.rows)[None]))
        audio = models.decoder(codec.quantizer.decode(codes))

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


def as_heard(audio: NDArray[np.float32], rate: int, wanted: AudioFormat) -> NDArray[np.float32]:
    """Bring audio [C, N] to a bundle's format: what is mono comes from the middle."""
    heard = (
        soxr.resample(audio.T, rate, wanted.rate, quality="HQ") if rate != wanted.rate else audio.T
    )
    if heard.shape[1] != wanted.channels:
        heard = np.repeat(heard.mean(1, keepdims=True), wanted.channels, axis=1)
    return np.ascontiguousarray(heard.T, np.float32)


def _split(audio: NDArray[np.float32], parts: int) -> list[NDArray[np.float32]]:
    return [np.ascontiguousarray(part) for part in np.split(audio, parts, axis=1)]
