"""Commands and asks: checked when made, and exactly the same after a trip through JSON."""

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.ask import Ack, Ask, When
from engine.command import (
    Command,
    Freeze,
    NoteOff,
    NoteOn,
    Panic,
    Pick,
    SetChord,
    SetFamilies,
    SetMode,
    SetNotes,
    SetParam,
    SetPrompt,
    SetStyle,
    SetWeight,
)
from engine.errors import OptionError, PromptError, ShapeError
from engine.spec import KEYS, STYLE_WIDTH
from tests.engine.drawn_commands import ASKS, COMMANDS, KINDS, a_style

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def through_text(value: object) -> object:
    return json.loads(json.dumps(value))


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(data=st.data())
def test_every_command_survives_json(kind, data):
    command = data.draw(KINDS[kind])
    back = Command.from_json(through_text(command.to_json()))
    assert (back, back.kind, back.slot) == (command, kind, command.slot)
    assert back.to_json() == command.to_json()


@settings(deadline=None)
@given(ASKS)
def test_every_ask_survives_json(ask):
    assert Ask.from_json(through_text(ask.to_json())) == ask


def test_a_style_survives_json_to_the_bit():
    style = a_style(1)
    back = Command.from_json(through_text(SetStyle(index=1, style=style, said="x").to_json()))
    assert isinstance(back, SetStyle)
    assert back.style.tobytes() == style.tobytes()


@settings(deadline=None)
@given(COMMANDS, st.data(), ANY_JSON)
def test_a_field_of_anything_is_refused_in_words_or_means_something(command, data, anything):
    """Whatever comes from a file or a socket, nothing but our own errors leaves the reader."""
    found = command.to_json()
    found[data.draw(st.sampled_from([*found, "more"]))] = anything
    with suppress(OptionError, PromptError):
        made = Command.from_json(found)
        assert Command.from_json(through_text(made.to_json())) == made


@settings(deadline=None)
@given(ASKS, st.data(), ANY_JSON)
def test_an_ask_of_anything_is_refused_in_words_or_means_something(ask, data, anything):
    found = ask.to_json()
    found[data.draw(st.sampled_from([*found, "more"]))] = anything
    with suppress(OptionError, PromptError):
        made = Ask.from_json(found)
        assert Ask.from_json(through_text(made.to_json())) == made


REFUSED = [
    (None, "command is None, expected an object with a kind"),
    ([], "command is []"),
    ({}, "command is {}"),
    ({"kind": 3}, "expected an object with a kind"),
    ({"kind": "dance"}, "kind of command is 'dance', expected one of prompt, style"),
    ({"kind": "pick"}, "command pick has no field 'index', expected index."),
    ({"kind": "pick", "index": 1, "loud": 1}, "a field of command pick is 'loud'"),
    ({"kind": "pick", "index": 0}, "prompt index is 0, expected a whole number from 1 to 8"),
    ({"kind": "pick", "index": 9}, "prompt index is 9"),
    ({"kind": "pick", "index": 1.0}, "command pick.index is 1.0, expected a whole number"),
    ({"kind": "pick", "index": True}, "command pick.index is True"),
    ({"kind": "pick", "index": None}, "command pick.index is None"),
    ({"kind": "weight", "index": 1, "weight": 2.5}, "weight is 2.5, expected a number from -2"),
    ({"kind": "weight", "index": 1, "weight": float("nan")}, "expected a finite number"),
    ({"kind": "weight", "index": 1, "weight": float("inf")}, "expected a finite number"),
    ({"kind": "weight", "index": 1, "weight": 10**400}, "expected a finite number"),
    ({"kind": "weight", "index": 1, "weight": "1"}, "is '1', expected a finite number"),
    ({"kind": "param", "name": "tempo", "value": 10**400}, "expected a number from 40 to 220"),
    ({"kind": "param", "name": "tempo", "value": float("nan")}, "expected a finite number"),
    ({"kind": "param", "name": "tempo", "value": [75]}, "expected a finite number"),
    ({"kind": "param", "name": "warp", "value": 1}, "parameter is 'warp', expected one of"),
    ({"kind": "param", "name": [], "value": 1}, "expected text"),
    ({"kind": "param", "name": "key", "value": "H"}, "key is 'H', expected one of C major"),
    ({"kind": "chord", "root": "H"}, "chord root is 'H'"),
    ({"kind": "chord", "root": "C", "quality": "sad"}, "chord quality is 'sad'"),
    ({"kind": "notes", "pitches": 60}, "command notes.pitches is 60, expected a list"),
    (
        {"kind": "notes", "pitches": [60, 128]},
        "pitch is 128, expected a whole number from 0 to 127",
    ),
    ({"kind": "notes", "pitches": [60, None]}, r"command notes.pitches[1] is None"),
    ({"kind": "note_on", "pitch": -1}, "pitch is -1"),
    ({"kind": "families", "asked": ["kazoo"]}, "instrument family is 'kazoo'"),
    ({"kind": "families", "asked": ["piano"], "refused": ["piano"]}, "asked for or refused, not"),
    ({"kind": "mode", "mode": "dance"}, "one of play, listen, continue, answer"),
    ({"kind": "mode", "mode": "answer", "call_bars": 0}, "call_bars is 0, expected a whole number"),
    ({"kind": "freeze", "bars": 17}, "bars to freeze is 17"),
    ({"kind": "freeze", "bars": -1}, "bars to freeze is -1"),
    ({"kind": "style", "index": 1, "style": "!", "said": ""}, "expected base64"),
    ({"kind": "style", "index": 1, "style": "é", "said": ""}, "expected base64"),
    ({"kind": "style", "index": 1, "style": "AAAA", "said": ""}, "is 3, expected 512 bytes"),
    (
        {"kind": "style", "index": 1, "style": "A" * 683 + "=", "said": ""},
        "norm of a style is 0.0",
    ),
    ({"kind": "prompt", "index": 1, "text": 7}, "command prompt.text is 7, expected text"),
    ({"kind": "prompt", "index": 1, "text": "x" * 5000}, "prompt has 5,000 characters, expected"),
    ({"kind": "prompt", "index": 1, "text": " " * 5000}, "prompt has 5,000 characters, expected"),
    ({"kind": "prompt", "index": 1, "text": "!?"}, "prompt is empty"),
    ({"kind": "prompt", "index": 1, "text": "900 bpm"}, "900"),
    ({"kind": "prompt", "index": 1, "text": "\ud800"}, "is no text"),
    ({"kind": "prompt", "index": "x" * 10**6, "text": "a"}, "expected a whole number"),
]


@pytest.mark.parametrize(("found", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_command_is_refused_in_words(found, message):
    with pytest.raises((OptionError, PromptError)) as caught:
        Command.from_json(found)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("text", ["x" * 5000, "!?", "\ud800"])
def test_a_prompt_that_cannot_be_read_is_a_prompt_error(text):
    with pytest.raises(PromptError):
        SetPrompt(index=1, text=text)


@pytest.mark.parametrize(
    ("style", "error", "message"),
    [
        (np.zeros(STYLE_WIDTH, np.float32), OptionError, "norm of a style is 0.0, expected 1"),
        (np.full(STYLE_WIDTH, np.nan, np.float32), OptionError, "norm of a style is inf"),
        (np.full(STYLE_WIDTH, 3e38, np.float32), OptionError, r"norm of a style is 3\.39"),
        (a_style(0).astype(np.float64), OptionError, "expected an array of float32"),
        (list(a_style(0)), OptionError, "expected an array of float32"),
        (a_style(0)[:5], ShapeError, r"style has shape \(5,\), expected \(128,\)"),
    ],
)
def test_what_is_no_style_is_refused(style, error, message):
    with pytest.raises(error, match=message):
        SetStyle(index=1, style=style, said="")


def test_a_style_cannot_be_changed_after_it_was_asked_for():
    style = a_style(0)
    command = SetStyle(index=1, style=style, said="")
    style[:] = 0
    assert np.linalg.norm(command.style) == pytest.approx(1)
    assert not command.style.flags.writeable


@pytest.mark.parametrize("said", ["x" * 2001, "\ud800", None])
def test_a_style_is_called_something_that_can_be_shown(said):
    with pytest.raises(OptionError, match="said is"):
        SetStyle(index=1, style=a_style(0), said=said)


def test_newest_wins_among_what_is_about_the_same_thing_only():
    same = [SetPrompt(index=3, text="a choir"), SetStyle(index=3, style=a_style(0), said="b")]
    assert len({command.slot for command in same}) == 1
    different = [
        *(SetPrompt(index=1, text=""), SetPrompt(index=2, text=""), SetWeight(index=1, weight=1)),
        *(SetWeight(index=2, weight=1), Pick(index=1), SetChord(root=None), SetNotes(pitches=())),
        *(SetParam(name="key", value=None), SetParam(name="tempo", value=None), Panic()),
        *(NoteOn(pitch=1), NoteOff(pitch=1), NoteOn(pitch=2), Freeze(bars=1), SetFamilies()),
        SetMode(mode="play"),
    ]
    assert len({command.slot for command in different}) == len(different)


def test_a_short_note_is_not_lost_in_an_inbox():
    """Its end must not replace its beginning."""
    assert NoteOn(pitch=60).slot != NoteOff(pitch=60).slot


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"kind": "soon"}, "soon"),
        ({"kind": "frame"}, "frame is None, expected a whole number"),
        ({"kind": "frame", "frame": -1}, "frame is -1"),
        ({"kind": "frame", "frame": 2**41}, "frame is 2199023255552"),
        ({"kind": "bar", "frame": 3}, "frame is 3, expected nothing with 'bar'"),
        ({"kind": "phrase"}, "bars of a phrase is None"),
        ({"kind": "phrase", "bars": 0}, "bars of a phrase is 0"),
        ({"kind": "beat", "bars": 4}, "bars is 4, expected nothing with 'beat'"),
        ({"bars": 4}, "bars is 4, expected nothing with 'now'"),
        ("bar", "when is 'bar', expected an object"),
    ],
)
def test_a_time_that_contradicts_itself_is_refused(said, message):
    with pytest.raises(OptionError, match=message):
        When.from_json(said)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": ""}, "id is '', expected text of 1 to 64 characters"),
        ({"id": "x" * 65}, "expected text of 1 to 64 characters"),
        ({"id": 5}, "ask.id is 5, expected text"),
        ({"glide_seconds": -1}, "glide is -1.0, expected a number from 0 to 60 s"),
        ({"glide_seconds": float("nan")}, "ask.glide_seconds is nan"),
        ({"command": {"kind": "panic"}, "when": {"kind": "bar"}}, "time of a panic is 'bar'"),
        ({"when": None}, "when is None, expected an object"),
        ({"why": 1}, "a field of ask is 'why'"),
    ],
)
def test_an_ask_that_cannot_be_obeyed_is_refused(change, message):
    ask = Ask(id="1", command=Pick(index=1)).to_json()
    with pytest.raises(OptionError, match=message):
        Ask.from_json(ask | change)


def test_panic_is_immediate():
    with pytest.raises(OptionError, match="time of a panic is 'bar', expected now"):
        Ask(id="1", command=Panic(), when=When(kind="bar"))


def test_an_ack_is_plain_json():
    ack = Ack(id="7", frame=12, sample=11520, what="refused", reason="no such bar")
    assert through_text(ack.to_json()) == {
        "id": "7",
        "frame": 12,
        "sample": 11520,
        "what": "refused",
        "reason": "no such bar",
    }


def test_every_key_can_be_asked_for():
    assert {SetParam(name="key", value=key).value for key in KEYS} == set(KEYS)
