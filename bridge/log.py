"""The server's log: one JSON object a line, on stderr.

In:  events, as a short sentence, and their fields. Out: lines that a person can read and a program
can filter. Texts are cut, so that nobody fills the disk by sending long names.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Final, TextIO

MAX_CHARACTERS: Final = 4_000  # of one value; the end of a trace says most

Log = Callable[..., None]  # an event and its fields


def log_to(stream: TextIO | None = None) -> Log:
    """A log that writes to a stream, stderr if None."""

    def log(event: str, **fields: object) -> None:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + "Z"
        told = {name: _plain(value) for name, value in fields.items()}
        line = json.dumps({"at": at, "event": event, **told}, ensure_ascii=True)
        print(line, file=stream or sys.stderr, flush=True)

    return log


def quiet(event: str, **fields: object) -> None:
    """A log that keeps nothing."""


def _plain(value: object) -> object:
    if isinstance(value, str):
        return value[-MAX_CHARACTERS:]
    return value if isinstance(value, int | float | list | None) else repr(value)[:MAX_CHARACTERS]
