"""Train the semantic tokenizer on prepared audio and its labels.

python -m training.train_semantic --data data/prepared --out data/runs/semantic --budget-minutes 8
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor
from torch.nn import functional

from engine.row import Labels, encode_labels
from models.semantic import SemanticConfig, SemanticTokenizer, label_targets
from training.checkpoint import settle_sizes
from training.data import LABEL_FIELDS, Prepared, load
from training.loop import Loop, LoopOptions, TrainingFailed

WEIGHTS = {
    "sounding": 30.0,
    "onset": 60.0,
    "chord": 2.0,
    "drums": 0.5,
    "families": 2.0,
    "key": 0.3,
    "beat": 1.0,
    "next": 0.3,
}


def slice_labels(labels: Labels, start: int, frames: int) -> Labels:
    """A stretch of a split's labels."""
    return Labels(**{name: getattr(labels, name)[start : start + frames] for name in LABEL_FIELDS})


class SemanticTask:
    """Recover what is played from one code a frame."""

    def __init__(
        self, config: SemanticConfig, train: Prepared, valid: Prepared, *, batch: int, frames: int
    ) -> None:
        self.config, self.train, self.valid = config, train, valid
        self.size, self.frames = batch, frames
        self.model = SemanticTokenizer(config)

    def batch(self, rng: np.random.Generator) -> dict[str, Tensor]:
        return self._draw(self.train, rng, self.size, augment=True)

    def _draw(
        self, data: Prepared, rng: np.random.Generator, size: int, *, augment: bool
    ) -> dict[str, Tensor]:
        starts = [data.crop(rng, self.frames) for _ in range(size)]
        audio = np.stack([data.audio(start, self.frames) for start in starts])
        if augment:
            audio = audio * (10 ** (rng.uniform(-15, 3, (size, 1, 1)) / 20)).astype(np.float32)
        labels = [slice_labels(data.labels, start, self.frames) for start in starts]
        rows = np.stack([encode_labels(part) for part in labels])
        channels = audio.shape[1]
        frames = audio.reshape(size, channels, self.frames, -1).transpose(0, 2, 1, 3)
        return {
            "frames": torch.from_numpy(frames.reshape(size, self.frames, -1).copy()),
            "rows": torch.from_numpy(rows),
            "key": torch.from_numpy(np.stack([part.key for part in labels])),
        }

    def loss(self, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, float]]:
        read, upcoming, quantized = self.model(batch["frames"])
        parts = head_losses(read, upcoming, label_targets(batch["rows"], batch))
        loss = sum((WEIGHTS[name] * part for name, part in parts.items()), torch.zeros(()))
        figures = {name: part.item() for name, part in parts.items()}
        figures["ppl"] = quantized.perplexity[0].item()
        return loss + 0.25 * quantized.commitment, figures

    def validate(self) -> dict[str, float]:
        """Note F1, chord, key and drums accuracy, beat cosine, from the codes alone; codebook
        use."""
        batch = self._draw(self.valid, np.random.default_rng(3), 32, augment=False)
        read, _, quantized = self.model(batch["frames"])
        wanted = label_targets(batch["rows"], batch)
        use = len(quantized.codes.unique()) / self.config.codebook
        sounding = read["sounding"].sigmoid() > 0.35
        hits = (sounding & (wanted["sounding"] > 0)).sum()
        f1 = 2 * hits / (sounding.sum() + (wanted["sounding"] > 0).sum()).clamp(min=1)
        keyed = wanted["key"] >= 0
        agree = (read["key"].argmax(-1) == wanted["key"])[keyed].float().mean()
        drums = ((read["drums"] > 0) == (wanted["drums"] > 0)).float().mean()
        beat = functional.cosine_similarity(
            read["beat"][..., :2], wanted["beat"][..., :2], dim=-1
        ).mean()
        families = ((read["families"] > 0) == (wanted["families"] > 0)).float().mean()
        return {
            "note_f1": f1.item(),
            "key": agree.item(),
            "drums": drums.item(),
            "beat_cos": beat.item(),
            "families": families.item(),
            "use": use,
        }

    def guard(self, figures: dict[str, float]) -> None:
        if figures["use"] < 0.25:
            raise TrainingFailed(
                f"the codebook collapsed: {figures['use']:.0%} of its codes in use, expected 25 %."
            )


def head_losses(
    read: dict[str, Tensor], upcoming: Tensor, wanted: dict[str, Tensor]
) -> dict[str, Tensor]:
    """One loss per head."""
    parts = {}
    for name in ("sounding", "onset", "chord", "drums", "families"):
        parts[name] = functional.binary_cross_entropy_with_logits(read[name].float(), wanted[name])
    parts["key"] = functional.cross_entropy(
        read["key"].float().flatten(0, 1), wanted["key"].flatten(), ignore_index=-1
    )
    parts["beat"] = (read["beat"].float() - wanted["beat"]).square().mean()
    parts["next"] = functional.cross_entropy(
        read["next"][:, :-1].float().flatten(0, 1), upcoming.flatten()
    )
    return parts


def main(
    data: Annotated[Path, typer.Option(help="folder of prepared splits train/ and valid/")] = Path(
        "data/prepared"
    ),
    out: Annotated[Path, typer.Option(help="folder for checkpoints")] = Path("data/runs/semantic"),
    budget_minutes: Annotated[float, typer.Option(help="time to train")] = 8.0,
    batch: Annotated[int, typer.Option(help="crops per step")] = 16,
    frames: Annotated[int, typer.Option(help="frames per crop")] = 125,
    lr: Annotated[float, typer.Option(help="peak learning rate")] = 1e-3,
    seed: int = 0,
    threads: int = 2,
) -> None:
    """Train the semantic tokenizer."""
    train, valid = load(data / "train"), load(data / "valid")
    config = SemanticConfig(rate=train.format.rate, channels=train.format.channels)
    settle_sizes(out, asdict(config))
    task = SemanticTask(config, train, valid, batch=batch, frames=frames)
    Loop(
        task, LoopOptions(out=out, budget_minutes=budget_minutes, lr=lr, seed=seed, threads=threads)
    ).run()


if __name__ == "__main__":
    typer.run(main)
