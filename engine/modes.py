"""Modes: what the music does at a place of the song, as a pure function.

In:  what is asked (`Desk`), whether the transport plays, and the bar. Out: a role. Answer mode
counts bars from the song's start: so many of call, so many of response, and again; nothing else is
remembered, so nothing drifts and a locate lands in the right turn.
"""

from typing import Final, Literal

from engine.desk import Desk

Role = Literal[
    "sound",  # music is composed and heard
    "listen",  # silent; what is heard is followed
    "loop",  # what was made is repeated
    "rest",  # silent; everything stays as it is
]
HEARING_MODES: Final = ("listen", "continue", "answer")  # what is heard counts


def role_at(desk: Desk, bar: int, *, playing: bool) -> Role:
    """Say what is to be done.

    Args:
        desk: what is asked.
        bar: index of the bar, from the song's start; negative in a count-in.
        playing: whether the transport plays.
    """
    if not playing or desk.is_silenced:
        return "rest"
    if desk.freeze_bars:
        return "loop"
    if desk.mode == "listen":
        return "listen"
    if desk.mode == "answer" and is_call(bar, desk.call_bars, desk.response_bars):
        return "listen"
    return "sound"


def is_call(bar: int, call_bars: int, response_bars: int) -> bool:
    """Tell whether a bar belongs to the call."""
    return bar % (call_bars + response_bars) < call_bars


def turns_with_bars(desk: Desk) -> bool:
    """Tell whether bar lines can change the role."""
    return desk.mode == "answer"
