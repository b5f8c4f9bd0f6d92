"""The seal of a bundle: SHA256SUMS, a `sha256sum -c` file that lists every other file in it.

`write` makes it, `check` proves a folder against it; the SHA-256 of the seal itself is the bundle's
id, so one id stands for every byte. Paths from a file are resolved by `inside` only. Knows nothing
about what the files mean.
"""

import hashlib
import os
import re
from pathlib import Path
from typing import Final

from engine.errors import BundleError

SEAL: Final = "SHA256SUMS"
MAX_SEAL_BYTES: Final = 1 << 20
MAX_FILE_BYTES: Final = 4 << 30
MAX_FILES: Final = 1000
# File managers leave these in any folder they show; nothing of ours reads them.
IGNORED: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})

# Exactly what `write` writes, so that no flipped byte of the seal passes as another spelling.
_LINE: Final = re.compile(r"([0-9a-f]{64})  ([^\n]+)")


def write(folder: Path) -> str:
    """Seal every file of a folder, replacing an older seal; returns the bundle's id."""
    (folder / SEAL).unlink(missing_ok=True)
    names = sorted(_files(folder))
    lines = [f"{_sha256(inside(folder, name))}  {name}\n" for name in names]
    (folder / SEAL).write_bytes("".join(lines).encode())
    return identity(folder)


def identity(folder: Path) -> str:
    """The bundle's id: SHA-256 of its seal, 64 hexadecimal digits."""
    return hashlib.sha256(_seal_bytes(folder)).hexdigest()


def read(folder: Path) -> dict[str, str]:
    """Read the seal: SHA-256 by file name.

    Raises:
        BundleError: missing, too long, malformed, or naming a path outside the folder.
    """
    *lines, rest = _seal_bytes(folder).decode("utf-8", "replace").split("\n")
    found = [_LINE.fullmatch(line) for line in lines]
    listed = {match[2]: match[1] for match in found if match}
    if rest or not listed or len(listed) < len(lines) or len(listed) > MAX_FILES:
        raise _refused(folder, SEAL, "is malformed", "lines of '<sha-256>  <name>', each name once")
    return listed


def check(folder: Path) -> dict[str, str]:
    """Prove that a folder holds exactly what its seal lists, byte for byte.

    Returns:
        SHA-256 by file name.

    Raises:
        BundleError: names the first file that is missing, damaged, unlisted or outside.
    """
    listed = read(folder)
    for name, expected in listed.items():
        got = _sha256(inside(folder, name))
        if got != expected:
            told = f"SHA-256 {expected[:12]}… as {SEAL} says"
            raise _refused(folder, name, f"is damaged: it has SHA-256 {got[:12]}…", told)
    for name in sorted(_files(folder)):
        if name not in listed and name != SEAL:
            raise _refused(
                folder, name, f"is not listed in {SEAL}", "only listed files", "Remove it"
            )
    return listed


def inside(folder: Path, name: str) -> Path:
    """The real path of a file that a bundle names.

    Raises:
        BundleError: the name leads outside the folder (also through a link), or no such file.
    """
    parts = name.split("/")
    is_plain = name.isprintable() and not set(name) & set('\\:*?"<>|') and len(name) <= 255
    if not is_plain or any(part in ("", ".", "..") for part in parts):
        raise _refused(folder, repr(name), "is no file name", "a relative path with plain '/'")
    path = folder.joinpath(*parts).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise _refused(folder, name, "leads outside the folder", "a file inside it")
    if not path.is_file():
        raise _refused(folder, name, "is missing", "a file")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise _refused(folder, name, "is too large", f"at most {MAX_FILE_BYTES:,} bytes")
    return path


def read_bytes(folder: Path, name: str, limit: int) -> bytes:
    """Read a whole file that a bundle names.

    Raises:
        BundleError: as `inside`, or longer than `limit` bytes, or unreadable.
    """
    path = inside(folder, name)
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as exc:
        raise _refused(folder, name, f"cannot be read ({exc.strerror})", "a readable file") from exc
    if len(data) > limit:
        raise _refused(folder, name, "is too large", f"at most {limit:,} bytes")
    return data


def _seal_bytes(folder: Path) -> bytes:
    return read_bytes(folder, SEAL, MAX_SEAL_BYTES)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise _refused(
            path.parent, path.name, f"cannot be read ({exc.strerror})", "a file"
        ) from exc


def _files(folder: Path) -> set[str]:
    """Every file below a folder, links included, as names with '/'."""
    found: set[str] = set()
    for here, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(here) / name).is_symlink()]
        for name in (*files, *links):
            if name not in IGNORED:
                found.add((Path(here) / name).relative_to(folder).as_posix())
        if len(found) > MAX_FILES:
            raise _refused(folder, "the folder", "has too many files", f"at most {MAX_FILES}")
    return found


def _refused(
    folder: Path, name: str, what: str, expected: str, next_move: str = "Copy or export it again"
) -> BundleError:
    return BundleError(f"{name} in bundle {folder} {what}; expected {expected}. {next_move}.")
