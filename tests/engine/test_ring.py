"""The ring: nothing lost, nothing late, nothing that clicks."""

import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import OptionError, ShapeError
from engine.ring import FADE_SAMPLES, Ring

BLOCKS = [1, 64, 65, 441, 1024, 8193]


def numbered(start: int, count: int, channels: int = 2) -> np.ndarray:
    """Sample n holds n on the first channel and -n on the second; exact below 2**24."""
    index = np.arange(start, start + count, dtype=np.float32)
    return np.stack([index, -index])[:channels]


def take(ring: Ring, count: int) -> tuple[np.ndarray, int]:
    out = np.full((ring.channels, count), np.nan, np.float32)
    missing = ring.read(out)
    return out, missing


def steepest(sound: np.ndarray) -> float:
    return float(np.abs(np.diff(sound)).max())


@pytest.mark.parametrize("reads", BLOCKS)
@pytest.mark.parametrize("writes", BLOCKS)
def test_what_is_written_is_read_whatever_the_blocks(writes, reads):
    ring = Ring(2, 20000)
    heard, written = [], 0
    for _ in range(4):
        while ring.filled < reads:
            assert ring.write(numbered(written, writes))
            written += writes
        out, missing = take(ring, reads)
        assert missing == 0
        heard.append(out)
    np.testing.assert_array_equal(np.concatenate(heard, axis=1), numbered(0, 4 * reads))
    assert (ring.missing, ring.underruns) == (0, 0)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=40))
def test_sample_n_of_the_ring_is_sample_n_of_the_stream_or_missing(moves):
    """Against a list that never forgets; with a fade of one sample, so that little is blurred."""
    ring, written, read, missing, clean = Ring(1, 50, fade_samples=1), 0, 0, 0, True
    for is_write, count in moves:
        if is_write:
            fits = written + count - read <= 50
            assert ring.write(numbered(written, count, 1)) == fits
            written += count * fits
            continue
        out, short = take(ring, count)
        there = min(count, max(0, written - read))
        assert (short, np.isfinite(out).all()) == (count - there, True)
        sure = out[0, 1:there] if not clean else out[0, :there]
        np.testing.assert_array_equal(sure, np.arange(read + there - len(sure), read + there))
        clean = short == 0 and (clean or there > 1)
        read, missing = read + count, missing + short
    assert (ring.filled, ring.missing, ring.heard) == (written - read, missing, read)


def test_a_write_is_done_whole_or_not_at_all():
    ring = Ring(2, 100)
    assert ring.write(numbered(0, 60))
    assert not ring.write(numbered(60, 41))
    assert ring.filled == 60
    assert ring.write(numbered(60, 40))
    assert not ring.write(numbered(100, 1))
    np.testing.assert_array_equal(take(ring, 100)[0], numbered(0, 100))


def test_a_block_that_never_fits_is_refused_in_words():
    with pytest.raises(ShapeError, match=r"block has shape \(2, 101\), expected .* up to 100"):
        Ring(2, 100).write(numbered(0, 101))


@pytest.mark.parametrize("shape", [(1, 8), (3, 8), (8,), (2, 2, 2)])
def test_other_channels_are_refused_on_both_sides(shape):
    ring = Ring(2, 100)
    with pytest.raises(ShapeError, match="block has shape"):
        ring.write(np.zeros(shape, np.float32))
    with pytest.raises(ShapeError, match="out has shape"):
        ring.read(np.zeros(shape, np.float32))


@pytest.mark.parametrize("sizes", [(0, 9, 1), (1, 0, 1), (1, 9, 0)])
def test_a_ring_of_nothing_is_refused(sizes):
    with pytest.raises(OptionError, match="is 0, expected 1 or more"):
        Ring(sizes[0], sizes[1], fade_samples=sizes[2])


# --- gaps -----------------------------------------------------------------------------------------


def test_a_gap_is_counted_in_samples_and_in_times():
    ring = Ring(2, 1000)
    ring.write(numbered(0, 10))
    assert [take(ring, 16)[1] for _ in range(3)] == [6, 16, 16]
    ring.write(numbered(10, 100))
    assert [take(ring, 16)[1] for _ in range(3)] == [0, 0, 0]
    assert (ring.missing, ring.underruns) == (38, 1)


@pytest.mark.parametrize("cut", [0, 1, 63, 300])
@pytest.mark.parametrize("gap", [1, 40, 128, 1000])
def test_full_level_breaks_off_and_comes_back_without_a_click(cut, gap):
    """Full scale, cut anywhere in a block: no step is larger than the fade's own."""
    ring, block = Ring(1, 8000), 400
    loud = np.ones((1, 4000), np.float32)
    ring.write(loud[:, : block + cut])
    heard = [take(ring, block)[0], take(ring, cut + gap)[0]]
    ring.write(loud[:, : gap + 1000])
    heard.append(take(ring, 1000)[0])
    sound = np.concatenate(heard, axis=1)[0]
    assert steepest(sound) <= 1.01 / FADE_SAMPLES
    assert sound[-1] == 1.0
    assert sound.max() <= 1.0 + 1e-6
    if gap > FADE_SAMPLES:
        assert sound.min() == 0.0


def test_after_a_gap_the_stream_is_on_time():
    """Ten samples came too late and are never heard; the eleventh is heard when it should be."""
    ring = Ring(2, 1000, fade_samples=1)
    assert take(ring, 10)[1] == 10
    ring.write(numbered(0, 20))
    out, missing = take(ring, 10)
    assert missing == 0
    np.testing.assert_array_equal(out[:, 1:], numbered(11, 9))


def test_a_writer_who_is_late_skips_whole_frames_only():
    ring = Ring(2, 1000)
    take(ring, 250)
    assert ring.skip_late(100) == 200
    assert (ring.written, ring.filled) == (200, -50)
    assert ring.skip_late(100) == 0


def test_memory_that_was_never_written_is_never_heard():
    """It holds NaN, so that one would be heard at once."""
    ring = Ring(2, 64)
    for count in (1, 63, 64, 65, 200):
        assert np.isfinite(take(ring, count)[0]).all()


# --- reset ----------------------------------------------------------------------------------------


def test_reset_leaves_out_what_was_not_heard_and_does_not_click():
    ring = Ring(1, 4000)
    ring.write(np.ones((1, 1000), np.float32))
    first = take(ring, 100)[0]
    ring.reset()
    assert (ring.filled, ring.heard) == (0, 1000)
    ring.write(np.full((1, 1000), -1, np.float32))
    sound = np.concatenate([first, take(ring, 400)[0]], axis=1)[0]
    assert steepest(sound) <= 2.02 / FADE_SAMPLES
    assert sound[-1] == -1.0
    assert ring.missing == 0


def in_another_thread(act) -> list[BaseException]:
    raised: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except AssertionError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(5)
    return raised


@pytest.mark.skipif(sys.flags.optimize > 0, reason="the rule is checked in debug mode only")
def test_only_the_thread_that_reads_may_reset_until_the_sides_are_handed_over():
    ring = Ring(2, 100)
    ring.write(numbered(0, 10))
    take(ring, 5)
    assert "reset is the reading thread's" in str(in_another_thread(ring.reset)[0])
    assert "a second thread reads" in str(in_another_thread(lambda: take(ring, 1))[0])
    late = in_another_thread(lambda: ring.write(numbered(0, 1)))
    assert "a second thread writes" in str(late[0])
    ring.hand_over()
    assert in_another_thread(ring.reset) == []


# --- two threads ----------------------------------------------------------------------------------


def test_two_threads_lose_and_tear_no_sample():
    """600,000 in odd blocks through a ring barely larger than one; each sample is checked."""
    ring, total = Ring(2, 9000), 600_000
    stop = threading.Event()

    def write() -> None:
        written, turn = 0, 0
        while written < total and not stop.is_set():
            count = min(BLOCKS[turn % len(BLOCKS)], total - written)
            if ring.write(numbered(written, count)):
                written, turn = written + count, turn + 1

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        read = turn = 0
        while (read < total and writer.is_alive()) or ring.filled:
            count = min(BLOCKS[::-1][turn % len(BLOCKS)], ring.filled)
            out, missing = take(ring, count)
            assert missing == 0
            assert np.array_equal(out, numbered(read, count))
            read, turn = read + count, turn + 1
    finally:
        stop.set()
        writer.join(10)
        sys.setswitchinterval(interval)
    assert (read, ring.missing) == (total, 0)
