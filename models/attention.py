"""The layers of the depthformer: norm, feed-forward, attention over frames, attention over levels.

Attention over frames sees a window of the past and a learned sink, with a learned bias per
distance, so that the window has an order without absolute positions and may slide for ever.
Attention over levels sees the levels before, in one frame. Everything is `[B, T, D]`.
"""

import torch
from torch import Tensor, nn


class Norm(nn.Module):
    """RMSNorm (arXiv 1910.07467), in float32 whatever the rest is in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * self.weight


class FeedForward(nn.Module):
    """Norm, widen, GELU, narrow."""

    def __init__(self, width: int, expansion: int) -> None:
        super().__init__()
        self.norm = Norm(width)
        self.up = nn.Linear(width, expansion * width)
        self.down = nn.Linear(expansion * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(nn.functional.gelu(self.up(self.norm(x)), approximate="tanh"))


class WindowAttention(nn.Module):
    """Causal attention over the last `window` frames and a sink."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.norm = Norm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.sink = nn.Parameter(torch.randn(2, width) * 0.02)  # key, value
        self.bias = nn.Parameter(
            torch.zeros(heads, window + 1)
        )  # by distance, 0 is the frame itself

    def forward(
        self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Attend.

        Args:
            x: [B, T, D] this block.
            keys, values: [B, W, D] of the frames before it.
            mask: [B, 1, T, W + T] 0 where visible, a large negative number elsewhere.

        Returns:
            [B, T, D], and keys and values [B, W, D] for the next block.
        """
        query, key, value = self.qkv(self.norm(x)).chunk(3, -1)
        keys, values = (
            torch.cat([keys.to(key.dtype), key], 1),
            torch.cat([values.to(key.dtype), value], 1),
        )
        sink_key, sink_value = self.sink.to(key.dtype).expand(x.shape[0], 1, 2, -1).unbind(2)
        full_mask = nn.functional.pad(mask + self._distance_bias(x.shape[1]), (1, 0)).to(
            query.dtype
        )
        mixed = nn.functional.scaled_dot_product_attention(
            self._split(query),
            self._split(torch.cat([sink_key, keys], 1)),
            self._split(torch.cat([sink_value, values], 1)),
            attn_mask=full_mask,
        )
        mixed = mixed.transpose(1, 2).reshape(x.shape)
        newest = keys.shape[1] - self.window
        return self.out(mixed), keys[:, newest:], values[:, newest:]

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)

    def _distance_bias(self, frames: int) -> Tensor:
        """[H, T, W + T]: the learned bias at each distance."""
        query = torch.arange(frames)[:, None] + self.window
        distance = (query - torch.arange(self.window + frames)[None]).clamp(0, self.window)
        return self.bias[:, distance]


class DepthAttention(nn.Module):
    """Causal attention over the levels of one frame."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = Norm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (self._split(part) for part in self.qkv(self.norm(x)).chunk(3, -1))
        future = torch.full(
            (x.shape[1], x.shape[1]), -1e4, dtype=query.dtype, device=x.device
        ).triu(1)
        return self._mix(query, key, value, future).reshape(x.shape)

    def step(self, x: Tensor, keys: list[Tensor], values: list[Tensor]) -> Tensor:
        """One level [B, 1, D]; appends to the lists of the levels before it."""
        query, key, value = (self._split(part) for part in self.qkv(self.norm(x)).chunk(3, -1))
        keys.append(key)
        values.append(value)
        return self._mix(query, torch.cat(keys, 2), torch.cat(values, 2)).reshape(x.shape)

    def _mix(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        # Written out: torch's fused attention takes 290 ms for 1,000 frames of 13 levels, this 37
        # (CPU, bf16).
        scores = query @ key.transpose(-1, -2) * key.shape[-1] ** -0.5
        weights = (scores if mask is None else scores + mask).softmax(-1)
        return self.out((weights @ value).transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)
