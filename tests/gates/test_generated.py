"""Generated files are what the code says, and the code says something about every field.

If a test here fails after a change on purpose, run `python -m bridge.docs`.
"""

import shutil
from typing import get_args

import pytest

from bridge import control, docs, limits
from bridge.docs import generated, stale
from bridge.words import describe
from engine import PARAMETERS
from tests.gates.tree import ROOT

MESSAGES = [*get_args(control.FromClient), *get_args(control.FromEngine)]


def test_generated_files_are_as_the_code_has_them():
    assert stale(ROOT) == []


@pytest.mark.parametrize("place", generated())
def test_an_edited_file_and_a_missing_one_are_found(place, tmp_path):
    for one in generated():
        (tmp_path / one).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / one, tmp_path / one)
    assert stale(tmp_path) == []
    edited = tmp_path / place
    edited.write_text(edited.read_text() + " ")
    assert stale(tmp_path) == [place]
    edited.unlink()
    assert stale(tmp_path) == [place]


@pytest.mark.parametrize("kind", MESSAGES)
def test_every_field_of_a_message_says_what_it_means(kind):
    silent = [one.name for one in describe(kind) if not one.meaning and one.name != "type"]
    assert silent == []


def test_a_field_that_says_nothing_is_found():
    class Planted(control.Message):
        loud: int  # says something
        silent: int

    assert [one.meaning for one in describe(Planted)] in (["says something", ""], ["", ""])


def test_every_limit_says_what_it_bounds():
    lines = [line for line in docs.protocol_page().splitlines() if line.startswith("| `MAX_")]
    assert len(lines) > 20
    assert [line for line in lines if line.rstrip(" |").endswith(" |")] == []


def test_limits_that_are_the_engines_own_are_the_engines():
    assert PARAMETERS["glide"].high == limits.MAX_GLIDE_SECONDS
