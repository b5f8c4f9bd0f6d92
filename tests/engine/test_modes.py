"""Modes: what is to be done at a bar is a function of the bar and of what is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.command import Freeze, Panic, Pick, SetMode
from engine.desk import Desk
from engine.modes import is_call, role_at, turns_with_bars


def asked(*commands) -> Desk:
    desk = Desk()
    for command in commands:
        desk = desk.apply(command, 0)
    return desk


ANSWER = SetMode(mode="answer", call_bars=2, response_bars=3)


@pytest.mark.parametrize(
    ("commands", "playing", "role"),
    [
        ((), True, "sound"),
        ((SetMode(mode="listen"),), True, "listen"),
        ((SetMode(mode="continue"),), True, "sound"),
        ((ANSWER,), True, "listen"),  # bar 0
        ((ANSWER, SetMode(mode="play")), True, "sound"),
        ((Freeze(bars=2),), True, "loop"),
        ((SetMode(mode="listen"), Freeze(bars=2)), True, "loop"),
        ((Freeze(bars=2), Freeze(bars=0)), True, "sound"),
        ((Panic(),), True, "rest"),
        ((Freeze(bars=2), Panic(), Pick(index=2)), True, "sound"),
        ((SetMode(mode="listen"), Panic(), Pick(index=2)), True, "listen"),
        ((), False, "rest"),
        ((Freeze(bars=2),), False, "rest"),
    ],
)
def test_what_is_asked_last_and_counts_most_decides(commands, playing, role):
    assert role_at(asked(*commands), 0, playing=playing) == role


def test_a_response_follows_a_call_from_the_songs_start():
    desk = asked(ANSWER)
    roles = [role_at(desk, bar, playing=True) for bar in range(10)]
    assert roles == (["listen"] * 2 + ["sound"] * 3) * 2


def test_a_count_in_belongs_to_the_turn_before_the_song():
    """Bars before the first count backwards on the same grid."""
    assert [is_call(bar, 2, 3) for bar in (-5, -4, -3, -2, -1, 0)] == [
        True,
        True,
        False,
        False,
        False,
        True,
    ]


@given(bar=st.integers(-1000, 1000), call=st.integers(1, 64), response=st.integers(1, 64))
def test_turns_repeat_for_ever(bar, call, response):
    """No bar is special: the same turn comes again after a call and a response."""
    assert is_call(bar, call, response) == is_call(bar + call + response, call, response)
    turns = [is_call(bar + n, call, response) for n in range(call + response)]
    assert sum(turns) == call


def test_only_answers_turn_with_the_bars():
    assert turns_with_bars(asked(ANSWER))
    assert not turns_with_bars(asked(SetMode(mode="continue")))
