"""The plugin's parameters are the engine's, and no project ever loses one."""

import pytest

from engine import PARAMETERS
from tests.gates.tree import ROOT
from tools.plugin_parameters import ADDED, FROM_ENGINE, PLACE, SEED_MAX, header, rows

# What projects and automation lanes hold. Rows are added at the end; none moves, none goes.
KEPT = [
    *(f"weight_{index}" for index in range(1, 9)),
    "glide", "temperature", "guidance", "density", "brightness", "drums", "key", "tempo",
    "notes_only", "seed", "call_bars", "response_bars", "level", "mode", "freeze", "freeze_bars",
    "quantise", "phrase_bars", "mix", "bypass", "on_stop", "same_again", "buffer", "take",
    "harmony",
]  # fmt: skip


def test_the_header_in_the_tree_is_the_one_that_the_table_gives():
    """If this fails, run `python -m tools.plugin_parameters`."""
    assert (ROOT / PLACE).read_text() == header()


def test_ids_and_places_never_change():
    names = [row.parameter.name for row in rows()]
    assert names[: len(KEPT)] == KEPT


def test_every_parameter_of_the_engine_is_one_of_the_plugin():
    assert {*FROM_ENGINE, *ADDED} == set(PARAMETERS)


@pytest.mark.parametrize("name", [name for name in (*FROM_ENGINE, *ADDED) if name != "seed"])
def test_ranges_and_defaults_are_the_engines(name):
    mine = next(row.parameter for row in rows() if row.parameter.name == name)
    assert mine == PARAMETERS[name]


def test_a_seed_is_exact_in_what_a_host_stores():
    seed = next(row.parameter for row in rows() if row.parameter.name == "seed")
    assert seed.high == SEED_MAX < PARAMETERS["seed"].high
    assert SEED_MAX + 1 == 2**24  # float32 counts as far
