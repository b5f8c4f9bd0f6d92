"""The terminal: keys one by one where there is one, lines where there is not.

In:  stdin. Out: line commands for the player. A terminal is put into a mode in which keys come at
once and are not echoed, and put back whatever happens. One thread.
"""

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import UnsupportedOperation
from typing import Final, Protocol

from engine.live.keys import Typist
from engine.live.lines import MAX_CHARACTERS

_READ_BYTES: Final = 4096


class Input(Protocol):
    """Where commands come from."""

    @property
    def typed(self) -> str | None:
        """What is being typed, for the status line."""
        ...

    def wait(self, seconds: float) -> list[str]:
        """Wait at most so long; returns the commands that came."""
        ...


class Keys:
    """Keys of a terminal."""

    def __init__(self, fd: int) -> None:
        self._fd, self._typist = fd, Typist()
        self._undecoded = b""

    @property
    def typed(self) -> str | None:
        """What is being typed."""
        return self._typist.typed

    def wait(self, seconds: float) -> list[str]:
        """Wait at most so long; returns the commands that keys completed."""
        raw = _read(self._fd, seconds)
        if not raw:
            self._typist.end()
            return ["quit"] if raw == b"" else []
        text, self._undecoded = _decode(self._undecoded + raw)
        return self._typist.feed(text)


class Lines:
    """Lines of a pipe or a file; when it ends, no more come."""

    typed: str | None = None

    def __init__(self, fd: int | None) -> None:
        self._fd = fd
        self._rest = b""

    def wait(self, seconds: float) -> list[str]:
        """Wait at most so long; returns the lines that came."""
        raw = _read(self._fd, seconds)
        if raw is None:
            return []
        *lines, self._rest = (self._rest + raw).split(b"\n")
        if not raw:
            self._fd = None
            lines, self._rest = [*lines, self._rest], b""
        elif len(self._rest) > 4 * MAX_CHARACTERS:
            lines, self._rest = [*lines, self._rest], b""  # too long, as the player will be told
        texts = (line.decode(errors="replace").strip() for line in lines)
        return [text for text in texts if text and not text.startswith("#")]


def _read(fd: int | None, seconds: float) -> bytes | None:
    """What can be read within some seconds; None if nothing came, b"" at the end."""
    ready, _, _ = select.select([] if fd is None else [fd], [], [], seconds)
    if fd is None or not ready:
        return None
    try:
        return os.read(fd, _READ_BYTES)
    except OSError:
        return b""  # the terminal was closed


def _decode(raw: bytes) -> tuple[str, bytes]:
    """Text, and the bytes of a character that has not come whole."""
    for cut in range(min(4, len(raw) + 1)):
        try:
            return raw[: len(raw) - cut].decode(), raw[len(raw) - cut :]
        except UnicodeDecodeError:
            continue
    return raw.decode(errors="ignore"), b""


@contextmanager
def open_input() -> Iterator[Input]:
    """Open stdin: keys if it is a terminal that is ours, lines if it is a pipe or a file."""
    fd = _stdin()
    if fd is None or not os.isatty(fd):
        yield Lines(fd)
    elif os.tcgetpgrp(fd) != os.getpgrp():
        yield Lines(None)  # in the background; touching the terminal would stop the process
    else:
        with _key_by_key(fd):
            yield Keys(fd)


def _stdin() -> int | None:
    """What stdin is to the system; None where a program around this one took it away."""
    try:
        return None if sys.stdin is None or sys.stdin.closed else sys.stdin.fileno()
    except UnsupportedOperation:
        return None


@contextmanager
def _key_by_key(fd: int) -> Iterator[None]:
    """Let keys through at once, without echo; Ctrl-C and Ctrl-Z stay what they are."""
    import termios
    import tty

    before = termios.tcgetattr(fd)
    was = signal.signal(signal.SIGCONT, lambda *_: tty.setcbreak(fd))  # back from Ctrl-Z
    try:
        tty.setcbreak(fd)
        yield
    finally:
        signal.signal(signal.SIGCONT, was)
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
