"""The semantic tokenizer: w2v-BERT's role, small, causal and trained on the corpus' own labels.

Audio frames `[B, T, C * F]` to codes `[B, T, 1]`, 1,024 of them, 25 a second. A causal ConvNeXt
stack on a log-frequency filterbank, a vector quantiser, and behind it (in training only) readers
that must recover from the codes what is played: notes, onsets, chord, key, beat, instruments; and
the next frame's random-projection code (NEST-RQ, after BEST-RQ, arXiv 2202.01855), which needs no
labels.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.row import SLICES
from engine.spec import CODEBOOK_SIZE, FAMILIES, KEYS, PITCHES, AudioFormat
from models.filterbank import Filterbank
from models.quantizer import Quantized, ResidualQuantizer
from models.streaming import Chain, ConvNeXtBlock, State, Steppable, substate

HEADS = {
    "sounding": PITCHES,
    "onset": PITCHES,
    "chord": 12,  # pitch classes of the chord
    "drums": 1,
    "families": len(FAMILIES),
    "key": len(KEYS),
    "beat": 4,  # sine and cosine of beat and bar phase
    "next": 0,  # filled from the configuration: codes of the next frame
}


@dataclass(frozen=True, kw_only=True)
class SemanticConfig:
    """Sizes of a semantic tokenizer; stored with its weights."""

    rate: int = 24_000  # Hz
    channels: int = 1
    width: int = 192
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    kernel: int = 5
    latent: int = 32
    codebook: int = CODEBOOK_SIZE
    targets: int = 512  # random-projection codes of the self-supervised loss

    @property
    def frame(self) -> int:
        """Samples per frame and channel."""
        return AudioFormat(rate=self.rate, channels=self.channels).frame_samples


class SemanticEncoder(Steppable):
    """Audio frames [B, T, C * F] to latents [B, T, D]."""

    def __init__(self, config: SemanticConfig) -> None:
        super().__init__()
        self.config = config
        self.bank = Filterbank(config.rate, config.frame)
        self.inlet = nn.Linear(self.bank.width, config.width)
        self.blocks = Chain(
            *(
                ConvNeXtBlock(config.width, kernel=config.kernel, dilation=d)
                for d in config.dilations
            )
        )
        self.norm = nn.LayerNorm(config.width)
        self.outlet = nn.Linear(config.width, config.latent)
        self.context = self.bank.context + self.blocks.context

    def init_state(self, batch: int = 1) -> State:
        bank = {f"bank.{k}": v for k, v in self.bank.init_state(batch).items()}
        return bank | {f"blocks.{k}": v for k, v in self.blocks.init_state(batch).items()}

    def features(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Filterbank energies [B, T, W] of the channels' mean."""
        mono = x.reshape(*x.shape[:2], self.config.channels, -1).mean(2)
        energies, bank = self.bank.step(mono, substate(state, "bank."))
        return energies, {f"bank.{k}": v for k, v in bank.items()}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        energies, bank = self.features(x, state)
        hidden, blocks = self.blocks.step(self.inlet(energies), substate(state, "blocks."))
        latents = self.outlet(self.norm(hidden))
        return latents, bank | {f"blocks.{k}": v for k, v in blocks.items()}


class SemanticTokenizer(nn.Module):
    """Encoder, quantiser and the readers that train them."""

    projection: Tensor  # [W, 16] fixed
    target_codes: Tensor  # [targets, 16] fixed, unit norm

    def __init__(self, config: SemanticConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = SemanticEncoder(config)
        self.quantizer = ResidualQuantizer(1, config.latent, config.codebook)
        self.reader_in = nn.Linear(config.latent, config.width)
        self.reader = Chain(*(ConvNeXtBlock(config.width, kernel=5, dilation=d) for d in (1, 4)))
        widths = HEADS | {"next": config.targets}
        self.heads = nn.ModuleDict(
            {name: nn.Linear(config.width, width) for name, width in widths.items()}
        )
        generator = torch.Generator().manual_seed(7)
        projection = torch.randn(self.encoder.bank.width, 16, generator=generator)
        codes = nn.functional.normalize(
            torch.randn(config.targets, 16, generator=generator), dim=-1
        )
        self.register_buffer("projection", projection)
        self.register_buffer("target_codes", codes)

    def encode(self, frames: Tensor) -> Tensor:
        """Audio frames [B, T, C * F] to codes [B, T, 1]."""
        return self.quantizer.encode(self.encoder(frames))

    def read(self, latents: Tensor) -> dict[str, Tensor]:
        """What the readers recover from quantised latents [B, T, D]."""
        hidden = self.reader(self.reader_in(latents))
        return {name: head(hidden) for name, head in self.heads.items()}

    def targets(self, energies: Tensor) -> Tensor:
        """Random-projection codes [B, T] of filterbank energies [B, T, W]."""
        centred = energies - energies.mean((0, 1), keepdim=True)
        direction = nn.functional.normalize(centred @ self.projection, dim=-1)
        return (direction @ self.target_codes.T).argmax(-1)

    def forward(self, frames: Tensor) -> tuple[dict[str, Tensor], Tensor, Quantized]:
        """Read a batch through the codes.

        Returns:
            head outputs, the next frame's codes [B, T - 1], and the quantiser's result.
        """
        state = self.encoder.init_state(len(frames))
        energies, _ = self.encoder.features(frames, state)
        latents = self.encoder(frames)
        quantized = self.quantizer(latents.float())
        return self.read(quantized.latents), self.targets(energies)[:, 1:], quantized


def label_targets(rows: Tensor, labels: dict[str, Tensor]) -> dict[str, Tensor]:
    """Head targets from encoded rows [B, T, ROW_WIDTH] and index labels."""
    notes = rows[..., SLICES["notes"]]
    meter = rows[..., SLICES["meter"]]
    families = rows[..., SLICES["families"]]
    return {
        "sounding": notes[..., :PITCHES],
        "onset": notes[..., PITCHES : 2 * PITCHES],
        "chord": rows[..., SLICES["chord"]][..., 12:24],
        "drums": rows[..., SLICES["drums"]][..., :1],
        "families": families[..., : len(FAMILIES)],
        "key": labels["key"],
        "beat": meter[..., [0, 1, 4, 5]],
    }


def build(sizes: Mapping[str, Any]) -> SemanticTokenizer:
    """Make an untrained tokenizer of the sizes that are stored with weights."""
    return SemanticTokenizer(SemanticConfig(**{**sizes, "dilations": tuple(sizes["dilations"])}))


def load(folder: Path) -> SemanticTokenizer:
    """Open a trained tokenizer, averaged weights, in evaluation mode."""
    model = build(json.loads((folder / "config.json").read_text()))
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()
