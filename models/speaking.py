"""What the codec says: sheets played on oscillators and shaped noise.

Sheets [B, T, U * W] as `models.hearing` writes them (whatever a network makes of them) to audio
frames [B, T, F], one hop late. Fixed, not trained.
"""

import torch
from torch import Tensor

from engine.spec import FRAME_RATE, exact_div
from models.noise import ShapedNoise, band_shapes
from models.oscillators import Oscillators
from models.streaming import State, Steppable, prefixed, substate


class Speaking(Steppable):
    """Sheets to audio."""

    context = 1

    def __init__(self, rate: int, subframes: int, hops: int, bands: int, gain: float) -> None:
        super().__init__()
        self.subframes, self.gain = subframes, gain
        self.oscillators = Oscillators(rate, subframes)
        hop = exact_div(rate, FRAME_RATE * hops)
        self.noise = ShapedNoise(hop, hops, band_shapes(hop, bands, rate))
        self.widths = [self.oscillators.size, exact_div(hops, subframes) * bands]
        self.width = subframes * sum(self.widths)

    def init_state(self, batch: int = 1) -> State:
        return {
            **prefixed("oscillators.", self.oscillators.init_state(batch)),
            **prefixed("noise.", self.noise.init_state(batch)),
        }

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        with torch.autocast(x.device.type, enabled=False):
            amplitudes = x.float().clamp(min=0).square() / self.gain
            parts = amplitudes.unflatten(-1, (self.subframes, -1)).split(self.widths, -1)
            tones, gains = (part.flatten(2) for part in parts)
            sung, oscillators = self.oscillators.step(tones, substate(state, "oscillators."))
            hissed, noise = self.noise.step(gains, substate(state, "noise."))
        return sung + hissed, prefixed("oscillators.", oscillators) | prefixed("noise.", noise)
