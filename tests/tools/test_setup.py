"""`make setup` chooses the inference library by what the machine has, and says why."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "setup.py"


@pytest.fixture
def setup():
    spec = importlib.util.spec_from_file_location("antiphon_setup", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Give the machine an `nvidia-smi` that behaves as told, or none."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def install(script: str) -> None:
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)

    return install


def test_without_a_driver_the_cpu_is_chosen(setup, machine):
    assert setup.choose("auto") == ("cpu", "no nvidia-smi, so no NVIDIA driver")


def test_a_listed_gpu_is_chosen_by_name(setup, machine):
    machine("echo 'GPU 0: NVIDIA H200 (UUID: GPU-1)'")
    assert setup.choose("auto") == ("cuda", "found GPU 0: NVIDIA H200")


@pytest.mark.parametrize("script", ["echo 'no devices were found' >&2; exit 6", "exit 0"])
def test_a_driver_without_a_gpu_gives_the_cpu(setup, machine, script):
    machine(script)
    assert setup.choose("auto") == ("cpu", "nvidia-smi is there, but lists no GPU")


def test_what_is_asked_for_wins(setup, machine):
    machine("echo 'GPU 0: NVIDIA H200 (UUID: GPU-1)'")
    assert setup.choose("cpu")[0] == "cpu"


def test_a_changed_pin_asks_for_a_new_installation(setup, tmp_path, monkeypatch):
    for name in setup.READ:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("before")
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    before = setup.fingerprint("cpu")
    assert setup.fingerprint("cpu") == before
    assert setup.fingerprint("cuda") != before
    (tmp_path / "constraints.txt").write_text("after")
    assert setup.fingerprint("cpu") != before


def test_the_plan_changes_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, TOOL, "--plan"],
        cwd=tmp_path,
        env={**os.environ, "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (
        "setup: would install the extras 'cpu' and 'dev' (no nvidia-smi, so no NVIDIA driver)\n"
    )
