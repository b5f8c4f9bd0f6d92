"""The conversation on docs/protocol.md takes place, line by line, with an engine that plays."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import zmq
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.udp_client import UDPClient

from bridge import wire
from bridge.engine_player import EngineRoom
from bridge.wire import Flag, Frame, Kind
from tests.gates.tree import ROOT

PAGE = (ROOT / "docs" / "protocol.md").read_text()
ANY = "…"
TIMEOUT_MS = 20_000


def lines(page: str) -> Iterator[tuple[str, Any]]:
    """Who speaks, and what is said."""
    (block,) = re.findall(r"^```transcript\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    for line in filter(None, block.splitlines()):
        yield line[:2], json.loads(line[2:])


def fits(shown: Any, got: Any) -> bool:
    """Whether an answer has all that is shown of it."""
    if shown == ANY:
        return got is not None
    if isinstance(shown, dict) and isinstance(got, dict):
        return all(name in got and fits(value, got[name]) for name, value in shown.items())
    return shown == got


class Conversation:
    """A client of sockets and nothing else."""

    def __init__(self, announced) -> None:
        self.context = zmq.Context()
        self.control = self._dealer(announced.control)
        self.audio: zmq.Socket | None = None
        self.welcome: dict[str, Any] = {}
        self.osc = UDPClient("127.0.0.1", announced.osc_port)
        self.osc.send(_osc(["/antiphon/reply", 0]))
        self._heard = self.osc_heard()

    def _dealer(self, endpoint: str) -> zmq.Socket:
        socket = self.context.socket(zmq.DEALER)
        socket.linger, socket.rcvtimeo = 0, TIMEOUT_MS
        socket.connect(endpoint)
        return socket

    def osc_heard(self) -> list[Any]:
        message = OscMessage(self.osc.receive(10))
        return [message.address, *message.params]

    def say(self, who: str, what: Any) -> None:
        if who == "C>":
            self.control.send(json.dumps(what).encode())
        elif who == "O>":
            self.osc.send(_osc(what))
        else:
            credit = Frame(
                kind=Kind[what["kind"]],
                key=bytes.fromhex(self.welcome["key"]),
                sequence=0,
                sample=what["sample"],
                credit=what["credit"],
                rate=self.welcome["rate"],
                flags=Flag[what["flags"]],
            )
            self.audio.send(wire.pack(credit))

    def hear(self, who: str) -> Any:
        if who == "E>":
            found = json.loads(self.control.recv())
            if found["type"] == "welcome":
                self.welcome, self.audio = found, self._dealer(found["audio"])
            return found
        if who == "o>":
            return self.osc_heard()
        frame = wire.unpack(self.audio.recv())
        return {**vars(frame), "kind": frame.kind.name, "samples": frame.samples}

    def close(self) -> None:
        self.context.destroy(linger=0)
        self.osc._sock.close()


def _osc(what: list[Any]) -> Any:
    builder = OscMessageBuilder(what[0])
    for argument in what[1:]:
        builder.add_arg(argument)
    return builder.build()


@pytest.fixture
def conversation(serve, toy_bundle):
    found = Conversation(serve(EngineRoom(toy_bundle, 80.0, None).open).announcement)
    yield found
    found.close()


def test_the_conversation_takes_place_as_it_is_written(conversation):
    said = 0
    for who, what in lines(PAGE):
        said += 1
        if who in ("C>", "c>", "O>"):
            conversation.say(who, what)
        else:
            got = conversation.hear(who)
            assert fits(what, got), f"line {said}: shown {what}, got {got}"
    assert said > 30


def test_an_answer_that_is_not_as_shown_is_found():
    assert fits({"a": ANY, "b": {"c": 1}}, {"a": 0, "b": {"c": 1, "d": 2}, "e": 3})
    assert not fits({"a": 1}, {"a": 2})
    assert not fits({"a": 1}, {})
    assert not fits(["/a", 1.0], ["/a", 2.0])
