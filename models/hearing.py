"""What the codec hears: how loud each tone and each band is, and nothing about phase.

Audio frames [B, T, F] to features [B, T, U * W] near 0..1: per subframe the magnitudes of S tones
(long windows, for pitch) and, per hop, of M bands (short windows, for attacks and noise),
compressed by a square root. All windows end at the newest sample; nothing looks ahead. Fixed, not
trained.

Dimensions: B batch, T frames, F samples per frame, U subframes per frame, S tones, M bands.
"""

from math import tau

import torch
from torch import Tensor, nn

from engine.spec import FRAME_RATE, exact_div
from models.noise import band_shapes
from models.oscillators import turns_per_sample
from models.streaming import State, Steppable
from models.tones import WINDOW, ToneBank

TURNS = 48.0  # of a tone in its window: neighbouring semitones part, a vibrato stays inside


class Hearing(Steppable):
    """Magnitudes of tones and bands."""

    fourier: Tensor  # [window, 2 * bins]
    shapes: Tensor  # [bins, M]

    def __init__(self, rate: int, subframes: int, hops: int, bands: int, gain: float) -> None:
        super().__init__()
        self.frame = exact_div(rate, FRAME_RATE)
        self.subframes, self.hops, self.gain = subframes, hops, gain
        turns = turns_per_sample(rate)
        lengths = (TURNS / turns).clamp(min=rate / 40, max=WINDOW)  # at least 25 ms
        self.tones = ToneBank(turns, lengths, exact_div(self.frame, subframes))
        self.hop = exact_div(self.frame, hops)
        self.context = -(-WINDOW // self.frame)
        self.width = subframes * len(turns) + hops * bands
        size = 2 * self.hop
        sample = torch.arange(size, dtype=torch.float64)[:, None]
        phase = tau * (torch.arange(self.hop) + 0.5) * sample / size
        hann = 0.5 - 0.5 * torch.cos(tau * (sample + 0.5) / size)
        fourier = 2 * hann / hann.sum() * torch.cat([torch.cos(phase), torch.sin(phase)], 1)
        self.register_buffer("fourier", fourier.float(), persistent=False)
        self.register_buffer("shapes", band_shapes(self.hop, bands, rate).T, persistent=False)

    def init_state(self, batch: int = 1) -> State:
        return {"past": torch.zeros(batch, self.tones.kept)}

    def pure(self, audio: Tensor) -> Tensor:
        """Compressed magnitudes of the tones that stand out in audio [B, T, F]: [B, T, U, S].

        A tone stands out that is twice as loud as the ones beside it; the rest is 0.
        """
        past = self.init_state(len(audio))["past"]
        real, imaginary = self.tones(torch.cat([past, audio.reshape(len(audio), -1)], 1))
        power = real.square() + imaginary.square()
        padded = nn.functional.pad(power, (1, 1))
        beside = torch.maximum(padded[..., 2:], padded[..., :-2])
        kept = self._compress(power) * (power > 4 * beside)
        return kept.reshape(*audio.shape[:2], self.subframes, -1)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        batch, frames, _ = x.shape
        audio = torch.cat([state["past"], x.reshape(batch, -1)], 1)
        with torch.autocast(x.device.type, enabled=False):
            parts = self._tones(audio), self._bands(audio, frames)
            steps = [part.reshape(batch, frames, self.subframes, -1) for part in parts]
            features = torch.cat(steps, -1).reshape(batch, frames, self.width)
        return features, {"past": audio[:, audio.shape[1] - self.tones.kept :]}

    def _tones(self, audio: Tensor) -> Tensor:
        real, imaginary = self.tones(audio.float())
        return self._compress(real.square() + imaginary.square())

    def _bands(self, audio: Tensor, frames: int) -> Tensor:
        recent = audio[:, audio.shape[1] - (frames * self.hops + 1) * self.hop :]
        hops = recent.float().reshape(audio.shape[0], -1, self.hop)
        real, imaginary = (torch.cat([hops[:, :-1], hops[:, 1:]], -1) @ self.fourier).chunk(2, -1)
        return self._compress((real.square() + imaginary.square()) @ self.shapes * 16)

    def _compress(self, power: Tensor) -> Tensor:
        """The square root of the amplitude, at the codec's gain."""
        return (power * self.gain**2 + 1e-8) ** 0.25


class Compressed(nn.Module):
    """Amplitudes from what a network says in the compressed domain: never negative, smooth at 0."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return (nn.functional.softplus(8 * x.float()) / 8).square() / self.gain
