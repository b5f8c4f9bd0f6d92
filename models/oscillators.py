"""A bank of running oscillators: the codec's second pair of ears and its second voice.

Why: a frame-rate decoder that sees the same latent twice makes the same frame twice, so a held tone
comes out as a comb at the frame rate, unless the codes keep spelling out its phase. Here tones are
described in a rotating frame. `Hearing` gives, per oscillator, the complex amplitude of audio
relative to the oscillator's own phase; `Voice` plays amplitudes back on the same phases. A held
note at a note of the scale then has a constant description, frame after frame.

Frequencies are the notes of 12-tone equal temperament at A = 440 Hz and, in the upper octaves,
where the fifth and seventh partials of such notes fall. Each is a multiple of 25 / CYCLE Hz, so
that phases repeat exactly after CYCLE frames and are found from an integer clock: streaming is
exact for ever. (The heterodyne filter, Beauchamp 1969; quantised here so that it streams.)

Dimensions: B batch, T frames, S oscillators, U subframes per frame, N samples per subframe.
"""

from math import tau

import torch
from torch import Tensor, nn

from engine.spec import FRAME_RATE, exact_div
from models.streaming import State
from models.tones import WINDOW, ToneBank

CYCLE = 4096  # frames after which every phase repeats (164 s)
LOWEST, SPLIT, HIGHEST = 24, 60, 103  # MIDI notes: C1, from here on with partials, G7 (3.1 kHz)
PARTIAL_CENTS = (
    -31.0,
    -13.0,
    2.0,
)  # 7th and 14th; 5th, 10th and 15th; 1st, 2nd, 3rd, 4th, 6th, ...


def steps_per_frame() -> Tensor:
    """Integer phase advance of each oscillator in 1 / CYCLE turns per frame: [S] int64."""
    low = [float(note) for note in range(LOWEST, SPLIT)]
    high = [note + cents / 100 for note in range(SPLIT, HIGHEST + 1) for cents in PARTIAL_CENTS]
    hertz = 440.0 * 2 ** ((torch.tensor(low + high, dtype=torch.float64) - 69) / 12)
    return (hertz * CYCLE / FRAME_RATE).round().long()


class _Bank(nn.Module):
    """What hearing and voice share: the clock and its phases."""

    steps: Tensor  # [S] int64

    def __init__(self, rate: int, subframes: int) -> None:
        super().__init__()
        steps = steps_per_frame()
        self.subframes = subframes
        self.samples = exact_div(rate, FRAME_RATE * subframes)
        self.size = len(steps)
        self.register_buffer("steps", steps, persistent=False)
        self.turns = steps.double() / CYCLE * FRAME_RATE / rate  # per sample

    def _frame_phase(self, clock: Tensor, frames: int) -> Tensor:
        """Phase at each frame's first sample, in turns: [B, T, S] from clock [B, 1]."""
        at = clock + torch.arange(frames, device=clock.device)
        return ((at[..., None] * self.steps) % CYCLE).float() / CYCLE

    def _tick(self, clock: Tensor, frames: int) -> Tensor:
        return (clock + frames) % CYCLE


class Hearing(_Bank):
    """Audio [B, T, U * N] to complex amplitudes [B, T, U * 2 S], real parts then imaginary."""

    ends: Tensor  # [U, S] turns from a frame's first sample to a subframe's last

    def __init__(self, rate: int, subframes: int) -> None:
        super().__init__(rate, subframes)
        lengths = (24.0 / self.turns).clamp(min=rate / 40, max=WINDOW)  # 24 turns, at least 25 ms
        self.tones = ToneBank(self.turns, lengths, self.samples)
        ends = tau * self.turns * (self.samples * torch.arange(1, subframes + 1)[:, None] - 1)
        self.register_buffer("ends", (ends / tau % 1.0).float(), persistent=False)  # [U, S] turns
        self.width = subframes * 2 * self.size

    def init_state(self, batch: int = 1) -> State:
        past = torch.zeros(batch, self.tones.kept)
        return {"past": past, "clock": torch.zeros(batch, 1, dtype=torch.int64)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Hear a block of frames."""
        batch, frames, _ = x.shape
        audio = torch.cat([state["past"], x.reshape(batch, -1)], 1)
        with torch.autocast(x.device.type, enabled=False):
            shape = (batch, frames, self.subframes, self.size)
            real, imaginary = (part.reshape(shape) for part in self.tones(audio.float()))
            turns = self._frame_phase(state["clock"], frames)[:, :, None] + self.ends
            cosine, sine = torch.cos(tau * turns), torch.sin(tau * turns)
            turned = torch.cat(
                [real * cosine + imaginary * sine, imaginary * cosine - real * sine], -1
            )
        past = audio[:, audio.shape[1] - self.tones.kept :]
        after = {"past": past, "clock": self._tick(state["clock"], frames)}
        return turned.reshape(batch, frames, self.width), after


class Voice(_Bank):
    """Complex amplitudes [B, T, U * 2 S] to audio [B, T, U * N], `delay` samples late.

    Amplitudes are reached at the end of their subframe, in straight lines.
    """

    starts: Tensor  # [U, S] turns from a frame's first sample to a subframe's first, less the delay
    held: Tensor  # [2 S, N] carriers
    rising: Tensor  # [2 S, N] carriers under a ramp from 0 to 1

    def __init__(self, rate: int, subframes: int, delay: int) -> None:
        super().__init__(rate, subframes)
        sample = torch.arange(self.samples, dtype=torch.float64)[:, None]
        starts = self.samples * torch.arange(subframes)[:, None] - delay
        self.register_buffer(
            "starts", (self.turns * starts % 1.0).float(), persistent=False
        )  # [U, S]
        phase = tau * self.turns * sample  # [N, S]
        ramp = (sample + 1) / self.samples
        carriers = torch.cat([torch.cos(phase), -torch.sin(phase)], 1).T  # [2 S, N]
        self.register_buffer("held", carriers.float(), persistent=False)
        self.register_buffer("rising", (carriers * ramp.T).float(), persistent=False)
        self.width = subframes * 2 * self.size

    def init_state(self, batch: int = 1) -> State:
        last = torch.zeros(batch, 1, 2 * self.size)
        return {"last": last, "clock": torch.zeros(batch, 1, dtype=torch.int64)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Play a block of frames."""
        batch, frames, _ = x.shape
        with torch.autocast(x.device.type, enabled=False):
            steps = x.float().reshape(batch, frames * self.subframes, 2 * self.size)
            before = torch.cat([state["last"], steps[:, :-1]], 1)
            turns = self._frame_phase(state["clock"], frames)[:, :, None] + self.starts
            turns = turns.reshape(batch, frames * self.subframes, self.size)
            cosine, sine = torch.cos(tau * turns), torch.sin(tau * turns)
            audio = self._turn(before, cosine, sine) @ self.held
            audio = audio + self._turn(steps - before, cosine, sine) @ self.rising
        after = {"last": steps[:, -1:], "clock": self._tick(state["clock"], frames)}
        return audio.reshape(batch, frames, -1), after

    def _turn(self, amplitude: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """Bring amplitudes from the rotating frame to the phase at each subframe's first sample."""
        real, imaginary = amplitude.chunk(2, -1)
        return torch.cat([real * cosine - imaginary * sine, imaginary * cosine + real * sine], -1)
