"""A file that measurements are appended to, one line of JSON each, with date and commit."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.commands import machine
from engine.errors import OptionError


def require_appendable(path: Path) -> None:
    """Refuse before measuring what could not be recorded after it.

    Raises:
        OptionError: it cannot be written.
    """
    try:
        with path.open("a"):
            pass
    except OSError as exc:
        raise OptionError(
            f"{path} cannot be written ({exc.strerror}), expected a file to append to."
        ) from exc


def append(path: Path, found: dict[str, Any]) -> None:
    """Append one measurement."""
    stamp = {"date": datetime.now(UTC).isoformat(timespec="seconds"), "commit": machine.commit()}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(stamp | found, allow_nan=False) + "\n")
