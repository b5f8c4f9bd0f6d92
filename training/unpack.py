"""Unpack a bundle: its weights become runs that trainers, makers and the exporter go on from.

    python -m training.unpack bundles/default --out data/runs

In:  a bundle with the fp16 weights that it was exported from. Out: below --out one folder a model
(`codec`, `semantic`, `mulan`, `lm`; `upmix` and `judge` where it has them) as
`training.checkpoint` describes, without optimiser. Steps, minutes and figures are those of the
bundle's provenance, so that what is exported later adds up. The whole bundle is proven first; runs
that exist are never written over.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from safetensors import SafetensorError
from torch import nn

from engine import manifest, seal
from engine.errors import AntiphonError, BundleError, OptionError
from models import codec, lm, mulan, packed, semantic, upmix
from training import checkpoint
from training.checkpoint import Base, Record

Build = Callable[[Mapping[str, Any]], nn.Module]

PARTS: dict[str, tuple[str, Build]] = {  # run -> file in the bundle, how to make the model
    "codec": ("weights/codec.safetensors", codec.build),
    "semantic": ("weights/semantic.safetensors", semantic.build),
    "mulan": ("weights/mulan.safetensors", mulan.build),
    "lm": ("weights/lm.safetensors", lm.build),
    "upmix": ("weights/upmix.safetensors", upmix.build),
    "judge": ("judge.safetensors", mulan.build),
}
NEEDED = ("codec", "semantic", "mulan", "lm")  # without a judge, or in mono, it can be trained on


def unpack(bundle: Path, out: Path) -> dict[str, Record]:
    """Write a bundle's models as runs below `out`.

    Returns:
        what is noted of each run, by its name.

    Raises:
        BundleError: the bundle is damaged, has no weights, or weights that fit no model.
        OptionError: a run of that name exists.
    """
    listed = seal.check(bundle)
    chosen = [name for name in PARTS if name in NEEDED or PARTS[name][0] in listed]
    _require_free(out, chosen)
    provenance = _provenance(bundle)
    out.mkdir(parents=True, exist_ok=True)
    records = {}
    with TemporaryDirectory(dir=out, prefix=".unpack") as work:
        for name in chosen:
            folder = Path(work) / name
            folder.mkdir()
            file, build = PARTS[name]
            _write_model(bundle, file, build, folder)
            records[name] = _record(name, seal.identity(bundle), provenance)
            checkpoint.write_record(folder, records[name])
        for name in chosen:  # only now: all of them, or none
            (Path(work) / name).rename(out / name)
    return records


def _require_free(out: Path, names: list[str]) -> None:
    taken = [name for name in names if (out / name).exists()]
    if taken:
        raise OptionError.of(
            "out", str(out), f"a folder without {', '.join(taken)}",
            "Runs are not written over: name another --out, or move them away.",
        )  # fmt: skip


def _provenance(bundle: Path) -> Mapping[str, Any]:
    data = seal.read_bytes(bundle, "bundle.json", manifest.MAX_BYTES)
    return manifest.parse(data, f"bundle.json in bundle {bundle}").provenance


def _write_model(bundle: Path, file: str, build: Build, folder: Path) -> None:
    """Write sizes and float32 weights of one model, proven to fit together."""
    if not (bundle / file).is_file():
        raise BundleError(
            f"bundle {bundle} has no {file}: it can be played, not trained on. "
            "Ask for the weights it was exported from."
        )
    path = seal.inside(bundle, file)
    try:
        model, sizes = packed.open_model(path, build)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as exc:
        raise BundleError(f"{file} in bundle {bundle} fits no model ({exc}).") from exc
    (folder / checkpoint.CONFIG).write_text(json.dumps(sizes))
    checkpoint.write_tensors(folder / checkpoint.WEIGHTS, model.state_dict())


def _record(name: str, bundle: str, provenance: Mapping[str, Any]) -> Record:
    """What the provenance says of a run: no steps where it says nothing."""
    said = dict(provenance.get("runs", {}).get(name, {}))
    steps, older = int(said.pop("steps", 0)), said.pop("base", None)
    minutes = float(said.get("minutes", 0.0))
    if older and older["steps"] == steps:  # not trained since: the same weights, the same origin
        base = Base(**older)
    else:
        corpus, commit = provenance.get("corpus", {}), provenance.get("commit", "unknown")
        base = Base(bundle, commit, steps, minutes, corpus, older)
    history = [{"step": float(steps), **said}] if said else []
    return Record(steps, minutes * 60, {}, history, base)


def main(
    bundle: Annotated[Path, typer.Argument(help="the bundle to go on from")] = Path(
        "bundles/default"
    ),
    out: Annotated[Path, typer.Option(help="folder of runs to write into")] = Path("data/runs"),
) -> None:
    """Turn a bundle's weights into runs to train on."""
    try:
        records = unpack(bundle, out)
    except AntiphonError as exc:
        print(f"unpack: {exc}", file=sys.stderr)
        raise typer.Exit(2) from exc
    summary = {name: asdict(record)["steps"] for name, record in records.items()}
    typer.echo(json.dumps({"out": str(out), "steps": summary}))


if __name__ == "__main__":
    typer.run(main)
