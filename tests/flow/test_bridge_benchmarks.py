"""The bridge's measurements run: briefly, and nothing that depends on the machine's speed is held
against them.
"""

import json
import subprocess
import sys

from benchmarks.bridge_place import RATE
from engine.spec import FRAME_RATE
from tests.bridge import programs
from tests.gates.tree import ROOT


def measured(module: str, *arguments: str) -> dict:
    """Run a measurement; the JSON object that is its last line."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=programs.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_message_times_have_their_distribution(tmp_path):
    history = tmp_path / "history.jsonl"
    found = measured("bench_bridge", "latency", "--rounds", "70", "--record", str(history))
    for name in ("echo", "control", "audio"):
        assert 0 < found[name]["p50"] <= found[name]["p99"] <= found[name]["worst"]
    line = json.loads(history.read_text())
    assert line["commit"]
    assert line.items() >= found.items()


def test_after_a_restart_all_is_as_it_was():
    found = measured("bench_bridge", "restart", "--rounds", "1")
    assert found["not_restored"] == 0
    assert found["sound_seconds"]["worst"] >= found["engine_seconds"]["worst"] > 0


def test_what_a_client_took_is_the_replay_but_for_what_it_missed():
    found = measured("bench_bridge", "soak", "--minutes", "0.1", "--buffer-ms", "500")
    assert found["compared_samples"] > 100_000
    if not found["engine_skipped_frames"]:  # a machine too slow leaves time out
        crossed = found["engine_late_frames"] + found["engine_overtaken"]  # into what came too late
        assert found["differing_samples"] <= found["missed"] + crossed * RATE // FRAME_RATE
    assert found["turns"] >= 1


def test_a_little_nonsense_is_counted_whole():
    found = measured("fuzz_bridge", "--datagrams", "500", "--messages", "400")
    problems = [problem for problem in found["problems"] if "missed sound" not in problem]
    assert problems == []
    assert found["sent"]["datagrams"] == found["counters"]["osc_received"] >= 500
    assert found["refused"]["audio"] == found["counters"]["audio_refused"] >= 200
