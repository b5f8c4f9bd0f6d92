"""Losses that hear: multi-resolution log-mel distance and helpers for figures in decibels.

Audio is `[B, N]`. The mel loss is the sum over windows of the L1 distance of log10 mel magnitudes,
as in DAC (Kumar 2023, arXiv 2306.06546), which replaced SoundStream's.
"""

import torch
from torch import Tensor, nn

from models.mdct import Analysis, compress


def mel_filters(bins: int, fft: int, rate: int, low: float = 20.0) -> Tensor:
    """Triangular mel filters [fft // 2 + 1, bins], each summing to one (HTK mel scale)."""
    top = 2595 * torch.log10(torch.tensor(1 + rate / 2 / 700))
    bottom = 2595 * torch.log10(torch.tensor(1 + low / 700))
    edges = 700 * (10 ** (torch.linspace(float(bottom), float(top), bins + 2) / 2595) - 1)
    grid = torch.linspace(0, rate / 2, fft // 2 + 1)[:, None]
    rise = (grid - edges[:-2]) / (edges[1:-1] - edges[:-2]).clamp(min=1e-6)
    fall = (edges[2:] - grid) / (edges[2:] - edges[1:-1]).clamp(min=1e-6)
    filters = torch.minimum(rise, fall).clamp(min=0)
    return filters / filters.sum(0, keepdim=True).clamp(min=1e-6)


class MelDistance(nn.Module):
    """Mean over windows of the L1 distance of log10 mel magnitudes."""

    def __init__(
        self, rate: int, windows: tuple[int, ...] = (2048, 1024, 512, 256), floor: float = 1e-4
    ) -> None:
        super().__init__()
        self.windows, self.floor = windows, floor
        for size in windows:
            self.register_buffer(f"hann{size}", torch.hann_window(size), persistent=False)
            bins = max(16, min(96, size // 8))
            self.register_buffer(f"mel{size}", mel_filters(bins, size, rate), persistent=False)

    def log_mel(self, audio: Tensor, size: int) -> Tensor:
        """log10 mel magnitudes [B, frames, bins] at one window size."""
        hann = self.get_buffer(f"hann{size}")
        spectrum = torch.stft(audio, size, size // 4, window=hann, return_complex=True)
        magnitude = (spectrum.real.square() + spectrum.imag.square() + 1e-12).sqrt().transpose(1, 2)
        magnitude = magnitude * (2 / hann.sum())
        return (magnitude @ self.get_buffer(f"mel{size}")).clamp(min=self.floor).log10()

    def forward(self, given: Tensor, wanted: Tensor) -> Tensor:
        with torch.autocast(given.device.type, enabled=False):
            given, wanted = given.float(), wanted.float()
            parts = [
                (self.log_mel(given, size) - self.log_mel(wanted, size)).abs().mean()
                for size in self.windows
            ]
        return torch.stack(parts).mean()


class CoefficientDistance(nn.Module):
    """L1 distance of compressed MDCT coefficients, weighted as the ear spaces frequency.

    Weights follow the slope of the ERB-rate scale, 1 / (229 Hz + f) (Glasberg and Moore 1990):
    without them
    the 400 bins above 2 kHz, whose phase no code of this rate can carry, outvote the 80 below it.
    """

    def __init__(self, rate: int, hop: int) -> None:
        super().__init__()
        self.hop = hop
        self.analysis = Analysis(hop)
        hertz = (torch.arange(hop) + 0.5) * rate / (2 * hop)
        weights = 1 / (229 + hertz)
        self.register_buffer("weights", weights / weights.sum(), persistent=False)

    def forward(self, given: Tensor, wanted: Tensor) -> Tensor:
        parts = [self._compressed(audio) for audio in (given, wanted)]
        return ((parts[0] - parts[1]).abs() @ self.weights).mean()

    def _compressed(self, audio: Tensor) -> Tensor:
        whole = audio.shape[-1] // self.hop * self.hop
        return compress(4 * self.analysis(audio.float()[:, :whole].unflatten(-1, (-1, self.hop))))


def snr_db(given: Tensor, wanted: Tensor) -> Tensor:
    """Signal-to-noise ratio in dB, over everything."""
    return 10 * torch.log10(
        wanted.square().sum() / (given - wanted).square().sum().clamp(min=1e-12)
    )
