"""Control messages are read strictly, and whatever is no message is refused in words."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import control
from bridge.control import Ack, Ask, Hello, Transport, Welcome, read_client, read_engine, write
from bridge.errors import Refusal
from bridge.limits import MAX_CONTROL_BYTES


def test_a_message_arrives_as_it_was_sent():
    for message in (
        Hello(client="studio", session="lead", sample=17, seed=2**63 - 1),
        Ask(revision=1, command={"kind": "panic"}, when={"kind": "bar"}, glide_seconds=1.5),
        Transport(revision=2, sample=0, quarter=-4.0, bpm=97.3, loop=[0.0, 16.0]),
    ):
        assert read_client(write(message)) == message
    ack = Ack(revision=1, change=4, what="done", frame=9, sample=17_280)
    assert read_engine(write(ack)) == ack


def test_what_is_left_out_has_its_default():
    assert read_client(b'{"type":"hello","client":"a"}') == Hello(client="a")


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (b"", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        (b"[]", "the message"),
        (b"{}", "type"),
        (b'{"type":"sing"}', "'sing'"),
        (b'{"type":"welcome"}', "'welcome'"),  # the engine's to say
        (b'{"type":"hello"}', "hello.client"),
        (b'{"type":"hello","client":"a","volume":11}', "hello.volume"),
        (b'{"type":"hello","client":"../../etc/passwd"}', "hello.client"),
        (b'{"type":"hello","client":"a","session":"a/b"}', "hello.session"),
        (b'{"type":"hello","client":"a","token":"guess"}', "hello.token"),
        (b'{"type":"hello","client":"%s"}' % (b"a" * 65), "hello.client"),
        (b'{"type":"hello","client":"a","rate":44101}', "hello.rate"),
        (b'{"type":"hello","client":"a","rate":0}', "hello.rate"),
        (b'{"type":"hello","client":"a","channels":3}', "hello.channels"),
        (b'{"type":"hello","client":"a","seed":-1}', "hello.seed"),
        (b'{"type":"ask","revision":0,"command":{}}', "ask.revision"),
        (b'{"type":"ask","revision":1.0,"command":{}}', "ask.revision"),
        (b'{"type":"ask","revision":true,"command":{}}', "ask.revision"),
        (b'{"type":"ask","revision":"1","command":{}}', "ask.revision"),
        (b'{"type":"ask","revision":1e999,"command":{}}', "ask.revision"),
        (b'{"type":"ask","revision":1,"command":[]}', "ask.command"),
        (b'{"type":"ask","revision":1,"command":{},"glide_seconds":NaN}', "glide_seconds"),
        (b'{"type":"transport","revision":1,"sample":0,"bpm":0}', "transport.bpm"),
        (b'{"type":"transport","revision":1,"sample":0,"quarter":1e999}', "transport.quarter"),
        (b'{"type":"transport","revision":1,"sample":0,"loop":[1.0]}', "transport.loop"),
        (b'{"type":"subscribe","status_every_ms":1}', "subscribe.status_every_ms"),
        (b"[" * 50_000, "recursion limit"),
        (b'{"type":"ask","revision":1,"command":' + b'{"a":' * 12_000, "recursion limit"),
        (b" " * (MAX_CONTROL_BYTES + 1), "65,537 bytes, expected at most 65,536"),
    ],
)
def test_what_is_no_message_is_refused_and_says_where(part, said):
    with pytest.raises(Refusal) as caught:
        read_client(part)
    assert caught.value.code == "malformed"
    assert said in str(caught.value)


def test_a_refusal_quotes_no_more_than_a_few_lines():
    with pytest.raises(Refusal) as caught:
        read_client(json.dumps({"type": "x" * 60_000}).encode())
    assert len(str(caught.value)) <= control.MAX_REASON_CHARACTERS


@given(st.binary(max_size=300))
def test_noise_is_refused(noise):
    with pytest.raises(Refusal):
        read_client(noise)


ODD = [None, True, -1, 0, 1, 2**63, 2**64, 0.5, 1e300, "", "bar", "\x00", "é" * 70, [], [0.0], {}]
ODD += [{"kind": "bar"}, [[]], [0.0, 1.0], "hello", 48_000, "0" * 32]
KINDS = ["hello", "ask", "transport", "subscribe", "status", "heartbeat", "bye", "welcome"]
FIELDS = sorted({name for m in (Hello, Ask, Transport, Welcome) for name in m.model_fields})


@given(
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(ODD), max_size=6),
)
def test_a_message_of_odd_values_is_refused_as_malformed_or_read_exactly(kind, fields):
    part = json.dumps({**fields, "type": kind}).encode()
    with contextlib.suppress(Refusal):
        message = read_client(part)
        assert read_client(write(message)) == message
        assert {name: getattr(message, name) for name in fields if name != "type"} == {
            name: value for name, value in fields.items() if name != "type"
        }


def test_every_code_is_explained_once():
    assert len(set(control.CODES.values())) == len(control.CODES)
