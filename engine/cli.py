"""The engine's part of the command line. Verbs live in `engine.commands`; this file puts them
together, with those that `bridge.cli`, the program's entry, hands over.

Results go to stdout, progress and errors to stderr. What a player can cause ends in one line
`error: ...` and exit status 2, an interruption in 130; anything else is our fault and shows its
traceback.
"""

import sys
from collections.abc import Callable

import typer

from engine.commands import interruption
from engine.commands.bench import bench
from engine.commands.doctor import doctor
from engine.commands.inspect import inspect
from engine.commands.live import live
from engine.commands.match import match
from engine.commands.render import render
from engine.commands.replay import replay
from engine.commands.story import story
from engine.errors import AntiphonError

app = typer.Typer(
    help="A live MusicLM: type a prompt, and music streams out of it, frame by frame.",
    epilog="First sound: antiphon render 'slow reggae, 75 bpm, D minor, bass and drums' -o a.wav",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _command in (live, render, story, replay, match, bench, inspect, doctor):
    app.command()(_command)


def main(*commands: Callable[..., None], **groups: typer.Typer) -> None:
    """Run the command that `sys.argv` names, and exit.

    Args:
        commands: of other rooms, beside those of the engine; their names and docstrings are what
            a player sees.
        groups: commands that share a first word, by that word.
    """
    for command in commands:
        app.command()(command)
    for word, group in groups.items():
        app.add_typer(group, name=word)
    interruption.watch()
    try:
        app(prog_name="antiphon")
    except AntiphonError as error:
        print(f"error: {_one_line(str(error))}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def _one_line(text: str) -> str:
    return " ".join(text.split())
