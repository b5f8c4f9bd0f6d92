"""Offline rendering: the same samples however they are computed, from the first one on."""

from itertools import count

import numpy as np
import pytest

from engine.errors import BackendError, OptionError
from engine.offline import render
from engine.session import Session
from tests.fakes import FRAME, LATENCY, RATE


@pytest.fixture
def session(toy_bundle):
    return Session(toy_bundle, seed=7)


def test_blocks_of_1_7_and_50_frames_give_the_same_samples(toy_bundle, asked):
    takes = [
        render(Session(toy_bundle, seed=7), asked, frames=60, block=block).audio
        for block in (1, 7, 50)
    ]
    np.testing.assert_array_equal(takes[0], takes[1])
    np.testing.assert_array_equal(takes[0], takes[2])


def test_a_bounce_is_the_live_stream_bit_for_bit(session, asked):
    """What was heard live, moved forward by the decoder's latency."""
    take = render(session, asked, frames=20, guard=False)
    session.reset()
    live = np.concatenate([session.step(asked(frame)) for frame in range(21)], axis=1)
    np.testing.assert_array_equal(take.audio, live[:, LATENCY : LATENCY + 20 * FRAME])


def test_sample_0_is_the_first_sample_of_frame_0(session, asked):
    """The decoder's silence in front is gone and nothing is missing at the end."""
    assert not session.branch().step(asked(0))[:, :LATENCY].any()
    take = render(session, asked, frames=10)
    assert take.audio.shape == (1, 10 * FRAME)
    assert np.abs(take.audio[:, :LATENCY]).max() > 0
    assert take.seconds == pytest.approx(10 * FRAME / RATE)
    assert take.frame_times.frames == 11  # one more, for the tail


def test_a_longer_take_begins_with_the_shorter_one(toy_bundle, asked):
    short, long = (render(Session(toy_bundle), asked, frames=n).audio for n in (10, 25))
    np.testing.assert_array_equal(long[:, : short.shape[1]], short)


def test_every_frame_is_asked_for_once_and_in_order(session, asked):
    seen = []

    def watch(frame):
        seen.append(frame)
        return asked(frame)

    render(session, watch, frames=9, block=4)
    assert seen == list(range(10))


def test_progress_is_told_after_every_block_and_ends_at_the_end(session, asked):
    told = []
    render(session, asked, frames=12, block=5, progress=lambda *at: told.append(at))
    assert told == [(5, 12), (10, 12), (12, 12)]


def test_frame_times_come_from_the_clock(session, asked):
    """A clock that moves 1 ms per look measures every frame as 1 ms."""
    ticks = count()
    take = render(session, asked, frames=10, clock=lambda: next(ticks) / 1000)
    assert take.frame_times == pytest.approx((1, 1, 1, 1, 11))
    assert take.wall_seconds == pytest.approx(23 / 1000)
    assert take.realtime_factor == pytest.approx(0.4 / 0.023)


class Loud:
    """A decoder with its gain turned: finite, silent, clipping or broken as asked."""

    def __init__(self, graph, gain):
        self.graph, self.gain, self.spec = graph, gain, graph.spec

    def run(self, inputs):
        outputs = self.graph.run(inputs)
        return outputs | {"audio": outputs["audio"] * np.float32(self.gain)}


def turn(session, gain):
    graphs = session._graphs
    session._graphs = {**graphs, "decode": Loud(graphs["decode"], gain)}
    return session


def test_clipping_is_limited_and_reported(session, asked):
    """The guard never hides what it did."""
    take = render(turn(session, 20), asked, frames=10)
    assert np.abs(take.audio).max() == 1.0
    assert take.peak > 1.0
    assert take.clipped_samples > 100
    assert take.is_limited


def test_without_the_guard_the_samples_are_the_models(session, asked):
    take = render(turn(session, 20), asked, frames=10, guard=False)
    assert np.abs(take.audio).max() == take.peak > 1.0
    assert take.clipped_samples == (np.abs(take.audio) > 1).sum()
    assert not take.is_limited


def test_silence_is_counted_by_frames(session, asked):
    assert render(session.branch(), asked, frames=10).silent_frames == 0
    assert render(turn(session, 1e-5), asked, frames=10).silent_frames == 10


def test_a_take_in_range_is_left_alone(session, asked):
    take = render(session, asked, frames=10)
    assert take.clipped_samples == 0
    assert take.peak == np.abs(take.audio).max()


def test_samples_that_are_no_numbers_are_an_error(session, asked):
    with pytest.raises(BackendError, match="not finite"):
        render(turn(session, np.nan), asked, frames=3)


@pytest.mark.parametrize(("frames", "block"), [(0, 1), (-5, 1), (5, 0)])
def test_a_take_of_no_frames_is_refused(session, asked, frames, block):
    with pytest.raises(OptionError, match="expected at least 1"):
        render(session, asked, frames=frames, block=block)
