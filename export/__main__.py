"""Export trained models to a bundle.

    python -m export --runs data/runs --out bundles/default

Reads `codec`, `semantic`, `mulan`, `lm`, `judge`, `material` and, unless --mono, `upmix` below
--runs; writes graphs, fp16 weights, initial state, tokenizer, judge, licence and a sealed manifest.
With the upmix the bundle plays 48 kHz stereo, without it the codec's own 24 kHz mono. Nothing is
written over --out unless every graph passed.
"""

import json
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import torch
import typer
from safetensors.torch import save_file

from engine import harmony, odds
from engine.spec import COARSE_LEVELS, FINE_LEVELS, LEVELS
from export import pack
from export.material import Material, Models, as_heard
from export.style import Downmixed, export_style
from export.text import export_text
from models import codec, lm, minilm, mulan, semantic, upmix

# Colder at the top, where structure is. Fine levels drawn cold repeat one code, and drone
# (docs/log.md, 2026-11-22).
SAMPLING = {
    "temperature": [0.85, *[0.9] * COARSE_LEVELS, *[1.0] * FINE_LEVELS],
    "cutoff": [6.0] * LEVELS,
    "guidance": 2.0,
}
LICENCES = [
    {"what": "weights, corpus composer and synthesisers", "licence": "Apache-2.0"},
    {"what": "FluidR3 GM sound font (rendered audio in the corpus)", "licence": "MIT"},
    {"what": "all-MiniLM-L6-v2 (text encoder inside text.onnx)", "licence": "Apache-2.0"},
]


def run_record(runs: Path) -> dict[str, Any]:
    """Steps, minutes and final figures of every run, and the bundle it went on from, if it did,
    from their run.json."""
    record = {}
    for folder in sorted(path.parent for path in runs.glob("*/run.json")):
        run = json.loads((folder / "run.json").read_text())
        last = run["history"][-1] if run["history"] else {}
        figures = {key: float(f"{value:.4g}") for key, value in last.items()}
        record[folder.name] = {
            "steps": run["steps"],
            "minutes": round(run["elapsed"] / 60, 1),
            **figures,
        }
        if run.get("base"):
            record[folder.name]["base"] = run["base"]
    return record


def commit() -> str:
    """The checkout's commit, or "unknown" outside git."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def main(
    runs: Annotated[Path, typer.Option(help="folder of trained models")] = Path("data/runs"),
    out: Annotated[Path, typer.Option(help="the bundle to write")] = Path("bundles/default"),
    name: Annotated[str, typer.Option(help="the bundle's name")] = "default",
    guidance: Annotated[float, typer.Option(help="default guidance scale")] = 2.0,
    metrics: Annotated[Path | None, typer.Option(help="JSON of measured figures to store")] = None,
    mono: Annotated[bool, typer.Option("--mono", help="the codec's own rate, no upmix")] = False,
) -> None:
    """Export, verify and pack."""
    torch.set_num_threads(2)
    record = json.loads((runs / "material" / "material.json").read_text())
    with np.load(runs / "material" / "material.npz", allow_pickle=False) as stored:
        arrays = dict(stored)
    models = Models(
        codec.load(runs / "codec"),
        semantic.load(runs / "semantic"),
        lm.load(runs / "lm"),
        None if mono else upmix.load(runs / "upmix"),
    )
    style = mulan.load(runs / "mulan")
    rate = models.codec.config.rate
    stretch, *clips = (
        as_heard(arrays[name], rate, models.audio)
        for name in ("audio", *(name for name in arrays if name.startswith("clip")))
    )
    tower = Downmixed(models.downmix, style.audio) if models.downmix else style.audio
    with TemporaryDirectory(dir=out.parent if out.parent.exists() else None) as work:
        folder = Path(work) / "bundle"
        folder.mkdir()
        graphs, states = pack.step_graphs(models, Material(stretch, arrays["rows"]), folder)
        graphs["text"] = export_text(style.text, folder, record["captions"], known=record["words"])
        graphs["style"] = export_style(tower, folder, models.audio, clips)
        save_file(states, folder / "state.safetensors")
        _weights(models, style, runs, folder)
        shutil.copy(Path(__file__).parents[1] / "LICENSE", folder / "LICENSE")
        for name_of_file in (harmony.FILE, odds.FILE):
            shutil.copy(runs / "material" / name_of_file, folder / name_of_file)
        provenance = {
            "commit": commit(),
            "corpus": record["corpus"],
            "runs": run_record(runs),
            "licences": LICENCES,
        }
        pack.write_manifest(
            folder,
            name=name,
            audio=models.audio,
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
    pack.save_weights(
        models.codec, asdict(models.codec.config), weights / "codec.safetensors", drop=statistics
    )
    pack.save_weights(
        models.semantic,
        asdict(models.semantic.config),
        weights / "semantic.safetensors",
        drop=statistics,
    )
    if models.upmix:
        pack.save_weights(models.upmix, asdict(models.upmix.config), weights / "upmix.safetensors")
    pack.save_weights(models.language, asdict(models.language.config), weights / "lm.safetensors")
    mulan.pack(style, weights / "mulan.safetensors")
    if (runs / "judge").exists():
        mulan.pack(mulan.load(runs / "judge"), folder / "judge.safetensors")


if __name__ == "__main__":
    typer.run(main)
