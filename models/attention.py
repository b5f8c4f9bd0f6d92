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
        # Written as ONNX Runtime knows it: one node in its graph. With rsqrt it is seven.
        x = x.float()
        return x / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


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
            keys, values: [B, H, W, D / H] of the frames before it.
            mask: [B, 1, T, 1 + W + T] 0 where visible, a large negative number elsewhere; the sink
                comes first.

        Returns:
            [B, T, D], and keys and values [B, H, W, D / H] for the next block.
        """
        query, key, value = (
            _split(part, self.heads) for part in self.qkv(self.norm(x)).chunk(3, -1)
        )
        sinks = self.sink.to(key.dtype).reshape(2, 1, self.heads, 1, -1)
        sink_key, sink_value = sinks.expand(-1, x.shape[0], -1, -1, -1).unbind(0)
        # One copy of each a frame: what stays of the past is most of what this graph moves.
        keys = torch.cat([sink_key, keys.to(key.dtype), key], 2)
        values = torch.cat([sink_value, values.to(key.dtype), value], 2)
        mixed = _mix(query, keys, values, (mask + self._distance_bias(x.shape[1])).to(query.dtype))
        kept = keys.shape[2] - self.window
        return self.out(mixed), keys[:, :, kept:], values[:, :, kept:]

    def _distance_bias(self, frames: int) -> Tensor:
        """[H, T, 1 + W + T]: the learned bias at each distance; none for the sink."""
        query = torch.arange(frames)[:, None] + self.window
        distance = (query - torch.arange(self.window + frames)[None]).clamp(0, self.window)
        return nn.functional.pad(self.bias[:, distance], (1, 0))


class DepthAttention(nn.Module):
    """Causal attention over the levels of one frame."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = Norm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            _split(part, self.heads) for part in self.qkv(self.norm(x)).chunk(3, -1)
        )
        future = torch.full(
            (x.shape[1], x.shape[1]), -1e4, dtype=query.dtype, device=x.device
        ).triu(1)
        return self.out(_mix(query, key, value, future))

    def step(self, x: Tensor, keys: list[Tensor], values: list[Tensor]) -> Tensor:
        """One level [B, 1, D]; appends to the lists of the levels before it."""
        # With one level there is nothing to transpose, and the graph has a hundred nodes less.
        query, key, value = (
            part.reshape(x.shape[0], self.heads, 1, -1)
            for part in self.qkv(self.norm(x)).chunk(3, -1)
        )
        keys.append(key)
        values.append(value)
        mixed = _weigh(query, torch.cat(keys, 2)) @ torch.cat(values, 2)
        return self.out(mixed.reshape(x.shape))


def _split(x: Tensor, heads: int) -> Tensor:
    """[B, T, D] to [B, H, T, D / H]."""
    return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)


def _mix(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    """Attend in every head: [B, T, D]."""
    return (_weigh(query, key, mask) @ value).transpose(1, 2).flatten(2)


def _weigh(query: Tensor, key: Tensor, mask: Tensor | None = None) -> Tensor:
    # Written out: torch's fused attention takes 290 ms for 1,000 frames of 13 levels, this 37
    # (CPU, bf16); and exported it scales all keys before the product.
    scores = query @ key.transpose(-1, -2) * key.shape[-1] ** -0.5
    return (scores if mask is None else scores + mask).softmax(-1)
