"""Sound comes within the credit given, in its place, and says truly how it was made."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.changes import Changes
from bridge.control import Ask
from bridge.errors import Refusal
from bridge.stream import Stream
from bridge.wire import Flag, Frame, Kind
from engine import Ack
from tests.bridge.fakes import CountingPlayer

KEY = bytes(16)
FRAME = 1920  # samples at 48 kHz


def opened(player: CountingPlayer | None = None, at: int = 0) -> tuple[Stream, CountingPlayer]:
    player = player or CountingPlayer()
    stream = Stream(player, Changes(seed=3))
    stream.attach(at, KEY)
    return stream, player


def credit(needed: int, until: int, rate: int = 48_000) -> Frame:
    return Frame(kind=Kind.CREDIT, key=KEY, sequence=0, sample=needed, credit=until, rate=rate)


def played(sample: int, count: int, channels: int = 2, rate: int = 48_000) -> Frame:
    audio = np.ones((channels, count), np.float32)
    return Frame(kind=Kind.INPUT, key=KEY, sequence=0, sample=sample, rate=rate, audio=audio)


def test_without_credit_nothing_is_sent():
    stream, player = opened()
    assert list(stream.pump()) == []
    assert player.pulled == 0


def test_what_is_sent_is_the_engines_stream_cut_at_its_frames():
    stream, _ = opened()
    stream.receive(credit(0, 5000))
    sent = list(stream.pump())
    assert [(m.sample, m.samples, m.frame) for m in sent] == [
        (0, 1920, 0),
        (1920, 1920, 1),
        (3840, 1160, 2),
    ]
    whole = np.concatenate([m.audio for m in sent], axis=1)
    np.testing.assert_array_equal(whole[1], np.arange(5000))
    assert [m.sequence for m in sent] == [0, 1, 2]
    assert {(m.seed, m.change, m.credit) for m in sent} == {(3, 0, 5000)}


def test_what_is_not_made_yet_is_waited_for():
    stream, player = opened(CountingPlayer(ready=100))
    stream.receive(credit(0, 1000))
    assert [m.samples for m in stream.pump()] == [100]
    assert list(stream.pump()) == []
    player.limit = 250
    assert [(m.sample, m.samples) for m in stream.pump()] == [(100, 150)]


def test_a_reader_that_stops_is_sent_no_more_than_it_gave_credit_for():
    """However long it stays away, what waits for it does not grow."""
    stream, player = opened()
    stream.receive(credit(0, 10**9))
    for _ in range(200):
        list(stream.pump())
    assert player.pulled == 2 * 48_000


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=20))
def test_any_steps_of_credit_give_the_same_samples(steps):
    stream, _ = opened()
    sent, until = [], 0
    for step in steps:
        until += step
        stream.receive(credit(0, until))
        sent += stream.pump()
    whole = np.concatenate([m.audio for m in sent], axis=1)
    np.testing.assert_array_equal(whole[0], np.arange(until))


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_frames_are_40_ms_at_every_rate(rate):
    stream, _ = opened(CountingPlayer(rate))
    stream.receive(credit(0, rate // 4, rate))
    sent = list(stream.pump())
    assert [m.sample * 25 // rate for m in sent] == [m.frame for m in sent] == list(range(7))


def test_a_message_ends_where_a_change_begins():
    stream, _ = opened()
    stream._changes.take(Ask(revision=1, command={"kind": "panic"}), "a")
    list(stream._changes.due(0.0))
    stream._changes.settle(Ack(id="1", frame=1, sample=2000, what="done"))
    stream.receive(credit(0, 3840))
    assert [(m.sample, m.samples, m.change) for m in stream.pump()] == [
        (0, 1920, 0),
        (1920, 80, 0),
        (2000, 1840, 1),
    ]


def test_what_the_player_has_gone_past_is_left_out_and_said():
    """The delay does not grow, and the music stays where it belongs."""
    stream, _ = opened()
    stream.receive(credit(0, 1000))
    list(stream.pump())
    stream.receive(credit(1480, 1800))
    (late,) = stream.pump()
    assert (late.sample, late.flags) == (1480, Flag.GAP)
    np.testing.assert_array_equal(late.audio[0], np.arange(1480, 1800))
    stream.receive(credit(1480, 2500))
    assert all(m.flags == Flag.NONE for m in stream.pump())


def test_from_very_far_ahead_the_music_goes_on_where_it_was():
    stream, player = opened()
    stream.receive(credit(0, 480))
    list(stream.pump())
    stream.receive(credit(3600 * 48_000, 3600 * 48_000 + 480))
    (again,) = stream.pump()
    assert (again.sample, again.audio[0, 0], again.flags) == (3600 * 48_000, 480, Flag.GAP)
    assert player.pulled == 960


def test_who_takes_over_may_count_from_anywhere():
    stream, _ = opened()
    stream.receive(credit(0, 1000))
    list(stream.pump())
    stream.detach()
    assert list(stream.pump()) == []
    stream.attach(77, KEY)
    stream.receive(credit(77, 177))
    (next_one,) = stream.pump()
    assert (next_one.sample, next_one.audio[0, 0], next_one.sequence) == (77, 1000, 0)
    assert next_one.frame == 0  # the engine's count, not the player's


def test_made_under_pressure_is_said():
    stream, player = opened()
    player.is_reduced = True
    stream.receive(credit(0, 10))
    assert next(stream.pump()).flags == Flag.REDUCED


def heard(player: CountingPlayer) -> list[tuple[int, int, float]]:
    return [(place, len(block[0]), float(block.max())) for place, block in player.heard]


def test_input_keeps_its_place_and_holes_are_silence():
    stream, player = opened(at=1000)
    for frame in (played(1000, 64), played(1128, 64), played(1160, 64)):
        stream.receive(frame)
    assert heard(player) == [(0, 64, 1.0), (64, 64, 0.0), (128, 64, 1.0), (192, 32, 1.0)]
    assert (stream.intake.lost, stream.intake.late) == (64, 32)


def test_input_that_does_not_come_is_silence_half_a_second_later():
    """Else the engine would wait for it, and hear all that follows too late."""
    stream, player = opened()
    stream.receive(credit(0, 96_000))
    for _ in range(20):
        list(stream.pump())
    stream.receive(credit(30_000, 96_000))
    assert heard(player) == [(0, 6000, 0.0)]
    stream.receive(played(5000, 2000))
    assert heard(player)[1:] == [(6000, 1000, 1.0)]


def test_input_from_the_future_is_left_out():
    stream, player = opened()
    stream.receive(played(2**61, 64))
    stream.receive(played(0, 64))
    assert heard(player) == [(0, 64, 1.0)]


def test_without_listening_input_is_refused_and_nothing_is_made_up():
    stream, player = opened()
    player.listens = False
    with pytest.raises(Refusal, match="`listens` true"):
        stream.receive(played(0, 64))
    stream.receive(credit(0, 96_000))
    list(stream.pump())
    stream.receive(credit(90_000, 96_000))
    assert player.heard == []


def test_who_waits_leaves_the_engine_its_reserve_and_who_is_in_a_hurry_does_not():
    """An offline bounce takes sound as fast as it is made; that is no reason to give up quality."""
    stream, player = opened(CountingPlayer(ready=4000))
    player.reserve = 3000
    grant = {"kind": Kind.CREDIT, "key": KEY, "sequence": 0, "rate": 48_000}
    stream.receive(Frame(sample=0, credit=2000, flags=Flag.WAITS, **grant))
    assert sum(m.samples for m in stream.pump()) == 1000
    assert player.is_waited_for
    player.limit = 8000
    assert sum(m.samples for m in stream.pump()) == 1000
    player.limit = 2100
    stream.receive(Frame(sample=1500, credit=3500, **grant))
    assert sum(m.samples for m in stream.pump()) == 100
    assert not player.is_waited_for


def test_the_engine_knows_what_its_player_holds_and_forgets_it_with_the_next():
    stream, player = opened(CountingPlayer(ready=2000))
    stream.receive(credit(0, 1000))
    assert player.held == (0, 0)
    list(stream.pump())
    stream.receive(credit(400, 1400))
    assert player.held == (600, 1000)
    list(stream.pump())
    assert player.held == (1000, 1000)
    stream.detach()
    stream.attach(77, KEY)
    assert player.held == (0, 0)


def test_at_another_rate_the_stream_goes_on_in_its_place():
    stream, player = opened()
    stream.receive(credit(0, 48_000))
    for _ in range(9):
        list(stream.pump())
    stream.change_rate(96_000)
    stream.attach(500, KEY)
    assert (player.rate, player.pulled, stream.frame) == (96_000, 96_000, 25)
    stream.receive(credit(500, 510, rate=96_000))
    (after,) = stream.pump()
    assert (after.sample, after.audio[0, 0], after.rate, after.frame) == (500, 96_000, 96_000, 25)


def test_input_of_another_shape_is_refused():
    stream, player = opened()
    with pytest.raises(Refusal, match=r"rate is 44100, expected 48000\. Say hello"):
        stream.receive(played(0, 64, rate=44_100))
    with pytest.raises(Refusal, match="INPUT with 1 channels, expected INPUT with 2"):
        stream.receive(played(0, 64, channels=1))
    with pytest.raises(Refusal, match="SOUND"):
        stream.receive(Frame(kind=Kind.SOUND, key=KEY, sequence=0, sample=0, rate=48_000))
    assert player.heard == []
