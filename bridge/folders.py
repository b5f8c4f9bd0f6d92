"""Where the bridge keeps files of its own: one folder each for running engines, keys and takes.

In:  the environment. Out: paths, by the rules of the XDG base directories, simple enough for a
plugin in C++ to find the same. Nothing here is ever named by a message.
"""

import os
import stat
import tempfile
from pathlib import Path
from typing import Final

from bridge.errors import SecurityError

RUNTIME_VARIABLE: Final = "ANTIPHON_RUNTIME_DIR"


def runtime_folder() -> Path:
    """Where running engines announce themselves; made if missing, the user's own.

    `$ANTIPHON_RUNTIME_DIR`, else `$XDG_RUNTIME_DIR/antiphon`, else `antiphon-<user id>` in the
    folder for temporary files.

    Raises:
        SecurityError: it belongs to someone else, or others may write to it.
    """
    named, runtime = os.environ.get(RUNTIME_VARIABLE), os.environ.get("XDG_RUNTIME_DIR")
    if named:
        folder = Path(named)
    elif runtime and Path(runtime).is_dir():
        folder = Path(runtime) / "antiphon"
    else:
        folder = Path(tempfile.gettempdir()) / f"antiphon-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as exc:
        raise SecurityError(f"{folder} cannot be made ({exc.strerror}).") from exc
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not is_ours or found.st_mode & 0o022:
        raise SecurityError(
            f"{folder} is not a folder that only this user can write to. Delete it, or name "
            f"another with {RUNTIME_VARIABLE}."
        )
    return folder


def keys_folder() -> Path:
    """Where keys are, if no other folder is named."""
    return _home("XDG_CONFIG_HOME", ".config") / "antiphon" / "keys"


def takes_folder() -> Path:
    """Where takes go, if no other folder is named."""
    return _home("XDG_DATA_HOME", ".local/share") / "antiphon" / "takes"


def _home(variable: str, default: str) -> Path:
    named = os.environ.get(variable)
    return Path(named) if named else Path.home() / default
