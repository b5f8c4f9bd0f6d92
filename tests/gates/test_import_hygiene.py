"""Importing the runtime loads neither torch, nor an inference library, nor a sound card."""

import os
import subprocess
import sys
from pathlib import Path

from tests.gates.tree import ROOT, copy_sources

HEAVY = (
    "torch",
    "onnx",
    "onnxruntime",
    "tensorrt",
    "scipy",
    "sounddevice",
    "models",
    "training",
    "export",
)

# The modules of the backends themselves are left out: they are imported when a backend is opened.
IMPORT_ALL = """
import importlib, pkgutil, sys
import engine, bridge
for package in (engine, bridge):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.startswith("engine.backends."):
            importlib.import_module(module.name)
print(*sorted(name for name in {heavy!r} if name in sys.modules))
"""


def problems(root: Path) -> list[str]:
    """Import a tree's whole runtime in a fresh interpreter; name the heavy modules it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL.format(heavy=HEAVY)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.split() if done.returncode == 0 else [done.stderr]


def test_the_runtime_imports_nothing_heavy():
    assert problems(ROOT) == []


def test_an_import_of_torch_is_found(tmp_path):
    """An empty module of that name stands in, so that the test does not wait for the real one."""
    (copy_sources(tmp_path) / "torch.py").touch()
    row = tmp_path / "engine" / "row.py"
    row.write_text(row.read_text() + "\nimport torch\n")
    assert problems(tmp_path) == ["torch"]


def test_an_import_that_fails_is_found(tmp_path):
    (copy_sources(tmp_path) / "bridge" / "broken.py").write_text("import no_such_module\n")
    assert "no_such_module" in problems(tmp_path)[0]
