"""`antiphon plugin`: what it says and does, in a home of its own, without a compiler or a host."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from plugin_host import build as builder
from plugin_host import cli, ladder, rung
from plugin_host.errors import PluginError
from plugin_host.places import products, settings_file
from tests.gates.tree import ROOT

PROGRAM = (sys.executable, "-c", "from bridge.cli import main; main()", "plugin")


@pytest.fixture
def build_folder(home, tmp_path):
    """A folder that looks like a finished build."""
    folder = tmp_path / "build"
    for one in products():
        path = folder / one.built
        if one.kind == "Standalone":
            path.parent.mkdir(parents=True)
            path.write_text("a program")
        else:
            path.mkdir(parents=True)
            (path / "content").write_text("a plugin")
    return folder


def plugin(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_program_offers_all_four_commands():
    done = plugin("--help")
    assert done.returncode == 0
    for command in ("build", "install", "uninstall", "check"):
        assert f" {command} " in done.stdout


@pytest.mark.parametrize("command", ["install", "check"])
def test_without_a_build_it_says_how_to_make_one(command, home, tmp_path):
    done = plugin(command, "--folder", tmp_path / "nothing")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "antiphon plugin build" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("check", "--only", "protools"), "--only is protools, expected one of core"),
        (("check", "--minutes", "0"), "--minutes is 0, expected 0.1 to 600"),
        (("build", "--jobs", "0"), "--jobs is 0, expected 1 to 256"),
        (("check", "--bundle", "no-such-folder"), "no-such-folder is no bundle"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(words, said, build_folder):
    more = () if words[0] == "build" else ("--folder", build_folder)
    done = plugin(*words, *more)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_installing_and_taking_away_leaves_a_home_as_it_was(build_folder, home):
    before = sorted(path for path in home.rglob("*") if path.is_file())
    done = plugin("install", "--folder", build_folder, "--json")
    assert done.returncode == 0, done.stderr
    written = json.loads(done.stdout)["written"]
    assert all(Path(path).exists() for path in written)
    assert (home / ".vst3" / "Antiphon.vst3" / "content").read_text() == "a plugin"
    command = json.loads(settings_file().read_text())["command"]
    assert Path(command[0]).name == "antiphon"
    assert command[1:] == ["serve", "--sessions", "20", "--idle-seconds", "120"]
    done = plugin("uninstall", "--json")
    assert sorted(json.loads(done.stdout)["taken"]) == sorted(written)
    assert sorted(path for path in home.rglob("*") if path.is_file()) == before


def test_the_users_own_settings_survive_both(build_folder, home):
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text('{"engine": "tcp://10.0.0.2:7450"}')
    assert plugin("install", "--folder", build_folder).returncode == 0
    assert plugin("uninstall").returncode == 0
    assert json.loads(settings_file().read_text()) == {"engine": "tcp://10.0.0.2:7450"}


def test_settings_that_are_no_json_are_not_overwritten(build_folder, home):
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text("{engine")
    done = plugin("install", "--folder", build_folder)
    assert done.returncode == 2
    assert "Mend it, or delete it" in done.stderr
    assert settings_file().read_text() == "{engine"


def test_uninstalling_nothing_says_so(home):
    done = plugin("uninstall")
    assert (done.returncode, done.stdout.strip()) == (0, "nothing was installed")


def test_what_is_missing_to_build_is_named_with_what_to_type(monkeypatch, tmp_path):
    monkeypatch.setattr(builder, "missing", lambda: ["juce-modules-source", "cmake"])
    with pytest.raises(PluginError, match=r"apt-get install .* juce-modules-source cmake"):
        builder.build(tmp_path / "build")


def test_a_compiler_that_fails_is_quoted(monkeypatch, tmp_path):
    monkeypatch.setattr(builder, "missing", list)
    monkeypatch.setattr(builder, "SOURCES", tmp_path / "no sources")
    with pytest.raises(PluginError, match=r"build\.log has all of it"):
        builder.build(tmp_path / "build")


@pytest.mark.parametrize(("outcome", "status"), [("passed", 0), ("skipped", 0), ("failed", 1)])
def test_the_exit_status_says_whether_a_rung_failed(
    outcome, status, build_folder, monkeypatch, capsys
):
    found = rung.Rung("core", "g++ 12", outcome, "")
    monkeypatch.setattr(ladder, "climb_all", lambda plan, tell: [found])
    with pytest.raises(cli.typer.Exit) as ended:
        cli.check(folder=build_folder, only=["core"], minutes=1.0, as_json=True)
    assert ended.value.exit_code == status
    assert json.loads(capsys.readouterr().out)["rungs"][0]["outcome"] == outcome


def test_only_the_hosts_that_were_asked_for_are_tried_and_in_the_ladders_order(
    build_folder, monkeypatch
):
    tried = []

    def climber(name):
        def climb(stage, plan, told):
            tried.append(name)
            return rung.skip(name, "it is a test")

        return climb

    monkeypatch.setattr(ladder, "CLIMBERS", {name: climber(name) for name in ladder.HOSTS})
    monkeypatch.setattr(ladder.Stage, "build", lambda *words: None)
    plan = ladder.Plan(
        builder.find(build_folder), ("serve",), (), ("jalv", "core"), 1.0, True, None
    )
    found = ladder.climb_all(plan, lambda line: None)
    assert tried == ["core", "jalv"]
    assert [one.outcome for one in found] == ["skipped", "skipped"]
