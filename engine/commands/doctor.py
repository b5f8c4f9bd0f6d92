"""`antiphon doctor`: what this machine has, what is missing, and the next move for each.

Every check returns a `Finding` and none raises, so that one fault does not hide the others. Exit
status 0 if rendering can work, else 1.
"""

import sys
from collections.abc import Iterator
from ctypes.util import find_library
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from typing import Final

import typer

from engine.commands import machine
from engine.commands import options as opt
from engine.commands.report import print_json
from engine.commands.where import bundle_folder
from engine.errors import AntiphonError
from engine.options import EngineOptions

PYTHON: Final = (3, 11)


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    is_well: bool
    found: str
    is_needed: bool = True  # to render
    next_move: str = ""


def doctor(bundle: opt.Bundle = None, as_json: opt.Json = False) -> None:
    """Look at the machine and say what is missing; exit status 0 if rendering can work."""
    findings = list(examine(bundle))
    can_render = all(finding.is_well for finding in findings if finding.is_needed)
    if as_json:
        print_json(
            {"can_render": can_render, "findings": [asdict(finding) for finding in findings]}
        )
    else:
        _print(findings, can_render)
    raise typer.Exit(0 if can_render else 1)


def examine(bundle: Path | None) -> Iterator[Finding]:
    """Look at everything, what rendering needs first."""
    yield _python()
    yield _backend("auto", is_needed=True)
    yield _bundle(bundle)
    yield _processor()
    yield _backend("ort-cuda", is_needed=False)
    yield _backend("ort-tensorrt", is_needed=False)
    yield _sound_card()


def _python() -> Finding:
    found = f"{python_version()} at {sys.prefix}"
    wanted = ".".join(map(str, PYTHON))
    return Finding(
        "Python", sys.version_info >= PYTHON, found, next_move=f"Install Python {wanted} or later."
    )


def _backend(name: str, *, is_needed: bool) -> Finding:
    """Whether a backend starts; the library is only touched inside `engine.backends`."""
    from engine.backends import open_backend

    title = {"auto": "inference", "ort-cuda": "CUDA", "ort-tensorrt": "TensorRT"}[name]
    try:
        backend = open_backend(name)
    except AntiphonError as exc:
        reason, _, move = str(exc).partition(". ")
        installed = _version("onnxruntime", "onnxruntime-gpu")
        return Finding(
            title,
            False,
            reason,
            is_needed,
            move or f"Installed is {installed}. Ask for what you need by name.",
        )
    return Finding(title, True, backend.reason, is_needed)


def _version(*distributions: str) -> str:
    """The first of some distributions that is installed."""
    for name in distributions:
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:
            continue
    return f"none of {', '.join(distributions)}"


def _bundle(named: Path | None) -> Finding:
    from engine.bundle import Bundle
    from engine.commands.inspect import NoBackend

    try:
        bundle = Bundle.open(bundle_folder(named), NoBackend())
    except AntiphonError as exc:
        return Finding(
            "bundle",
            False,
            str(exc),
            next_move="Check out bundles/default again, or name another with --bundle.",
        )
    return Finding(
        "bundle",
        True,
        f"{bundle.manifest.name} {bundle.id[:12]} at {bundle.path}, every file verified",
    )


def _processor() -> Finding:
    here = machine.describe()
    wanted = EngineOptions.threads + 1  # the model, and all that is around it
    return Finding(
        "processor",
        here["cores"] >= wanted,
        f"{here['cpu']}, {here['cores']} cores, {here['memory_gb']:g} GB",
        is_needed=False,
        next_move="Live playing wants a core beside the model's; rendering needs only the one.",
    )


def _sound_card() -> Finding:
    library = find_library("portaudio")
    return Finding(
        "PortAudio",
        library is not None,
        library or "not found; rendering to files does not need it",
        is_needed=False,
        next_move="To hear music live, install it (on Debian: apt install libportaudio2).",
    )


def _print(findings: list[Finding], can_render: bool) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for finding in findings:
        sign = (
            "[green]ok[/]"
            if finding.is_well
            else "[red]missing[/]"
            if finding.is_needed
            else "[yellow]absent[/]"
        )
        move = "" if finding.is_well else f"\n{finding.next_move}"
        table.add_row(sign, finding.what, escape(finding.found + move))
    console = Console()
    console.print(table)
    console.print("Rendering can work." if can_render else "Rendering cannot work yet.")
