"""A client plays every sample in its place, and counts what was not there."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bridge.playback import Playback
from bridge.wire import Frame, Kind


def playback(sample: int = 0, buffer: int = 100) -> Playback:
    return Playback(48_000, 1, buffer_samples=buffer, sample=sample)


def sound(sample: int, count: int) -> Frame:
    """Sample n is n + 1."""
    audio = np.arange(sample + 1, sample + count + 1, dtype=np.float32)[None]
    return Frame(
        kind=Kind.SOUND, key=bytes(16), sequence=0, sample=sample, rate=48_000, frame=sample,
        change=sample // 10, audio=audio,
    )  # fmt: skip


def take(player: Playback, count: int) -> tuple[list[float], int]:
    out = np.full((1, count), np.nan, np.float32)
    missing = player.take(out)
    return out[0].tolist(), missing


def test_what_came_is_played_in_order():
    player = playback()
    for start in (0, 10, 20):
        player.receive(sound(start, 10))
    assert player.ready == 30
    assert take(player, 25) == ([*range(1, 26)], 0)
    assert take(player, 5) == ([*range(26, 31)], 0)
    assert player.made.change == 2


def test_what_is_not_there_is_silence_and_counted():
    player = playback()
    player.receive(sound(0, 4))
    assert take(player, 6) == ([1, 2, 3, 4, 0, 0], 2)
    assert player.missed == 2


def test_what_comes_when_its_time_is_over_is_not_played_later():
    """The delay does not grow: the rest is played where it belongs."""
    player = playback()
    take(player, 6)
    player.receive(sound(0, 4))
    player.receive(sound(4, 4))
    assert take(player, 2) == ([7, 8], 0)
    assert player.late == 4


def test_a_hole_in_the_stream_stays_a_hole():
    player = playback()
    player.receive(sound(0, 2))
    player.receive(sound(4, 2))
    assert player.ready == 2
    assert player.lost == 2
    assert take(player, 6) == ([1, 2, 0, 0, 5, 6], 2)


def test_what_the_engine_goes_on_with_takes_the_place_of_what_was_there():
    playback = Playback(48_000, 1, buffer_samples=100)
    for start in (0, 10, 20):
        playback.receive(sound(start, 10))
    out = np.empty((1, 5), np.float32)
    playback.take(out)
    playback.cut(15)
    assert (playback.ready, playback.end, playback.lost) == (10, 15, 15)
    playback.receive(sound(15, 10))
    assert playback.ready == 20
    playback.cut(2)  # what was played was played
    assert (playback.ready, playback.end, playback.lost) == (0, 5, 35)


def test_what_comes_twice_is_played_once():
    player = playback()
    player.receive(sound(0, 4))
    player.receive(sound(0, 4))
    assert take(player, 4) == ([1, 2, 3, 4], 0)
    assert (player.late, player.lost) == (0, 0)


def test_credit_is_a_buffer_ahead_or_what_is_waited_for_but_never_more_than_two_seconds():
    player = playback(sample=500, buffer=100)
    assert player.credit == 600
    player.want(1000)
    assert player.credit == 1500
    player.want(10**9)
    assert player.credit == 500 + 96_000


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60), st.integers(1, 30)), max_size=30))
def test_whatever_comes_nothing_is_played_in_another_place(events):
    player = playback()
    for count, start, length in events:
        player.receive(sound(start, length))
        at = player.playhead
        heard, missing = take(player, count)
        assert missing == heard.count(0)
        assert all(value in (0, at + n + 1) for n, value in enumerate(heard))
