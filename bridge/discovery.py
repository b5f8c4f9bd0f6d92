"""Discovery: a running engine leaves a small file, so that plugins and scripts find it.

In:  where an engine listens. Out: `engine-<pid>.json` in the runtime folder, there from ready to
end, written whole or not at all; and, for clients, the engines that run, newest first. A file whose
process is gone is no engine; the next engine deletes it.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.folders import runtime_folder

MAX_BYTES: Final = 4_096
MAX_FILES: Final = 256  # that are looked at

_Text = Annotated[str, Field(max_length=256)]
_Port = Annotated[int, Field(ge=1, le=65_535)]


class Announcement(BaseModel):
    """One running engine."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    format: Literal[1] = 1  # of this file
    pid: Annotated[int, Field(ge=1)]  # the engine's process
    boot: _Text  # as in `welcome`
    started: Annotated[float, Field(ge=0, allow_inf_nan=False)]  # seconds since 1970
    version: _Text  # of the engine
    control: _Text  # endpoint of the control socket
    audio: _Text  # endpoint of the audio socket
    osc_host: _Text  # where it listens for OSC
    osc_port: _Port  # where it listens for OSC
    osc_reply_port: _Port  # where it answers OSC
    curve_key: Annotated[str, Field(max_length=40)] | None = None  # its public key, if it has one
    bundle: _Text = ""  # its id
    bundle_name: _Text = ""  # what it is called


def announce(announcement: Announcement, folder: Path | None = None) -> Path:
    """Leave the file, and clear those of engines that are gone.

    Raises:
        SecurityError: the runtime folder is not safe.
        OSError: it cannot be written.
    """
    folder = folder or runtime_folder()
    for path in _files(folder):
        if _is_gone(path):
            path.unlink(missing_ok=True)
    path = folder / f"engine-{announcement.pid}.json"
    part = path.with_suffix(".part")
    part.write_text(json.dumps(announcement.model_dump(), indent=1) + "\n")
    part.chmod(0o600)
    part.replace(path)
    return path


def running(folder: Path | None = None) -> list[Announcement]:
    """The engines that run on this machine, newest first.

    Raises:
        SecurityError: the runtime folder is not safe.
    """
    found = [
        announcement
        for path in _files(folder or runtime_folder())
        if (announcement := _read(path)) is not None and is_alive(announcement.pid)
    ]
    return sorted(found, key=lambda one: one.started, reverse=True)


def is_alive(pid: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("engine-*.json"))[:MAX_FILES]


def _read(path: Path) -> Announcement | None:
    with suppress(OSError, ValidationError), path.open("rb") as file:
        return Announcement.model_validate_json(file.read(MAX_BYTES))
    return None


def _is_gone(path: Path) -> bool:
    announcement = _read(path)
    return announcement is None or not is_alive(announcement.pid)
