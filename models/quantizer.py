"""Residual vector quantisation with codebooks that follow the data.

Latents `[B, T, D]` to codes `[B, T, K]` and back. Codebooks are exponential moving averages of what
they are assigned (van den Oord 2017), started from data and restarted where unused, as in
SoundStream (arXiv 2107.03312, section III-C). Gradients pass straight through. In training each
example keeps a random number of levels (quantizer dropout), so that one model serves every rate.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BYPASS = -1  # a number of levels to keep that means: leave the latents as they are


class Quantized(NamedTuple):
    """What quantising one batch of latents gives."""

    latents: Tensor  # [B, T, D] sum of the chosen vectors, gradient straight through
    codes: Tensor  # [B, T, K] int64
    commitment: Tensor  # scalar: how far the latents are from their codes
    perplexity: Tensor  # [K] effective number of codes in this batch


class ResidualQuantizer(nn.Module):
    """K codebooks of `size` vectors, each quantising what the ones before left over."""

    codebooks: Tensor  # [K, size, D]
    usage: Tensor  # [K, size] average count per batch
    sums: Tensor  # [K, size, D] average sum of members

    def __init__(
        self, levels: int, width: int, size: int = 1024, *, decay: float = 0.97, stale: float = 0.03
    ) -> None:
        super().__init__()
        self.levels, self.size, self.decay, self.stale = levels, size, decay, stale
        self.register_buffer("codebooks", torch.randn(levels, size, width) * 0.01)
        self.register_buffer("usage", torch.zeros(levels, size))
        self.register_buffer("sums", torch.zeros(levels, size, width))

    def encode(self, latents: Tensor) -> Tensor:
        """Choose codes greedily, level by level: [..., D] to int64 [..., K]."""
        residual, codes = latents, []
        for codebook in self.codebooks:
            index = nearest(residual, codebook)
            codes.append(index)
            residual = residual - F.embedding(index, codebook)
        return torch.stack(codes, -1)

    def decode(self, codes: Tensor) -> Tensor:
        """Sum the codes' vectors: [..., K] to [..., D]. A code of -1 leaves its level out."""
        levels, size, _ = self.codebooks.shape
        rows = codes.clamp(min=0) + torch.arange(levels, device=codes.device) * size
        vectors = F.embedding(rows, self.codebooks.flatten(0, 1))
        return (vectors * (codes >= 0)[..., None]).sum(-2)

    def forward(self, latents: Tensor, keep: Tensor | None = None) -> Quantized:
        """Quantise for training; updates the codebooks in training mode.

        Args:
            latents: [B, T, D] float32.
            keep: [B] number of levels each example keeps, or BYPASS; None keeps all.
        """
        residual, total = latents, torch.zeros_like(latents)
        codes, perplexities = [], []
        commitment = latents.new_zeros(())
        for level in range(self.levels):
            index = nearest(residual.detach(), self.codebooks[level])
            chosen = self.codebooks[level][index]
            if self.training:
                self._follow(
                    level, residual.detach().reshape(-1, latents.shape[-1]), index.reshape(-1)
                )
            on = torch.ones(len(latents), 1, 1) if keep is None else (keep > level)[:, None, None]
            commitment = (
                commitment + ((residual - chosen).square().mean(-1, keepdim=True) * on).mean()
            )
            total = total + chosen * on
            residual = residual - chosen
            codes.append(index)
            perplexities.append(self._perplexity(index))
        if keep is not None:
            total = torch.where((keep == BYPASS)[:, None, None], latents, total)
        straight_through = latents + (total - latents).detach()
        return Quantized(
            straight_through,
            torch.stack(codes, -1),
            commitment / self.levels,
            torch.stack(perplexities),
        )

    @torch.no_grad()
    def _follow(self, level: int, vectors: Tensor, index: Tensor) -> None:
        """Move a level's codes to the mean of their members; restart the unused from the batch."""
        if not self.usage[level].any():
            picks = torch.randint(len(vectors), (self.size,))
            self.codebooks[level] = vectors[picks] + 1e-3 * vectors.std() * torch.randn_like(
                vectors[picks]
            )
            self.usage[level], self.sums[level] = 1.0, self.codebooks[level]
            return
        counts = torch.zeros(self.size).index_add_(0, index, torch.ones(len(index)))
        sums = torch.zeros_like(self.sums[level]).index_add_(0, index, vectors)
        self.usage[level].lerp_(counts, 1 - self.decay)
        self.sums[level].lerp_(sums, 1 - self.decay)
        self.codebooks[level] = self.sums[level] / self.usage[level].clamp(min=1e-5)[:, None]
        dead = self.usage[level] < self.stale
        if dead.any():
            picks = torch.randint(len(vectors), (int(dead.sum()),))
            self.codebooks[level][dead] = vectors[picks]
            self.usage[level][dead] = 1.0
            self.sums[level][dead] = vectors[picks]

    @torch.no_grad()
    def settle(self) -> None:
        """Start the averages from the codebooks: weights without averages go on from where they
        are, and are not drawn anew from the first batch."""
        self.usage.fill_(1.0)
        self.sums.copy_(self.codebooks)

    def _perplexity(self, index: Tensor) -> Tensor:
        share = torch.bincount(index.reshape(-1), minlength=self.size).float() / index.numel()
        return torch.exp(-(share * (share + 1e-10).log()).sum())


def nearest(vectors: Tensor, codebook: Tensor) -> Tensor:
    """Index of the closest code by Euclidean distance: [..., D] against [S, D] to int64 [...]."""
    # The codebook on the left: exported, it is then the same constant that codes are looked up in.
    closeness = codebook @ vectors.transpose(-1, -2) - 0.5 * codebook.square().sum(-1, keepdim=True)
    return closeness.argmax(-2)
