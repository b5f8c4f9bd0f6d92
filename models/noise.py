"""Shaped noise: the codec's voice for everything that has no pitch.

Gains [B, T, H * M] of M bands, H hops a frame, to audio [B, T, H * N], one hop late. A fixed table
of normal MDCT coefficients, as long as CYCLE frames and read by an integer clock, is scaled band by
band and transformed back: the same gains always make the same hiss, streamed or whole. (The noise
half of DDSP, arXiv 2001.04643, in the MDCT domain.)

Dimensions: B batch, T frames, H hops per frame, M bands, N samples per hop.
"""

import torch
from torch import Tensor

from models.mdct import Synthesis
from models.streaming import State, Steppable, prefixed, substate

CYCLE = 64  # frames after which the noise repeats (2.6 s)
SEED = 20_230_126


class ShapedNoise(Steppable):
    """Noise in bands; gains are [B, T, H * P * M] where P noises are mixed."""

    context = 1

    table: Tensor  # [CYCLE, H, P, N] normal
    spread: Tensor  # [M, N] how band gains become bin gains

    def __init__(self, hop: int, hops: int, shapes: Tensor, parts: int = 1) -> None:
        """Make the tables.

        Args:
            hop: N.
            hops: H.
            shapes: [M, N] how loud each bin is for a gain of 1 in each band (`band_shapes`).
            parts: P noises that have nothing in common.
        """
        super().__init__()
        self.hop, self.hops, self.bands, self.parts = hop, hops, len(shapes), parts
        seeds = [torch.Generator().manual_seed(SEED + part) for part in range(parts)]
        table = torch.stack([torch.randn(CYCLE, hops, hop, generator=seed) for seed in seeds], 2)
        self.register_buffer("table", table, persistent=False)
        self.register_buffer("spread", shapes, persistent=False)
        self.synthesis = Synthesis(hop)

    def init_state(self, batch: int = 1) -> State:
        clock = torch.zeros(batch, 1, dtype=torch.int64)
        return {"clock": clock, **prefixed("synthesis.", self.synthesis.init_state(batch))}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        batch, frames, _ = x.shape
        with torch.autocast(x.device.type, enabled=False):
            gains = x.float().reshape(batch, frames, self.hops, self.parts, -1) @ self.spread
            at = (state["clock"] + torch.arange(frames, device=x.device)) % CYCLE
            noise = torch.nn.functional.embedding(at, self.table.flatten(1))
            mixed = (gains * noise.reshape(gains.shape)).sum(3)
            spectrum = mixed.reshape(batch, -1, self.hop)
            audio, synthesis = self.synthesis.step(spectrum, substate(state, "synthesis."))
        after = {"clock": (state["clock"] + frames) % CYCLE, **prefixed("synthesis.", synthesis)}
        return audio.reshape(batch, frames, -1), after


def band_shapes(bins: int, bands: int, rate: int) -> Tensor:
    """Triangles over `bins` of 0..rate / 2, centres even on the mel scale, summing to one: [M,
    N]."""
    return mel_triangles((torch.arange(bins) + 0.5) * rate / 2 / bins, bands, rate / 2)


def mel_triangles(hertz: Tensor, bands: int, top: float) -> Tensor:
    """How much of each frequency [X] belongs to each band: [M, X], summing to one.

    Centres are even on the mel scale from 0 to `top` Hz.
    """
    place = torch.log1p(hertz / 700)
    place = place / torch.log1p(torch.tensor(top / 700)) * (bands - 1)
    shapes = (1 - (place[None] - torch.arange(bands)[:, None]).abs()).clamp(min=0)
    return shapes / shapes.sum(0, keepdim=True)


def mel_centres(bands: int, top: float) -> Tensor:
    """Centres of `mel_triangles` in Hz: [M]."""
    place = torch.linspace(0, 1, bands) * torch.log1p(torch.tensor(top / 700))
    return 700 * torch.expm1(place)
