"""Fixtures of the bridge's tests: a runtime folder of their own, and servers on free ports."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bridge.folders import RUNTIME_VARIABLE
from bridge.log import quiet
from bridge.server import ServeOptions, Server
from bridge.sessions import Opener, Wanted
from tests.bridge.fakes import CountingPlayer


def counting(wanted: Wanted) -> CountingPlayer:
    """A player without an engine."""
    return CountingPlayer(wanted.rate, wanted.channels)


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where engines of this test announce themselves; nobody else's are found."""
    folder = tmp_path / "runtime"
    monkeypatch.setenv(RUNTIME_VARIABLE, str(folder))
    return folder


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Serve in a thread, on any ports, until the test ends."""
    with ExitStack() as servers:

        def start(opener: Opener = counting, **options: Any) -> Server:
            options = {"port": 0, "osc_port": 0, "expire_seconds": 60.0} | options
            server = Server(opener, ServeOptions(**options), quiet)
            thread = threading.Thread(target=server.run, daemon=True)
            thread.start()
            servers.callback(thread.join, 10.0)
            servers.callback(server.stop)
            return server

        yield start
