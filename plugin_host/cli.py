"""`antiphon plugin build | install | uninstall | check`.

In:  options. Out: what was made, where it was put, or how it did in every host that is here;
results on stdout, progress on stderr. What a player can mend ends in one line `error: ...` and exit
status 2; a rung that failed in 1. The program hands these commands over in `bridge.cli`.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from plugin_host.errors import Missing, PluginError

# The program that runs now, whatever was installed before; a word to Python, not an import.
SAME_PROGRAM = (sys.executable, "-c", "from bridge.cli import main; main()")

# How a plugin starts an engine that nobody else has started: for a whole project, and not for ever.
SERVE = ("serve", "--sessions", "20", "--idle-seconds", "120")

app = typer.Typer(
    help="Build the plugin, put it where DAWs look, and try it in the hosts that are here.",
    no_args_is_help=True,
)
Folder = Annotated[
    Path | None,
    typer.Option(help="Where it is built.", show_default="build/plugin, or the user's cache"),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object as the last line of stdout.")]


@app.command()
def build(
    folder: Folder = None,
    jobs: Annotated[
        int | None, typer.Option(help="Compilers at one time.", show_default="one for each core")
    ] = None,
    as_json: Json = False,
) -> None:
    """Build VST3, LV2 and the standalone program with CMake; the first time takes minutes."""
    from plugin_host import build as builder
    from plugin_host.places import build_folder

    if jobs is not None and not 1 <= jobs <= 256:
        _stop(f"--jobs is {jobs}, expected 1 to 256.")
    with _errors():
        print("building; a first build takes about three minutes on two cores", file=sys.stderr)
        built = builder.build(folder or build_folder(), jobs=jobs)
        made = {one.kind: str(built.path(one.kind)) for one in built.products}
    if as_json:
        print(json.dumps({"built": made, "seconds": round(built.seconds, 1)}))
        return
    for kind, path in made.items():
        print(f"{kind}: {path}")
    print("next: antiphon plugin install")


@app.command()
def install(folder: Folder = None, as_json: Json = False) -> None:
    """Copy what was built to where DAWs look, and tell the plugin how to start the engine."""
    from plugin_host import build as builder
    from plugin_host import install as installer
    from plugin_host.places import build_folder

    with _errors():
        built = builder.find(folder or build_folder())
        written = installer.install(built, [str(program()), *SERVE])
    if as_json:
        print(json.dumps({"written": [str(path) for path in written]}))
        return
    for path in written:
        print(path)
    print("next: scan for plugins in your DAW, and put Antiphon on a track")


@app.command()
def uninstall(as_json: Json = False) -> None:
    """Take away what `install` put there; your own settings stay."""
    from plugin_host import install as installer

    with _errors():
        taken = installer.uninstall()
    if as_json:
        print(json.dumps({"taken": [str(path) for path in taken]}))
        return
    for path in taken:
        print(path)
    if not taken:
        print("nothing was installed")


@app.command()
def check(
    folder: Folder = None,
    only: Annotated[
        list[str] | None, typer.Option(help="A host to try; as often as needed. All without it.")
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            envvar="ANTIPHON_BUNDLE",
            help="The model that the engine plays with.",
            show_default="bundles/default",
        ),
    ] = None,
    other_bundle: Annotated[
        Path | None, typer.Option(help="A second one, to change to while hosts are open.")
    ] = None,
    minutes: Annotated[
        float, typer.Option(help="How long Ardour and jalv roll in real time, 0.1 to 600.")
    ] = 5.0,
    quick: Annotated[bool, typer.Option(help="Fewer blocks, instances and seconds.")] = False,
    keep: Annotated[
        Path | None, typer.Option(help="A folder for sound, sessions and pictures; else deleted.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Try the built plugin in every host that is here; exit status 0 if nothing failed."""
    from plugin_host import build as builder
    from plugin_host import ladder
    from plugin_host.places import build_folder

    if not 0.1 <= minutes <= 600:
        _stop(f"--minutes is {minutes:g}, expected 0.1 to 600.")
    if unknown := sorted({*(only or [])} - {*ladder.HOSTS}):
        _stop(f"--only is {', '.join(unknown)}, expected one of {', '.join(ladder.HOSTS)}.")
    with _errors():
        plan = ladder.Plan(
            built=builder.find(folder or build_folder()),
            serve=_serve(bundle),
            other=_serve(other_bundle) if other_bundle else (),
            hosts=tuple(only or ladder.HOSTS),
            minutes=minutes,
            is_quick=quick,
            keep=keep,
        )
        rungs = ladder.climb_all(plan, lambda line: print(line, file=sys.stderr, flush=True))
    if as_json:
        print(json.dumps(ladder.summary(rungs)))
    else:
        print(ladder.table(rungs))
    raise typer.Exit(1 if any(rung.outcome == "failed" for rung in rungs) else 0)


def program() -> Path:
    """The `antiphon` that belongs to this Python.

    Raises:
        Missing: it was not installed with pip.
    """
    found = Path(sys.executable).with_name("antiphon")
    if not found.is_file():
        raise Missing(
            f"{found} is not there. Install the program first: pip install 'antiphon[cpu]'."
        )
    return found


def _serve(bundle: Path | None) -> tuple[str, ...]:
    if bundle is not None and not (bundle / "bundle.json").is_file():
        raise PluginError(f"{bundle} is no bundle: it has no bundle.json. Name a folder with one.")
    named = () if bundle is None else ("--bundle", str(bundle.resolve()))
    return (*SAME_PROGRAM, "serve", "--threads", "1", *named)


@contextmanager
def _errors() -> Iterator[None]:
    """What a player can mend is one line and exit status 2."""
    try:
        yield
    except PluginError as error:
        _stop(str(error))


def _stop(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    raise typer.Exit(2)
