"""`antiphon inspect`: what a bundle is, proven first: graphs, parity, measurements, where it comes
from.
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from engine.commands import options as opt
from engine.commands.report import print_json
from engine.commands.where import VARIABLE, bundle_folder
from engine.errors import BackendError

if TYPE_CHECKING:
    from rich.table import Table

    from engine.bundle import Bundle
    from engine.graph import Graph, GraphSpec


FILE_WIDTH: Final = 110  # columns when stdout is no terminal


class NoBackend:
    """Opens nothing: a bundle can be proven on a machine that cannot play it."""

    name = "none"
    reason = "only looking"

    def open(self, path: Path, spec: "GraphSpec") -> "Graph":
        raise BackendError(f"{path.name} was not to be opened.")


def inspect(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="BUNDLE",
            help="The folder to look at.",
            show_default="bundles/default",
            envvar=VARIABLE,
        ),
    ] = None,
    as_json: opt.Json = False,
) -> None:
    """Verify a bundle and show what is in it."""
    from engine.bundle import Bundle

    bundle = Bundle.open(bundle_folder(folder), NoBackend())
    if as_json:
        print_json(_fields(bundle))
        return
    _print(bundle)


def _fields(bundle: "Bundle") -> dict[str, Any]:
    sizes = _sizes(bundle)
    return {
        "id": bundle.id,
        "path": str(bundle.path),
        "bytes": sum(sizes.values()),
        "files": sizes,
        **bundle.manifest.model_dump(mode="json"),
    }


def _sizes(bundle: "Bundle") -> dict[str, int]:
    files = sorted(path for path in bundle.path.rglob("*") if path.is_file())
    return {str(path.relative_to(bundle.path)): path.stat().st_size for path in files}


def _print(bundle: "Bundle") -> None:
    from rich.console import Console

    found, sizes = bundle.manifest, _sizes(bundle)
    console = Console(width=None if sys.stdout.isatty() else FILE_WIDTH)
    sides = {1: "mono", 2: "stereo"}[found.audio.channels]
    console.print(
        f"[bold]{found.name}[/] {bundle.id[:12]} at {bundle.path}, every file verified",
        highlight=False,
    )
    console.print(
        f"{found.audio.rate:,} Hz {sides}, {found.licence}, "
        f"{sum(sizes.values()) / 1e6:.1f} MB in {len(sizes)} files",
        highlight=False,
    )
    console.print(_graph_table(bundle, sizes))
    for title, fields in (("measured", found.metrics), ("where it comes from", found.provenance)):
        if fields:
            console.print(_field_table(title, fields))


def _graph_table(bundle: "Bundle", sizes: dict[str, int]) -> "Table":
    from rich.table import Table

    table = Table(title="graphs", title_justify="left")
    for name in ("graph", "precision", "in and out", "parity"):
        table.add_column(name)
    for name in ("MB", "states", "latency ms", "hears frames"):
        table.add_column(name, justify="right")
    for name, spec in bundle.manifest.graphs.items():
        inputs, outputs = spec.ports()
        table.add_row(
            name,
            spec.precision,
            f"{', '.join(inputs)} -> {', '.join(outputs)}",
            "\n".join(f"{key} {value:.2g}" for key, value in spec.parity.items()),
            f"{sizes.get(spec.file, 0) / 1e6:.2f}",
            str(len(spec.state)),
            f"{1000 * spec.latency_samples / bundle.audio.rate:g}",
            str(spec.context_frames),
        )
    return table


def _field_table(title: str, fields: dict[str, Any]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_header=False)
    for path, value in _flat(fields):
        table.add_row(escape(path), escape(value))
    return table


def _flat(fields: dict[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Nested fields as (dotted path, value) lines."""
    lines: list[tuple[str, str]] = []
    for name, value in fields.items():
        path = f"{above}.{name}" if above else name
        if isinstance(value, dict) and value:
            lines += _flat(value, path)
        else:
            lines.append(
                (path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
            )
    return lines
