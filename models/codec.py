"""SoundStream: a causal streaming codec from audio to residual-quantised tokens and back.

Audio `[B, C, N]` to codes `[B, T, K]` at 25 frames a second, and back, one MDCT hop late. Encoder
and decoder are causal ConvNeXt stacks that run at `subframes` steps per frame on two descriptions
of sound side by side: MDCT coefficients (attacks, noise; a spectral front end and head in the
manner of Vocos and SpectroStream) and amplitudes on running oscillators (held tones;
`models.oscillators` says why). After SoundStream (arXiv 2107.03312): residual quantiser with
dropout, small encoder, larger decoder.

Dimensions: B batch, C channels, T frames, F samples per frame, U subframes, W features per
subframe, K levels.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.spec import ACOUSTIC_LEVELS, CODEBOOK_SIZE, AudioFormat, exact_div
from models.mdct import Analysis, Synthesis, compress, expand
from models.oscillators import Hearing, Voice, steps_per_frame
from models.quantizer import Quantized, ResidualQuantizer
from models.streaming import Chain, ConvNeXtBlock, State, Steppable, prefixed, substate
from models.tones import WINDOW


@dataclass(frozen=True, kw_only=True)
class CodecConfig:
    """Sizes of a codec; stored with its weights."""

    rate: int = 24_000  # Hz
    channels: int = 1
    hops: int = 2  # MDCT hops per frame
    subframes: int = 2  # steps of the networks per frame
    encoder_width: int = 288
    encoder_blocks: int = 3
    decoder_width: int = 448
    decoder_blocks: int = 4
    latent: int = 64
    levels: int = ACOUSTIC_LEVELS
    codebook: int = CODEBOOK_SIZE
    kernel: int = 5
    gain: float = 4.0  # audio is scaled by this before compression, so that coefficients are near 1

    @property
    def audio(self) -> AudioFormat:
        return AudioFormat(rate=self.rate, channels=self.channels)

    @property
    def hop(self) -> int:
        """Samples per MDCT hop; also the decoder's latency."""
        return exact_div(self.audio.frame_samples, self.hops)


class Encoder(Steppable):
    """Audio frames [B, T, C * F] to latents [B, T, D]."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.analysis = Analysis(config.hop)
        self.hearing = Hearing(config.rate, config.subframes)
        step_width = features_per_step(config)
        self.inlet = nn.Linear(step_width, config.encoder_width)
        self.blocks = Chain(
            *(
                ConvNeXtBlock(config.encoder_width, kernel=config.kernel)
                for _ in range(config.encoder_blocks)
            )
        )
        self.outlet = nn.Linear(config.encoder_width * config.subframes, config.latent)
        self.skip = nn.Linear(step_width * config.subframes, config.latent, bias=False)
        heard = -(-WINDOW // config.audio.frame_samples)
        self.context = -(-self.blocks.context // config.subframes) + heard

    def init_state(self, batch: int = 1) -> State:
        """Per channel the transforms' past, [B * C, ...]; then the blocks' past."""
        rows = batch * self.config.channels
        return {
            **prefixed("analysis.", self.analysis.init_state(rows)),
            **prefixed("hearing.", self.hearing.init_state(rows)),
            **prefixed("blocks.", self.blocks.init_state(batch)),
        }

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        features, heard = self.hear(x, state)
        batch, frames, _ = features.shape
        steps = features.reshape(batch, frames * self.config.subframes, -1)
        hidden, blocks = self.blocks.step(self.inlet(steps), substate(state, "blocks."))
        latents = self.outlet(hidden.reshape(batch, frames, -1)) + self.skip(features)
        return latents, heard | prefixed("blocks.", blocks)

    def hear(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Compressed coefficients and amplitudes [B, T, U * W] of audio frames [B, T, C * F]."""
        batch, frames, _ = x.shape
        c, hop, hops = self.config.channels, self.config.hop, self.config.hops
        audio = (
            x.reshape(batch, frames, c, hops * hop).transpose(1, 2).reshape(batch * c, frames, -1)
        )
        spectrum, analysis = self.analysis.step(
            audio.reshape(batch * c, frames * hops, hop), substate(state, "analysis.")
        )
        tones, hearing = self.hearing.step(audio, substate(state, "hearing."))
        parts = [
            part.reshape(batch, c, frames, self.config.subframes, -1) for part in (spectrum, tones)
        ]
        features = compress(torch.cat(parts, -1) * self.config.gain)  # [B, C, T, U, W / C]
        features = features.permute(0, 2, 3, 1, 4).reshape(batch, frames, -1)
        return features, prefixed("analysis.", analysis) | prefixed("hearing.", hearing)


class Decoder(Steppable):
    """Latents [B, T, D] to audio frames [B, T, C * F], one hop late."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        step_width = features_per_step(config)
        self.inlet = nn.Linear(config.latent, config.decoder_width * config.subframes)
        self.blocks = Chain(
            *(
                ConvNeXtBlock(config.decoder_width, kernel=config.kernel)
                for _ in range(config.decoder_blocks)
            )
        )
        self.norm = nn.LayerNorm(config.decoder_width)
        self.outlet = nn.Linear(config.decoder_width, step_width)
        self.skip = nn.Linear(config.latent, step_width * config.subframes, bias=False)
        self.synthesis = Synthesis(config.hop)
        self.voice = Voice(config.rate, config.subframes, delay=config.hop)
        self.context = -(-self.blocks.context // config.subframes) + 1

    def init_state(self, batch: int = 1) -> State:
        rows = batch * self.config.channels
        return {
            **prefixed("synthesis.", self.synthesis.init_state(rows)),
            **prefixed("voice.", self.voice.init_state(rows)),
            **prefixed("blocks.", self.blocks.init_state(batch)),
        }

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        batch, frames, _ = x.shape
        steps = self.inlet(x).reshape(batch, frames * self.config.subframes, -1)
        hidden, blocks = self.blocks.step(steps, substate(state, "blocks."))
        features = self.outlet(self.norm(hidden)).reshape(batch, frames, -1) + self.skip(x)
        audio, spoken = self.speak(features.float(), state)
        return audio, spoken | prefixed("blocks.", blocks)

    def speak(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """Audio frames [B, T, C * F] of compressed coefficients and amplitudes [B, T, U * W]."""
        batch, frames, _ = features.shape
        c, hop, hops, u = (
            self.config.channels,
            self.config.hop,
            self.config.hops,
            self.config.subframes,
        )
        parts = expand(features) / self.config.gain
        parts = parts.reshape(batch, frames, u, c, -1).permute(0, 3, 1, 2, 4)  # [B, C, T, U, W / C]
        bins = exact_div(hops * hop, u)
        spectrum = parts[..., :bins].reshape(batch * c, frames * hops, hop)
        noise, synthesis = self.synthesis.step(spectrum, substate(state, "synthesis."))
        tones = parts[..., bins:].reshape(batch * c, frames, -1)
        tones, voice = self.voice.step(tones, substate(state, "voice."))
        audio = noise.reshape(batch, c, frames, -1) + tones.reshape(batch, c, frames, -1)
        audio = audio.transpose(1, 2).reshape(batch, frames, -1)
        return audio, prefixed("synthesis.", synthesis) | prefixed("voice.", voice)


def features_per_step(config: CodecConfig) -> int:
    """Width of what is heard and said per subframe, over all channels."""
    bins = exact_div(config.audio.frame_samples, config.subframes)
    return config.channels * (bins + 2 * len(steps_per_frame()))


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

    def forward(self, audio: Tensor, keep: Tensor | None = None) -> tuple[Tensor, Quantized]:
        """Reconstruct for training.

        Returns:
            audio [B, C, N], one hop late, and the quantiser's result.
        """
        quantized = self.quantizer(self.encoder(self.frames(audio)).float(), keep)
        return self.audio(self.decoder(quantized.latents)), quantized


def load(folder: Path) -> Codec:
    """Open a trained codec, averaged weights, in evaluation mode."""
    codec = Codec(CodecConfig(**json.loads((folder / "config.json").read_text())))
    codec.load_state_dict(load_file(folder / "model.safetensors"))
    return codec.eval()
