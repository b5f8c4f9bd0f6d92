"""A host that X ended may begin anew; one that the plugin ended, or that only failed, may not."""

import pytest

from plugin_host.hosts import window_rung
from plugin_host.hosts.child import Died
from plugin_host.rung import Failed

SAID_BY_X = "X Error of failed request:  BadWindow (invalid Window parameter)\n"


@pytest.fixture
def log(tmp_path):
    return tmp_path / "dawdreamer.log"


def test_a_host_that_x_ended_is_let_go(log):
    log.write_text(SAID_BY_X)
    with window_rung.spared_x_error(log):
        raise Died("the host died with status 1")


def test_a_host_that_died_otherwise_is_not(log):
    log.write_text("Segmentation fault\n")
    with pytest.raises(Died), window_rung.spared_x_error(log):
        raise Died("the host died with SIGSEGV")


def test_a_host_that_lives_and_fails_is_not(log):
    log.write_text(SAID_BY_X)
    with pytest.raises(Failed), window_rung.spared_x_error(log):
        raise Failed("the export did not come")


def test_three_hosts_that_x_ended_are_one_too_many(monkeypatch, tmp_path):
    class Stage:
        def fresh(self, name, suffix):
            return tmp_path / f"{name}{suffix}"

    asked = []

    def exports(_, log):
        asked.append(log)
        log.write_text(SAID_BY_X)
        raise Died("the host died with status 1")

    monkeypatch.setattr(window_rung, "_exports_typing", exports)
    with pytest.raises(Died):
        window_rung.exports_typing(Stage())
    assert len(asked) == window_rung.TRIES
