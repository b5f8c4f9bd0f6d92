"""The screen: the status line on stderr, redrawn in place, and remarks above it.

In:  lines of text. Out: a terminal's last lines; where stderr is no terminal, only what is told.
One thread.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Self

from engine.live.words import Line, Tone

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

STYLES: Final[dict[Tone, str]] = {"plain": "", "loud": "bold", "dim": "dim", "alarm": "bold red"}


class Screen:
    """A status line; used in a `with`, so that it is taken away whatever happens."""

    def __init__(self, console: "Console | None" = None) -> None:
        from rich.console import Console

        self._console = console or Console(stderr=True, highlight=False)
        self._live: Live | None = None

    def __enter__(self) -> Self:
        from rich.live import Live

        if self._console.is_terminal:
            self._live = Live(
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    @property
    def is_live(self) -> bool:
        """Whether there is a status line."""
        return self._live is not None

    def show(self, lines: Sequence[Line]) -> None:
        """Redraw the status line."""
        if self._live is None:
            return
        from rich.console import Group
        from rich.text import Text

        drawn = (
            Text(line.text, style=STYLES[line.tone], no_wrap=True, overflow="ellipsis")
            for line in lines
        )
        self._live.update(Group(*drawn), refresh=True)

    def tell(self, text: str) -> None:
        """Print a line that stays."""
        self._console.print(text, markup=False, soft_wrap=True)
