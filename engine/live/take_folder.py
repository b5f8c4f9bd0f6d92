"""The folder of a take: where its log goes, and how it is taken away again if nothing was played.

In:  the folder asked for, or none. Out: a path for the log that no other take has.
"""

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from engine.control_log import heard_path
from engine.errors import OptionError

DEFAULT: Final = Path("takes")  # in the folder where the command was given
_MAX_TAKES: Final = 10_000  # in one folder


class TakeFolder:
    """One take's place. Made on the disk when it is made here."""

    def __init__(self, asked: Path | None, now: datetime) -> None:
        """Make the folder.

        Args:
            asked: the folder; None: one of its own under `takes/`, by date and time.
            now: local time.

        Raises:
            OptionError: it cannot be made.
        """
        self.path = DEFAULT / now.strftime("%Y%m%d-%H%M%S") if asked is None else asked
        self._made = [path for path in (self.path, *self.path.parents) if not path.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise OptionError(
                f"{self.path} cannot be made ({exc.strerror}), expected a folder for the take. "
                "Name another with --take."
            ) from exc
        names = (f"take{'' if n == 1 else f'-{n}'}.jsonl" for n in range(1, _MAX_TAKES))
        free = (self.path / name for name in names if not (self.path / name).exists())
        self.log = next(free, self.path / "take.jsonl")
        self.is_played = False

    def discard_unplayed(self) -> None:
        """Take everything away that was made, unless there is a take in it."""
        if self.is_played:
            return
        for path in (self.log, heard_path(self.log)):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # somebody put something in
            for folder in self._made:
                folder.rmdir()
