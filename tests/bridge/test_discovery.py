"""A running engine is found by its file; one that is gone is not, whatever it left behind."""

import json
import os
import subprocess
import sys

import pytest

from bridge.discovery import Announcement, announce, is_alive, running


def announcement(**fields: object) -> Announcement:
    found = {
        "pid": os.getpid(), "boot": "b", "started": 1.0, "version": "0.1.0",
        "control": "tcp://127.0.0.1:7450", "audio": "tcp://127.0.0.1:7451",
        "osc_host": "127.0.0.1", "osc_port": 7460, "osc_reply_port": 7461, **fields,
    }  # fmt: skip
    return Announcement.model_validate(found)


@pytest.fixture
def dead_pid() -> int:
    """The number of a process that was there and is gone."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return gone.pid


def test_what_is_announced_is_found(tmp_path):
    path = announce(announcement(), tmp_path)
    assert running(tmp_path) == [announcement()]
    assert path.stat().st_mode & 0o077 == 0
    assert [file.name for file in tmp_path.iterdir()] == [f"engine-{os.getpid()}.json"]


def test_the_newest_engine_comes_first(tmp_path):
    announce(announcement(started=1.0), tmp_path)
    other = announcement(started=2.0, pid=os.getppid())
    announce(other, tmp_path)
    assert [one.started for one in running(tmp_path)] == [2.0, 1.0]


def test_an_engine_that_was_killed_is_not_found_and_the_next_clears_up(tmp_path, dead_pid):
    announce(announcement(pid=dead_pid), tmp_path)
    assert running(tmp_path) == []
    announce(announcement(), tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": 2}', "x" * 100_000, '{"pid": -1}', "\0\xff"]
)
def test_a_file_that_is_no_announcement_is_passed_over(tmp_path, text):
    (tmp_path / "engine-1.json").write_text(text, "latin-1")
    announce(announcement(), tmp_path)
    assert running(tmp_path) == [announcement()]


def test_a_newer_engine_may_say_more(tmp_path):
    found = announcement().model_dump() | {"colour": "blue"}
    (tmp_path / "engine-2.json").write_text(json.dumps(found))
    assert running(tmp_path) == [announcement()]


def test_a_process_that_is_not_ours_is_alive(monkeypatch):
    def not_allowed(pid: int, number: int) -> None:
        raise PermissionError

    assert is_alive(os.getpid())
    assert not is_alive(2**40)
    monkeypatch.setattr("os.kill", not_allowed)
    assert is_alive(1)
