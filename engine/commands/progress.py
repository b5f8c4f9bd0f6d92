"""A progress bar on stderr, so that stdout stays clean for results."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.commands import interruption
from engine.spec import FRAME_RATE


@contextmanager
def progress_bar(what: str, frames: int) -> Iterator[Callable[[int, int], None]]:
    """Show how much music there is; yields a function of (frames done, frames in all)."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[seconds]:.1f} of {task.fields[length]:.1f} s of music"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=frames, seconds=0.0, length=frames / FRAME_RATE)

        def show(done: int, total: int) -> None:
            interruption.check()
            bar.update(task, completed=done, total=total, seconds=done / FRAME_RATE)

        yield show
