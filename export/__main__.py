"""Export trained models to a bundle.

    python -m export --runs data/runs --data data/prepared --out bundles/default

Reads `codec`, `semantic`, `mulan`, `lm` and `judge` below --runs; writes graphs, fp16 weights, initial state,
tokenizer, judge, licence and a sealed manifest. Nothing is written over --out unless every graph passed.
"""

import json
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import torch
import typer
from safetensors.torch import save_file

from engine.row import encode_labels
from engine.spec import LEVELS
from export import pack
from export.material import FRAMES, Material, Models
from export.style import export_style
from export.text import export_text
from models import minilm, mulan
from training.data import Prepared, load
from training.train_codec import load_codec
from training.train_lm import load_language
from training.train_semantic import load_semantic, slice_labels

# Temperature falls with depth, as between MusicLM's stages (semantic 1.0, coarse .95, fine .4).
SAMPLING = {
    "temperature": [1.0, 0.95, 0.95, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.5, 0.4, 0.4, 0.4],
    "cutoff": [4.0] * LEVELS,
    "guidance": 2.0,
}
LICENCES = [
    {"what": "weights, corpus composer and synthesisers", "licence": "Apache-2.0"},
    {"what": "FluidR3 GM sound font (rendered audio in the corpus)", "licence": "MIT"},
    {"what": "all-MiniLM-L6-v2 (text encoder inside text.onnx)", "licence": "Apache-2.0"},
]


def material(data: Prepared) -> Material:
    """A stretch of one held-out piece."""
    start = data.pieces[0].start + 50
    labels = slice_labels(data.labels, start, FRAMES)
    return Material(data.audio(start, FRAMES), encode_labels(labels))


def run_record(runs: Path) -> dict[str, Any]:
    """Steps, minutes and final figures of every run, from their run.json."""
    record = {}
    for folder in sorted(path.parent for path in runs.glob("*/run.json")):
        run = json.loads((folder / "run.json").read_text())
        last = run["history"][-1] if run["history"] else {}
        figures = {key: float(f"{value:.4g}") for key, value in last.items()}
        record[folder.name] = {"steps": run["steps"], "minutes": round(run["elapsed"] / 60, 1), **figures}
    return record


def corpus_record(data: Prepared) -> dict[str, Any]:
    """How much music, and of what."""
    hours: dict[str, float] = {}
    for piece in data.pieces:
        genre = piece.meta["genre"]
        hours[genre] = round(hours.get(genre, 0.0) + piece.frames / 90_000, 3)
    version = data.pieces[0].meta["composer_version"]
    return {"hours": round(data.frames / 90_000, 2), "pieces": len(data.pieces), "composer_version": version, "hours_by_genre": hours}


def commit() -> str:
    """The checkout's commit, or "unknown" outside git."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def main(
    runs: Annotated[Path, typer.Option(help="folder of trained models")] = Path("data/runs"),
    data: Annotated[Path, typer.Option(help="folder of prepared splits")] = Path("data/prepared"),
    out: Annotated[Path, typer.Option(help="the bundle to write")] = Path("bundles/default"),
    name: Annotated[str, typer.Option(help="the bundle's name")] = "default",
    guidance: Annotated[float, typer.Option(help="default guidance scale")] = 2.0,
    metrics: Annotated[Path | None, typer.Option(help="JSON of measured figures to store")] = None,
) -> None:
    """Export, verify and pack."""
    torch.set_num_threads(2)
    train, valid = load(data / "train"), load(data / "valid")
    models = Models(load_codec(runs / "codec"), load_semantic(runs / "semantic"), load_language(runs / "lm"))
    style = mulan.load(runs / "mulan")
    with TemporaryDirectory(dir=out.parent if out.parent.exists() else None) as work:
        folder = Path(work) / "bundle"
        folder.mkdir()
        graphs, states = pack.step_graphs(models, material(valid), folder)
        captions = [text for piece in valid.pieces for text in piece.meta["captions"]][:200]
        graphs["text"] = export_text(style.text, folder, captions)
        clips = [valid.audio(piece.start, frames) for piece, frames in zip(valid.pieces, (25, 60, 125, 250), strict=False)]
        graphs["style"] = export_style(style.audio, folder, valid.format, clips)
        save_file(states, folder / "state.safetensors")
        _weights(models, style, runs, folder)
        shutil.copy(Path(__file__).parents[1] / "LICENSE", folder / "LICENSE")
        provenance = {"commit": commit(), "corpus": corpus_record(train), "runs": run_record(runs), "licences": LICENCES}
        pack.write_manifest(
            folder,
            name=name,
            audio=valid.format,
            graphs=graphs,
            sampling=SAMPLING | {"guidance": guidance},
            max_tokens=minilm.MAX_PIECES,
            provenance=provenance,
            metrics=json.loads(metrics.read_text()) if metrics else {},
        )
        pack.move_into_place(folder, out)
    sizes = {path.name: path.stat().st_size for path in sorted(out.rglob("*")) if path.is_file()}
    typer.echo(json.dumps({"bundle": str(out), "bytes": sum(sizes.values()), "files": sizes}))


def _weights(models: Models, style: mulan.Mulan, runs: Path, folder: Path) -> None:
    weights = folder / "weights"
    weights.mkdir()
    statistics = ("quantizer.usage", "quantizer.sums")
    pack.save_weights(models.codec, asdict(models.codec.config), weights / "codec.safetensors", drop=statistics)
    pack.save_weights(
        models.semantic, asdict(models.semantic.config), weights / "semantic.safetensors", drop=statistics
    )
    pack.save_weights(models.language, asdict(models.language.config), weights / "lm.safetensors")
    mulan.pack(style, weights / "mulan.safetensors")
    if (runs / "judge").exists():
        mulan.pack(mulan.load(runs / "judge"), folder / "judge.safetensors")


if __name__ == "__main__":
    typer.run(main)
