"""The upmix: from the mono sheets that a codec writes to stereo at twice the rate.

Codes say what is played; where it stands, how wide it is and what it has above the codec's rate
follow from that well enough to be predicted: parametric stereo (Breebaart et al. 2005) and spectral
band replication (Dietz et al. 2002), with a network where those have side information. So tokens,
and the models that learn them, stay as small as in mono, and the middle of the stereo sound is what
the codec would play alone.

Sheets [B, T, U * W] (`models.hearing`) to audio frames [B, T, 2 * F]. `Placing` looks at sheets and
says for each of P bands and every subframe how far the side M * pan goes along with the middle M,
and how much of it goes its own way (M * width); and how loud the noise above the codec's rate is.
`Staging` plays that: side oscillators and side noise beside those of the middle. Left is M + S,
right is M - S.

Dimensions: B batch, T frames, U subframes per frame, W values of a sheet per subframe, P places
(bands on the mel scale), A bands of air per hop, H hops per frame, S tones, M bands of noise.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, exp
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.spec import FRAME_RATE, AudioFormat, exact_div
from models.noise import ShapedNoise, band_shapes, mel_centres, mel_triangles
from models.oscillators import Oscillators, turns_per_sample
from models.streaming import Chain, ConvNeXtBlock, State, Steppable, prefixed, substate

CHANNELS = 2
FORGOTTEN = 16  # times its length, and a memory is under what float32 can tell


@dataclass(frozen=True, kw_only=True)
class UpmixConfig:
    """Sizes of an upmix; stored with its weights."""

    sheet: Mapping[str, Any]  # `CodecConfig.sheet` of the codec whose sheets it reads
    tones: int  # S, of those sheets
    rate: int = 48_000  # Hz, of what is played
    places: int = 24
    air: int = 8
    width: int = 160
    blocks: int = 3
    kernel: int = 5
    memories: tuple[float, ...] = (0.5, 4.0)  # seconds that averages look back

    @property
    def audio(self) -> AudioFormat:
        return AudioFormat(rate=self.rate, channels=CHANNELS)

    @property
    def hops(self) -> int:
        """Hops per subframe."""
        return exact_div(self.sheet["hops"], self.sheet["subframes"])

    @property
    def hop(self) -> int:
        """Samples between changes of noise; also how late the audio is."""
        return exact_div(self.rate, FRAME_RATE * self.sheet["hops"])

    @property
    def subframe(self) -> int:
        """W: values of a sheet per subframe."""
        return self.tones + self.hops * self.sheet["bands"]


class Placed(NamedTuple):
    """Where the sound of a sheet stands."""

    pan: Tensor  # [B, T * U, P] side per middle, in step with it; -1 is right, 1 is left
    width: Tensor  # [B, T * U, P] side per middle, apart from it, not negative
    air: Tensor  # [B, T * U, H / U * A] noise above the codec's rate, as a sheet says it


class Memory(Steppable):
    """Averages of all that came, older things counting less: [B, T, D] to [B, T, D].

    From the first step on it is an average and not a sum on its way to one, so that short crops
    teach what long streams need.
    """

    def __init__(self, steps: float, width: int) -> None:
        super().__init__()
        self.keep, self.width = exp(-1 / steps), width
        self.context = ceil(FORGOTTEN * steps)

    def init_state(self, batch: int = 1) -> State:
        return {"sum": torch.zeros(batch, 1, self.width), "count": torch.zeros(batch, 1, 1)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        age = torch.arange(x.shape[1], device=x.device, dtype=x.dtype)
        fading = self.keep ** (age[:, None] - age).clamp(min=0) * (age[:, None] >= age)
        older = self.keep ** (age + 1)[:, None]
        sums = fading @ x + older * state["sum"]
        counts = fading.sum(1, keepdim=True) + older * state["count"]
        return sums / counts, {"sum": sums[:, -1:], "count": counts[:, -1:]}


class Placing(Steppable):
    """Sheets [B, T, U * W] to answers [B, T, U * V], which `read` makes `Placed` of."""

    def __init__(self, config: UpmixConfig) -> None:
        super().__init__()
        self.config = config
        subframes, width = config.sheet["subframes"], config.width
        self.inlet = nn.Linear(config.subframe, width)
        self.memories = nn.ModuleList(
            Memory(seconds * FRAME_RATE * subframes, config.subframe) for seconds in config.memories
        )
        self.recalls = nn.ModuleList(nn.Linear(config.subframe, width) for _ in config.memories)
        self.blocks = Chain(
            *(ConvNeXtBlock(width, kernel=config.kernel) for _ in range(config.blocks))
        )
        self.norm = nn.LayerNorm(width)
        self.sizes = [config.places, config.places, config.hops * config.air]
        self.outlet = nn.Linear(width, sum(self.sizes))
        self.context = ceil(FORGOTTEN * FRAME_RATE * max(config.memories))

    def init_state(self, batch: int = 1) -> State:
        state = prefixed("blocks.", self.blocks.init_state(batch))
        for number, memory in enumerate(self.memories):
            state |= prefixed(f"memory{number}.", memory.init_state(batch))
        return state

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        batch, frames, _ = x.shape
        sheets = x.reshape(batch, frames * self.config.sheet["subframes"], -1)
        hidden, after = self.inlet(sheets), {}
        for number, (memory, recall) in enumerate(zip(self.memories, self.recalls, strict=True)):
            average, kept = memory.step(sheets, substate(state, f"memory{number}."))
            hidden = hidden + recall(average)
            after |= prefixed(f"memory{number}.", kept)
        hidden, blocks = self.blocks.step(hidden, substate(state, "blocks."))
        answers = self.outlet(self.norm(hidden)).reshape(batch, frames, -1)
        return answers, after | prefixed("blocks.", blocks)

    def read(self, answers: Tensor) -> Placed:
        """Answers, subframe by subframe and in their ranges."""
        steps = answers.reshape(len(answers), -1, sum(self.sizes))
        pan, width, air = steps.split(self.sizes, -1)
        return Placed(torch.tanh(pan), nn.functional.softplus(width), air)


class Staging(nn.Module):
    """Plays placed sheets in stereo, one hop late. Fixed, not trained.

    Either channel has a bank of oscillators and a noise of its own. What goes along with the middle
    is in step with it; what goes its own way is a quarter of a turn ahead in one channel and behind
    in the other (every second tone the other way round), and another noise.
    """

    tones_at: Tensor  # [P, S] shares of the places in each tone
    noises_at: Tensor  # [P, M + A] in each band of noise
    ways: Tensor  # [S] 1 or -1

    def __init__(self, config: UpmixConfig) -> None:
        super().__init__()
        self.config = config
        sheet, top = config.sheet, config.rate / 2
        self.oscillators = Oscillators(
            config.rate, sheet["subframes"], tones=config.tones, parts=CHANNELS
        )
        self.noise = ShapedNoise(config.hop, sheet["hops"], _noise_shapes(config), parts=CHANNELS)
        tones = (turns_per_sample(config.rate)[: config.tones] * config.rate).float()
        noises = torch.cat(
            [
                mel_centres(sheet["bands"], sheet["rate"] / 2),
                torch.linspace(sheet["rate"] / 2, top, config.air),
            ]
        )
        ways = 1.0 - 2.0 * (torch.arange(config.tones) % 2)
        for name, value in (
            ("tones_at", mel_triangles(tones, config.places, top)),
            ("noises_at", mel_triangles(noises, config.places, top)),
            ("ways", ways),
        ):
            self.register_buffer(name, value, persistent=False)

    def init_state(self, batch: int = 1) -> State:
        """Left and right are a batch of two."""
        return {
            **prefixed("oscillators.", self.oscillators.init_state(CHANNELS * batch)),
            **prefixed("noise.", self.noise.init_state(CHANNELS * batch)),
        }

    def step(self, sheets: Tensor, placed: Placed, state: State) -> tuple[Tensor, State]:
        """Advance by sheets [B, T, U * W] and where they stand: audio frames [B, T, 2 * F]."""
        frames = sheets.shape[1]
        tones, noise = self._sound(sheets, placed.air)
        side = torch.cat([placed.pan, placed.width])
        along, apart = (tones * at for at in (side @ self.tones_at).chunk(2))
        sung, oscillators = self.oscillators.step(
            _channels(tones, along, apart * self.ways, frames), substate(state, "oscillators.")
        )
        along, apart = (noise * at for at in (side @ self.noises_at)[:, :, None].chunk(2))
        hissed, hiss = self.noise.step(
            _channels(noise, along, apart, frames), substate(state, "noise.")
        )
        audio = torch.cat((sung + hissed).chunk(CHANNELS), -1)
        return audio, prefixed("oscillators.", oscillators) | prefixed("noise.", hiss)

    def _sound(self, sheets: Tensor, air: Tensor) -> tuple[Tensor, Tensor]:
        """Amplitudes of tones [B, T * U, S] and of noise [B, T * U, H / U, M + A]."""
        config = self.config
        steps = sheets.reshape(*air.shape[:2], config.subframe)
        tones, noise = steps[..., : config.tones], steps[..., config.tones :]
        parts = [part.unflatten(-1, (config.hops, -1)) for part in (noise, air)]
        return self._loud(tones), self._loud(torch.cat(parts, -1))

    def _loud(self, written: Tensor) -> Tensor:
        return written.float().clamp(min=0).square() / self.config.sheet["gain"]


def _channels(middle: Tensor, along: Tensor, apart: Tensor, frames: int) -> Tensor:
    """Middle and side of some voices as left, then right, [2 * B, T, ...]: in step, then apart."""
    left = torch.cat([middle + along, apart], -1)
    right = torch.cat([middle - along, -apart], -1)
    return torch.cat([left, right]).reshape(CHANNELS * len(middle), frames, -1)


def _noise_shapes(config: UpmixConfig) -> Tensor:
    """Bands of the codec's noise below, bands of air above: [M + A, N]."""
    sheet = config.sheet
    below = exact_div(config.hop * sheet["rate"], config.rate)
    lower = band_shapes(below, sheet["bands"], sheet["rate"])
    place = torch.linspace(0, config.air - 1, config.hop - below)
    upper = (1 - (place - torch.arange(config.air)[:, None]).abs()).clamp(min=0)
    # In a longer transform a coefficient lasts longer: at the same gain it would sound softer.
    return torch.block_diag(lower, upper) * (config.rate / sheet["rate"]) ** 0.5


class Upmix(Steppable):
    """Sheets [B, T, U * W] to stereo audio frames [B, T, 2 * F], one hop late."""

    def __init__(self, config: UpmixConfig) -> None:
        super().__init__()
        self.config = config
        self.placing, self.staging = Placing(config), Staging(config)
        self.context = self.placing.context

    def init_state(self, batch: int = 1) -> State:
        return {
            **prefixed("placing.", self.placing.init_state(batch)),
            **prefixed("staging.", self.staging.init_state(batch)),
        }

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        answers, placing = self.placing.step(x, substate(state, "placing."))
        with torch.autocast(x.device.type, enabled=False):
            placed = self.placing.read(answers.float())
            audio, staging = self.staging.step(x, placed, substate(state, "staging."))
        return audio, prefixed("placing.", placing) | prefixed("staging.", staging)


def build(sizes: Mapping[str, Any]) -> Upmix:
    """Make an untrained upmix of the sizes that are stored with weights."""
    return Upmix(UpmixConfig(**{**sizes, "memories": tuple(sizes["memories"])}))


def load(folder: Path) -> Upmix:
    """Open a trained upmix, averaged weights, in evaluation mode."""
    upmix = build(json.loads((folder / "config.json").read_text()))
    upmix.load_state_dict(load_file(folder / "model.safetensors"))
    return upmix.eval()
