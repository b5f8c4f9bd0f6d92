"""`antiphon serve` and `antiphon keys` from the outside: what is said, and what is refused."""

import signal
import sys

import pytest

from bridge.cli import main


@pytest.fixture
def antiphon(monkeypatch, capsys):
    """Run a command; status, stdout, stderr."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest keeps its own handlers

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["antiphon", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return int(stopped.value.code or 0), said.out, said.err

    return run


def test_the_bridges_commands_stand_beside_the_engines(antiphon):
    status, said, _ = antiphon("--help")
    assert status == 0
    assert all(command in said for command in ("render", "serve", "keys"))


def test_another_address_is_refused_before_anything_is_loaded(antiphon, tmp_path):
    """There is no bundle here: the refusal comes first."""
    status, _, error = antiphon("serve", "--host", "0.0.0.0", "--bundle", tmp_path / "none")
    assert status == 2
    assert error.startswith("error: host is 0.0.0.0, which other machines can reach")
    assert "antiphon keys --client NAME" in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--osc-host", "0.0.0.0"), "--osc-allow 192.168.1.20"),
        (("--osc-allow", "studio"), "expected 192.168.1.20 or 192.168.1.0/24"),
        (("--keys", "nowhere"), "has no clients/*.public"),
        (("--port", "99999"), "port is 99999, expected 0 to 65535"),
        (("--sessions", "0"), "sessions is 0, expected 1 to 64"),
        (("--bundle", "nowhere"), "bundle nowhere cannot be opened"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(antiphon, arguments, said):
    status, out, error = antiphon("serve", *arguments)
    assert (status, out) == (2, "")
    assert said in error
    assert len(error.splitlines()) == 1


def test_keys_are_made_and_the_next_step_is_said(antiphon, tmp_path):
    status, said, _ = antiphon("keys", "--folder", tmp_path / "keys")
    assert status == 0
    assert "next: antiphon keys --client NAME" in said
    status, said, _ = antiphon("keys", "--folder", tmp_path / "keys", "--client", "laptop")
    assert status == 0
    assert f"antiphon serve --host 0.0.0.0 --keys {tmp_path / 'keys'}" in said
    status, _, error = antiphon("keys", "--folder", tmp_path / "keys", "--client", "laptop")
    assert (status, "is there already" in error) == (2, True)
