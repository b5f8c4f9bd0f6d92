"""Train the SoundStream codec on prepared audio.

    python -m training.train_codec --data data/prepared --out data/runs/codec --budget-minutes 30

With `--sounds data/prepared/sounds` (of `python -m training.corpus --split sounds`) some examples
are speech-like, struck or noisy sounds, so that the codec survives what the corpus never held.
Loss: difference of sheets, absolute and square; for some examples the mel distance of what they
sound like; commitment. Each example keeps a random number of levels. A collapsed codebook fails the
run.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import OptionError
from models.codec import Codec, CodecConfig
from models.quantizer import BYPASS
from training.checkpoint import settle_sizes
from training.data import Prepared, load
from training.loop import Loop, LoopOptions, TrainingFailed
from training.losses import MelDistance, magnitude_snr_db

REPORT_LEVELS = (1, 4, 8, 12)
SQUARE_WEIGHT, MEL_WEIGHT, COMMITMENT_WEIGHT = 4.0, 0.25, 0.05
SOUNDS_SHARE = 0.15  # of examples, where sounds that are no music are given
UNQUANTIZED = (
    0.2  # share of examples whose latents go past the quantiser: clean gradients for both ends
)


class CodecTask:
    """Reconstruct crops of one second."""

    def __init__(
        self,
        config: CodecConfig,
        train: Prepared,
        valid: Prepared,
        *,
        batch: int,
        frames: int,
        sounds: Prepared | None = None,
    ) -> None:
        self.config, self.train, self.valid, self.sounds = config, train, valid, sounds
        if sounds is not None and sounds.format != train.format:
            raise OptionError.of(
                "format of the sounds", sounds.format, f"{train.format}, the music's",
                "Prepare both with the same --rate and --channels.",
            )  # fmt: skip
        self.size, self.frames = batch, frames
        self.model = Codec(config)
        self.mel = MelDistance(config.rate)
        self.heard_every = 4  # examples: playing all of them would take most of the time

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Audio [B, C, N] with random gain and polarity, and levels to keep [B]."""
        audio = np.stack([self._crop(rng) for _ in range(self.size)])
        gain = 10 ** (rng.uniform(-18, 3, (self.size, 1, 1)) / 20) * rng.choice(
            [-1.0, 1.0], (self.size, 1, 1)
        )
        gain[rng.random(self.size) < 0.02] = 0.0  # silence must come out silent
        levels = self.config.levels
        keep = np.where(rng.random(self.size) < 0.5, levels, rng.integers(1, levels + 1, self.size))
        keep[rng.random(self.size) < UNQUANTIZED] = BYPASS
        return torch.from_numpy((audio * gain).astype(np.float32)), torch.from_numpy(keep)

    def _crop(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Music, or now and then a sound that is none: [C, N]."""
        source = self.train
        if self.sounds is not None and rng.random() < SOUNDS_SHARE:
            source = self.sounds
        return source.audio(source.crop(rng, self.frames), self.frames)

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, float]]:
        audio, keep = batch
        made = self.model(audio, keep)
        difference = made.given - made.wanted
        absolute, square = difference.abs().mean(), difference.square().mean()
        mel = self._mel(made.given[:: self.heard_every], audio[:: self.heard_every])
        quantized = made.quantized
        loss = absolute + SQUARE_WEIGHT * square + MEL_WEIGHT * mel
        loss = loss + COMMITMENT_WEIGHT * quantized.commitment
        perplexity = quantized.perplexity
        return loss, {
            "sheet": absolute.item(),
            "square": square.item(),
            "mel": mel.item(),
            "commit": quantized.commitment.item(),
            "ppl1": perplexity[0].item(),
            "ppl4": perplexity[3].item(),
            "ppl12": perplexity[-1].item(),
        }

    def _mel(self, sheets: Tensor, audio: Tensor) -> Tensor:
        """Mel distance of what sheets sound like to the audio they are of."""
        hop = self.config.hop
        given = self.model.play(sheets)[..., hop:].flatten(0, 1)
        return self.mel(given, audio[..., :-hop].flatten(0, 1))

    def validate(self) -> dict[str, float]:
        """Mel distance and SNR of magnitudes per number of levels, and codebook use, over held-out
        seconds."""
        rng = np.random.default_rng(1)
        starts = [self.valid.crop(rng, 100) for _ in range(24)]
        audio = torch.from_numpy(np.stack([self.valid.audio(start, 100) for start in starts]))
        latents = self.model.encoder(self.model.frames(audio))
        codes = self.model.quantizer.encode(latents)
        hop = self.config.hop
        figures: dict[str, float] = {}
        for levels in REPORT_LEVELS:
            kept = torch.where(torch.arange(self.config.levels) < levels, codes, -1)
            given = self.model.decode(kept)[..., hop:].flatten(0, 1)
            wanted = audio[..., :-hop].flatten(0, 1)
            figures[f"mel{levels}"] = self.mel(given, wanted).item()
            figures[f"snr{levels}"] = magnitude_snr_db(given, wanted).item()
        use = [
            len(codes[..., level].unique()) / self.config.codebook
            for level in range(self.config.levels)
        ]
        figures["use_min"] = min(use)
        return figures

    def guard(self, figures: dict[str, float]) -> None:
        if figures["use_min"] < 0.2:
            raise TrainingFailed(
                f"a codebook collapsed: {figures['use_min']:.0%} of its codes are in use on "
                "held-out audio, expected 20 %. Look at its perplexity from the first steps on."
            )


def main(
    data: Annotated[Path, typer.Option(help="folder of prepared splits train/ and valid/")] = Path(
        "data/prepared"
    ),
    out: Annotated[Path, typer.Option(help="folder for checkpoints")] = Path("data/runs/codec"),
    sounds: Annotated[
        Path | None, typer.Option(help="prepared split of sounds that are no music, to mix in")
    ] = None,
    budget_minutes: Annotated[float, typer.Option(help="time to train")] = 30.0,
    batch: Annotated[int, typer.Option(help="crops per step")] = 24,
    frames: Annotated[int, typer.Option(help="frames per crop")] = 50,
    lr: Annotated[float, typer.Option(help="peak learning rate")] = 2e-3,
    seed: int = 0,
    threads: int = 2,
) -> None:
    """Train the codec."""
    train, valid = load(data / "train"), load(data / "valid")
    config = CodecConfig(rate=train.format.rate, channels=train.format.channels)
    settle_sizes(out, asdict(config))
    others = load(sounds) if sounds else None
    task = CodecTask(config, train, valid, batch=batch, frames=frames, sounds=others)
    Loop(
        task, LoopOptions(out=out, budget_minutes=budget_minutes, lr=lr, seed=seed, threads=threads)
    ).run()


if __name__ == "__main__":
    typer.run(main)
