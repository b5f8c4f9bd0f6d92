"""SoundStream: a causal streaming codec from audio to residual-quantised tokens and back.

Audio `[B, C, N]` to codes `[B, T, K]` at 25 frames a second, and back, one MDCT hop late. Encoder and
decoder are causal ConvNeXt stacks that run at `subframes` steps per frame on compressed MDCT
coefficients: a spectral front end and head in the manner of Vocos and SpectroStream, real-valued so
that a plain coefficient loss sees phase. After SoundStream (arXiv 2107.03312): residual quantiser
with dropout, small encoder, larger decoder.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.spec import ACOUSTIC_LEVELS, CODEBOOK_SIZE, AudioFormat, exact_div
from models.mdct import Analysis, Synthesis, compress, expand
from models.quantizer import Quantized, ResidualQuantizer
from models.streaming import Chain, ConvNeXtBlock, State, Steppable, substate


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
        step_width = exact_div(config.channels * config.audio.frame_samples, config.subframes)
        self.analysis = Analysis(config.hop)
        self.inlet = nn.Linear(step_width, config.encoder_width)
        self.blocks = Chain(
            *(ConvNeXtBlock(config.encoder_width, kernel=config.kernel) for _ in range(config.encoder_blocks))
        )
        self.outlet = nn.Linear(config.encoder_width * config.subframes, config.latent)
        self.skip = nn.Linear(step_width * config.subframes, config.latent, bias=False)
        self.context = -(-self.blocks.context // config.subframes) + 1

    def init_state(self, batch: int = 1) -> State:
        blocks = {f"blocks.{k}": v for k, v in self.blocks.init_state(batch).items()}
        mdct = self.analysis.init_state(batch * self.config.channels)["past"]
        return {"past": mdct.reshape(batch, self.config.channels, -1)} | blocks

    def coefficients(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """Compressed MDCT coefficients [B, T, C * F] of audio frames [B, T, C * F]."""
        batch, frames, _ = x.shape
        c, hop, hops = self.config.channels, self.config.hop, self.config.hops
        audio = x.reshape(batch, frames, c, hops, hop).transpose(1, 2).reshape(batch * c, frames * hops, hop)
        spectrum, state = self.analysis.step(audio, {"past": past.reshape(batch * c, 1, hop)})
        spectrum = compress(spectrum * self.config.gain)
        spectrum = spectrum.reshape(batch, c, frames, hops * hop).transpose(1, 2)
        return _interleave(spectrum, self.config), state["past"].reshape(batch, c, hop)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        coefficients, past = self.coefficients(x, state["past"])
        latents, blocks = self.encode(coefficients, substate(state, "blocks."))
        return latents, {"past": past} | {f"blocks.{k}": v for k, v in blocks.items()}

    def encode(self, coefficients: Tensor, blocks: State) -> tuple[Tensor, State]:
        """Latents of coefficients [B, T, C * F]."""
        batch, frames, _ = coefficients.shape
        steps = coefficients.reshape(batch, frames * self.config.subframes, -1)
        hidden, blocks = self.blocks.step(self.inlet(steps), blocks)
        return self.outlet(hidden.reshape(batch, frames, -1)) + self.skip(coefficients), blocks


class Decoder(Steppable):
    """Latents [B, T, D] to audio frames [B, T, C * F], one hop late."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        step_width = exact_div(config.channels * config.audio.frame_samples, config.subframes)
        self.inlet = nn.Linear(config.latent, config.decoder_width * config.subframes)
        self.blocks = Chain(
            *(ConvNeXtBlock(config.decoder_width, kernel=config.kernel) for _ in range(config.decoder_blocks))
        )
        self.norm = nn.LayerNorm(config.decoder_width)
        self.outlet = nn.Linear(config.decoder_width, step_width)
        self.skip = nn.Linear(config.latent, step_width * config.subframes, bias=False)
        self.synthesis = Synthesis(config.hop)
        self.context = -(-self.blocks.context // config.subframes) + 1

    def init_state(self, batch: int = 1) -> State:
        blocks = {f"blocks.{k}": v for k, v in self.blocks.init_state(batch).items()}
        return {"tail": torch.zeros(batch, self.config.channels, self.config.hop)} | blocks

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        coefficients, blocks = self.decode(x, substate(state, "blocks."))
        audio, tail = self.waveform(coefficients, state["tail"])
        return audio, {"tail": tail} | {f"blocks.{k}": v for k, v in blocks.items()}

    def decode(self, latents: Tensor, blocks: State) -> tuple[Tensor, State]:
        """Compressed MDCT coefficients [B, T, C * F] of latents."""
        batch, frames, _ = latents.shape
        steps = self.inlet(latents).reshape(batch, frames * self.config.subframes, -1)
        hidden, blocks = self.blocks.step(steps, blocks)
        return self.outlet(self.norm(hidden)).reshape(batch, frames, -1) + self.skip(latents), blocks

    def waveform(self, coefficients: Tensor, tail: Tensor) -> tuple[Tensor, Tensor]:
        """Audio frames [B, T, C * F] of compressed coefficients."""
        batch, frames, _ = coefficients.shape
        c, hop, hops = self.config.channels, self.config.hop, self.config.hops
        spectrum = expand(_deinterleave(coefficients, self.config)) / self.config.gain
        spectrum = spectrum.transpose(1, 2).reshape(batch * c, frames * hops, hop)
        audio, state = self.synthesis.step(spectrum, {"tail": tail.reshape(batch * c, 1, hop)})
        audio = audio.reshape(batch, c, frames, hops * hop).transpose(1, 2).reshape(batch, frames, -1)
        return audio, state["tail"].reshape(batch, c, hop)


def _interleave(spectrum: Tensor, config: CodecConfig) -> Tensor:
    """[B, T, C, hops * H] to [B, T, C * F] with each subframe's channels side by side."""
    batch, frames = spectrum.shape[:2]
    parts = spectrum.reshape(batch, frames, config.channels, config.subframes, -1)
    return parts.transpose(2, 3).reshape(batch, frames, -1)


def _deinterleave(flat: Tensor, config: CodecConfig) -> Tensor:
    """The inverse of `_interleave`: [B, T, C * F] to [B, T, C, hops * H]."""
    batch, frames = flat.shape[:2]
    parts = flat.reshape(batch, frames, config.subframes, config.channels, -1)
    return parts.transpose(2, 3).reshape(batch, frames, config.channels, -1)


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

    def forward(self, audio: Tensor, keep: Tensor | None = None) -> tuple[Tensor, Tensor, Quantized]:
        """Reconstruct for training.

        Returns:
            coefficients asked for and given, both [B, T, C * F] compressed, and the quantiser's result.
        """
        frames = self.frames(audio)
        state = self.encoder.init_state(len(frames))
        target, _ = self.encoder.coefficients(frames, state["past"])
        latents, _ = self.encoder.encode(target, substate(state, "blocks."))
        quantized = self.quantizer(latents.float(), keep)
        blocks = substate(self.decoder.init_state(len(frames)), "blocks.")
        given, _ = self.decoder.decode(quantized.latents, blocks)
        return target, given, quantized
