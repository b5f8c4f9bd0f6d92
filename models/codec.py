"""SoundStream: a causal streaming codec from audio to residual-quantised tokens and back.

Audio `[B, C, N]` to codes `[B, T, K]` at 25 frames a second, and back, one hop late. After
SoundStream (arXiv 2107.03312): causal encoder, residual quantiser with dropout, larger decoder.
Encoder and decoder are ConvNeXt stacks at `subframes` steps per frame between two descriptions of
sound that leave phase out: how loud tones and bands are (`models.hearing`), and how loud to play
oscillators and noise (`models.oscillators`, `models.noise`). ADR 0005 has the reason and the
figures.

Dimensions: B batch, C channels, T frames, F samples per frame, U subframes, W features per
subframe and channel, K levels.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from safetensors.torch import load_file
from torch import Tensor, nn

from engine.spec import ACOUSTIC_LEVELS, CODEBOOK_SIZE, AudioFormat, exact_div
from models.hearing import Compressed, Hearing
from models.noise import ShapedNoise
from models.oscillators import Oscillators
from models.quantizer import Quantized, ResidualQuantizer
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
    def hop(self) -> int:
        """Samples between changes of noise; also the decoder's latency."""
        return exact_div(self.audio.frame_samples, self.hops)


class Encoder(Steppable):
    """Audio frames [B, T, C * F] to latents [B, T, D]."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.hearing = Hearing(
            config.rate, config.subframes, config.hops, config.bands, config.gain
        )
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
        batch, frames, _ = x.shape
        c, u = self.config.channels, self.config.subframes
        audio = x.reshape(batch, frames, c, -1).transpose(1, 2).reshape(batch * c, frames, -1)
        features, hearing = self.hearing.step(audio, substate(state, "hearing."))
        features = features.reshape(batch, c, frames * u, -1).transpose(1, 2)
        steps = features.reshape(batch, frames * u, -1)
        hidden, blocks = self.blocks.step(self.inlet(steps), substate(state, "blocks."))
        latents = self.outlet(hidden.reshape(batch, frames, -1))
        latents = latents + self.skip(steps.reshape(batch, frames, -1))
        return latents, prefixed("hearing.", hearing) | prefixed("blocks.", blocks)


class Decoder(Steppable):
    """Latents [B, T, D] to audio frames [B, T, C * F], one hop late."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.oscillators = Oscillators(config.rate, config.subframes)
        self.noise = ShapedNoise(config.hop, config.hops, config.bands, config.rate)
        self.bands = exact_div(config.hops, config.subframes) * config.bands
        width = config.channels * (self.oscillators.size + self.bands)
        self.inlet = nn.Linear(config.latent, config.decoder_width * config.subframes)
        self.blocks = _blocks(config, config.decoder_width, config.decoder_blocks)
        self.norm = nn.LayerNorm(config.decoder_width)
        self.outlet = nn.Linear(config.decoder_width, width)
        self.skip = nn.Linear(config.latent, width * config.subframes, bias=False)
        self.amplitude = Compressed(config.gain)
        self.context = -(-self.blocks.context // config.subframes) + 1

    def init_state(self, batch: int = 1) -> State:
        rows = batch * self.config.channels
        return {
            **prefixed("oscillators.", self.oscillators.init_state(rows)),
            **prefixed("noise.", self.noise.init_state(rows)),
            **prefixed("blocks.", self.blocks.init_state(batch)),
        }

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        amplitudes, blocks = self.describe(x, state)
        audio, spoken = self.speak(amplitudes, state)
        return audio, blocks | spoken

    def describe(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Amplitudes and gains [B, T, U * C * W] of latents [B, T, D]."""
        batch, frames, _ = x.shape
        steps = self.inlet(x).reshape(batch, frames * self.config.subframes, -1)
        hidden, blocks = self.blocks.step(steps, substate(state, "blocks."))
        said = self.outlet(self.norm(hidden)).reshape(batch, frames, -1) + self.skip(x)
        return self.amplitude(said), prefixed("blocks.", blocks)

    def speak(self, amplitudes: Tensor, state: State) -> tuple[Tensor, State]:
        """Audio frames [B, T, C * F] of amplitudes and gains [B, T, U * C * W]."""
        batch, frames, _ = amplitudes.shape
        c, u = self.config.channels, self.config.subframes
        parts = amplitudes.reshape(batch, frames, u, c, -1).permute(0, 3, 1, 2, 4)
        parts = parts.reshape(batch * c, frames, u, -1)
        tones, gains = parts.split([self.oscillators.size, self.bands], -1)
        sung, oscillators = self.oscillators.step(tones.flatten(2), substate(state, "oscillators."))
        hissed, noise = self.noise.step(gains.flatten(2), substate(state, "noise."))
        audio = (sung + hissed).reshape(batch, c, frames, -1).transpose(1, 2)
        after = prefixed("oscillators.", oscillators) | prefixed("noise.", noise)
        return audio.reshape(batch, frames, -1), after


def _blocks(config: CodecConfig, width: int, count: int) -> Chain:
    return Chain(*(ConvNeXtBlock(width, kernel=config.kernel) for _ in range(count)))


class Reconstruction(NamedTuple):
    """What training compares."""

    audio: Tensor  # [B, C, N], one hop late
    tones: Tensor  # [B, T, U, C, S] amplitudes asked of the oscillators
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
        """Reconstruct audio [B, C, N] for training, keeping some levels of each example."""
        frames = self.frames(audio)
        quantized = self.quantizer(self.encoder(frames).float(), keep)
        state = self.decoder.init_state(len(frames))
        amplitudes, _ = self.decoder.describe(quantized.latents, state)
        spoken, _ = self.decoder.speak(amplitudes, state)
        return Reconstruction(self.audio(spoken), self._tones(amplitudes), quantized)

    def _tones(self, amplitudes: Tensor) -> Tensor:
        """What is asked of the oscillators: [B, T, U, C, S]."""
        shape = (*amplitudes.shape[:2], self.config.subframes, self.config.channels, -1)
        return amplitudes.reshape(shape)[..., : self.decoder.oscillators.size]


def load(folder: Path) -> Codec:
    """Open a trained codec, averaged weights, in evaluation mode."""
    codec = Codec(CodecConfig(**json.loads((folder / "config.json").read_text())))
    codec.load_state_dict(load_file(folder / "model.safetensors"))
    return codec.eval()
