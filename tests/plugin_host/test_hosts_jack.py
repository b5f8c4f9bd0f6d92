"""A recorder is waited for while it gets on, however slowly, and given up when it does not."""

import os
import time

import pytest

from plugin_host.hosts.jack import Recorder
from plugin_host.rung import Failed


def recorder(folder, script):
    """A recorder whose jack_rec is a shell script that writes to $2."""
    program = folder / "jack_rec"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
    return Recorder(folder / "made.wav", 30, ["left", "right"], environment)


def test_one_that_gets_on_is_waited_for_however_slow(tmp_path):
    slow = recorder(tmp_path, 'for i in 1 2 3 4 5 6 7 8; do printf 123456 >> "$2"; sleep .3; done')
    slow.finish(stuck_seconds=2.0)
    assert slow.samples() == 8


def test_one_that_stands_still_is_given_up(tmp_path):
    stuck = recorder(tmp_path, 'head -c 61 /dev/zero > "$2"; exec sleep 60')
    for _ in range(1000):
        if stuck.samples() == 10:
            break
        time.sleep(0.01)
    with pytest.raises(Failed, match="jack_rec has 10 samples, and none more came in 0 s"):
        stuck.finish(stuck_seconds=0.3)
