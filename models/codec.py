"""SoundStream: a causal streaming codec from audio to residual-quantised tokens and back.

Audio `[B, C, N]` to codes `[B, T, K]` at 25 frames a second, and back, one hop late. After
SoundStream (arXiv 2107.03312): causal encoder, residual quantiser with dropout, larger decoder.
What is compressed is not the waveform but a sheet that leaves phase out: how loud each oscillator
and each band of noise is to play (`models.hearing` writes it, `models.speaking` plays it; ADR 0005
has the reason and the figures). Encoder and decoder are ConvNeXt stacks at `subframes` steps per
frame.

Dimensions: B batch, C channels, T frames, F samples per frame, U subframes, W values of a sheet per
subframe and channel, K levels.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.errors import BundleError
from engine.spec import ACOUSTIC_LEVELS, CODEBOOK_SIZE, AudioFormat, exact_div
from models import packed
from models.hearing import Hearing
from models.quantizer import Quantized, ResidualQuantizer
from models.speaking import Speaking
from models.streaming import Chain, ConvNeXtBlock, State, Steppable, prefixed, substate


@dataclass(frozen=True, kw_only=True)
class CodecConfig:
    """Sizes of a codec; stored with its weights."""

    rate: int = 24_000  # Hz
    channels: int = 1
    hops: int = 4  # looks at bands, and changes of noise, per frame
    subframes: int = 2  # steps of the networks, and looks at tones, per frame
    bands: int = 40  # of noise
    encoder_width: int = 288
    encoder_blocks: int = 3
    decoder_width: int = 448
    decoder_blocks: int = 4
    latent: int = 96
    levels: int = ACOUSTIC_LEVELS
    codebook: int = CODEBOOK_SIZE
    kernel: int = 5
    gain: float = 8.0  # amplitudes are scaled by this before compression, which brings them near 1

    @property
    def audio(self) -> AudioFormat:
        return AudioFormat(rate=self.rate, channels=self.channels)

    @property
    def sheet(self) -> dict[str, Any]:
        """What hearing and speaking must agree on."""
        names = ("rate", "subframes", "hops", "bands", "gain")
        return {name: getattr(self, name) for name in names}

    @property
    def hop(self) -> int:
        """Samples between changes of noise; also the decoder's latency."""
        return exact_div(self.audio.frame_samples, self.hops)


class Encoder(Steppable):
    """Audio frames [B, T, C * F] to latents [B, T, D]."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.hearing = Hearing(**config.sheet)
        width = config.channels * exact_div(self.hearing.width, config.subframes)
        self.inlet = nn.Linear(width, config.encoder_width)
        self.blocks = _blocks(config, config.encoder_width, config.encoder_blocks)
        self.outlet = nn.Linear(config.encoder_width * config.subframes, config.latent)
        self.skip = nn.Linear(width * config.subframes, config.latent, bias=False)
        self.context = -(-self.blocks.context // config.subframes) + self.hearing.context

    def init_state(self, batch: int = 1) -> State:
        """Per channel the ear's past, [B * C, ...]; then the blocks' past."""
        return {
            **prefixed("hearing.", self.hearing.init_state(batch * self.config.channels)),
            **prefixed("blocks.", self.blocks.init_state(batch)),
        }

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        sheets, hearing = self.hear(x, substate(state, "hearing."))
        latents, blocks = self.read(sheets, substate(state, "blocks."))
        return latents, prefixed("hearing.", hearing) | prefixed("blocks.", blocks)

    def hear(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Sheets [B, T, U * C * W] of audio frames."""
        batch, frames, _ = x.shape
        c, u = self.config.channels, self.config.subframes
        audio = x.reshape(batch, frames, c, -1).transpose(1, 2).reshape(batch * c, frames, -1)
        sheets, state = self.hearing.step(audio, state)
        sheets = sheets.reshape(batch, c, frames * u, -1).transpose(1, 2)
        return sheets.reshape(batch, frames, -1), state

    def read(self, sheets: Tensor, state: State) -> tuple[Tensor, State]:
        """Latents of sheets."""
        batch, frames, _ = sheets.shape
        steps = sheets.reshape(batch, frames * self.config.subframes, -1)
        hidden, state = self.blocks.step(self.inlet(steps), state)
        return self.outlet(hidden.reshape(batch, frames, -1)) + self.skip(sheets), state


class Decoder(Steppable):
    """Latents [B, T, D] to audio frames [B, T, C * F], one hop late."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.speaking = Speaking(**config.sheet)
        width = config.channels * exact_div(self.speaking.width, config.subframes)
        self.inlet = nn.Linear(config.latent, config.decoder_width * config.subframes)
        self.blocks = _blocks(config, config.decoder_width, config.decoder_blocks)
        self.norm = nn.LayerNorm(config.decoder_width)
        self.outlet = nn.Linear(config.decoder_width, width)
        self.skip = nn.Linear(config.latent, width * config.subframes, bias=False)
        self.context = -(-self.blocks.context // config.subframes) + 1

    def init_state(self, batch: int = 1) -> State:
        return {
            **prefixed("speaking.", self.speaking.init_state(batch * self.config.channels)),
            **prefixed("blocks.", self.blocks.init_state(batch)),
        }

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        sheets, blocks = self.write(x, substate(state, "blocks."))
        audio, speaking = self.speak(sheets, substate(state, "speaking."))
        return audio, prefixed("speaking.", speaking) | prefixed("blocks.", blocks)

    def write(self, latents: Tensor, state: State) -> tuple[Tensor, State]:
        """Sheets [B, T, U * C * W] of latents."""
        batch, frames, _ = latents.shape
        steps = self.inlet(latents).reshape(batch, frames * self.config.subframes, -1)
        hidden, state = self.blocks.step(steps, state)
        sheets = self.outlet(self.norm(hidden)).reshape(batch, frames, -1) + self.skip(latents)
        return sheets, state

    def speak(self, sheets: Tensor, state: State) -> tuple[Tensor, State]:
        """Audio frames of sheets."""
        batch, frames, _ = sheets.shape
        c, u = self.config.channels, self.config.subframes
        parts = sheets.reshape(batch, frames * u, c, -1).transpose(1, 2)
        audio, state = self.speaking.step(parts.reshape(batch * c, frames, -1), state)
        audio = audio.reshape(batch, c, frames, -1).transpose(1, 2)
        return audio.reshape(batch, frames, -1), state


class Writer(Steppable):
    """The part of a decoder that is learned: latents [B, T, D] to sheets [B, T, U * C * W]."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder
        self.context = -(-decoder.blocks.context // decoder.config.subframes)

    def init_state(self, batch: int = 1) -> State:
        return substate(self.decoder.init_state(batch), "blocks.")

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return self.decoder.write(x, state)


def _blocks(config: CodecConfig, width: int, count: int) -> Chain:
    return Chain(*(ConvNeXtBlock(width, kernel=config.kernel) for _ in range(count)))


class Reconstruction(NamedTuple):
    """What training compares."""

    wanted: Tensor  # [B, T, U * C * W] the sheet that was heard
    given: Tensor  # [B, T, U * C * W] the sheet that is to be played
    quantized: Quantized


class Codec(nn.Module):
    """Encoder, quantiser and decoder together."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.quantizer = ResidualQuantizer(config.levels, config.latent, config.codebook)
        self.decoder = Decoder(config)

    def frames(self, audio: Tensor) -> Tensor:
        """Cut audio [B, C, N] into frames [B, T, C * F]; N must be whole frames."""
        batch, channels, samples = audio.shape
        frames = exact_div(samples, self.config.audio.frame_samples)
        return audio.reshape(batch, channels, frames, -1).transpose(1, 2).reshape(batch, frames, -1)

    def audio(self, frames: Tensor) -> Tensor:
        """The inverse of `frames`: [B, T, C * F] to [B, C, N]."""
        batch, count, _ = frames.shape
        parts = frames.reshape(batch, count, self.config.channels, -1).transpose(1, 2)
        return parts.reshape(batch, self.config.channels, -1)

    def encode(self, audio: Tensor) -> Tensor:
        """Audio [B, C, N] to codes [B, T, K]."""
        return self.quantizer.encode(self.encoder(self.frames(audio)))

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [B, T, K] to audio [B, C, N], one hop late."""
        return self.audio(self.decoder(self.quantizer.decode(codes)))

    def forward(self, audio: Tensor, keep: Tensor | None = None) -> Reconstruction:
        """Compress the sheets of audio [B, C, N], keeping some levels of each
        example."""
        encoder, decoder = self.encoder, self.decoder
        before = encoder.init_state(len(audio))
        wanted, _ = encoder.hear(self.frames(audio), substate(before, "hearing."))
        latents, _ = encoder.read(wanted, substate(before, "blocks."))
        quantized = self.quantizer(latents.float(), keep)
        state = substate(decoder.init_state(len(audio)), "blocks.")
        given, _ = decoder.write(quantized.latents, state)
        return Reconstruction(wanted, given.float(), quantized)

    def play(self, sheets: Tensor) -> Tensor:
        """Audio [B, C, N] of sheets, one hop late."""
        state = substate(self.decoder.init_state(len(sheets)), "speaking.")
        return self.audio(self.decoder.speak(sheets, state)[0])


def build(sizes: Mapping[str, Any]) -> Codec:
    """Make an untrained codec of the sizes that are stored with weights."""
    return Codec(CodecConfig(**sizes))


def load(folder: Path) -> Codec:
    """Open a trained codec, averaged weights, in evaluation mode."""
    codec = build(json.loads((folder / "config.json").read_text()))
    codec.load_state_dict(load_file(folder / "model.safetensors"))
    return codec.eval()


def load_packed(file: Path) -> Codec:
    """Open the weights that a bundle's codec was exported from, in evaluation mode.

    Raises:
        BundleError: there is no such file, or it holds no codec.
    """
    if not file.is_file():
        raise BundleError(f"{file} is missing, expected the weights of a bundle's codec.")
    try:
        codec, _ = packed.open_model(file, build)
    except (SafetensorError, ValueError) as exc:
        raise BundleError(f"{file.name} is no codec ({exc}).") from exc
    return codec.eval()
