"""The downmix: what is played at the bundle's rate and width, as the listening networks want it.

Audio frames [B, T, C * F] to mono frames [B, T, F / K] at a K-th of the rate: the channels' mean
through a linear-phase low-pass (windowed sinc, Kaiser 1974), one sample of K kept. Fixed, not
trained; heard `Downmix.late` samples late.
"""

import numpy as np
import torch
from torch import Tensor, nn

from engine.spec import AudioFormat, exact_div
from models.streaming import State, Steppable

HALF_MS = 2  # of the filter on either side: how late it is
CUTOFF = 0.958  # of half the lower rate: 80 dB down where aliases would be heard
KAISER = 8.0


class Downmix(Steppable):
    """Wide and fast to mono and slow."""

    taps: Tensor  # [2 * late + 1]

    def __init__(self, audio: AudioFormat, rate: int) -> None:
        super().__init__()
        self.audio, self.keep = audio, exact_div(audio.rate, rate)
        self.late = audio.rate * HALF_MS // 1000
        self.context = -(-2 * self.late // audio.frame_samples)
        self.register_buffer("taps", _low_pass(self.late, self.keep), persistent=False)

    def init_state(self, batch: int = 1) -> State:
        return {"past": torch.zeros(batch, 2 * self.late)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        batch, frames, _ = x.shape
        mono = x.reshape(batch, frames, self.audio.channels, -1).mean(2).reshape(batch, -1)
        heard = torch.cat([state["past"], mono], 1)
        kept = self._filter(heard).reshape(batch, frames, -1)
        return kept, {"past": heard[:, heard.shape[1] - 2 * self.late :]}

    def clip(self, audio: Tensor) -> Tensor:
        """A whole clip [B, C, N] as [B, 1, N / K], in time with it."""
        mono = nn.functional.pad(audio.mean(1), (self.late, self.late))
        return self._filter(mono)[:, None]

    def _filter(self, audio: Tensor) -> Tensor:
        # The first sample kept is the first that came: aligned, up to `late`.
        return nn.functional.conv1d(audio[:, None], self.taps[None, None], stride=self.keep)[:, 0]


def _low_pass(half: int, keep: int) -> Tensor:
    sample = np.arange(-half, half + 1)
    taps = np.sinc(sample * CUTOFF / keep) * np.kaiser(2 * half + 1, KAISER)
    return torch.from_numpy((taps / taps.sum()).astype(np.float32))
