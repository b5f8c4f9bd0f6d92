"""The import contracts of pyproject.toml hold, and each of them fails on a planted violation."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gates.tree import ROOT, copy_sources

PROMPT, SESSION = "engine/stages/prompt.py", "engine/session.py"
BRIDGE, EXPORT, PLUGIN = "bridge/__init__.py", "export/__init__.py", "plugin_host/__init__.py"

# file, line added to it, the contract that must break
VIOLATIONS = {
    "a stage trains": (PROMPT, "import models", "never imports torch"),
    "torch in a function": (SESSION, "def f():\n    import torch", "never imports torch"),
    "the session runs a graph": (SESSION, "import onnxruntime", "Only engine.backends"),
    "a model opens a bundle": ("models/codec.py", "import engine.bundle", "only the vocabulary"),
    "the corpus plays": ("training/corpus/score.py", "import engine.session", "the vocabulary"),
    "the corpus plays by name": ("training/data.py", "from engine import Runner", "vocabulary"),
    "the exporter plays": (EXPORT, "import engine.session", "not the player"),
    "the exporter trains": (EXPORT, "import training", "Packages"),
    "the bridge exports": (BRIDGE, "import export", "never imports torch"),
    "the bridge reaches inside": (BRIDGE, "import engine.bundle", "public names"),
    "the bridge looks through the window": (BRIDGE, "from engine import runner", "public names"),
    "the plugin reaches inside": (PLUGIN, "import engine", "bytes only"),
    "the vocabulary looks up": ("engine/spec.py", "import engine.session", "down the list"),
    "a stage holds a backend": (PROMPT, "import engine.backends", "down the list"),
    "a room without a place": ("engine/utils.py", "", "down the list"),
}


def lint(root: Path) -> tuple[int, str]:
    """Run the contracts on a tree; return the exit status and what was printed."""
    tool = Path(sys.executable).with_name("lint-imports")
    environment = {**os.environ, "COLUMNS": "200", "PYTHONPATH": str(root)}
    done = subprocess.run(
        [tool, "--no-cache"], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_every_contract_holds():
    status, printed = lint(ROOT)
    assert status == 0, printed


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_a_planted_import_breaks_its_contract(violation, tmp_path):
    file, line, contract = VIOLATIONS[violation]
    planted = copy_sources(tmp_path) / file
    before = planted.read_text() if planted.exists() else ""
    planted.write_text(f"{before}\n{line}\n")
    status, printed = lint(tmp_path)
    broken = [text for text in printed.splitlines() if " BROKEN" in text]
    assert status != 0
    assert any(contract in text for text in broken), printed
