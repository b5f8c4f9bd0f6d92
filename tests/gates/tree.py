"""What the gates look at: the project's own files, in this tree or in a copy with a fault planted.

A gate is a function that returns problems. Each test file asserts that it finds none here, and that
it finds each fault planted in a copy: a gate that cannot fail is no gate.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("engine", "bridge", "export", "models", "training", "plugin_host")
NOT_OURS = {".git", ".venv", "data", "out", "dist", "build", "__pycache__"}


def project_files(root: Path) -> Iterator[Path]:
    """Yield every file of the project: what git holds or would add; without git, what is there."""
    if (root / ".git").exists():
        command = ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"]
        listed = subprocess.run(command, capture_output=True, check=True).stdout.decode()
        yield from (root / name for name in sorted(listed.split("\0")) if (root / name).is_file())
        return
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(
            name for name in subfolders if name not in NOT_OURS and name[-5:] != "cache"
        )
        yield from (Path(folder, name) for name in sorted(names))


def text_of(path: Path) -> str | None:
    """Return a file's text, or None for a binary file."""
    with path.open("rb") as file:
        if b"\0" in file.read(8192):
            return None
    return path.read_text("utf-8", errors="replace")


def copy_sources(target: Path) -> Path:
    """Copy the packages' code and the configuration, to plant a fault in; return `target`."""
    keep_python = shutil.ignore_patterns("*.onnx", "*.safetensors", "*.wav", "__pycache__")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, target / package, ignore=keep_python)
    shutil.copy(ROOT / "pyproject.toml", target)
    return target
