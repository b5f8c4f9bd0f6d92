"""`antiphon`: the command line. Verbs live in `engine.commands`; this file puts them together.

Results go to stdout, progress and errors to stderr. What a player can cause ends in one line
`error: ...` and exit status 2, an interruption in 130; anything else is our fault and shows its
traceback.
"""

import signal
import sys
from types import FrameType

import typer

from engine.commands.bench import bench
from engine.commands.doctor import doctor
from engine.commands.inspect import inspect
from engine.commands.render import render
from engine.commands.story import story
from engine.errors import AntiphonError

app = typer.Typer(
    help="A live MusicLM: type a prompt, and music streams out of it, frame by frame.",
    epilog="First sound: antiphon render 'slow reggae, 75 bpm, D minor, bass and drums' -o a.wav",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _command in (render, story, bench, inspect, doctor):
    app.command()(_command)


def main() -> None:
    """Run the command that `sys.argv` names, and exit."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        app(prog_name="antiphon")
    except AntiphonError as error:
        print(f"error: {_one_line(str(error))}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def _stop(number: int, frame: FrameType | None) -> None:
    """End as Ctrl-C does, so that half-written files are taken away."""
    sys.exit(128 + number)


def _one_line(text: str) -> str:
    return " ".join(text.split())
