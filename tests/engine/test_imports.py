"""The runtime stays light: no training library, and no inference library before a graph opens."""

import subprocess
import sys
from pathlib import Path

ENGINE = Path(__file__).parents[2] / "engine"
BANNED = ("torch", "onnx", "onnxruntime", "tensorrt", "scipy", "models", "training", "export")


def modules() -> list[str]:
    """Every engine module except the backends that wrap a library."""
    files = sorted(ENGINE.rglob("*.py"))
    names = [".".join(file.relative_to(ENGINE.parent).with_suffix("").parts) for file in files]
    names = [name.removesuffix(".__init__") for name in names]
    return [name for name in names if not name.startswith("engine.backends.")]


def test_importing_the_whole_runtime_brings_no_heavy_library():
    """In a fresh interpreter, so that no other test has imported one before."""
    assert {"engine.session", "engine.backends", "engine.offline"} <= set(modules())
    script = (
        f"import importlib, sys\nfor name in {modules()!r}: importlib.import_module(name)\n"
        f"print([name for name in {BANNED!r} if name in sys.modules])"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, cwd=ENGINE.parent, check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
