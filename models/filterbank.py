"""A causal log-frequency filterbank: what the semantic tokenizer hears.

Audio frames `[B, T, F]` to log energies `[B, T, LOOKS * bands]`, two looks per 40 ms frame, bands
spaced by semitones. Fixed, not trained.
"""

import torch
from torch import Tensor

from models.streaming import State, Steppable
from models.tones import WINDOW, ToneBank

LOOKS = 2  # per frame


class Filterbank(Steppable):
    """Log energies of pitch-spaced bands, two looks a frame."""

    def __init__(
        self, rate: int, frame: int, *, low: float = 41.2, per_octave: int = 12, bands: int = 96
    ) -> None:
        super().__init__()
        self.bands, self.width = bands, LOOKS * bands
        self.context = -(-WINDOW // frame)
        turns = low * 2 ** (torch.arange(bands, dtype=torch.float64) / per_octave) / rate
        lengths = (1.4 / (2 ** (1 / per_octave) - 1) / turns).clamp(min=256, max=WINDOW)
        self.tones = ToneBank(turns, lengths, frame // LOOKS)

    def init_state(self, batch: int = 1) -> State:
        return {"past": torch.zeros(batch, self.tones.kept)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        batch, frames, _ = x.shape
        audio = torch.cat([state["past"], x.reshape(batch, -1)], 1)
        with torch.autocast(x.device.type, enabled=False):
            real, imaginary = self.tones(audio.float())
        power = (real.square() + imaginary.square()) / 4  # mean square of the tone
        energy = torch.log10(power + 1e-7) / 4 + 1  # about -1..1
        past = audio[:, audio.shape[1] - self.tones.kept :]
        return energy.reshape(batch, frames, self.width), {"past": past}
