"""Fixtures of the journeys: the program, servers on free ports, a runtime folder of their own."""

import signal
import sys

import pytest

from engine import cli
from tests.bridge.conftest import runtime, serve
from tests.flow.program import Answer, Antiphon

__all__ = ["antiphon", "runtime", "serve"]


@pytest.fixture
def antiphon(monkeypatch, capsys, tmp_path, toy_bundle_path) -> Antiphon:
    """Run a command in an empty folder with the toy bundle as the default."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANTIPHON_BUNDLE", str(toy_bundle_path))
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest keeps its own handlers

    def run(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["antiphon", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        said = capsys.readouterr()
        return Answer(int(stopped.value.code or 0), said.out, said.err)

    return run
