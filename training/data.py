"""Prepared audio: a corpus split as one memory-mapped file at the model's rate, with labels beside
it.

`prepare` reads piece folders (any folder of `mix.flac`, `labels.npz`, `piece.json`), resamples each
mix with soxr and appends it, whole frames only, to `audio.i16`; `load` maps it back. Runs once;
training then reads crops without decoding anything. A medley is one piece of several scenes. Clips
without labels.npz get labels that say nothing. Knows nothing about models.

    python -m training.data data/corpus/train data/prepared/train --rate 24000 --channels 1
"""

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import soundfile
import soxr
import typer
from numpy.typing import NDArray
from rich.progress import Progress

from engine.row import Labels
from engine.spec import FAMILIES, NO_CHORD, NO_KEY, PITCHES, AudioFormat

MIX = "mix.flac"
LABEL_FIELDS = tuple(name for name in Labels.__dataclass_fields__ if name != "extra")


@dataclass(frozen=True)
class Piece:
    """One piece of a prepared split, or one scene of it."""

    id: str
    start: int  # first frame in the split
    frames: int
    meta: dict[str, Any]  # piece.json

    @property
    def scenes(self) -> list["Piece"]:
        """The stretches that have captions of their own: those of a medley, else the piece."""
        whole = {name: value for name, value in self.meta.items() if name != "scenes"}
        return [
            Piece(
                f"{self.id}.{number}",
                self.start + scene["start_frame"],
                min(scene["length_frames"], self.frames - scene["start_frame"]),
                {**whole, **scene},
            )
            for number, scene in enumerate(self.meta.get("scenes", ()))
        ] or [self]


@dataclass(frozen=True)
class Prepared:
    """A prepared split."""

    root: Path
    format: AudioFormat
    pieces: list[Piece]
    samples: NDArray[np.int16]  # [N, C] memory-mapped
    labels: Labels  # over all frames of the split

    @cached_property
    def scenes(self) -> list[Piece]:
        """Every scene of every piece, in their order; what styles and captions belong to."""
        return [scene for piece in self.pieces for scene in piece.scenes]

    @property
    def frames(self) -> int:
        """Frames in the split."""
        return len(self.labels)

    def audio(self, start: int, frames: int) -> NDArray[np.float32]:
        """Samples of some frames: [C, frames * F] in -1..1."""
        size = self.format.frame_samples
        part = self.samples[start * size : (start + frames) * size]
        return np.ascontiguousarray(part.T, np.float32) / 32768.0

    def crop(self, rng: np.random.Generator, frames: int) -> int:
        """Draw the first frame of a crop that lies inside one piece."""
        while True:
            piece = self.pieces[int(rng.integers(len(self.pieces)))]
            if piece.frames >= frames:
                return piece.start + int(rng.integers(piece.frames - frames + 1))


def load(root: Path) -> Prepared:
    """Open what `prepare` wrote."""
    index = json.loads((root / "index.json").read_text())
    audio = AudioFormat(rate=index["rate"], channels=index["channels"])
    pieces = [Piece(p["id"], p["start"], p["frames"], p["meta"]) for p in index["pieces"]]
    samples = np.memmap(root / "audio.i16", np.int16, "r").reshape(-1, audio.channels)
    with np.load(root / "labels.npz", allow_pickle=False) as arrays:
        labels = Labels(**{name: arrays[name] for name in LABEL_FIELDS})
    return Prepared(root, audio, pieces, samples, labels)


def recordings(source: Path) -> dict[str, Path]:
    """Where the pieces under `source` were recorded: id to FLAC."""
    return {
        json.loads(path.read_text())["id"]: path.with_name(MIX)
        for path in sorted(source.glob("*/piece.json"))
    }


def _read(
    folder: Path, rate: int, channels: int
) -> tuple[NDArray[np.int16], dict[str, Any], dict[str, Any]]:
    audio, file_rate = soundfile.read(folder / MIX, dtype="float32", always_2d=True)
    if channels == 1:
        audio = audio.mean(1, keepdims=True)
    audio = soxr.resample(audio, file_rate, rate, quality="HQ")
    meta = json.loads((folder / "piece.json").read_text())
    size = AudioFormat(rate=rate, channels=channels).frame_samples
    if meta.get("kind") == "clip":
        labels = unsaid(len(audio) // size)
    else:
        with np.load(folder / "labels.npz", allow_pickle=False) as arrays:
            labels = {name: arrays[name] for name in LABEL_FIELDS}
    frames = min(len(audio) // size, len(labels["tempo_bpm"]))
    pcm = np.clip(np.rint(audio[: frames * size] * 32767), -32768, 32767).astype(np.int16)
    return pcm, {name: array[:frames] for name, array in labels.items()}, meta


def unsaid(frames: int) -> dict[str, NDArray[Any]]:
    """Labels of audio of which nothing is known: no key, no chord, nobody plays."""
    none = np.zeros(frames, np.int64)
    return {
        "tempo_bpm": np.full(frames, 120, np.float32),
        "beat": np.zeros(frames),
        "beats_per_bar": none + 4,
        "key": none + NO_KEY,
        "chord_root": none + NO_CHORD,
        "chord_quality": none,
        "notes": np.zeros((frames, PITCHES), np.uint8),
        "drums": np.zeros(frames, np.uint8),
        "families": np.zeros((frames, len(FAMILIES)), np.uint8),
        "density": np.zeros(frames, np.float32),
        "brightness": np.full(frames, 0.5, np.float32),
        "section": none,
    }


def prepare(source: Path, root: Path, audio: AudioFormat, workers: int = 2) -> int:
    """Gather the pieces under `source` into `root`; return the number of frames."""
    folders = sorted(path.parent for path in source.glob("*/piece.json"))
    root.mkdir(parents=True, exist_ok=True)
    pieces: list[dict[str, Any]] = []
    gathered: list[dict[str, Any]] = []
    start = 0
    with (
        open(root / "audio.part", "wb") as file,
        ProcessPoolExecutor(workers) as pool,
        Progress() as progress,
    ):
        jobs = pool.map(
            _read,
            folders,
            [audio.rate] * len(folders),
            [audio.channels] * len(folders),
            chunksize=4,
        )
        for pcm, labels, meta in progress.track(jobs, total=len(folders), description="prepare"):
            frames = len(labels["tempo_bpm"])
            file.write(pcm.tobytes())
            pieces.append({"id": meta["id"], "start": start, "frames": frames, "meta": meta})
            gathered.append(labels)
            start += frames
    (root / "audio.part").replace(root / "audio.i16")
    np.savez_compressed(
        root / "labels.npz",
        **{name: np.concatenate([g[name] for g in gathered]) for name in LABEL_FIELDS},
    )
    index = {"rate": audio.rate, "channels": audio.channels, "pieces": pieces}
    (root / "index.json").write_text(json.dumps(index))
    return start


def main(
    source: Path,
    root: Path,
    rate: Annotated[int, typer.Option(help="Hz")] = 24_000,
    channels: Annotated[int, typer.Option(help="1 or 2")] = 1,
    workers: Annotated[int, typer.Option(help="processes")] = 2,
) -> None:
    """Prepare one split of a corpus for training."""
    frames = prepare(source, root, AudioFormat(rate=rate, channels=channels), workers)
    typer.echo(json.dumps({"frames": frames, "hours": round(frames / 90_000, 3)}))


if __name__ == "__main__":
    typer.run(main)
