"""The streaming contract in torch: whole sequence and step by step give the same numbers.

A `Steppable` maps `[B, T, ...]` to `[B, T, ...]` frame by frame. `forward` runs a whole sequence,
`step` runs a block of frames with the state that the previous block returned. State is a flat dict
of named tensors, passed in and out; nothing that streams hides on `self`. `tests/contract.py`
proves *whole == step by step == two blocks at a time* for each of them.
"""

from abc import ABC, abstractmethod
from typing import cast

import torch
from torch import Tensor, nn

State = dict[str, Tensor]


class Steppable(nn.Module, ABC):
    """A causal part that can run whole or in blocks of frames."""

    latency = 0  # frames the output lags behind the input it describes
    context: int  # frames of the past that can still change an output

    @abstractmethod
    def init_state(self, batch: int = 1) -> State:
        """Return the state before the first frame, for `batch` streams."""

    @abstractmethod
    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Advance by the frames in `x` [B, T, ...]; return their outputs and the next state."""

    def forward(self, x: Tensor) -> Tensor:
        """Run a whole sequence from the initial state."""
        state = {name: tensor.to(x.device) for name, tensor in self.init_state(len(x)).items()}
        return self.step(x, state)[0]


class Chain(Steppable):
    """Steppables one after the other; state names get the position as a prefix."""

    def __init__(self, *parts: Steppable) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.context = sum(part.context for part in parts)
        self.latency = sum(part.latency for part in parts)

    def init_state(self, batch: int = 1) -> State:
        return {
            name: tensor
            for index, part in enumerate(self._steppables())
            for name, tensor in prefixed(f"{index}.", part.init_state(batch)).items()
        }

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        after: State = {}
        for index, part in enumerate(self._steppables()):
            x, part_state = part.step(x, substate(state, f"{index}."))
            after |= prefixed(f"{index}.", part_state)
        return x, after

    def _steppables(self) -> list[Steppable]:
        return cast("list[Steppable]", list(self.parts))


def substate(state: State, prefix: str) -> State:
    """Pick the tensors whose names start with `prefix`, without it."""
    return {name[len(prefix) :]: t for name, t in state.items() if name.startswith(prefix)}


def prefixed(prefix: str, state: State) -> State:
    """Put `prefix` in front of every name; the inverse of `substate`."""
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


class ConvNeXtBlock(Steppable):
    """Causal ConvNeXt block at frame rate: depthwise convolution over time, then a two-layer MLP.

    Layout [B, T, D]. After Liu et al. 2022 (arXiv 2201.03545) as used for audio by Vocos
    (2306.00814),
    left-padded. The depthwise convolution is a weighted sum of shifted frames: no layout change.
    """

    def __init__(
        self, width: int, *, expansion: int = 3, kernel: int = 5, dilation: int = 1
    ) -> None:
        super().__init__()
        self.width, self.kernel, self.dilation = width, kernel, dilation
        self.context = (kernel - 1) * dilation
        self.depthwise = nn.Parameter(torch.randn(kernel, width) / kernel**0.5)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, expansion * width)
        self.down = nn.Linear(expansion * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def init_state(self, batch: int = 1) -> State:
        return {"past": torch.zeros(batch, self.context, self.width)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        padded = torch.cat([state["past"].to(x.dtype), x], 1)
        y = self._convolved(padded, x.shape[1])
        y = self.down(nn.functional.gelu(self.up(self.norm(y)), approximate="tanh"))
        return x + self.scale * y, {"past": padded[:, padded.shape[1] - self.context :]}

    def _convolved(self, padded: Tensor, frames: int) -> Tensor:
        """Frames [B, T, D] of the past and T frames, weighted by how old they are."""
        if frames < self.kernel:  # as played: three nodes in the graph, where the other way has 14
            at = torch.arange(frames)[:, None] + torch.arange(self.kernel) * self.dilation
            heard = padded.index_select(1, at.flatten()).unflatten(1, at.shape)
            return (heard * self.depthwise).sum(2)
        return sum(
            padded[:, k * self.dilation : k * self.dilation + frames] * self.depthwise[k]
            for k in range(self.kernel)
        )
