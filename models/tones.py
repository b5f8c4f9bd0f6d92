"""How much of each of many tones is in the newest samples: one windowed Fourier sum per tone.

Audio `[B, N]` to real and imaginary parts `[B, T, S]`, one look every `hop` samples. Each tone's
Hann window is as long as its pitch asks for, and all end at the newest sample, so nothing looks
ahead (a constant-Q transform, Brown 1991, cut at `WINDOW` samples). Tones are convolved in groups
of like length: short windows are not stored, nor multiplied, with their zeros.

Dimensions: B batch, N samples, T looks, S tones from low to high.
"""

from math import tau

import torch
from torch import Tensor, nn

WINDOW = 4096  # samples, the longest window
GROUPS = (WINDOW, 2048, 1024)  # samples; a tone goes to the shortest that holds its window


class ToneBank(nn.Module):
    """Fixed kernels for S tones; not trained."""

    def __init__(self, turns: Tensor, lengths: Tensor, hop: int) -> None:
        """Build the kernels.

        Args:
            turns: [S] float64 frequencies in turns per sample, rising.
            lengths: [S] window lengths in samples, falling, at most WINDOW.
            hop: samples between looks.
        """
        super().__init__()
        self.hop = hop
        self.kept = WINDOW - hop  # samples that the next block needs
        self.groups: list[int] = []
        for size, shorter in zip(GROUPS, (*GROUPS[1:], 0), strict=True):
            members = (lengths <= size) & (lengths > shorter)
            if members.any():
                kernels = _kernels(turns[members], lengths[members], size)
                self.register_buffer(f"kernels{size}", kernels, persistent=False)
                self.groups.append(size)

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Look at audio [B, kept + T * hop] T times: real and imaginary parts [B, T, S]."""
        parts = []
        for size in self.groups:
            kernels = self.get_buffer(f"kernels{size}")
            looks = nn.functional.conv1d(audio[:, None, WINDOW - size :], kernels, stride=self.hop)
            parts.append(looks.transpose(1, 2).chunk(2, -1))
        return torch.cat([real for real, _ in parts], -1), torch.cat(
            [imag for _, imag in parts], -1
        )


def _kernels(turns: Tensor, lengths: Tensor, size: int) -> Tensor:
    """[2 S, 1, size]: real parts, then imaginary; a tone of amplitude 1 at its own frequency gives
    1."""
    age = torch.arange(size - 1, -1, -1, dtype=torch.float64)[:, None]  # newest sample last
    window = (0.5 - 0.5 * torch.cos(tau * (age + 0.5) / lengths)) * (age < lengths)
    window = 2 * window / window.sum(0)
    phase = tau * turns * age
    kernels = torch.cat([window * torch.cos(phase), window * torch.sin(phase)], 1)
    return kernels.T[:, None].float().contiguous()
