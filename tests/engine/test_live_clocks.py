"""Who keeps time in a live set: the host's blocks, a MIDI clock, Ableton Link."""

import numpy as np
import pytest

from engine.clock import Transport
from engine.errors import OptionError
from engine.live.host import Host, Pulse, SampleClock
from engine.live.link import LinkClock
from engine.live.midi_clock import MidiClock
from engine.song import Signature, SongTempo

RATE = 48_000


# --- host ---------------------------------------------------------------------------------------


def test_where_nobody_says_anything_nothing_is_said():
    assert Host().block(0, RATE, 0.0) is None


def test_what_is_said_is_said_once():
    host = Host()
    host.say(Pulse(second=1.0, playing=False))
    said = host.block(256, RATE, 1.01)
    assert said is not None
    assert (said.sample, said.playing, said.tempo, said.quarter) == (256, False, None, None)
    assert host.block(512, RATE, 1.02) is None


def test_a_place_is_carried_to_the_block_that_tells_it():
    """The beat was read a while before the block's first sample is heard."""
    host = Host()
    host.say(Pulse(second=10.0, quarter=4.0, bpm=120.0))
    said = host.block(0, RATE, 10.25)
    assert said is not None
    assert said.quarter == pytest.approx(4.5)


def test_a_clock_that_keeps_its_promise_adds_nothing_to_the_log():
    host = Host()
    told = 0
    for block in range(500):
        second = block * 512 / RATE
        host.say(Pulse(second=second, quarter=second * 2.0, bpm=120.0))
        told += host.block(block * 512, RATE, second) is not None
    assert told == 1


def test_a_clock_that_drifts_is_followed_before_it_is_a_jump():
    """The link's crystal is 100 ppm faster than the sound card's; a jump would be 5 ms."""
    host = Host()
    transport = Transport(rate=RATE, tempo=SongTempo(120.0))
    for block in range(60 * RATE // 512):
        second = block * 512 / RATE * 1.0001
        host.say(Pulse(second=second, quarter=second * 2.0, bpm=120.0))
        said = host.block(block * 512, RATE, second)
        if said is not None:
            now = transport.follow(said)
            assert now.jump_from(transport) is None
            transport = now
        off = transport.quarter_at(block * 512) - second * 2.0
        assert abs(off) / 2.0 < 0.003


def test_an_old_pulse_is_not_told_again_when_the_card_drifts():
    """After a tap or a stopped MIDI clock the card's own time is all there is."""
    host = Host()
    host.say(Pulse(second=0.0, quarter=0.0, bpm=120.0))
    told = [host.block(n * RATE, RATE, n * 1.0001) is not None for n in range(100)]
    assert sum(told) == 1


@pytest.mark.parametrize(
    "change",
    [
        Pulse(second=5.0, quarter=10.0, bpm=90.0),
        Pulse(second=5.0, quarter=3.0, bpm=120.0),
        Pulse(second=5.0, playing=False),
        Pulse(second=5.0, quarter=10.0, bpm=120.0, signature=Signature(3, 4)),
    ],
    ids=["tempo", "place", "stop", "meter"],
)
def test_a_change_is_told(change):
    host = Host()
    host.say(Pulse(second=0.0, quarter=0.0, bpm=120.0))
    host.block(0, RATE, 0.0)
    host.say(change)
    assert host.block(5 * RATE, RATE, 5.0) is not None


def test_to_stop_takes_neither_tempo_nor_meter_away():
    host = Host()
    host.say(Pulse(second=0.0, quarter=0.0, bpm=90.0, signature=Signature(3, 4)))
    host.say(Pulse(second=1.0, playing=False))
    said = host.block(RATE, RATE, 1.0)
    assert said is not None
    assert (said.tempo, said.signature) == (SongTempo(90.0), Signature(3, 4))


def test_a_card_of_another_rate_is_told():
    host = Host()
    host.say(Pulse(second=0.0, quarter=0.0, bpm=120.0))
    host.block(0, RATE, 0.0)
    host.say(Pulse(second=1.0, quarter=2.0, bpm=120.0))
    assert host.block(44_100, 44_100, 1.0) is not None


# --- the card's clock ---------------------------------------------------------------------------


def test_callbacks_that_come_late_are_smoothed():
    """Scheduling delays a callback by up to 10 ms; the place in the song must not shake with it."""
    clock = SampleClock(RATE)
    late = np.random.default_rng(1).uniform(0, 0.010, 6000)
    seconds = np.arange(6000) * 256 / RATE
    due = [clock.at(s, 256) for s in seconds + late]
    error = np.array(due[200:]) - seconds[200:]
    assert np.abs(error).max() < 0.001


def test_a_card_that_runs_fast_is_followed():
    clock = SampleClock(RATE)
    seconds = np.arange(8000) * 256 / (RATE * 1.0002)
    due = [clock.at(s, 256) for s in seconds]
    assert abs(due[-1] - seconds[-1]) < 0.0005


def test_a_card_that_lost_samples_is_found_out_within_a_second():
    """After a dropout its samples stand for a later time; a slow loop would lag for many bars."""
    clock = SampleClock(RATE)
    seconds = np.arange(1000) * 256 / RATE
    seconds[400:] += 0.03
    due = np.array([clock.at(s, 256) for s in seconds])
    assert np.abs(due[400 + 190 :] - seconds[400 + 190 :]).max() < 1e-9


def test_after_a_gap_the_card_begins_anew():
    clock = SampleClock(RATE)
    clock.at(0.0, 256)
    assert clock.at(30.0, 256) == 30.0


# --- MIDI clock ---------------------------------------------------------------------------------


def ticks(clock: MidiClock, bpm: float, count: int, start: float = 0.0, jitter: float = 0.0):
    """Send ticks; returns the pulses."""
    apart = 60.0 / bpm / 24
    noise = np.random.default_rng(2).uniform(-jitter, jitter, count)
    heard = [clock.hear("clock", start + n * apart + noise[n]) for n in range(count)]
    return [pulse for pulse in heard if pulse is not None]


@pytest.mark.parametrize("bpm", [60.0, 97.3, 174.0])
def test_ticks_become_a_tempo(bpm):
    pulses = ticks(MidiClock(), bpm, 200)
    assert pulses[-1].bpm == pytest.approx(bpm, rel=1e-3)
    assert pulses[-1].quarter is None  # no start was sent: the place is not known


def test_a_start_puts_the_first_tick_on_the_downbeat():
    clock = MidiClock()
    ticks(clock, 120.0, 50)
    assert clock.hear("start", 1.04) is None
    (pulse,) = ticks(clock, 120.0, 1, start=50 / 48)
    assert (pulse.quarter, pulse.playing) == (0.0, True)
    assert pulse.second == pytest.approx(50 / 48, abs=1e-6)


def test_the_place_is_told_every_quarter_and_does_not_wander():
    clock = MidiClock()
    clock.hear("start", 0.0)
    pulses = ticks(clock, 120.0, 24 * 64, jitter=0.002)
    assert len(pulses) > 60
    assert {pulse.bpm for pulse in pulses[6:]} == {pulses[6].bpm}
    for pulse in pulses[6:]:
        assert pulse.quarter is not None
        assert pulse.second == pytest.approx(pulse.quarter / 2, abs=0.0015)


def test_a_stop_stops_and_a_continue_goes_on_where_it_was():
    clock = MidiClock()
    clock.hear("start", 0.0)
    ticks(clock, 120.0, 49)
    stopped = clock.hear("stop", 1.03)
    assert stopped is not None
    assert stopped.playing is False
    ticks(clock, 120.0, 24, start=49 / 48)
    clock.hear("continue", 1.53)
    (pulse,) = ticks(clock, 120.0, 1, start=73 / 48)
    assert pulse.quarter == pytest.approx(49 / 24)


def test_a_song_position_is_where_a_continue_begins():
    clock = MidiClock()
    clock.hear("songpos", 0.0, sixteenths=16)
    clock.hear("continue", 0.0)
    assert ticks(clock, 120.0, 1)[0].quarter == 4.0


def test_a_tempo_that_was_turned_is_followed_within_a_bar():
    clock = MidiClock()
    ticks(clock, 120.0, 24 * 8)
    pulses = ticks(clock, 100.0, 24 * 4, start=4.0)
    assert pulses[-1].bpm == pytest.approx(100.0, rel=1e-3)


def test_a_pulled_cable_does_not_make_a_slow_tempo():
    clock = MidiClock()
    ticks(clock, 120.0, 100)
    pulses = ticks(clock, 140.0, 100, start=60.0)
    assert pulses[0].bpm == pytest.approx(120.0, rel=1e-3)
    assert pulses[-1].bpm == pytest.approx(140.0, rel=1e-3)


# --- Link ---------------------------------------------------------------------------------------


class FakeLink:
    """A session of one peer at 126 bpm."""

    def __init__(self) -> None:
        self.enabled = False
        self.quantum = 1.0
        self.tempo = 126.0
        self.beat = 8.25


def test_link_says_beat_and_tempo_and_counts_bars_of_four():
    link = FakeLink()
    pulse = LinkClock(link, lambda: 3.0).read()
    assert pulse == Pulse(second=3.0, quarter=8.25, bpm=126.0, signature=Signature(4, 4))
    assert (link.enabled, link.quantum) == (True, 4.0)


def test_a_tap_is_proposed_to_all_peers():
    link = FakeLink()
    clock = LinkClock(link, lambda: 0.0)
    clock.set_tempo(99.0)
    assert link.tempo == 99.0
    with pytest.raises(OptionError, match="tempo"):
        clock.set_tempo(0.0)


def test_who_leaves_link_is_no_longer_seen():
    link = FakeLink()
    LinkClock(link, lambda: 0.0).close()
    assert not link.enabled
