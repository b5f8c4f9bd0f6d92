"""Fit the drums detector on pieces of the train split; run again when the composer changes.

    python -m training.evaluation.fit_drums --corpus data/corpus/train --codec CODEC

In:  pieces on disk, and the packed weights of a codec (`weights/codec.safetensors` of a bundle).
The openings of those with drums are rendered once more, without the kit and the kit alone.
Out: `drums.safetensors`, and on stdout how often clips of every fifth piece, which the network did
not learn from, are told right: clean, and as the codec plays them.
Half of what it learns from is music without a kit, and the same with the kit of another piece laid
under it, a third of these kits without their treble, as lo-fi has them; loudness, tone colour and
hiss of all clips are changed at random, on their log-mel bands. So the network listens for strokes
and not for a genre or a mix.

Dimensions: B clips, T mel frames of 20 ms, S steps of 160 ms.
"""

import json
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import track
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from engine.errors import InputError
from engine.spec import FRAME_RATE
from models import codec as codecs
from training.evaluation.clips import CLIP_SECONDS, Clip, read_clips, read_halves
from training.evaluation.drums import FILE, STEP, STEPS_PER_SECOND, DrumNetwork, mel_of
from training.evaluation.fit import FOLDS
from training.evaluation.onsets import BAND_HZ, COMPRESSION, MELS
from training.mulan_data import PLAYING_SHARE

STEPS, BATCH, RATE, DECAY = 2500, 32, 3e-3, 1e-2
WINDOW = 30  # steps of a clip that are learned from at a time
GAIN_DB, TILT_DB, BUMP_DB = (-12.0, 6.0), 3.0, 2.0  # from .. to; at the ends; deviation of 6 bumps
KIT_DB = (-12.0, 3.0)  # of a kit laid under other music, both mastered
DULL_SHARE, DULL_HZ = 1 / 3, (1200.0, 4000.0)  # of these kits; where their treble ends
DULL_MAKEUP = 4.0  # times as loud at most, for what went with the treble
HISS = (-6.5, -4.5)  # decades of full scale in every band, for half of the clips


class Batch(NamedTuple):
    """Clips with their truth."""

    mel: Tensor  # [B, T, MELS]
    plays: Tensor  # [B, S] share of the step in which the kit plays
    is_heard: Tensor  # [B, S] 1 within the clip, 0 after its end

    def pick(self, index: Tensor) -> "Batch":
        """Some of the clips."""
        return Batch(*(values[index] for values in self))

    def window(self, first: int) -> "Batch":
        """WINDOW steps of all clips, from the step `first` on."""
        end = first + WINDOW
        frames = self.mel[:, first * STEP : end * STEP]
        return Batch(frames, self.plays[:, first:end], self.is_heard[:, first:end])


class Read(NamedTuple):
    """All clips, and what they are."""

    clips: Batch
    piece: Tensor  # [B]
    is_coded: Tensor  # [B]
    is_kit: Tensor  # [B] a kit alone
    is_half: Tensor  # [B] rendered in halves, not a piece as it is

    def pick(self, index: Tensor) -> "Read":
        """Some of the clips."""
        rest = (self.piece, self.is_coded, self.is_kit, self.is_half)
        return Read(self.clips.pick(index), *(values[index] for values in rest))


def read(corpus: Path, pieces: int, codec: codecs.Codec) -> Read:
    """Lay all clips of the first pieces of a split out as one batch."""
    rows, about = [], []
    for is_half, source in ((False, read_clips), (True, read_halves)):
        for clip in track(source(corpus, pieces, codec), console=Console(stderr=True)):
            rows.append(row(clip))
            is_kit = is_half and bool(clip.drums.any())
            about.append((clip.piece, clip.is_coded, is_kit, is_half))
    piece, *kinds = torch.tensor(about).T
    clips = Batch(*(torch.stack(column) for column in zip(*rows, strict=True)))
    return Read(clips, piece, *(kind.bool() for kind in kinds))


def row(clip: Clip) -> Batch:
    """One clip with its truth, filled up to CLIP_SECONDS; without the dimension B."""
    mel = mel_of(clip.mono)
    plays = step_shares(clip.drums, len(mel) // STEP)
    missing = round(CLIP_SECONDS * STEPS_PER_SECOND) - len(plays)
    return Batch(
        F.pad(mel, (0, 0, 0, missing * STEP)),
        F.pad(plays, (0, missing)),
        F.pad(torch.ones(len(plays)), (0, missing)),
    )


def step_shares(drums: np.ndarray, steps: int) -> Tensor:
    """[S] the labels [T] of frames, averaged over each step: four frames."""
    frames = round(FRAME_RATE / STEPS_PER_SECOND)
    return torch.from_numpy(drums[: steps * frames].astype(np.float32)).reshape(steps, -1).mean(1)


def fit(found: Read) -> DrumNetwork:
    """Train a network, the same one for the same clips.

    Raises:
        InputError: there is no kit alone, or no music without one.
    """
    torch.manual_seed(0)
    clips = found.clips
    kits = torch.nonzero(found.is_kit)[:, 0]
    bare = torch.nonzero(clips.plays.sum(1) == 0)[:, 0]
    if not (len(kits) and len(bare)):
        raise InputError(f"{len(kits)} kits, {len(bare)} clips without: expected some of each.")
    network = DrumNetwork()
    network.mean.copy_(clips.mel.mean((0, 1)))
    network.scale.copy_(clips.mel.std((0, 1)) + 1e-3)
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS)
    for _ in track(range(STEPS), console=Console(stderr=True)):
        part = clips.window(int(torch.randint(clips.plays.shape[1] - WINDOW + 1, ())))
        whole = part.pick(torch.randint(len(clips.mel), (BATCH // 2,)))
        music, kit = part.pick(_some(bare)), part.pick(_some(kits))
        parts = (whole, music, under(music, kit))
        batch = Batch(*(torch.cat(values) for values in zip(*parts, strict=True)))
        odds = network(coloured(batch.mel))
        losses = F.binary_cross_entropy_with_logits(odds, batch.plays, reduction="none")
        loss = (losses * batch.is_heard).sum() / batch.is_heard.sum().clamp_min(1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network.eval()


def _some(index: Tensor) -> Tensor:
    return index[torch.randint(len(index), (BATCH // 4,))]


def under(music: Batch, kits: Batch) -> Batch:
    """Lay kits under music without any, as loud as chance will have it."""
    gain = 10 ** (torch.empty(len(music.mel), 1, 1).uniform_(*KIT_DB) / 20)
    both = torch.hypot(torch.expm1(music.mel), gain * dulled(torch.expm1(kits.mel)))
    return Batch(torch.log1p(both), kits.plays, music.is_heard * kits.is_heard)


def dulled(magnitude: Tensor) -> Tensor:
    """Take the treble of some of [B, T, MELS] away, 24 dB an octave, and make up for it."""
    count = len(magnitude)
    end = torch.empty(count, 1, 1).uniform_(*np.log(DULL_HZ)).exp()
    dull = magnitude / (1 + (torch.from_numpy(BAND_HZ).float() / end) ** 8).sqrt()
    power, left = (values.square().sum((1, 2), keepdim=True) for values in (magnitude, dull))
    makeup = (power / (left + 1e-9)).sqrt().clamp_max(DULL_MAKEUP)
    return torch.where(torch.rand(count, 1, 1) < DULL_SHARE, makeup * dull, magnitude)


def coloured(mel: Tensor) -> Tensor:
    """Change loudness, tone colour and hiss of [B, T, MELS] log-mel bands."""
    count = len(mel)
    gain = torch.empty(count, 1, 1).uniform_(*GAIN_DB)
    tilt = torch.empty(count, 1, 1).uniform_(-TILT_DB, TILT_DB) * torch.linspace(-1, 1, MELS)
    bumps = F.interpolate(BUMP_DB * torch.randn(count, 1, 6), MELS, mode="linear")
    hiss = 10 ** torch.empty(count, 1, 1).uniform_(*HISS) * (torch.rand(count, 1, 1) < 0.5)
    louder = torch.expm1(mel) * 10 ** ((gain + tilt + bumps) / 20)
    return torch.log1p(louder + COMPRESSION * hiss)


@torch.no_grad()
def told_right(network: DrumNetwork, clips: Batch) -> float:
    """Share of clips of which it is said rightly whether they have drums."""
    total = clips.is_heard.sum(1)
    heard = ((network(clips.mel) > 0) * clips.is_heard).sum(1) / total
    true = (clips.plays * clips.is_heard).sum(1) / total
    return float(((heard >= PLAYING_SHARE) == (true >= PLAYING_SHARE)).float().mean())


def validate(found: Read) -> dict[str, float]:
    """Learn from four fifths of the pieces and listen to the others as they are.

    Raises:
        InputError: too few pieces to leave some out.
    """
    held = found.piece % FOLDS == 0
    if not held.any() or held.all():
        raise InputError(f"{len(set(found.piece.tolist()))} pieces, expected {FOLDS} or more.")
    network, test = fit(found.pick(~held)), found.pick(held & ~found.is_half)
    return {
        "clean": round(told_right(network, test.clips.pick(~test.is_coded)), 3),
        "coded": round(told_right(network, test.clips.pick(test.is_coded)), 3),
    }


def main(
    codec: Annotated[Path, typer.Option(help="packed weights of a codec")] = Path(
        "bundles/default/weights/codec.safetensors"
    ),
    corpus: Annotated[Path, typer.Option(help="pieces to learn from")] = Path("data/corpus/train"),
    pieces: Annotated[int, typer.Option(help="how many of them, at most", min=FOLDS)] = 500,
) -> None:
    """Fit the detector and write its weights."""
    torch.set_num_threads(1)
    found = read(corpus, pieces, codecs.load_packed(codec))
    rates = validate(found)
    network = fit(found)
    learned_from = len(set(found.piece.tolist()))
    about = {"pieces": str(learned_from), **{name: str(rate) for name, rate in rates.items()}}
    save_file(network.state_dict(), FILE, metadata=about)
    print(json.dumps({"pieces": learned_from, "validated": rates}))


if __name__ == "__main__":
    typer.run(main)
