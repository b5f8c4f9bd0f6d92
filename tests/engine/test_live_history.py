"""What was made lately is remembered as it was heard."""

import numpy as np

from engine.clock import Transport
from engine.loop.history import History
from engine.song import SongTempo
from engine.spec import AudioFormat

AUDIO = AudioFormat(rate=24_000, channels=2)
F = AUDIO.frame_samples
FREE = Transport(rate=24_000, tempo=SongTempo(120.0))


def chunk(frame: int) -> np.ndarray:
    return np.full((2, F), frame, np.float32)


def test_the_newest_seconds_are_remembered_and_older_ones_are_not():
    history = History(AUDIO, 0, seconds=2)
    for frame in range(500):
        history.add(frame, chunk(frame), FREE)
    audio, first = history.until(400 * F + 10, 60.0)
    assert (audio.shape, first) == ((2, 50 * F), 350 * F + 10)
    assert (audio[0, 0], audio[1, -1]) == (350, 400)
    np.testing.assert_array_equal(audio[0, F - 10 :: F], np.arange(351, 401))


def test_less_is_given_where_less_is_asked_for_or_there():
    history = History(AUDIO, 0, seconds=2)
    history.add(0, chunk(0), FREE)
    assert history.until(10 * F, 1.0)[0].shape == (2, F)
    for frame in range(1, 100):
        history.add(frame, chunk(frame), FREE)
    audio, first = history.until(100 * F, 0.5)
    assert (audio.shape[1], first) == (F * 25 // 2, 100 * F - F * 25 // 2)


def test_a_frame_made_again_is_remembered_as_it_was_made_last():
    history = History(AUDIO, 0, seconds=2)
    for frame in (0, 1, 2, 3, 1, 2):
        history.add(frame, chunk(10 * frame + (frame > 0)), FREE)
    audio, _ = history.until(99 * F, 2.0)
    np.testing.assert_array_equal(audio[0, ::F], [0, 11, 21])


def test_transports_are_told_from_the_sample_on_from_which_they_hold():
    fast = Transport(rate=24_000, tempo=SongTempo(174.0))
    history = History(AUDIO, 240, seconds=2)
    for frame, transport in ((0, FREE), (1, FREE), (2, fast), (3, fast)):
        history.add(frame, chunk(frame), transport)
    assert history.transports() == ((0, FREE), (2 * F + 240, fast))
    history.add(2, chunk(2), FREE)  # the host thought better of it
    assert history.transports() == ((0, FREE),)


def test_a_copy_is_not_changed_by_what_comes_later():
    history = History(AUDIO, 0, seconds=1)
    for frame in range(30):
        history.add(frame, chunk(frame), FREE)
    audio, _ = history.until(30 * F, 1.0)
    before = audio.copy()
    for frame in range(30, 300):
        history.add(frame, chunk(frame), FREE)
    np.testing.assert_array_equal(audio, before)
