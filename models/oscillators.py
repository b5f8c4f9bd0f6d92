"""A bank of running oscillators: the codec's voice for everything that has a pitch.

Why: a frame-rate decoder that sees the same latent twice makes the same frame twice, so a held tone
comes out as a comb at the frame rate, unless the codes keep spelling out its phase; and codes that
spell out phase are noise to a language model. Here phase is nobody's business: oscillators run
freely, the decoder says only how loud each one is. A held note then has a constant description.

There is one for each note of 12-tone equal temperament at A = 440 Hz, as in a tonewheel organ,
which takes partials from the nearest wheel too. (Three a semitone, to hit fifth and seventh
partials, were tried: the decoder switched on whole clusters, which beat like noise.) Each frequency
is a multiple of 25 / CYCLE Hz, so that phases repeat exactly after CYCLE frames and are found from
an integer clock: streaming is exact for ever. (Additive synthesis by amplitude envelopes, as in
DDSP, arXiv 2001.04643.)

Dimensions: B batch, T frames, S oscillators, U subframes per frame, N samples per subframe.
"""

from math import tau

import torch
from torch import Tensor

from engine.spec import FRAME_RATE, exact_div
from models.streaming import State, Steppable

CYCLE = 4096  # frames after which every phase repeats (164 s)
LOWEST, HIGHEST = 24, 115  # MIDI notes: C1 (33 Hz) to G8 (6.3 kHz)
GOLDEN = 0.6180339887  # turns between neighbours at frame 0: phases spread, so peaks do not add up


def steps_per_frame(rate: int) -> Tensor:
    """Integer phase advance of each oscillator in 1 / CYCLE turns per frame: [S] int64.

    Those above 0.45 of the sample rate are left out.
    """
    notes = torch.arange(LOWEST, HIGHEST + 1, dtype=torch.float64)
    hertz = 440.0 * 2 ** ((notes - 69) / 12)
    return (hertz[hertz < 0.45 * rate] * CYCLE / FRAME_RATE).round().long()


def turns_per_sample(rate: int) -> Tensor:
    """Frequency of each oscillator in turns per sample: [S] float64, rising."""
    return steps_per_frame(rate).double() / CYCLE * FRAME_RATE / rate


class Oscillators(Steppable):
    """Amplitudes [B, T, U * P * S] to audio [B, T, U * N].

    P is 1, or 2: then a second amplitude says how loud an oscillator is a quarter of a turn ahead.
    An amplitude is reached at the end of its subframe, in a straight line from the one before.
    """

    context = 1

    steps: Tensor  # [S] int64
    starts: Tensor  # [U, S] turns from a frame's first sample to each subframe's, and the spread
    held: Tensor  # [2 S, N] carriers
    rising: Tensor  # [2 S, N] carriers under a ramp from 0 to 1

    def __init__(
        self, rate: int, subframes: int, *, tones: int | None = None, parts: int = 1
    ) -> None:
        """Make the carriers.

        Args:
            rate: Hz.
            subframes: U.
            tones: how many, from the lowest; else all that the rate can carry.
            parts: P.
        """
        super().__init__()
        self.parts = parts
        steps, turns = steps_per_frame(rate)[:tones], turns_per_sample(rate)[:tones]
        self.size, self.subframes = len(steps), subframes
        samples = exact_div(rate, FRAME_RATE * subframes)
        spread = GOLDEN * torch.arange(self.size, dtype=torch.float64)
        starts = turns * samples * torch.arange(subframes)[:, None] + spread
        sample = torch.arange(samples, dtype=torch.float64)[:, None]
        phase = tau * turns * sample  # [N, S]
        carriers = torch.cat([torch.cos(phase), -torch.sin(phase)], 1).T  # [2 S, N]
        ramp = (sample.T + 1) / samples
        self.register_buffer("steps", steps, persistent=False)
        self.register_buffer("starts", (starts % 1.0).float(), persistent=False)
        self.register_buffer("held", carriers.float(), persistent=False)
        self.register_buffer("rising", (carriers * ramp).float(), persistent=False)

    def init_state(self, batch: int = 1) -> State:
        last = torch.zeros(batch, 1, self.parts * self.size)
        return {"last": last, "clock": torch.zeros(batch, 1, dtype=torch.int64)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        batch, frames, _ = x.shape
        with torch.autocast(x.device.type, enabled=False):
            now = x.float().reshape(batch, frames * self.subframes, -1)
            before = torch.cat([state["last"], now[:, :-1]], 1)
            turns = tau * self._turns(state["clock"], frames).flatten(1, 2)
            phase = torch.cos(turns), torch.sin(turns)
            audio = self._turned(before, *phase) @ self.held
            audio = audio + self._turned(now - before, *phase) @ self.rising
        after = {"last": now[:, -1:], "clock": (state["clock"] + frames) % CYCLE}
        return audio.reshape(batch, frames, -1), after

    def _turned(self, amplitudes: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """Amplitudes [B, T, P * S] as complex numbers, turned to their phase: real and imaginary
        parts [B, T, 2 * S]."""
        if self.parts == 1:
            return torch.cat([amplitudes * cosine, amplitudes * sine], -1)
        real, ahead = amplitudes.chunk(2, -1)
        return torch.cat([real * cosine - ahead * sine, real * sine + ahead * cosine], -1)

    def _turns(self, clock: Tensor, frames: int) -> Tensor:
        """Phase at each subframe's first sample, in turns: [B, T, U, S] from clock [B, 1]."""
        at = clock + torch.arange(frames, device=clock.device)
        frame = ((at[..., None] * self.steps) % CYCLE).float() / CYCLE
        return frame[:, :, None] + self.starts
