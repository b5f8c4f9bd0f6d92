"""Train the upmix: where music stands, and what it has above the codec's rate, from mono sheets.

    python -m training.train_upmix --data data/prepared --corpus data/corpus --budget-minutes 15

Needs the places of both splits (`training.make_places`). Loss: square error of the pan; ratio of
side to middle in octaves, however it comes about (what has no foreseeable direction becomes width);
difference of air. Loud places count more, as a sheet says loud. A validation plays held-out
excerpts and compares both channels with the recording.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import soundfile
import torch
import typer
from torch import Tensor

from models.upmix import Placed, Upmix, build
from training.checkpoint import settle_sizes
from training.data import recordings
from training.loop import Loop, LoopOptions, TrainingFailed
from training.losses import MelDistance
from training.make_places import PlacedSplit, load_places

SIDE_WEIGHT, AIR_WEIGHT = 0.2, 1.0
LEAST_SIDE = 0.03  # side per middle, -30 dB: anything below sounds mono
EXCERPTS, EXCERPT_FRAMES = 24, 100

Batch = dict[str, Tensor]


class UpmixTask:
    """Place crops of some seconds."""

    def __init__(
        self,
        train: PlacedSplit,
        valid: PlacedSplit,
        recordings: Mapping[str, Path],  # of held-out pieces, by id
        *,
        batch: int,
        frames: int,
    ) -> None:
        self.train, self.valid, self.recordings = train, valid, recordings
        self.size, self.frames = batch, frames
        self.model: Upmix = build(train.sizes)
        self.mel = MelDistance(self.model.config.rate)

    def batch(self, rng: np.random.Generator) -> Batch:
        """Sheets [B, T, U * W] and what is wanted [B, T * U, ...]."""
        crops = [self.train.crop(rng, self.frames) for _ in range(self.size)]
        return self._gather(self.train, crops)

    def _gather(self, split: PlacedSplit, crops: list[slice]) -> Batch:
        stacked = {
            name: torch.from_numpy(np.stack([array[crop] for crop in crops]).astype(np.float32))
            for name, array in split.arrays.items()
        }
        return {k: v if k == "sheets" else v.flatten(1, 2) for k, v in stacked.items()}

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        placing = self.model.placing
        placed = placing.read(placing(batch["sheets"]).float())
        pan, side, air = differences(placed, batch)
        loss = pan + SIDE_WEIGHT * side + AIR_WEIGHT * air
        return loss, {"pan": pan.item(), "side": side.item(), "air": air.item()}

    def validate(self) -> dict[str, float]:
        """The losses; mel distance of both channels to the recording, beside that of the middle
        alone, and how loud the side is."""
        rng = np.random.default_rng(1)
        crops = [self.valid.crop(rng, EXCERPT_FRAMES) for _ in range(EXCERPTS)]
        batch = self._gather(self.valid, crops)
        upmix = self.model
        placed = upmix.placing.read(upmix.placing(batch["sheets"]))
        pan, side, air = differences(placed, batch)
        zero = torch.zeros_like
        alone = Placed(*(zero(part) for part in placed))
        all_pan = (batch["weight"] * batch["pan"].square()).sum() / batch["weight"].sum()
        figures = {"pan": pan.item(), "side": side.item(), "air": air.item()}
        figures["pan_explained"] = 1 - pan.item() / all_pan.item()
        wanted = torch.stack([self._recording(crop) for crop in crops])
        for name, one in (("", placed), ("_mono", alone)):
            given = self._play(batch["sheets"], one)
            late = upmix.config.hop
            heard, meant = given[..., late:], wanted[..., :-late]
            figures[f"mel{name}"] = self.mel(heard.flatten(0, 1), meant.flatten(0, 1)).item()
            if one is placed:
                figures["side_db"] = _side_db(heard) - _side_db(meant)
        return figures

    def _recording(self, crop: slice) -> Tensor:
        """What was recorded at a crop of the held-out split: [2, N]."""
        size = self.model.config.audio.frame_samples
        piece = [one for one in self.valid.pieces if one["start"] <= crop.start][-1]
        audio, _ = soundfile.read(
            self.recordings[piece["id"]], (crop.stop - crop.start) * size,
            (crop.start - piece["start"]) * size, dtype="float32",
        )  # fmt: skip
        return torch.from_numpy(np.ascontiguousarray(audio.T))

    def _play(self, sheets: Tensor, placed: Placed) -> Tensor:
        """[B, 2, N]."""
        staging = self.model.staging
        audio, _ = staging.step(sheets, placed, staging.init_state(len(sheets)))
        return audio.unflatten(-1, (2, -1)).transpose(1, 2).flatten(2)

    def guard(self, figures: Mapping[str, float]) -> None:
        if figures["mel"] >= figures["mel_mono"]:
            raise TrainingFailed(
                f"stereo is no nearer to the recordings ({figures['mel']:.3f}) than the middle "
                f"alone ({figures['mel_mono']:.3f}). Look at pan_explained from the first steps on."
            )


def differences(placed: Placed, wanted: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """How far off are pan (square), side (octaves) and air (absolute and square), as scalars."""
    weight = wanted["weight"] / wanted["weight"].mean()
    pan = (weight * (placed.pan - wanted["pan"]).square()).mean()
    side = (placed.pan.square() + placed.width.square() + LEAST_SIDE**2).sqrt()
    octaves = torch.log2(side / (wanted["side"].square() + LEAST_SIDE**2).sqrt())
    air = placed.air - wanted["air"]
    return pan, (weight * octaves.abs()).mean(), air.abs().mean() + 4 * air.square().mean()


def _side_db(audio: Tensor) -> float:
    """Level of the side over that of the middle, of [B, 2, N]."""
    middle, side = audio.sum(1), audio[:, 0] - audio[:, 1]
    return 10 * torch.log10(side.square().mean() / middle.square().mean()).item()


def main(
    data: Annotated[Path, typer.Option(help="folder of prepared splits train/ and valid/")] = Path(
        "data/prepared"
    ),
    corpus: Annotated[Path, typer.Option(help="folder of splits train/ and valid/")] = Path(
        "data/corpus"
    ),
    out: Annotated[Path, typer.Option(help="folder for checkpoints")] = Path("data/runs/upmix"),
    budget_minutes: Annotated[float, typer.Option(help="time to train")] = 15.0,
    batch: Annotated[int, typer.Option(help="crops per step")] = 16,
    frames: Annotated[int, typer.Option(help="frames per crop")] = 100,
    lr: Annotated[float, typer.Option(help="peak learning rate")] = 2e-3,
    seed: int = 0,
    threads: int = 2,
) -> None:
    """Train the upmix."""
    task = UpmixTask(
        load_places(data / "train"), load_places(data / "valid"), recordings(corpus / "valid"),
        batch=batch, frames=frames,
    )  # fmt: skip
    settle_sizes(out, asdict(task.model.config))
    Loop(
        task, LoopOptions(out=out, budget_minutes=budget_minutes, lr=lr, seed=seed, threads=threads)
    ).run()


if __name__ == "__main__":
    typer.run(main)
