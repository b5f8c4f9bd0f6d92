"""The modified discrete cosine transform, streaming, as one matrix product each way.

Audio `[B, T, H]` (T hops of H samples) to coefficients `[B, T, H]` and back. The sine window of
2 H samples satisfies the Princen-Bradley condition, so analysis and synthesis together reconstruct
exactly, delayed by one hop (Princen, Johnson, Bradley 1987).
"""

from math import pi

import torch
from torch import Tensor

from models.streaming import State, Steppable


def _basis(hop: int) -> Tensor:
    """Windowed MDCT basis [2 H, H], orthonormal under overlap-add."""
    n = torch.arange(2 * hop, dtype=torch.float64)[:, None]
    k = torch.arange(hop, dtype=torch.float64)[None, :]
    window = torch.sin(pi * (n + 0.5) / (2 * hop))
    cosine = torch.cos(pi / hop * (n + 0.5 + hop / 2) * (k + 0.5))
    return (window * cosine * (2 / hop) ** 0.5).float()


class Analysis(Steppable):
    """Hops of samples to MDCT coefficients; each hop looks one hop back."""

    basis: Tensor  # [2 H, H]

    context = 1

    def __init__(self, hop: int) -> None:
        super().__init__()
        self.hop = hop
        self.register_buffer("basis", _basis(hop), persistent=False)

    def init_state(self, batch: int = 1) -> State:
        return {"past": torch.zeros(batch, 1, self.hop)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        hops = torch.cat([state["past"], x], 1)
        pairs = torch.cat([hops[:, :-1], hops[:, 1:]], -1)
        return _product(pairs, self.basis), {"past": hops[:, -1:]}


class Synthesis(Steppable):
    """MDCT coefficients to hops of samples, one hop late (the overlap needs its other half)."""

    basis: Tensor  # [2 H, H]

    context = 1

    def __init__(self, hop: int) -> None:
        super().__init__()
        self.hop = hop
        self.register_buffer("basis", _basis(hop), persistent=False)

    def init_state(self, batch: int = 1) -> State:
        return {"tail": torch.zeros(batch, 1, self.hop)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        pairs = _product(x, self.basis.T)
        heads, tails = pairs[..., : self.hop], pairs[..., self.hop :]
        tails = torch.cat([state["tail"], tails], 1)
        return heads + tails[:, :-1], {"tail": tails[:, -1:]}


def _product(x: Tensor, basis: Tensor) -> Tensor:
    """Multiply in float32 even under autocast: bfloat16 would put a floor under the SNR."""
    with torch.autocast(x.device.type, enabled=False):
        return x.float() @ basis
