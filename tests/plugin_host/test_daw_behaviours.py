"""The page about what DAWs expect has a row for each, and names tests that are there."""

import ast
import re

import pytest

from plugin_host.hosts import preset
from tests.gates.tree import ROOT

PAGE = ROOT / "docs" / "daw-behaviours.md"
CORE = ROOT / "plugin_host" / "core" / "tests"
EXPECTED = 29
REASONS = ("Does not apply", "Not shown")


def rows(page: str) -> dict[int, str]:
    """Number of a behaviour -> what shows it."""
    found = re.findall(r"^\| (\d+) \| [^|]+ \| (.+) \|$", page, re.MULTILINE)
    return {int(number): shown for number, shown in found}


def problems(page: str) -> list[str]:
    """Say which behaviours have no row, no proof and no reason, or a proof that is not there."""
    found = rows(page)
    gone = [f"{n} has no row" for n in range(1, EXPECTED + 1) if n not in found]
    for number, shown in found.items():
        named = re.findall(r"`((?:tests/|core: )[^`]+)`", shown)
        if not named and not shown.startswith(REASONS):
            gone.append(f"{number} has neither a test nor a reason")
        gone += [f"{number}: {name} does not exist" for name in named if not _exists(name)]
    return gone


def _exists(name: str) -> bool:
    if name.startswith("core: "):
        return name.removeprefix("core: ") in _core_tests()
    path, _, function = name.partition("::")
    if not (ROOT / path).is_file():
        return False
    body = ast.parse((ROOT / path).read_text()).body
    return not function or any(
        isinstance(one, ast.FunctionDef) and one.name == function for one in body
    )


def _core_tests() -> set[str]:
    """Names of the core's test cases; a long one is written in pieces."""
    text = "\n".join(path.read_text() for path in sorted(CORE.glob("*.cpp")))
    pieces = re.findall(r'TEST_CASE\(\s*((?:"[^"]*"\s*)+)\)', text)
    return {"".join(re.findall(r'"([^"]*)"', one)) for one in pieces}


def test_every_behaviour_has_a_row_with_a_test_that_is_there_or_a_reason():
    assert problems(PAGE.read_text()) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("| 17 |", "| seventeen |", "17 has no row"),
        ("core: song: a loop goes round", "core: song: a loop goes up", "17: core: song: a loop"),
        (
            "::test_an_export_without_an_engine_ends",
            "::test_it",
            "13: tests/plugin_host/test_hosts",
        ),
        (
            "`core: ceiling: quiet samples pass bit for bit, loud ones stay below full scale`",
            "It is.",
            "26 has neither",
        ),
    ],
)
def test_a_fault_in_the_page_is_found(before, after, said):
    page = PAGE.read_text()
    assert before in page
    assert any(said in problem for problem in problems(page.replace(before, after)))


def test_a_project_holds_no_address_and_no_key():
    """Names of what the plugin saves, from the code that writes it."""
    text = (ROOT / "plugin_host" / "core" / "src" / "state.cpp").read_text()
    written = set(re.findall(r'(?:set|at|text|object_at)\((?:json, )?"(\w+)"', text))
    assert {"prompts", "values", "made_with"} <= written
    assert written.isdisjoint({"address", "host", "keys", "engine_key", "command", "token"})
    assert preset.EMPTY["product"] == "antiphon"
