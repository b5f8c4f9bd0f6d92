"""Adjust a bundle: sampling defaults found by measurement, the figures themselves, counted odds.

    python -m export.adjust bundles/default --guidance 2.0 --metrics evaluation.json
    python -m export.adjust bundles/default --odds data/runs/material/odds.safetensors

Graphs and weights stay as they are; what is new is checked as the engine would, and sealed again.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from engine import manifest, seal
from engine import odds as counted
from engine.errors import AntiphonError, OptionError
from engine.spec import LEVELS

NAME = "bundle.json"


def adjust(
    folder: Path,
    sampling: dict[str, Any],
    metrics: dict[str, Any] | None,
    odds: bytes | None = None,
) -> str:
    """Rewrite the manifest of a sealed bundle, and its odds.

    Args:
        folder: the bundle; must be whole.
        sampling: fields of the manifest's `sampling` to replace.
        metrics: what to store as `metrics`; None leaves what is there.
        odds: a file of `engine.odds`; None leaves what is there.

    Returns:
        The bundle's new id.

    Raises:
        BundleError: the bundle is damaged, or what is new would not open; nothing is changed.
    """
    seal.check(folder)
    record = json.loads((folder / NAME).read_text())
    record["sampling"] |= sampling
    if metrics is not None:
        record["metrics"] = metrics
    data = json.dumps(record, indent=1).encode()
    manifest.parse(data, f"{NAME} in bundle {folder}")
    if odds is not None:
        counted.parse(odds, "the file of odds")
        (folder / counted.FILE).write_bytes(odds)
    (folder / NAME).write_bytes(data)
    return seal.write(folder)


def per_level(text: str) -> list[float]:
    """Read one number for all levels, or one for each, separated by commas."""
    values = [float(part) for part in text.split(",")]
    if len(values) not in (1, LEVELS):
        raise OptionError.of("levels", text, f"1 or {LEVELS} numbers separated by commas")
    return values * (LEVELS // len(values))


def main(
    bundle: Path,
    guidance: Annotated[float | None, typer.Option(help="1..8")] = None,
    temperature: Annotated[str | None, typer.Option(help="one number, or one per level")] = None,
    cutoff: Annotated[str | None, typer.Option(help="nats; one number, or one per level")] = None,
    metrics: Annotated[Path | None, typer.Option(help="JSON of measured figures")] = None,
    odds: Annotated[Path | None, typer.Option(help="file that training.material counted")] = None,
) -> None:
    """Adjust a bundle."""
    try:
        sampling: dict[str, Any] = {}
        if guidance is not None:
            sampling["guidance"] = guidance
        for name, text in (("temperature", temperature), ("cutoff", cutoff)):
            if text is not None:
                sampling[name] = per_level(text)
        figures = json.loads(metrics.read_text()) if metrics else None
        found = odds.read_bytes() if odds else None
        typer.echo(json.dumps({"bundle": adjust(bundle, sampling, figures, found)}))
    except (AntiphonError, OSError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    typer.run(main)
