"""A causal log-frequency filterbank: what the semantic tokenizer hears.

Audio frames `[B, T, F]` to log energies `[B, T, S * bands]`, S looks per 40 ms frame. Each band is
a windowed complex exponential whose length follows its pitch (a constant-Q transform after Brown
1991, truncated at 4,096 samples), all ending at the newest sample, so the whole bank is one strided
convolution and nothing looks ahead. Fixed, not trained.
"""

from math import tau

import torch
from torch import Tensor, nn

from models.streaming import State, Steppable

LOOKS = 2  # per frame


def _kernels(rate: int, window: int, low: float, per_octave: int, bands: int) -> Tensor:
    """[window, 2 * bands]: real parts, then imaginary parts, each band normalised to unit gain."""
    frequency = low * 2 ** (torch.arange(bands, dtype=torch.float64) / per_octave)
    quality = 1.4 / (2 ** (1 / per_octave) - 1)
    length = (quality * rate / frequency).clamp(max=window, min=256)
    age = torch.arange(window - 1, -1, -1, dtype=torch.float64)[:, None]  # newest sample last
    inside = age < length
    hann = (0.5 - 0.5 * torch.cos(tau * (age + 0.5) / length)) * inside
    hann = hann / hann.sum(0)
    phase = tau * frequency * age / rate
    return torch.cat([hann * torch.cos(phase), hann * torch.sin(phase)], 1).float()


class Filterbank(Steppable):
    """Log energies of pitch-spaced bands, two looks a frame."""

    kernels: Tensor  # [window, 2 * bands]

    def __init__(
        self,
        rate: int,
        frame: int,
        *,
        window: int = 4096,
        low: float = 41.2,
        per_octave: int = 12,
        bands: int = 96,
    ) -> None:
        super().__init__()
        self.frame, self.window, self.bands = frame, window, bands
        self.width = LOOKS * bands
        self.context = -(-window // frame)
        self.register_buffer(
            "kernels", _kernels(rate, window, low, per_octave, bands), persistent=False
        )

    def init_state(self, batch: int = 1) -> State:
        return {"past": torch.zeros(batch, self.window - self.frame // LOOKS)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        batch, frames, _ = x.shape
        hop = self.frame // LOOKS
        audio = torch.cat([state["past"], x.reshape(batch, -1)], 1)
        with torch.autocast(x.device.type, enabled=False):
            kernels = self.kernels.T[:, None]
            looks = nn.functional.conv1d(audio.float()[:, None], kernels, stride=hop).transpose(
                1, 2
            )
        real, imaginary = looks.chunk(2, -1)
        energy = torch.log10(real.square() + imaginary.square() + 1e-7) / 4 + 1  # about -1..1
        past = audio[:, audio.shape[1] - (self.window - hop) :]
        return energy.reshape(batch, frames, self.width), {"past": past}
