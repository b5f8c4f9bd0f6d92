"""The tape: what was made last can be cut out again, and older tapes never change."""

import numpy as np
import pytest

from engine.tape import TAPE_FRAMES, Tape

LENGTH = 10  # samples of a frame


def chunk(frame: int) -> np.ndarray:
    """Two channels that count samples, the second backwards."""
    count = np.arange(frame * LENGTH, (frame + 1) * LENGTH, dtype=np.float32)
    return np.stack([count, -count])


def tape_of(frames: int) -> Tape:
    tape = Tape()
    for frame in range(frames):
        tape = tape.add(chunk(frame))
    return tape


@pytest.mark.parametrize("frames", [1, 63, 64, 65, 200])
def test_any_stretch_is_cut_out_to_the_sample(frames):
    tape, end = tape_of(frames), frames * LENGTH
    for start, stop in ((0, end), (end - 7, end), (end // 3, end // 3 + 1), (3, 3)):
        cut = tape.read(start, stop, LENGTH)
        np.testing.assert_array_equal(cut[0], np.arange(start, stop))
        np.testing.assert_array_equal(cut[1], -np.arange(start, stop))


def test_what_is_cut_out_may_be_written_to():
    tape = tape_of(3)
    tape.read(0, 30, LENGTH)[:] = 0.0
    assert tape.read(5, 6, LENGTH)[0, 0] == 5.0


def test_it_keeps_the_last_40_seconds_and_no_more():
    tape = tape_of(TAPE_FRAMES + 500)
    assert TAPE_FRAMES <= tape.end - tape.first < TAPE_FRAMES + 64
    assert tape.end == TAPE_FRAMES + 500
    assert len(tape.chunks()) == tape.end - tape.first
    first = tape.first * LENGTH
    assert tape.read(first, first + 1, LENGTH)[0, 0] == first


def test_an_older_tape_does_not_hear_what_comes_after_it():
    """A moment of the performance keeps its own, and shares the sound."""
    before = tape_of(100)
    one, other = before.add(chunk(100)), before.add(chunk(7))
    assert before.end == 100
    assert one.read(1000, 1001, LENGTH)[0, 0] == 1000.0
    assert other.read(1000, 1001, LENGTH)[0, 0] == 70.0
    assert one.chunks()[0] is before.chunks()[0]


def test_what_is_not_on_it_is_not_read():
    with pytest.raises(AssertionError):
        tape_of(3).read(25, 31, LENGTH)
