"""Losses that hear: multi-resolution log-mel distance and helpers for figures in decibels.

Audio is `[B, N]`. The mel loss is the sum over windows of the L1 distance of log10 mel magnitudes,
as in DAC (Kumar 2023, arXiv 2306.06546), which replaced SoundStream's.
"""

import torch
from torch import Tensor, nn


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
    """How different two sounds are, phase aside: mean over windows of the L1 of log10 mel values.

    Long windows have enough bands to part the harmonics of low notes.
    """

    def __init__(
        self,
        rate: int,
        windows: tuple[int, ...] = (4096, 2048, 1024, 512, 256),
        floor: float = 1e-4,
    ) -> None:
        super().__init__()
        self.windows, self.floor = windows, floor
        for size in windows:
            self.register_buffer(f"hann{size}", torch.hann_window(size), persistent=False)
            bins = max(24, min(320, size // 8))
            self.register_buffer(f"mel{size}", mel_filters(bins, size, rate), persistent=False)

    def magnitudes(self, audio: Tensor, size: int) -> Tensor:
        """Mel magnitudes [B, frames, bins] at one window size; a full-scale sine gives about 1."""
        hann = self.get_buffer(f"hann{size}")
        spectrum = torch.stft(audio, size, size // 4, window=hann, return_complex=True)
        power = spectrum.real.square() + spectrum.imag.square()
        magnitude = (power + 1e-12).sqrt().transpose(1, 2) * (2 / hann.sum())
        return (magnitude @ self.get_buffer(f"mel{size}")).clamp(min=self.floor)

    def forward(self, given: Tensor, wanted: Tensor) -> Tensor:
        """Compare audio [B, N]: a scalar."""
        logs = []
        with torch.autocast(given.device.type, enabled=False):
            for size in self.windows:
                a, b = (self.magnitudes(audio.float(), size) for audio in (given, wanted))
                logs.append((a.log10() - b.log10()).abs().mean())
        return torch.stack(logs).mean()


def snr_db(given: Tensor, wanted: Tensor) -> Tensor:
    """Signal-to-noise ratio in dB, over everything."""
    return 10 * torch.log10(
        wanted.square().sum() / (given - wanted).square().sum().clamp(min=1e-12)
    )


def magnitude_snr_db(
    given: Tensor, wanted: Tensor, windows: tuple[int, ...] = (2048, 512)
) -> Tensor:
    """Signal-to-noise ratio in dB of spectral magnitudes, phase aside; mean over window sizes.

    What SNR is to a codec that keeps the waveform, this is to one that leaves phase out.
    """
    ratios = []
    for size in windows:
        hann = torch.hann_window(size, device=given.device)
        a, b = (
            torch.stft(audio, size, size // 4, window=hann, return_complex=True).abs()
            for audio in (given, wanted)
        )
        ratios.append(snr_db(a, b))
    return torch.stack(ratios).mean()
