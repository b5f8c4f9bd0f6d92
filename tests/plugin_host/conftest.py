"""Fixtures of the plugin's tests: a stage with the built plugin, and toy engines that it finds."""

import os
import sys
from pathlib import Path

import pytest

from plugin_host.build import Built, find
from plugin_host.errors import Missing
from plugin_host.hosts.stage import Stage
from plugin_host.places import build_folder
from tests.fakes import write_toy_bundle
from tests.gates.tree import ROOT

SERVE = (sys.executable, "-c", "from bridge.cli import main; main()", "serve", "--threads", "1")


@pytest.fixture(scope="session")
def built() -> Built:
    """The plugin, if `antiphon plugin build` has built it."""
    try:
        return find(build_folder())
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home without anything in it."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return folder


@pytest.fixture(scope="session")
def other_bundle_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second toy bundle, of another name."""
    folder = tmp_path_factory.mktemp("bundles") / "other"
    return write_toy_bundle(folder, lambda manifest: manifest.update(name="other"))


@pytest.fixture
def stage(
    built: Built,
    toy_bundle_path: Path,
    other_bundle_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Stage:
    """A scratch home with the plugin in it; its engines play the toy bundle."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    return Stage.build(
        tmp_path / "stage",
        [built.path("VST3"), built.path("LV2")],
        [*SERVE, "--bundle", str(toy_bundle_path)],
        [*SERVE, "--bundle", str(other_bundle_path)],
    )
