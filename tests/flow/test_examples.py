"""The examples run, on the toy bundle, as anybody would run them."""

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from bridge.engine_player import EngineRoom
from tests.bridge.programs import environment
from tests.gates.tree import ROOT


@pytest.fixture
def run(serve, toy_bundle, tmp_path):
    """Run an example beside an engine; what it printed."""
    serve(EngineRoom(toy_bundle, 80.0, tmp_path / "takes").open)

    def start(name: str, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, ROOT / "examples" / name, *arguments],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return start


def sound(path) -> np.ndarray:
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert rate == 48_000
    return audio


def test_first_sound(run, tmp_path):
    assert run("first_sound.py", "slow reggae", "sound.wav") == "sound.wav: slow reggae\n"
    audio = sound(tmp_path / "sound.wav")
    assert audio.shape == (4 * 48_000, 2)
    assert np.abs(audio).max() > 0.01


def test_prompts_from_osc(run, tmp_path):
    run("prompts_from_osc.py", "switched.wav")
    assert sound(tmp_path / "switched.wav").shape == (6 * 48_000, 2)
    (log,) = (tmp_path / "takes").glob("*-stage.jsonl")
    asked = [line for line in log.read_text().splitlines() if '"op":"ask"' in line]
    assert ['"kind":"bar"' in line for line in asked if '"pick"' in line] == [True]


def test_continue_my_wav(run, tmp_path):
    mine = np.sin(np.arange(48_000) / 20)[:, None].repeat(2, axis=1).astype(np.float32) / 4
    soundfile.write(tmp_path / "mine.wav", mine, 48_000, "FLOAT")
    run("continue_my_wav.py", "mine.wav", "continued.wav")
    audio = sound(tmp_path / "continued.wav")
    assert audio.shape == (5 * 48_000, 2)
    np.testing.assert_allclose(audio[:48_000], mine, atol=1e-4)
    assert np.abs(audio[48_000:]).max() > 0.01


def test_record_a_take(run, tmp_path):
    run("record_a_take.py", "take.wav")
    assert sound(tmp_path / "take.wav").shape == (6 * 48_000, 2)
    facts = json.loads((tmp_path / "take.json").read_text())
    assert facts["seed"] == 7
    assert [ask["frame"] for ask in facts["asked"]] == sorted(
        ask["frame"] for ask in facts["asked"]
    )
    assert len(list((tmp_path / "takes").glob("*-take.jsonl"))) == 1
