"""Switching on the bar: it lands on the line, at any tempo and meter, through ramps and loops."""

import numpy as np
import pytest

from engine.clock import HostBlock, Transport
from engine.performer import Performer
from engine.song import BarGrid, Loop, Signature, SongTempo, TempoChange
from tests.engine.performing import (
    BAR,
    BEAT,
    first_difference,
    free,
    play_and_answer,
    request,
    style,
)
from tests.engine.song_walk import holds_line, walk
from tests.fakes import FRAME, LATENCY, RATE

TEMPI = [60.0, 97.3, 128.0, 174.0]
SIGNATURES = [Signature(3, 4), Signature(4, 4), Signature(6, 8)]
HOST_RATE = 2000  # the walker takes a step a sample
FADE = RATE // 200


def ramping(bpm: float) -> SongTempo:
    """Up a third in two quarters, back down in one."""
    return SongTempo(bpm, (TempoChange(1, bpm * 1.3, 2), TempoChange(5, bpm, 1)))


def bar_seconds(song: Transport, seconds: float) -> list[float]:
    """When a walking playhead meets a bar line, to 0.5 ms."""
    per_bar = song.grid.signature.quarters_per_bar
    met = []
    for index, pieces in enumerate(walk(song, round(seconds * song.rate))):
        if any(holds_line(start - 1e-9, end - 1e-9, 0.0, per_bar) for start, end in pieces):
            met.append((song.sample + index) / song.rate)
    return met


@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda s: f"{s.beats}/{s.unit}")
@pytest.mark.parametrize("bpm", TEMPI)
def test_a_switch_lands_on_the_bar_line(toy_bundle, bpm, signature):
    """Through a tempo ramp and round a loop, four switches, each heard within a millisecond.

    Where it is heard is measured: the first sample that differs from the same music unswitched.
    """
    loop = Loop(2.0, 2.0 + 2 * signature.quarters_per_bar)
    song = Transport(
        rate=HOST_RATE, tempo=ramping(bpm), grid=BarGrid(signature), loop=loop, quarter=0.7
    )
    bars = bar_seconds(song, 5.5 * signature.quarters_per_bar * 60 / bpm)
    performer = Performer(toy_bundle, seed=7)
    performer.set_transport(song)
    landed = []
    for number in range(4):
        twin = performer.branch()
        performer.ask(request(style(number), BAR))
        first, heard, plain, acks = performer.frame, [], [], []
        while not acks or performer.frame * FRAME < acks[0].sample + FADE:
            made = performer.make()
            heard.append(made.chunk)
            plain.append(twin.make().chunk)
            acks += made.acks
        switched = first_difference(np.hstack(heard), np.hstack(plain)) + first * FRAME
        assert switched == acks[0].sample
        landed.append(switched / RATE)
    expected = [second for second in bars if second >= LATENCY / RATE][: len(landed)]
    np.testing.assert_allclose(landed, expected, atol=0.001)


@pytest.mark.parametrize("bpm", [60.0, 97.3, 174.0])
def test_a_beat_is_met_wherever_in_a_frame_it_falls(toy_bundle, bpm):
    """Forty beats at an odd tempo fall all over the frame; each is met at its own sample."""
    performer = Performer(toy_bundle, seed=7)
    performer.set_transport(free(bpm))
    met = []
    for number in range(40):
        performer.ask(request(style(number), BEAT))
        while performer.waiting:
            met += [ack.sample for ack in performer.make().acks]
    beat = 60 * RATE / bpm
    first = met[0] / beat
    expected = [round((round(first) + number) * beat) for number in range(40)]
    np.testing.assert_allclose(met, expected, atol=1)
    assert len({sample % FRAME for sample in met}) > 1 or bpm == 60.0


def test_a_line_on_the_very_edge_of_a_frames_music_is_met_once(toy_bundle):
    """The bar line is put on each sample around the edge between two frames' music."""
    edge = 30 * FRAME + LATENCY
    for offset in (-2, -1, 0, 1, 2):
        performer = Performer(toy_bundle, seed=7)
        at = edge + offset
        performer.set_transport(free(120, sample=at, quarter=4.0))
        for _ in range(28):
            performer.make()
        performer.ask(request(style(1), BAR, name="bar"))
        _, acks = play_and_answer(performer, 10)
        assert [ack.sample for ack in acks] == [at]
        assert acks[0].frame == (at - LATENCY) // FRAME


def test_a_line_between_two_samples_is_met_at_the_nearer(toy_bundle):
    """At 48 kHz the host's bar line is half a sample of ours off: the later one is taken."""
    performer = Performer(toy_bundle, seed=7)
    edge = 2 * (30 * FRAME + LATENCY)
    for host_sample, ours in ((edge - 1, edge // 2), (edge + 1, edge // 2 + 1)):
        song = Transport(rate=2 * RATE, tempo=SongTempo(120), sample=host_sample, quarter=4.0)
        other = performer.branch()
        other.set_transport(song)
        for _ in range(28):
            other.make()
        other.ask(request(style(1), BAR))
        _, acks = play_and_answer(other, 10)
        assert [ack.sample for ack in acks] == [ours]


def test_a_line_in_a_loop_without_one_is_its_start(toy_bundle):
    """Half a bar is looped: what was asked for a bar is met where the loop begins again."""
    performer = Performer(toy_bundle, seed=7)
    performer.set_transport(free(120, quarter=1.0, loop=Loop(1.0, 3.0)))
    performer.ask(request(style(1), BAR))
    _, (ack,) = play_and_answer(performer, 40)
    assert ack.sample == RATE


def test_a_bar_that_was_asked_for_moves_with_the_song(toy_bundle):
    """A locate comes between the request and its line: the new bar line counts."""
    performer = Performer(toy_bundle, seed=7)
    performer.set_transport(free(120))
    performer.ask(request(style(1), BAR))
    play_and_answer(performer, 20)
    performer.rewind(18)
    performer.set_transport(free(120, sample=18 * FRAME, quarter=7.0))
    _, (ack,) = play_and_answer(performer, 30)
    assert ack.sample == 18 * FRAME + RATE // 2


def test_a_song_that_is_followed_block_by_block_has_its_lines_where_it_says(toy_bundle):
    """A host repeats itself every block, with rounding; each bar is still met once."""
    performer = Performer(toy_bundle, seed=7)
    song = Transport(rate=44_100, tempo=SongTempo(174.0))
    met = []
    for block in range(120):
        sample = block * 1764
        quarter = round(song.quarter_at(sample), 6)
        song = song.follow(HostBlock(sample=sample, rate=44_100, quarter=quarter))
        performer.set_transport(song)
        if not performer.waiting:
            performer.ask(request(style(block), BAR))
        met += [ack.sample for ack in performer.make().acks]
    bar = 4 * 60 / 174.0 * RATE
    expected = [round(number * bar) for number in range(1, len(met) + 1)]
    assert len(met) == 3
    np.testing.assert_allclose(met, expected, atol=2)
