"""What the codec hears: a sheet that says how loud each oscillator and each band of noise should
play.

Audio frames [B, T, F] to sheets [B, T, U * W] near 0..1, in the layout that `models.speaking` plays
back: per subframe S tones, then the bands of its hops. A tone is written down where it is louder
than its neighbours; a band gets what the tones in it do not explain. Square roots of amplitudes, so
that quiet things count. Windows end at the newest sample: long ones for pitch, short ones for
attacks. Fixed, not trained: the networks of the codec only have to compress sheets.

Dimensions: B batch, T frames, F samples per frame, U subframes per frame, S tones, H hops per
frame, M bands, N samples per hop.
"""

from math import tau

import torch
from torch import Tensor

from engine.spec import FRAME_RATE, exact_div
from models.noise import ShapedNoise, band_shapes
from models.oscillators import turns_per_sample
from models.streaming import State, Steppable
from models.tones import WINDOW, ToneBank

FLOOR = 0.01  # of a sheet: what silence is written down as
TURNS = 24.0  # of a tone in its window: neighbouring semitones part, a vibrato stays inside


class Hearing(Steppable):
    """Audio to sheets."""

    fourier: Tensor  # [2 N, 2 * bins] of the short windows
    shapes: Tensor  # [bins, M]
    explained: Tensor  # [S, M] power that a tone of amplitude 1 puts into each band
    loudness: Tensor  # [M] noise gain per measured amplitude

    def __init__(self, rate: int, subframes: int, hops: int, bands: int, gain: float) -> None:
        super().__init__()
        self.frame = exact_div(rate, FRAME_RATE)
        self.subframes, self.hops, self.gain = subframes, hops, gain
        self.hop = exact_div(self.frame, hops)
        turns = turns_per_sample(rate)
        lengths = (TURNS / turns).clamp(min=rate / 40, max=WINDOW)  # at least 25 ms
        self.tones = ToneBank(turns, lengths, exact_div(self.frame, subframes))
        self.context = -(-WINDOW // self.frame)
        self.width = subframes * len(turns) + hops * bands
        shapes = band_shapes(self.hop, bands, rate)
        self.register_buffer("fourier", _fourier(self.hop), persistent=False)
        self.register_buffer("shapes", shapes.T.contiguous(), persistent=False)
        self.register_buffer("explained", self._explained(turns), persistent=False)
        self.register_buffer("loudness", self._loudness(rate, bands), persistent=False)

    def init_state(self, batch: int = 1) -> State:
        return {"past": torch.zeros(batch, self.tones.kept)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        batch, frames, _ = x.shape
        audio = torch.cat([state["past"], x.reshape(batch, -1)], 1)
        with torch.autocast(x.device.type, enabled=False):
            tones = self._tones(audio.float()).reshape(batch, frames, self.subframes, 1, -1)
            bands = self._bands(audio[:, -(frames * self.hops + 1) * self.hop :].float())
            bands = bands.reshape(batch, frames, self.subframes, -1, self.shapes.shape[1])
            noise = (bands - tones @ self.explained).clamp(min=0) * self.loudness.square()
            parts = [written(part, self.gain).flatten(3) for part in (tones, noise)]
        sheet = torch.cat(parts, -1).reshape(batch, frames, self.width)
        return sheet, {"past": audio[:, audio.shape[1] - self.tones.kept :]}

    def _tones(self, audio: Tensor) -> Tensor:
        """Power of the tones that are louder than their neighbours, 0 for the rest."""
        real, imaginary = self.tones(audio)
        power = real.square() + imaginary.square()
        padded = torch.nn.functional.pad(power, (1, 1))
        return power * (power >= torch.maximum(padded[..., 2:], padded[..., :-2]))

    def _bands(self, audio: Tensor) -> Tensor:
        """Power per hop and band of audio [B, (K + 1) * N]: [B, K, M]."""
        hops = audio.reshape(audio.shape[0], -1, self.hop)
        real, imaginary = (torch.cat([hops[:, :-1], hops[:, 1:]], -1) @ self.fourier).chunk(2, -1)
        return (real.square() + imaginary.square()) @ self.shapes

    def _explained(self, turns: Tensor) -> Tensor:
        sample = torch.arange(2 * self.hop, dtype=torch.float64)
        waves = [torch.cos(tau * turns[:, None] * sample + phase) for phase in (0.0, tau / 4)]
        powers = [self._bands(wave.float().reshape(len(turns), -1))[:, 0] for wave in waves]
        return (powers[0] + powers[1]) / 2

    def _loudness(self, rate: int, bands: int) -> Tensor:
        """What to ask of the noise so that it is heard as loud as asked, measured on the noise
        itself."""
        noise = ShapedNoise(self.hop, self.hops, band_shapes(self.hop, bands, rate))
        frames = len(noise.table)
        audio = noise(torch.ones(1, frames, self.hops * bands)).flatten(1)
        return self._bands(audio)[0, self.hops :].mean(0).clamp(min=1e-9).rsqrt()


def written(power: Tensor, gain: float) -> Tensor:
    """How a sheet says a power: the square root of its amplitude, at the codec's gain."""
    # 1e-8 under the fourth root; written so, the ONNX optimiser would take it for zero.
    return FLOOR * (power * (gain**2 / FLOOR**4) + 1.0) ** 0.25


def _fourier(hop: int) -> Tensor:
    """Hann-windowed Fourier basis of 2 N samples, real parts then imaginary: [2 N, 2 N]."""
    sample = torch.arange(2 * hop, dtype=torch.float64)[:, None]
    phase = tau * (torch.arange(hop) + 0.5) * sample / (2 * hop)
    hann = 0.5 - 0.5 * torch.cos(tau * (sample + 0.5) / (2 * hop))
    return (2 * hann / hann.sum() * torch.cat([torch.cos(phase), torch.sin(phase)], 1)).float()
