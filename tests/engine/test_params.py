"""The parameter table: one row per thing a player can turn."""

import pytest

from engine.command import NoteOn, SetParam
from engine.desk import Desk
from engine.errors import OptionError
from engine.params import PARAMETERS, check
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


OTHER = {
    "temperature": 0.5,
    "guidance": 3.0,
    "tempo": 97.0,
    "key": "D minor",
    "drums": False,
    "density": 0.7,
    "brightness": 0.2,
    "seed": 7,
    "notes_only": True,
    "harmony": False,
    "glide": 2.0,
    "call_bars": 2,
    "response_bars": 8,
    "level": -6.0,
}


def what_holds(desk: Desk) -> list[object]:
    """All that the desk tells the engine, well after a change."""
    controls = vars(desk.controls(100)) | {"notes": desk.held.at(100, 0)}
    notes = desk.controls(100).notes
    return [
        {name: str(value) for name, value in controls.items()},
        str(None if notes is None else notes.tolist()),
        (desk.sampling(100), desk.seed, desk.gain(100)),
        (desk.call_bars, desk.response_bars, desk.glide_frames(None)),
    ]


@pytest.mark.parametrize("name", PARAMETERS)
def test_only_what_the_engine_obeys_is_listed(name):
    """Turning a row changes something of what the desk asks the engine for."""
    desk = Desk().apply(NoteOn(pitch=60), 0)
    turned = desk.apply(SetParam(name=name, value=OTHER[name]), 1)
    assert what_holds(turned) != what_holds(desk)
    back = turned.apply(SetParam(name=name, value=None), 2)
    assert what_holds(back) == what_holds(desk)


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
        ("tempo", 75, 10**400, "tempo is 1000"),
        ("density", 0, float("-inf"), "density is -inf"),
        ("notes_only", True, 0, "notes_only is 0, expected true or false"),
        ("glide", 60, 61, "glide is 61, expected a number from 0 to 60 s"),
        ("call_bars", 64, 0, "call_bars is 0, expected a whole number from 1 to 64 bars"),
        ("response_bars", 1, 65, "response_bars is 65"),
        ("level", -60, 12.5, "level is 12.5, expected a number from -60 to 12 dB"),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_range(name, good, bad, expected):
    PARAMETERS[name].check(good)
    with pytest.raises(OptionError, match=expected.replace("(", r"\(")):
        PARAMETERS[name].check(bad)


def test_every_key_can_be_asked_for():
    for key in KEYS:
        PARAMETERS["key"].check(key)


def test_a_parameter_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(OptionError, match="parameter is 'warp', expected one of temperature, gui"):
        check("warp", 1)


def test_what_was_got_is_shown_no_longer_than_a_line_or_two():
    with pytest.raises(OptionError) as caught:
        PARAMETERS["key"].check("x" * 10**6)
    assert len(str(caught.value)) < 1000
