"""Installing is whole, says how to start the engine, and leaves alone what is the user's."""

import json

import pytest

from plugin_host import needs
from plugin_host.build import Built, build, find
from plugin_host.errors import Missing, PluginError
from plugin_host.install import install, uninstall
from plugin_host.places import products, settings_file

COMMAND = ["/somewhere/antiphon", "serve"]


pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def built(tmp_path):
    """What a build leaves, in small: two bundles and a program."""
    folder = tmp_path / "build"
    for one in products():
        path = folder / one.built
        if one.kind == "Standalone":
            path.parent.mkdir(parents=True)
            path.write_text("a program")
        else:
            path.mkdir(parents=True)
            (path / "part.so").write_text(f"a {one.kind}")
    return find(folder)


def test_all_is_where_hosts_look(built, home):
    written = install(built, COMMAND)
    assert (home / ".vst3" / "Antiphon.vst3" / "part.so").read_text() == "a VST3"
    assert (home / ".lv2" / "Antiphon.lv2" / "part.so").read_text() == "a LV2"
    assert (home / ".local" / "bin" / "antiphon-app").is_file()
    assert all(path.exists() for path in written)


def test_the_plugin_is_told_how_to_start_the_engine(built):
    install(built, COMMAND)
    assert json.loads(settings_file().read_text()) == {"command": COMMAND}


def test_a_second_installation_replaces_the_first_and_leaves_nothing_else(built, home):
    install(built, COMMAND)
    (home / ".vst3" / "Antiphon.vst3" / "old.so").write_text("of an older version")
    install(built, COMMAND)
    assert [path.name for path in (home / ".vst3").iterdir()] == ["Antiphon.vst3"]
    assert not (home / ".vst3" / "Antiphon.vst3" / "old.so").exists()


def test_what_the_user_set_stays_through_installing_and_removing(built):
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text('{"start": false, "command": ["old"]}')
    install(built, COMMAND)
    assert json.loads(settings_file().read_text()) == {"start": False, "command": COMMAND}
    uninstall()
    assert json.loads(settings_file().read_text()) == {"start": False}


def test_removing_leaves_nothing_behind(built, home):
    install(built, COMMAND)
    taken = uninstall()
    assert len(taken) == len(products()) + 1
    assert [path for path in home.rglob("*") if path.is_file()] == []
    assert uninstall() == []


def test_settings_that_are_no_json_are_not_overwritten(built):
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text("start = false")
    with pytest.raises(PluginError, match="is no JSON"):
        install(built, COMMAND)
    assert settings_file().read_text() == "start = false"


def test_an_unfinished_build_is_named(built):
    (built.folder / products()[2].built).unlink()
    with pytest.raises(Missing, match="has no Standalone"):
        find(built.folder)
    assert isinstance(built, Built)


def test_what_is_missing_is_said_in_words_that_can_be_typed(tmp_path, monkeypatch):
    monkeypatch.setattr(needs, "PROGRAMS", {"no-such-program": "a-package"})
    monkeypatch.setattr(needs, "HEADERS", {"no/such.h": "a-header-dev"})
    with pytest.raises(Missing, match=r"apt-get install .*a-package a-header-dev"):
        build(tmp_path)
