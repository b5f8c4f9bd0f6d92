"""Checkpoints: what a run keeps, so that it can go on and others can use what it learned.

A run's folder holds `config.json` (sizes of the model), `model.safetensors` (averaged weights),
`resume.safetensors` (live weights and the optimiser's averages) and `run.json` (a `Record`). A
folder without `resume.safetensors` starts anew from its averaged weights: that is how a bundle is
trained on (`training.unpack`). Knows nothing about models.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from engine.errors import OptionError

CONFIG, WEIGHTS, RESUME, RECORD = (
    "config.json",
    "model.safetensors",
    "resume.safetensors",
    "run.json",
)


@dataclass(frozen=True)
class Base:
    """A bundle that a run goes on from; steps and minutes of the run are counted on from it."""

    bundle: str  # its id
    commit: str  # that it was exported at
    steps: int
    minutes: float
    corpus: Mapping[str, Any]  # what it was trained on
    base: Mapping[str, Any] | None = None  # what that one went on from


@dataclass(frozen=True)
class Record:
    """How far a run has come."""

    steps: int = 0
    elapsed: float = 0.0  # seconds of training
    options: Mapping[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)  # of validations
    base: Base | None = None


def read_record(folder: Path) -> Record | None:
    """What is noted of a run, or None where there is no run yet."""
    if not (folder / RECORD).exists():
        return None
    found = json.loads((folder / RECORD).read_text())
    base = found.pop("base", None)
    return Record(**found, base=Base(**base) if base else None)


def write_record(folder: Path, record: Record) -> None:
    """Note how far a run has come."""
    (folder / RECORD).write_text(json.dumps(asdict(record), indent=1))


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write safetensors whole or not at all."""
    part = path.with_suffix(".part")
    save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, part)
    part.replace(path)


def settle_sizes(folder: Path, sizes: Mapping[str, Any]) -> None:
    """Write `config.json`; a run that is there must have the same sizes.

    Raises:
        OptionError: it has others.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(sizes)
    if (folder / RECORD).exists():
        there, wanted = json.loads((folder / CONFIG).read_text()), json.loads(text)
        for name, value in there.items():
            if wanted.get(name) != value:
                raise OptionError.of(
                    f"{name} of the model to train", wanted.get(name),
                    f"{value!r} as in {folder / CONFIG}, the run to go on with",
                    "Name another --out for a new run.",
                )  # fmt: skip
    (folder / CONFIG).write_text(text)
