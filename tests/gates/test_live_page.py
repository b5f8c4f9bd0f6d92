"""The page about playing live lists the keys and commands that there are, no more and no fewer."""

import re
from collections.abc import Iterable

import pytest

from engine.live.keys import command_rows, key_rows
from tests.gates import test_docs
from tests.gates.tree import ROOT

PAGE = ROOT / "docs" / "live.md"
TABLES = {"keys": ("key", key_rows), "commands": ("command", command_rows)}


def table(head: str, rows: Iterable[tuple[str, str]]) -> str:
    """A table in Markdown."""
    lines = [f"| {head} | what it does |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {what} |" for name, what in rows)])


def problems(text: str) -> list[str]:
    """Compare a page's tables with the code's."""
    found = []
    for name, (head, rows) in TABLES.items():
        there = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- end of {name} -->", text, re.DOTALL)
        if there is None or there[1] != table(head, rows()):
            found.append(f"the table of {name} should be:\n{table(head, rows())}")
    return found


def test_the_page_has_the_keys_and_commands():
    assert problems(PAGE.read_text()) == []


def test_the_pages_commands_can_be_typed():
    found = test_docs.problems(PAGE.read_text())
    assert [problem for problem in found if problem.startswith("antiphon")] == []


@pytest.mark.parametrize(("was", "spoilt"), [("| t | tap", "| t | slap"), ("| quit |", "| exit |")])
def test_a_table_that_is_not_the_codes_is_found(was, spoilt):
    text = PAGE.read_text()
    assert was in text
    assert len(problems(text.replace(was, spoilt))) == 1
