"""Where commands come from: keys of a terminal, or lines of a pipe."""

import os
import pty
import sys
import termios
from contextlib import suppress

import pytest

from engine.live.terminal import Keys, Lines, open_input


@pytest.fixture
def pipe():
    read, write = os.pipe()
    yield read, write
    for end in (read, write):
        with suppress(OSError):
            os.close(end)


@pytest.fixture
def terminal():
    """Both ends of a terminal: what the player types into, and what the program reads from."""
    player, program = pty.openpty()
    yield player, program
    os.close(player)
    os.close(program)


def all_lines(source, tries: int = 50) -> list[str]:
    found: list[str] = []
    for _ in range(tries):
        found += source.wait(0.0)
    return found


def test_lines_come_whole_however_they_are_cut(pipe):
    read, write = pipe
    lines = Lines(read)
    os.write(write, b"pick 3\ntem")
    assert lines.wait(1.0) == ["pick 3"]
    os.write(write, "po 97.5\n# a remark\n\n/ château\n".encode())
    assert lines.wait(1.0) == ["tempo 97.5", "/ château"]


def test_the_last_line_needs_no_end_and_after_it_nothing_comes(pipe):
    """A pipe that ends does not end the music."""
    read, write = pipe
    lines = Lines(read)
    os.write(write, b"pick 3")
    os.close(write)
    assert all_lines(lines) == ["pick 3"]
    assert lines.wait(0.0) == []


def test_a_line_without_end_does_not_grow_for_ever(pipe):
    read, write = pipe
    lines = Lines(read)
    for _ in range(8):
        os.write(write, b"x" * 4096)
        lines.wait(1.0)
    assert len(lines._rest) <= 16_000


def test_without_stdin_nothing_comes(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with open_input() as source:
        assert source.wait(0.0) == []


def test_keys_come_at_once_and_the_terminal_is_put_back(terminal, monkeypatch):
    player, program = terminal
    before = termios.tcgetattr(program)
    with os.fdopen(os.dup(program)) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(os, "tcgetpgrp", lambda fd: os.getpgrp())
        with suppress(RuntimeError), open_input() as source:
            assert isinstance(source, Keys)
            assert not termios.tcgetattr(program)[3] & (termios.ECHO | termios.ICANON)
            os.write(player, b"3")
            assert source.wait(2.0) == ["pick 3"]
            raise RuntimeError("whatever happens")
    assert termios.tcgetattr(program) == before


def test_in_the_background_the_terminal_is_left_alone(terminal, monkeypatch):
    _, program = terminal
    before = termios.tcgetattr(program)
    with os.fdopen(os.dup(program)) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(os, "tcgetpgrp", lambda fd: os.getpgrp() + 1)
        with open_input() as source:
            assert source.wait(0.0) == []
            assert termios.tcgetattr(program) == before


def test_a_character_of_several_bytes_is_typed_as_one(pipe):
    read, write = pipe
    keys = Keys(read)
    raw = "/é🎸".encode()
    for byte in raw:
        os.write(write, bytes([byte]))
        keys.wait(1.0)
    assert keys.typed == "/é🎸"


def test_escape_alone_gives_up_what_was_typed(pipe):
    read, write = pipe
    keys = Keys(read)
    os.write(write, b"/warm\x1b")
    keys.wait(1.0)
    keys.wait(0.0)
    assert keys.typed is None


def test_a_terminal_that_closes_ends_the_set(pipe):
    read, write = pipe
    os.close(write)
    assert Keys(read).wait(1.0) == ["quit"]


def test_waiting_ends_when_something_comes(pipe):
    read, write = pipe
    os.write(write, b"q")
    assert Keys(read).wait(600.0) == ["quit"]
