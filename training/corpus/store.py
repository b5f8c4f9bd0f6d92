"""Store: one folder per piece, written whole or not at all.

`<split>/<seed as 8 digits>/` holds mix.flac (48 kHz stereo, 16 bit), labels.npz (the arrays of
`engine.row.Labels`; clips of the split "sounds" have none), piece.json and, when asked for,
stems/<part>.flac. A folder is written under a temporary name and renamed, so whoever finds it finds
all of it.
"""

import json
import shutil
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

from engine.errors import AntiphonError
from engine.row import Labels
from training.corpus.timing import RATE, Audio

FLAC_EFFORT = 0.5  # libsndfile's 0..1: 1 % larger than the best, in less than half the time
MIX, LABELS, PIECE, STEMS = "mix.flac", "labels.npz", "piece.json", "stems"


class CorpusError(AntiphonError):
    """A stored piece is missing or damaged."""


@dataclass(frozen=True)
class StoredPiece:
    """One piece as read back; audio stays on disk until asked for."""

    folder: Path
    info: dict[str, Any]  # piece.json
    labels: Labels

    def audio(self, start: int = 0, stop: int | None = None) -> Audio:
        """Read the mix, or samples start..stop of it: [2, N] float32."""
        sound, _ = sf.read(
            self.folder / MIX, start=start, stop=stop, dtype="float32", always_2d=True
        )
        return np.ascontiguousarray(sound.T)

    def stem(self, part: str) -> Audio:
        """Read one part: [2, N] float32."""
        sound, _ = sf.read(self.folder / STEMS / f"{part}.flac", dtype="float32", always_2d=True)
        return np.ascontiguousarray(sound.T)


def folder_of(root: Path, split: str, seed: int) -> Path:
    """Where a piece lives."""
    return root / split / f"{seed:08d}"


def write(
    folder: Path, info: dict[str, Any], labels: Labels | None, mix: Audio, stems: dict[str, Audio]
) -> None:
    """Store a piece, or (without labels) a clip; an older one in the same place is replaced."""
    making = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    _write_flac(making / MIX, mix)
    if stems:
        (making / STEMS).mkdir()
    for name, stem in stems.items():
        _write_flac(making / STEMS / f"{name}.flac", np.clip(stem, -1, 1))
    if labels is not None:
        np.savez_compressed(making / LABELS, allow_pickle=False, **_arrays(labels))
    (making / PIECE).write_text(
        json.dumps(info, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    if folder.exists():
        shutil.rmtree(folder)
    making.rename(folder)


def read(folder: Path) -> StoredPiece:
    """Open a stored piece.

    Raises:
        CorpusError: no whole piece there.
    """
    try:
        info = json.loads((folder / PIECE).read_text(encoding="utf-8"))
        with np.load(folder / LABELS, allow_pickle=False) as arrays:
            labels = Labels(**{name: arrays[name] for name in arrays.files})
    except (OSError, ValueError, TypeError) as exc:
        raise CorpusError(
            f"{folder} is not a stored piece ({exc}). Delete the folder and render it again."
        ) from exc
    return StoredPiece(folder, info, labels)


def infos(root: Path, split: str) -> list[dict[str, Any]]:
    """piece.json of every whole piece of a split, in the order of their seeds."""
    paths = sorted((root / split).glob(f"[0-9]*/{PIECE}"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def scenes(info: dict[str, Any]) -> list[dict[str, Any]]:
    """What piece.json says of each scene; a piece that is no medley is its own one scene."""
    return info.get("scenes") or [info]


def _arrays(labels: Labels) -> dict[str, np.ndarray]:
    names = [field.name for field in fields(labels) if field.name != "extra"]
    return {name: getattr(labels, name) for name in names}


def _write_flac(path: Path, audio: Audio) -> None:
    sf.write(path, audio.T, RATE, subtype="PCM_16", compression_level=FLAC_EFFORT)
