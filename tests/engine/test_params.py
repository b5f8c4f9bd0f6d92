"""The parameter table: one row per thing a player can turn."""

import pytest

from engine.errors import OptionError
from engine.options import SamplingOptions
from engine.params import PARAMETERS
from engine.row import Controls
from engine.spec import KEYS


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_default_is_allowed_or_not_given(name):
    row = PARAMETERS[name]
    if row.default is not None:
        row.check(row.default)


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_says_what_it_does_and_where_it_is(name):
    row = PARAMETERS[name]
    assert row.help.endswith(".")
    assert row.address == f"/param/{name}"
    assert row.expected


def test_only_what_the_engine_obeys_is_listed():
    """A row is a field of the sampling options, of the controls, or the session's seed."""
    obeyed = {"tempo_bpm", "seed", *vars(SamplingOptions()), *vars(Controls())}
    assert {name for name in PARAMETERS if not {name, f"{name}_bpm"} & obeyed} == set()


@pytest.mark.parametrize(
    ("name", "good", "bad", "expected"),
    [
        ("tempo", 75, 900, "tempo is 900, expected a number from 40 to 220 bpm"),
        ("tempo", 220.0, 0, "tempo is 0, expected"),
        ("tempo", 40, float("nan"), "tempo is nan"),
        ("key", "D minor", "H minor", "key is 'H minor', expected one of C major"),
        ("drums", False, 1, "drums is 1, expected true or false"),
        ("density", 0, -0.1, "density is -0.1, expected a number from 0 to 1"),
        ("brightness", 1, True, "brightness is True"),
        ("seed", 2**63 - 1, -1, "seed is -1, expected a whole number from 0"),
        ("seed", 0, 1.5, "seed is 1.5"),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_range(name, good, bad, expected):
    PARAMETERS[name].check(good)
    with pytest.raises(OptionError, match=expected.replace("(", r"\(")):
        PARAMETERS[name].check(bad)


def test_every_key_can_be_asked_for():
    for key in KEYS:
        PARAMETERS["key"].check(key)
