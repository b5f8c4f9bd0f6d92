"""Frame times: the worst one is never lost."""

import tracemalloc

import pytest

from engine.errors import OptionError
from engine.metrics import FrameTimes


def test_percentiles_are_times_that_did_occur():
    times = FrameTimes()
    for ms in range(1, 101):
        times.record(ms / 1000)
    summary = times.summary()
    assert summary == pytest.approx((51, 96, 100, 100, 100))


def test_the_worst_frame_is_remembered_after_the_window_moved_on():
    """A drop-out an hour ago still happened."""
    times = FrameTimes(capacity=10)
    for ms in (500, *[4] * 100):
        times.record(ms / 1000)
    assert times.summary().p99 == pytest.approx(4)
    assert times.summary().worst == pytest.approx(500)
    assert times.summary().frames == 101


def test_before_the_first_frame_all_times_are_zero():
    assert FrameTimes().summary() == (0, 0, 0, 0, 0)


def test_reset_forgets():
    times = FrameTimes()
    times.record(1.0)
    times.reset()
    assert times.summary().worst == 0.0


def test_recording_keeps_no_memory():
    """Ten thousand frames leave nothing behind."""
    times = FrameTimes(capacity=16)
    times.record(0.001)
    tracemalloc.start()
    for _ in range(10_000):
        times.record(0.002)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 2_000


def test_a_recorder_of_no_frames_is_refused():
    with pytest.raises(OptionError, match="capacity is 0, expected at least 1"):
        FrameTimes(capacity=0)
