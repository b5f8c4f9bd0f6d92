"""Read a small TOML file into a strict model, and say in one sentence what is wrong with it.

In:  a path and a pydantic model. Out: the model's instance, or an error that names file, place and
fault.
"""

import tomllib
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from engine.errors import InputError

Table = TypeVar("Table", bound=BaseModel)

_MAX_BYTES: Final = 1 << 20


def read(path: Path, model: type[Table], what: str) -> Table:
    """Read and check a file.

    Args:
        path: the file.
        model: what it must hold.
        what: what to call it, like "a MIDI map".

    Raises:
        InputError: it cannot be read, is no TOML, or holds what the model does not allow.
    """
    try:
        return model.model_validate(_load(path, what))
    except ValidationError as exc:
        raise InputError(f"{path}: {first_fault(exc)}. Expected {what}.") from exc


def _load(path: Path, what: str) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as exc:
        raise InputError(f"{path} cannot be read ({exc.strerror}), expected {what}.") from exc
    if len(data) > _MAX_BYTES:
        raise InputError(f"{path} is larger than {_MAX_BYTES >> 20} MiB, expected {what}.")
    try:
        return tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as exc:
        raise InputError(f"{path} is not TOML: {exc}. Expected {what}.") from exc


def first_fault(error: ValidationError) -> str:
    """What a model objects to first: `control.0.does: 'dance' is no command`."""
    fault = error.errors()[0]
    where = ".".join(str(part) for part in fault["loc"])
    said = fault["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{where}: {said}" if where else said
