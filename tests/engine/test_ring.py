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


# --- written again --------------------------------------------------------------------------------


def versioned(start: int, count: int, version: int) -> np.ndarray:
    """Sample n holds n on the first channel and the version on the second."""
    index = np.arange(start, start + count, dtype=np.float32)
    return np.stack([index, np.full(count, version, np.float32)])


def test_what_is_written_again_is_heard_in_its_new_form_and_only_from_there():
    ring = Ring(2, 100)
    ring.write(versioned(0, 40, 1))
    take(ring, 10)
    assert ring.rewrite(25, versioned(25, 30, 2))
    assert (ring.written, ring.filled) == (55, 45)
    heard, missing = take(ring, 45)
    assert missing == 0
    np.testing.assert_array_equal(heard[0], np.arange(10, 55))
    np.testing.assert_array_equal(heard[1], [1] * 15 + [2] * 30)
    assert ring.overtaken == 0


def test_what_lies_behind_a_shorter_second_version_is_dropped():
    ring = Ring(2, 100)
    ring.write(versioned(0, 40, 1))
    assert ring.rewrite(10, versioned(10, 5, 2))
    assert ring.write(versioned(15, 10, 3))
    heard, missing = take(ring, 25)
    assert missing == 0
    np.testing.assert_array_equal(heard[1], [1] * 10 + [2] * 5 + [3] * 10)


def test_what_was_heard_is_not_written_again():
    ring = Ring(2, 100)
    ring.write(versioned(0, 40, 1))
    take(ring, 20)
    assert not ring.rewrite(19, versioned(19, 10, 2))
    assert (ring.written, take(ring, 20)[0][1].max()) == (40, 1)


def test_a_second_version_has_its_room_beside_the_first():
    """Until the reader has passed the first one, which it may be copying."""
    ring = Ring(2, 100)
    ring.write(versioned(0, 60, 1))
    assert not ring.rewrite(10, versioned(10, 50, 2))
    assert ring.rewrite(10, versioned(10, 40, 2))
    assert not ring.write(versioned(50, 1, 3))
    take(ring, 11)
    assert ring.write(versioned(50, 61, 3))


def test_samples_that_were_never_written_are_not_written_again():
    ring = Ring(2, 100)
    ring.write(versioned(0, 40, 1))
    with pytest.raises(OptionError, match="sample is 41, expected 0 to 40, what is written"):
        ring.rewrite(41, versioned(41, 1, 2))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("wwrrRRsx"), st.integers(0, 40), st.integers(0, 40)), max_size=60
    )
)
def test_any_order_of_writing_reading_and_writing_again_is_that_of_a_list(moves):
    """Against a list that never forgets. Resets and late frames are among the moves."""
    ring, stream, read, clean = Ring(2, 60, fade_samples=1), [], 0, True
    for turn, (move, count, back) in enumerate(moves, start=1):
        if move == "w":
            if ring.write(versioned(len(stream), count, turn)):
                stream += [turn] * count
        elif move == "R":
            sample = max(0, len(stream) - back)
            done = ring.rewrite(sample, versioned(sample, count, turn))
            assert not (done and sample < read)
            if done:
                stream[sample:] = [turn] * count
        elif move == "s":
            stream += [0] * ring.skip_late(4)
        elif move == "x":
            ring.reset()
            read, clean = max(read, len(stream)), False
        else:
            out, _ = take(ring, count)
            there = min(count, max(0, len(stream) - read))
            first = 0 if clean else min(1, there)
            np.testing.assert_array_equal(out[1, first:there], stream[read + first : read + there])
            np.testing.assert_array_equal(out[0, first:there], range(read + first, read + there))
            read, clean = read + count, (clean or there > first) and there == count
    assert (ring.written, ring.heard, ring.overtaken) == (len(stream), read, 0)


def test_a_second_version_that_does_not_follow_is_crossed_over_to():
    ring = Ring(1, 4000)
    ring.write(np.ones((1, 1000), np.float32))
    assert ring.rewrite(500, np.full((1, 1000), -1, np.float32), fade=True)
    sound, missing = take(ring, 1500)
    np.testing.assert_array_equal(sound[0, :500], 1.0)
    np.testing.assert_array_equal(sound[0, 500 + FADE_SAMPLES :], -1.0)
    assert (steepest(sound) <= 2.02 / FADE_SAMPLES, missing) == (True, 0)


def test_samples_that_are_skipped_are_not_heard_and_what_follows_fades_in():
    ring = Ring(1, 4000)
    ring.write(np.ones((1, 1000), np.float32))
    ring.skip(400)
    sound, missing = take(ring, 600)
    assert (ring.heard, missing, sound[0, -1]) == (1000, 0, 1.0)
    assert steepest(sound) <= 1.01 / FADE_SAMPLES
    assert sound[0, 0] < 0.1
    ring.skip(50)
    assert ring.filled == -50


def test_a_ring_that_rests_is_silent_without_a_click_and_loses_nothing():
    ring = Ring(1, 4000)
    ring.write(np.ones((1, 1000), np.float32))
    heard, out = [take(ring, 100)[0]], np.empty((1, 200), np.float32)
    for _ in range(2):
        ring.rest(out)
        heard.append(out.copy())
    assert (ring.heard, ring.missing, ring.underruns, out.max()) == (100, 0, 0, 0.0)
    heard.append(take(ring, 900)[0])
    assert steepest(np.concatenate(heard, axis=1)) <= 1.01 / FADE_SAMPLES


class Hooked(np.ndarray):
    """Audio that calls someone before the first or second time that it is copied from or to."""

    def __getitem__(self, key):
        self.meet()
        return np.asarray(self)[key]

    def __setitem__(self, key, value):
        self.meet()
        np.asarray(self)[key] = value

    def meet(self) -> None:
        self.turns = getattr(self, "turns", 0) + 1
        if self.turns == self.turn:
            self.hook()


def hooked(audio: np.ndarray, turn: int, hook) -> Hooked:
    found = audio.view(Hooked)
    found.turn, found.hook = turn, hook
    return found


@pytest.mark.parametrize("turn", [1, 2])
def test_a_reader_that_is_overtaken_finishes_its_block_and_fades_over(turn):
    """It comes by when the writer has looked where it is, and begins or ends to copy."""
    ring, heard = Ring(1, 4000), []
    ring.write(np.ones((1, 1000), np.float32))
    again = np.full((1, 1000), -1, np.float32)
    assert ring.rewrite(500, hooked(again, turn, lambda: heard.append(take(ring, 600)[0])))
    heard.append(take(ring, 400)[0])
    sound = np.concatenate(heard, axis=1)[0]
    np.testing.assert_array_equal(sound[:600], 1.0)
    assert (sound[-1], ring.overtaken, ring.missing) == (-1.0, 1, 0)
    assert steepest(sound) <= 2.02 / FADE_SAMPLES


def test_old_samples_stay_while_a_reader_copies_them():
    """It has taken the old map, the writer exchanges it and writes until nothing fits any more."""
    ring = Ring(2, 500)
    ring.write(versioned(0, 100, 1))
    is_copying, is_full = threading.Event(), threading.Event()

    def wait() -> None:
        is_copying.set()
        is_full.wait(10)

    out = hooked(np.empty((2, 100), np.float32), 1, wait)
    reader = threading.Thread(target=ring.read, args=(out,))

    def begin() -> None:
        reader.start()
        is_copying.wait(10)

    assert ring.rewrite(0, hooked(versioned(0, 100, 2), 1, begin))
    while ring.write(versioned(ring.written, 50, 3)):
        pass
    is_full.set()
    reader.join(10)
    np.testing.assert_array_equal(np.asarray(out), versioned(0, 100, 1))


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


class Halting(Ring):
    """A ring whose writer stops once before it shows a rewrite, and its reader in a later block."""

    def __init__(self) -> None:
        super().__init__(1, 100, fade_samples=1)
        self.halts_in = 0  # sample at which the reader's block begins
        self.halted, self.go_on = threading.Event(), threading.Event()

    def rewrite(self, sample: int, block: np.ndarray, *, fade: bool = False) -> bool:
        self.before_put: threading.Thread | None = threading.Thread(target=self.hear)
        return super().rewrite(sample, block, fade=fade)

    def hear(self) -> None:
        take(self, 20)
        self.halts_in = self.heard
        self.heard_late = take(self, 20)[0]

    def _put(self, block, sample, pieces):
        if getattr(self, "before_put", None):
            self.reader, self.before_put = self.before_put, None
            self.reader.start()
            assert self.halted.wait(10)
        return super()._put(block, sample, pieces)

    def _fill(self, now, start, out):
        if self.halts_in and start == self.halts_in:
            self.halted.set()
            assert self.go_on.wait(10)
        super()._fill(now, start, out)


def test_a_reader_that_began_before_a_rewrite_keeps_its_samples_wherever_it_is():
    """The reader is past the place of the rewrite before that is shown, and in its next block."""
    ring = Halting()
    assert ring.write(np.arange(60, dtype=np.float32)[None])
    assert ring.rewrite(10, 1000 + np.arange(10, 60, dtype=np.float32)[None])
    while ring.write(np.full((1, 5), 5000.0, np.float32)):
        pass
    ring.go_on.set()
    ring.reader.join(10)
    np.testing.assert_array_equal(ring.heard_late[0], np.arange(20, 40))


def test_a_reader_never_hears_a_mixture_while_another_thread_writes_again():
    """The writer turns back again and again as far as the reader lets it. Whatever the threads do,
    every sample heard is the right one of the stream, of a version that never gets older, and the
    seam is at the place that was rewritten, or where the reader overtook it."""
    ring, total = Ring(2, 3000, fade_samples=1), 200_000
    stop, draw = threading.Event(), np.random.default_rng(1)
    firsts = {0: 0}  # version -> its first sample

    def write() -> None:
        version = 0
        while ring.written < total and not stop.is_set():
            ring.write(versioned(ring.written, int(draw.integers(1, 400)), version))
            sample = max(0, ring.written - int(draw.integers(0, 600)))
            firsts[version + 1] = sample
            length = ring.written - sample + int(draw.integers(0, 100))
            if ring.rewrite(sample, versioned(sample, length, version + 1)):
                version += 1

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        read, newest, turn, faded = 0, 0, 0, 0
        while writer.is_alive() or ring.filled:
            count = min(BLOCKS[:4][turn % 4], ring.filled)
            out, missing = take(ring, count)
            skip = min(count, ring.overtaken - faded)  # the fade of one sample
            faded = ring.overtaken if count else faded
            index, version = out[0, skip:], out[1, skip:]
            assert missing == 0
            assert np.array_equal(index, np.arange(read + skip, read + count))
            assert (np.diff(version) >= 0).all()
            assert not len(version) or version[0] >= newest
            for seam in np.flatnonzero(np.diff(version)):
                assert firsts[int(version[seam + 1])] <= read + skip + seam + 1
            newest = version[-1] if len(version) else newest
            read, turn = read + count, turn + 1
    finally:
        stop.set()
        writer.join(10)
        sys.setswitchinterval(interval)
    assert (read >= total, ring.missing) == (True, 0)
    assert newest > 50
