"""The depthformer: MusicLM's semantic, coarse and fine stages laid along the depth of each frame.

`Temporal` runs over frames: last frame's tokens `[B, T, K]` and this frame's conditioning row `[B,
T, ROW_WIDTH]` give a hidden state `[B, T, D]`. `Depth` then makes the frame's K tokens one by one,
semantic first, then coarse, then fine. RQ-transformer (Lee 2022) in the form of Moshi (arXiv
2410.00037) and Magenta RealTime 2; windowed attention with a learned sink and a learned bias per
distance, so the window has an order without absolute positions and may slide for ever.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.row import ROW_WIDTH
from engine.spec import (
    COARSE_LEVELS,
    CODEBOOK_SIZE,
    LEVELS,
    SEMANTIC_LEVELS,
    START_TOKEN,
    exact_div,
)
from models.attention import DepthAttention, FeedForward, Norm, WindowAttention
from models.streaming import State, Steppable

LOGIT_CAP = 30.0


@dataclass(frozen=True, kw_only=True)
class LanguageConfig:
    """Sizes of a depthformer; stored with its weights."""

    levels: int = LEVELS
    codebook: int = CODEBOOK_SIZE
    row_width: int = ROW_WIDTH
    embedding: int = 128  # width of a token's vector, shared by both transformers
    leading: int = SEMANTIC_LEVELS + COARSE_LEVELS  # levels with an input projection of their own
    width: int = 384
    layers: int = 4
    heads: int = 6
    expansion: int = 3  # of the feed-forward layers
    window: int = 80  # past frames each layer attends to
    depth_width: int = 256
    depth_layers: int = 2
    depth_heads: int = 4
    depth_expansion: int = 4


class Temporal(Steppable):
    """Past tokens and this frame's row to a hidden state, frame by frame."""

    def __init__(self, config: LanguageConfig, embedding: "TokenEmbedding") -> None:
        super().__init__()
        self.config = config
        self._shared = (embedding,)  # in a tuple: owned, saved and moved by the language model
        self.lead_in = nn.ModuleList(
            nn.Linear(config.embedding, config.width, bias=False) for _ in range(config.leading)
        )
        self.rest_in = nn.Linear(config.embedding, config.width, bias=False)
        self.row_in = nn.Linear(config.row_width, config.width)
        self.row_mix = nn.Linear(config.width, config.width)
        self.attention = nn.ModuleList(
            WindowAttention(config.width, config.heads, config.window) for _ in range(config.layers)
        )
        self.feed = nn.ModuleList(
            FeedForward(config.width, config.expansion) for _ in range(config.layers)
        )
        self.norm = Norm(config.width)
        self.context = config.layers * config.window

    @property
    def embedding(self) -> "TokenEmbedding":
        """The table that both transformers read."""
        return self._shared[0]

    def init_state(self, batch: int = 1) -> State:
        heads, window = self.config.heads, self.config.window
        shape = (batch, heads, window, exact_div(self.config.width, heads))
        names = [f"{name}{n}" for n in range(self.config.layers) for name in ("keys", "values")]
        return {"filled": torch.zeros(batch, window)} | {name: torch.zeros(shape) for name in names}

    def step(self, x: tuple[Tensor, Tensor], state: State) -> tuple[Tensor, State]:  # type: ignore[override]
        tokens, rows = x
        row = self.row_mix(nn.functional.gelu(self.row_in(rows), approximate="tanh"))
        hidden = self._heard(tokens) + row
        mask, filled = self._mask(tokens.shape[1], state["filled"])
        after = {"filled": filled}
        for n, (attention, feed) in enumerate(zip(self.attention, self.feed, strict=True)):
            mixed, after[f"keys{n}"], after[f"values{n}"] = attention(
                hidden, state[f"keys{n}"], state[f"values{n}"], mask
            )
            hidden = hidden + mixed
            hidden = hidden + feed(hidden)
        return self.norm(hidden), after

    def forward(self, x: tuple[Tensor, Tensor]) -> Tensor:  # type: ignore[override]
        state = {name: t.to(x[0].device) for name, t in self.init_state(x[0].shape[0]).items()}
        return self.step(x, state)[0]

    def _heard(self, tokens: Tensor) -> Tensor:
        """Past tokens [B, T, K] as one vector each frame; the leading levels have a way in of their
        own."""
        vectors = self.embedding(tokens)
        leading = sum(way(vectors[..., level, :]) for level, way in enumerate(self.lead_in))
        rest = self.rest_in(vectors[..., self.config.leading :, :].mean(-2))
        return (leading + rest) * self.config.embedding**0.5

    def _mask(self, frames: int, filled: Tensor) -> tuple[Tensor, Tensor]:
        """[B, 1, T, 1 + W + T] additive mask of the window and of slots not yet filled, the sink
        first; the next `filled`."""
        window = self.config.window
        filled = torch.cat([filled, torch.ones(filled.shape[0], frames, dtype=filled.dtype)], 1)
        query = torch.arange(frames)[:, None] + window
        slot = torch.arange(window + frames)[None]
        visible = (slot <= query) & (slot >= query - window)
        mask = (visible.to(filled.dtype)[None] * filled[:, None] - 1.0) * 1e4
        return nn.functional.pad(mask, (1, 0))[:, None], filled[:, frames:]


class TokenEmbedding(nn.Module):
    """One table for the tokens of all levels, START_TOKEN included."""

    offsets: Tensor  # [K] first row of each level

    def __init__(self, config: LanguageConfig) -> None:
        super().__init__()
        self.rows = config.codebook + 1
        self.table = nn.Embedding(config.levels * self.rows, config.embedding)
        nn.init.normal_(self.table.weight, std=0.02)  # 0.3 kept Adam at the unigram for 300 steps
        offsets = torch.arange(config.levels) * self.rows
        self.register_buffer("offsets", offsets, persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """[..., K] tokens to [..., K, E]."""
        return self.table(tokens + self.offsets)

    def level(self, tokens: Tensor, level: int) -> Tensor:
        """Tokens [...] of one level to [..., E]."""
        return self.table(tokens + level * self.rows)

    def codes(self, level: int) -> Tensor:
        """The vectors of one level's codes, START_TOKEN left out: [codebook, E]."""
        return self.table.weight[level * self.rows : (level + 1) * self.rows - 1]


class Depth(nn.Module):
    """A frame's hidden state to its tokens, level by level."""

    def __init__(self, config: LanguageConfig, embedding: TokenEmbedding) -> None:
        super().__init__()
        self.config = config
        self._shared = (embedding,)  # as in `Temporal`
        width = config.depth_width
        self.hidden_in = nn.Linear(config.width, width)
        self.token_in = nn.Linear(config.embedding, width, bias=False)
        self.place = nn.Parameter(torch.randn(config.levels, width) * 0.02)
        self.attention = nn.ModuleList(
            DepthAttention(width, config.depth_heads) for _ in range(config.depth_layers)
        )
        self.feed = nn.ModuleList(
            FeedForward(width, config.depth_expansion) for _ in range(config.depth_layers)
        )
        self.norm = Norm(width)
        self.heads = nn.ModuleList(nn.Linear(width, config.embedding) for _ in range(config.levels))
        self.bias = nn.Parameter(torch.zeros(config.levels, config.codebook))

    @property
    def embedding(self) -> TokenEmbedding:
        """The table that both transformers read."""
        return self._shared[0]

    def forward(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """Teacher-forced logits [B, K, codebook] of hidden [B, D] and the frame's tokens [B, K]."""
        before = self._said(self.embedding(tokens)[:, :-1])
        x = self.hidden_in(hidden)[:, None] + self.place + nn.functional.pad(before, (0, 0, 1, 0))
        for attention, feed in zip(self.attention, self.feed, strict=True):
            x = x + attention(x)
            x = x + feed(x)
        x = self.norm(x)
        return torch.stack(
            [self.logits(x[:, level], level) for level in range(self.config.levels)], 1
        )

    def _said(self, vectors: Tensor) -> Tensor:
        """The level before, as it comes in."""
        return self.token_in(vectors) * self.config.embedding**0.5

    def logits(self, x: Tensor, level: int) -> Tensor:
        """Logits [..., codebook] of a level: closeness to its codes' vectors, the table tied (Press
        2017)."""
        closeness = self.heads[level](x) @ self.embedding.codes(level).T
        return cap(closeness + self.bias[level])

    def sample(
        self,
        hidden: Tensor,
        weights: Tensor,
        noise: Tensor,
        temperature: Tensor,
        cutoff: Tensor,
        *,
        levels: int | None = None,
    ) -> Tensor:
        """Draw one frame's tokens.

        Args:
            hidden: [B, D]; all rows describe the same frame under different conditioning.
            weights: [B, 1] how the rows' logits are mixed; sum 1. (g, 1 - g) is guidance (Ho 2022).
            noise: [K, codebook] Gumbel.
            temperature: [K]; 0 takes the best.
            cutoff: [K] nats under the best beyond which a token is never drawn (min-p, arXiv
            2407.01082).
            levels: how many to draw, from the first on; None draws all.

        Returns:
            [1, K] int64; START_TOKEN at levels that were not drawn.
        """
        base = self.hidden_in(hidden[:, None])  # [B, 1, D]: products of three axes export as MatMul
        layers = cast("list[DepthAttention]", list(self.attention))
        caches: list[tuple[list[Tensor], list[Tensor]]] = [([], []) for _ in self.attention]
        tokens: list[Tensor] = []
        for level in range(self.config.levels if levels is None else levels):
            x = base + self.place[level]
            if tokens:
                x = x + self._said(self.embedding.level(tokens[-1][:, None], level - 1))
            for attention, feed, (keys, values) in zip(layers, self.feed, caches, strict=True):
                x = x + attention.step(x, keys, values)
                x = x + feed(x)
            logits = (self.logits(self.norm(x), level)[:, 0] * weights).sum(0, keepdim=True)
            floor = logits.amax(-1, keepdim=True) - cutoff[level]
            drawn = torch.where(logits < floor, -1e9, logits + temperature[level] * noise[level])
            tokens.append(drawn.argmax(-1))
        left_out = [torch.full_like(tokens[0], START_TOKEN)] * (self.config.levels - len(tokens))
        return torch.stack(tokens + left_out, -1)


def cap(logits: Tensor) -> Tensor:
    """Soft cap: bounded, so that one runaway logit cannot freeze sampling."""
    return LOGIT_CAP * torch.tanh(logits / LOGIT_CAP)


class LanguageModel(nn.Module):
    """Both transformers and the table they share."""

    def __init__(self, config: LanguageConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = TokenEmbedding(config)
        self.temporal = Temporal(config, self.embedding)
        self.depth = Depth(config, self.embedding)

    def shifted(self, tokens: Tensor) -> Tensor:
        """Each frame's predecessor: [B, T, K] with START_TOKEN first."""
        start = torch.full_like(tokens[:, :1], START_TOKEN)
        return torch.cat([start, tokens[:, :-1]], 1)


def build(sizes: Mapping[str, Any]) -> LanguageModel:
    """Make an untrained depthformer of the sizes that are stored with weights."""
    return LanguageModel(LanguageConfig(**sizes))


def load(folder: Path) -> LanguageModel:
    """Open a trained depthformer, averaged weights, in evaluation mode."""
    model = build(json.loads((folder / "config.json").read_text()))
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()
