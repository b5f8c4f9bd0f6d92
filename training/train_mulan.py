"""Train MuLan, or the judge, on prepared audio and its captions.

    python -m training.train_mulan --out data/runs/mulan --budget-minutes 5 --seed 1
    python -m training.train_mulan --out data/runs/judge --judge --seed 2

Symmetric contrastive loss with soft targets (alike pieces share the target) and, per clip, one
caption that is wrong in a single attribute. A run whose contrastive loss stays near ln(batch), the
loss of guessing, fails. The judge is a second MuLan with tag heads, for evaluation only.
"""

from dataclasses import asdict
from math import log
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor
from torch.nn import functional as F

from models.mulan import Mulan, MulanConfig
from training.captions_cache import Embed
from training.checkpoint import settle_sizes
from training.data import Prepared, load
from training.loop import Loop, LoopOptions, TrainingFailed
from training.mulan_data import Clips, ClipSource, colour

TARGET_TEMPERATURE = (
    0.1  # of the softmax over alikeness: half of a target stays on the piece itself
)
COLOURED_SHARE = 0.5  # of training clips
VALID_PIECES = 384  # at most
VALID_CROPS = 3  # per piece, their styles averaged


class MulanTask:
    """Bring crops and captions of the same piece together."""

    def __init__(
        self,
        config: MulanConfig,
        train: Prepared,
        valid: Prepared,
        *,
        batch: int,
        seconds: float = 5.0,
        embed: Embed | None = None,
    ) -> None:
        self.model = Mulan(config)
        self.train, self.valid = (
            ClipSource(part, seconds=seconds, mels=config.mels, genres=config.genres, embed=embed)
            for part in (train, valid)
        )
        self.size = min(batch, len(self.train))  # pieces in a batch are distinct
        self.chance = log(self.size)

    def batch(self, rng: np.random.Generator) -> Clips:
        """Draw clips of distinct pieces, half of them coloured."""
        clips = self.train.draw(rng, self.size)
        clips.mel.copy_(colour(clips.mel, rng, COLOURED_SHARE))
        return clips

    def loss(self, batch: Clips) -> tuple[Tensor, dict[str, float]]:
        """Return the contrastive loss (for a judge: and the tag loss), and figures."""
        batch = batch.to(self.model.log_sharpness.device)
        features = self.model.audio.features(batch.mel)
        audio, text = self.model.audio.style(features), self.model.text(batch.text)
        loss = self._contrast(audio, text, self.model.text(batch.swap), batch)
        figures = {
            "contrast": hard_contrast(audio, text, self.model.sharpness).item(),
            "chance": self.chance,
            "sharpness": self.model.sharpness.item(),
        }
        if self.model.tags is not None:
            tags = self._tag_loss(self.model.tags(features), batch)
            loss, figures["tags"] = loss + tags, tags.item()
        return loss, figures

    def _contrast(self, audio: Tensor, text: Tensor, swap: Tensor, batch: Clips) -> Tensor:
        logits = cosines(audio, text) * self.model.sharpness
        target = (batch.alike / TARGET_TEMPERATURE).softmax(-1)
        wrong = (audio.float() * swap.float()).sum(-1, keepdim=True) * self.model.sharpness
        missing = (batch.swap == 0).all(-1, keepdim=True)
        by_audio = torch.cat([logits, wrong.masked_fill(missing, -1e4)], -1)
        return 0.5 * (
            F.cross_entropy(by_audio, F.pad(target, (0, 1))) + F.cross_entropy(logits.T, target)
        )

    def _tag_loss(self, logits: tuple[Tensor, Tensor, Tensor], batch: Clips) -> Tensor:
        families, drums, genre = (part.float() for part in logits)
        return (
            F.binary_cross_entropy_with_logits(families, batch.families)
            + F.binary_cross_entropy_with_logits(drums, batch.drums)
            + F.cross_entropy(genre, batch.genre)
        )

    def validate(self) -> dict[str, float]:
        """Contrastive loss on a training batch; loss, retrieval, swap and tag figures held out."""
        clips = self.train.draw(np.random.default_rng(1), self.size).to(
            self.model.log_sharpness.device
        )
        audio = self.model.audio.style(self.model.audio.features(clips.mel))
        contrast = hard_contrast(audio, self.model.text(clips.text), self.model.sharpness)
        return {"contrast": contrast.item(), "chance": self.chance, **self._held_out()}

    def _held_out(self) -> dict[str, float]:
        """Rank by free views; judge swaps and tags on crops that come with a swapped caption."""
        count = min(VALID_PIECES, len(self.valid))
        shares = np.linspace(0, 1, VALID_CROPS)
        ranked = [self._valid_crop(count, share, swap_share=0.0) for share in shares]
        features = torch.stack([self.model.audio.features(clips.mel) for clips in ranked])
        audio = F.normalize(self.model.audio.style(features).mean(0), dim=-1)
        text = self.model.text(ranked[0].text)
        figures = {"valid": hard_contrast(audio, text, self.model.sharpness).item()}
        figures |= {"valid_chance": log(count)}
        figures |= retrieval(text @ audio.T, self.valid.genre_names(count))
        swapped = self._valid_crop(count, 0.5, swap_share=1.0)
        right, wrong = self.model.text(swapped.text), self.model.text(swapped.swap)
        has_swap = (swapped.swap != 0).any(-1)
        closer = (audio * right).sum(-1) > (audio * wrong).sum(-1)
        figures["swap_accuracy"] = closer[has_swap].float().mean().item() if has_swap.any() else 0.0
        if self.model.tags is not None:
            crop = self.model.audio.features(swapped.mel)
            figures |= self._tag_figures(self.model.tags(crop), swapped)
        return figures

    def _valid_crop(self, count: int, share: float, *, swap_share: float) -> Clips:
        room = np.array([piece.frames - self.valid.frames for piece in self.valid.pieces[:count]])
        offsets = (room * share).astype(np.int64)
        rng = np.random.default_rng(2)  # the same views each time
        clips = self.valid.clips(np.arange(count), offsets, rng, swap_share=swap_share)
        return clips.to(self.model.log_sharpness.device)

    def _tag_figures(self, logits: tuple[Tensor, Tensor, Tensor], clips: Clips) -> dict[str, float]:
        families, drums, genre = logits
        said, true = families > 0, clips.families > 0
        hits = (said & true).sum().item()
        return {
            "family_f1": 2 * hits / max(1, said.sum().item() + true.sum().item()),
            "drums_accuracy": ((drums > 0) == (clips.drums > 0)).float().mean().item(),
            "genre_accuracy": (genre.argmax(-1) == clips.genre).float().mean().item(),
        }

    def guard(self, figures: dict[str, float]) -> None:
        """Fail a run that guesses: on its training clips, or on held-out ones.

        Raises:
            TrainingFailed: the contrastive loss is not a nat below ln(batch), or, held out, not
                below chance.
        """
        if not figures["contrast"] < self.chance - 1:
            raise TrainingFailed(
                f"contrastive loss is {figures['contrast']:.3f} on training clips, expected under "
                f"ln({self.size}) - 1 = {self.chance - 1:.3f}: the towers guess. Train longer, "
                "or check that captions belong to their clips."
            )
        if not figures["valid"] < figures["valid_chance"]:
            raise TrainingFailed(
                f"contrastive loss is {figures['valid']:.3f} on held-out clips, expected under "
                f"chance ({figures['valid_chance']:.3f}): it learned its clips by heart. "
                "Use more pieces."
            )


def cosines(audio: Tensor, text: Tensor) -> Tensor:
    """Cosines of styles [B, D] and [B, D]: [B, B], in float32 whatever the loop computes in."""
    with torch.autocast(audio.device.type, enabled=False):
        # bf16 would round a cosine by up to 0.004, and the sharpness multiplies that.
        return audio.float() @ text.float().T


def hard_contrast(audio: Tensor, text: Tensor, sharpness: Tensor) -> Tensor:
    """Symmetric InfoNCE of styles [B, D], only the piece itself being right; chance is ln B."""
    logits = cosines(audio, text) * sharpness
    right = torch.arange(len(logits), device=logits.device)
    return 0.5 * (F.cross_entropy(logits, right) + F.cross_entropy(logits.T, right))


def retrieval(scores: Tensor, genre: list[str]) -> dict[str, float]:
    """Rank clips per caption, scores [captions, clips]: R@1, R@10, share of right genres on top."""
    rank = (scores > scores.diagonal()[:, None]).sum(-1)
    best = scores.argmax(-1).tolist()
    same = [genre[row] == genre[column] for row, column in enumerate(best)]
    return {
        "r1": (rank < 1).float().mean().item(),
        "r10": (rank < 10).float().mean().item(),
        "genre1": sum(same) / len(same),
    }


def main(
    data: Annotated[Path, typer.Option(help="folder of prepared splits train/ and valid/")] = Path(
        "data/prepared"
    ),
    out: Annotated[Path, typer.Option(help="folder for checkpoints")] = Path("data/runs/mulan"),
    budget_minutes: Annotated[float, typer.Option(help="time to train")] = 5.0,
    batch: Annotated[int, typer.Option(help="clips per step")] = 192,
    lr: Annotated[float, typer.Option(help="peak learning rate")] = 2e-3,
    judge: Annotated[
        bool, typer.Option(help="add tag heads: a second MuLan for evaluation")
    ] = False,
    seed: int = 1,
    threads: int = 2,
) -> None:
    """Train MuLan or its judge."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)  # before the weights are drawn: a judge starts from its own
    train, valid = load(data / "train"), load(data / "valid")
    genres = sorted({piece.meta["genre"] for piece in train.pieces}) if judge else []
    config = MulanConfig(rate=train.format.rate, genres=tuple(genres))
    settle_sizes(out, asdict(config))
    task = MulanTask(config, train, valid, batch=batch)
    options = LoopOptions(
        out=out,
        budget_minutes=budget_minutes,
        lr=lr,
        validate_every_minutes=1.0,
        seed=seed,
        threads=threads,
    )
    Loop(task, options).run()


if __name__ == "__main__":
    typer.run(main)
