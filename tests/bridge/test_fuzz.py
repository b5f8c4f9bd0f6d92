"""Nonsense over real sockets: every piece is answered or obeyed, and the music beside it goes on.

A few thousand here; benchmarks/fuzz_bridge.py sends a million and more.
"""

import socket
from itertools import islice

import numpy as np
import pytest
import zmq

from bridge import control
from bridge.client import Client
from bridge.engine_player import EngineRoom
from bridge.osc_packet import write as osc
from tests.bridge.nonsense import audio_parts, control_parts, datagrams

TIMEOUT_MS = 20_000


@pytest.fixture
def band(serve, toy_bundle):
    return serve(EngineRoom(toy_bundle, 80.0, None).open)


def dealer(context: zmq.Context, endpoint: str) -> zmq.Socket:
    one = context.socket(zmq.DEALER)
    one.linger, one.rcvtimeo = 0, TIMEOUT_MS
    one.connect(endpoint)
    return one


def test_malformed_control_messages_are_all_answered_or_obeyed(band):
    with Client("well-behaved") as music, zmq.Context() as context:
        bad = dealer(context, band.announcement.control)
        before = band.service.counters["control_received"]
        for part in islice(control_parts(1), 3000):
            bad.send(part)
        bad.send(b"{}")  # the last one is surely refused
        refused = 0
        while band.service.counters["control_received"] - before < 3001 or bad.poll(100):
            refused += control.read_engine(bad.recv()).type == "refuse"
        _make_music(music)
        bad.close()
    counters = band.service.counters
    assert refused == counters["control_refused"] > 2000
    assert counters["control_received"] == counters["control_taken"] + refused
    assert counters["faults"] == 0
    assert band.service.sessions.names == ["well-behaved"]


def test_malformed_audio_is_all_answered(band):
    with Client("well-behaved") as music, zmq.Context() as context:
        bad = dealer(context, band.announcement.audio)
        for part in islice(audio_parts(2), 2000):
            bad.send(part)
            assert control.read_engine(bad.recv()).type == "refuse"
        music.read(seconds=0.5)
        assert (music.playback.lost, music.playback.late) == (0, 0)
        bad.close()
    counters = band.service.counters
    assert counters["audio_refused"] == 2000
    assert counters["audio_received"] == counters["audio_taken"] + 2000
    assert counters["faults"] == 0


def test_malformed_datagrams_are_all_counted(band):
    announced, batch = band.announcement, 50
    with (
        Client("well-behaved") as music,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as pads,
    ):
        pads.settimeout(20.0)
        pads.connect(("127.0.0.1", announced.osc_port))
        nonsense = datagrams(3)
        for _ in range(60):
            for datagram in islice(nonsense, batch):
                pads.send(datagram)
            _wait_for_pong(pads)
        _make_music(music)
    counters = band.service.counters
    assert counters["osc_received"] == 60 * (batch + 2)
    not_taken = counters["osc_messages"] - counters["osc_taken"]
    refused = counters["osc_unreadable"] + not_taken + counters["osc_refused_later"]
    assert counters["osc_refused"] == refused > 1500
    assert counters["faults"] == 0


def _make_music(music: Client) -> None:
    """Whatever was asked by accident, such as a panic: a pick makes music again."""
    picked = music.pick(1)
    assert np.abs(music.read(seconds=1.0)).max() > 0.01
    assert picked.wait().what == "done"
    assert (music.playback.lost, music.playback.late, music.playback.missed) == (0, 0, 0)


def _wait_for_pong(pads: socket.socket) -> None:
    """What was sent before has been taken; other answers that came meanwhile are left."""
    pads.send(osc("/antiphon/reply", [0]))
    pads.send(osc("/antiphon/ping", []))
    while not pads.recv(65_536).startswith(b"/antiphon/pong"):
        pass
