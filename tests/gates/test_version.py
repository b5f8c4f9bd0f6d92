"""The version has one home, and the changelog begins with it."""

import re
import tomllib
from pathlib import Path

import engine
from tests.gates.tree import ROOT


def problems(changelog: str, version: str) -> list[str]:
    """Compare the changelog's first version heading with the package's version."""
    heading = re.search(r"^## \[([^\]]+)\]", changelog, re.MULTILINE)
    if heading is None:
        return ["CHANGELOG.md has no heading '## [version]'"]
    if heading[1] != version:
        return [f"CHANGELOG.md begins with {heading[1]}, the package is {version}"]
    return []


def test_the_changelog_begins_with_this_version():
    assert problems((ROOT / "CHANGELOG.md").read_text(), engine.__version__) == []


def test_the_version_is_written_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert Path(project["tool"]["hatch"]["version"]["path"]) == Path("engine/__init__.py")


def test_another_version_and_no_version_are_found():
    assert problems("# Changelog\n\n## [0.2.0] - soon\n", "0.1.0") != []
    assert problems("# Changelog\n", "0.1.0") != []
