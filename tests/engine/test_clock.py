"""The clock: where the song is, when the next bar comes, and what is a jump."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.clock import HostBlock, SystemClock, Transport, VirtualClock
from engine.errors import OptionError
from engine.song import BarGrid, Loop, Signature, SongTempo, TempoChange
from engine.spec import FRAME_RATE
from tests.engine.song_walk import first_crossing, walk

BLOCKS = [1, 64, 65, 441, 1024, 8193]
TEMPI = [60.0, 97.3, 128.0, 174.0]
SIGNATURES = [Signature(3, 4), Signature(4, 4), Signature(6, 8), Signature(7, 8)]
RATE = 2000  # the twin takes a step a sample; the tolerances below are 2.5 microseconds
NEAR_SAMPLES = 0.005


def ramping(bpm: float) -> SongTempo:
    """Up a third in two quarters, back down in one."""
    return SongTempo(bpm, (TempoChange(1, bpm * 1.3, 2), TempoChange(5, bpm, 1)))


def plain(bpm: float = 120.0, **fields: object) -> Transport:
    return Transport(rate=48000, tempo=SongTempo(bpm), **fields)


# --- against the walker ---------------------------------------------------------------------------


@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda s: f"{s.beats}/{s.unit}")
@pytest.mark.parametrize("bpm", TEMPI)
def test_the_next_bar_is_where_a_walking_playhead_meets_it(bpm, signature):
    """Through a tempo ramp and one and a half rounds of a loop, from every frame."""
    loop = Loop(2.0, 2.0 + 2 * signature.quarters_per_bar)
    grid = BarGrid(signature)
    song = Transport(rate=RATE, tempo=ramping(bpm), grid=grid, loop=loop, quarter=0.7)
    walked = list(walk(song, round(1.3 * RATE * 60 / bpm * loop.end)))
    for frame in range(0, len(walked) * FRAME_RATE // RATE, 3):
        met = first_crossing(song, walked, frame, signature.quarters_per_bar)
        if met is None:
            break
        mark = song.next_bar(frame)
        assert met - NEAR_SAMPLES <= mark.sample <= met + 1 + NEAR_SAMPLES
    assert frame > FRAME_RATE


def changes_from(draw: st.DrawFn) -> tuple[TempoChange, ...]:
    places = sorted(draw(st.lists(st.integers(-1920, 7680), max_size=3)))
    bpms, ramps = st.floats(40, 240), st.one_of(st.just(0.0), st.floats(0.5, 6))
    return tuple(TempoChange(place / 960, draw(bpms), draw(ramps)) for place in places)


@st.composite
def songs(draw: st.DrawFn) -> Transport:
    """Any tempo curve, signature, bar start, loop and place to begin.

    Places lie on 1/960 of a quarter, as hosts write them: a rounding error off a line the twin and
    the clock may disagree which round meets it.
    """
    start, length = draw(st.integers(-1920, 5760)) / 960, draw(st.integers(48, 8640)) / 960
    signature = draw(st.sampled_from([*SIGNATURES, Signature(5, 4), Signature(3, 8)]))
    return Transport(
        rate=draw(st.sampled_from([1000, 1050])),  # Hz; frames of 40 and 42 samples
        sample=draw(st.integers(0, 500)),
        quarter=draw(st.integers(-2880, 7680)) / 960,
        tempo=SongTempo(draw(st.floats(40, 240)), changes_from(draw)),
        grid=BarGrid(signature, draw(st.sampled_from([0.0, 1.0, 3.5, -2.25]))),
        loop=draw(st.sampled_from([None, Loop(start, start + length)])),
    )


@settings(max_examples=60, deadline=None)
@given(song=songs(), bars=st.integers(1, 4))
def test_any_song_is_played_as_a_walking_playhead_plays_it(song, bars):
    """Place at every sample, and beats, bars and phrases from some frames, to under a sample."""
    walked = list(walk(song, 3 * song.rate))
    for index in range(0, len(walked), 7):
        _assert_same_place(song, song.sample + index, walked[index][0][0])
    per_bar = song.grid.signature.quarters_per_bar
    first = -(-song.sample * FRAME_RATE // song.rate)
    for frame in range(first, first + 60, 13):
        for mark, apart in (
            (song.next_beat(frame), song.grid.signature.quarters_per_beat),
            (song.next_bar(frame), per_bar),
            (song.next_phrase(frame, bars=bars), bars * per_bar),
        ):
            met = first_crossing(song, walked, frame, apart)
            if met is not None:
                assert met - 0.02 <= mark.sample <= met + 1.02


def _assert_same_place(song: Transport, sample: int, quarter: float) -> None:
    """In samples, and on the loop's circle: a loop's end is its start."""
    seconds = song.tempo.second_at(song.quarter_at(sample)) - song.tempo.second_at(quarter)
    off = abs(seconds) * song.rate
    if song.loop:
        around = song.tempo.second_at(song.loop.end) - song.tempo.second_at(song.loop.start)
        off = min(off, abs(off - around * song.rate))
    assert off < 0.02  # 20 microseconds, a sample at 48 kHz


@pytest.mark.parametrize("block", BLOCKS)
def test_a_host_that_plays_on_as_predicted_never_jumps(block):
    """Whatever the block: through a ramp and round a loop that the host told of."""
    loop = Loop(1.0, 5.0)
    song = Transport(rate=RATE, tempo=ramping(128.0), loop=loop)
    walked = list(walk(song, 4 * RATE))
    known, expected = song, song.next_bar(70)
    for sample in range(0, 700 if block == 1 else 3 * RATE, block):
        said = HostBlock(
            sample=sample, rate=RATE, quarter=walked[sample][0][0], tempo=song.tempo, loop=loop
        )
        told = known.follow(said)
        assert told.jump_from(known) is None
        assert told.next_bar(70).sample == pytest.approx(expected.sample, abs=NEAR_SAMPLES)
        known = told


# --- when -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_a_bar_of_four_at_120_lasts_two_seconds(rate):
    song = Transport(rate=rate, tempo=SongTempo(120.0))
    assert song.next_bar(0).sample == 0.0
    assert song.next_bar(1).sample == pytest.approx(2 * rate)
    assert song.next_phrase(1, bars=4).sample == pytest.approx(8 * rate)
    assert song.next_beat(1).sample == pytest.approx(rate / 2)


def test_a_bar_line_inside_a_frame_says_how_far_inside():
    """97.3 bpm, 4/4: bar 2 begins after 2.46660 s, 0.6660 of a frame into frame 61."""
    mark = plain(97.3).next_bar(1)
    assert mark.sample == pytest.approx(4 * 60 / 97.3 * 48000)
    assert (mark.frame, mark.offset_at(48000), mark.offset_at(24000)) == (61, 1277, 638)


def test_a_bar_line_at_a_frames_start_belongs_to_that_frame():
    marks = [plain(120.0).next_bar(frame) for frame in (0, 49, 50, 51)]
    assert [mark.frame for mark in marks] == [0, 50, 50, 100]
    assert {mark.offset_at(48000) for mark in marks} == {0}


def test_six_eight_counts_two_dotted_beats_a_bar():
    """At 120 quarters a minute a bar of 6/8 lasts 1.5 s, and a beat half of that."""
    song = plain(120.0, grid=BarGrid(Signature(6, 8)))
    assert song.next_bar(1).sample == pytest.approx(1.5 * 48000)
    assert song.next_beat(1).sample == pytest.approx(0.75 * 48000)
    place = song.position_at(1.5 * 48000)
    assert place.beat == pytest.approx(2.0)
    assert (place.bar, place.beats_per_bar, place.tempo_bpm) == (1, 2, pytest.approx(80.0))


def test_seven_eight_counts_seven_eighths():
    song = plain(120.0, grid=BarGrid(Signature(7, 8)))
    assert song.next_bar(1).sample == pytest.approx(1.75 * 48000)
    assert (song.position_at(0).beats_per_bar, song.position_at(0).tempo_bpm) == (7, 240.0)


def test_bars_are_counted_from_where_the_host_says_that_one_began():
    """After a change of meter, bar lines are no multiples of the bar."""
    song = plain().follow(HostBlock(sample=0, rate=48000, quarter=9.5, bar_quarter=7.0))
    assert song.next_bar(0).sample == pytest.approx(1.5 * 24000)
    assert song.position_at(0).beat == pytest.approx(4 + 2.5)


def test_a_loop_without_a_bar_line_counts_its_start_as_one():
    """Two beats in the middle of a bar: a change on the bar must come some time."""
    song = plain(loop=Loop(1.0, 3.0), quarter=1.0)
    assert song.next_bar(1).sample == pytest.approx(48000)
    assert song.next_phrase(30, bars=8).sample == pytest.approx(2 * 48000)


def test_a_loop_that_has_been_passed_no_longer_loops():
    song = plain(loop=Loop(0.0, 4.0), quarter=4.0)
    assert song.quarter_at(48000 * 10) == pytest.approx(24.0)


def test_a_stopped_host_has_no_next_bar_and_stays_where_it_is():
    song = plain(playing=False, quarter=2.5)
    assert (song.next_bar(0), song.next_beat(9), song.quarter_at(10**9)) == (None, None, 2.5)


def test_a_count_in_leads_to_the_first_bar():
    song = plain(quarter=-4.0)
    assert song.position_at(0).bar == -1
    assert song.next_bar(1).sample == pytest.approx(96000)


def test_a_phrase_of_no_bars_is_refused():
    with pytest.raises(OptionError, match="bars is 0, expected 1 or more"):
        plain().next_phrase(0, bars=0)


# --- without a host -------------------------------------------------------------------------------


def test_a_free_running_song_is_on_the_beat_after_a_day():
    """97.3 bpm for 24 hours: 140,112 beats, to a hundredth of a sample."""
    day = 24 * 3600 * 48000
    assert plain(97.3).quarter_at(day) == pytest.approx(97.3 * 1440, abs=97.3 / 60 / 48000 / 100)


def test_a_new_tempo_goes_on_from_where_the_song_is():
    song = plain(120.0).follow(HostBlock(sample=48000, rate=48000, tempo=SongTempo(60.0)))
    assert song.quarter_at(48000) == pytest.approx(2.0)
    assert song.quarter_at(96000) == pytest.approx(3.0)


def test_a_host_without_a_song_position_still_gives_the_tempo():
    song = plain(quarter=1.0).follow(HostBlock(sample=4800, rate=48000, tempo=SongTempo(90.0)))
    assert song.quarter_at(4800) == pytest.approx(1.2)
    assert song.position_at(4800).tempo_bpm == 90.0


def test_a_change_of_rate_keeps_the_bar_line_where_it_was_in_time():
    before = plain(97.3)
    after = before.follow(HostBlock(sample=44100, rate=44100))
    assert after.jump_from(before) is None
    assert after.next_bar(30).sample / 44100 == pytest.approx(before.next_bar(30).sample / 48000)


# --- jumps ----------------------------------------------------------------------------------------


def heard(before: Transport, sample: int = 4800, **fields: object):
    """The jump that a host block brings."""
    place = fields.pop("quarter", before.quarter_at(sample))
    said = HostBlock(sample=sample, rate=before.rate, quarter=place, **fields)
    return before.follow(said).jump_from(before)


def test_a_locate_is_a_jump_and_says_from_where_to_where():
    jump = heard(plain(), quarter=32.0)
    assert jump == ("locate", 4800, pytest.approx(0.2), 32.0)


def test_a_locate_while_stopped_is_a_jump():
    assert heard(plain(playing=False), playing=False, quarter=8.0).kind == "locate"


@pytest.mark.parametrize("ms", [-4.0, 4.0])
def test_a_host_that_rounds_its_position_does_not_jump(ms):
    assert heard(plain(), quarter=0.2 + ms / 500) is None


@pytest.mark.parametrize("ms", [-6.0, 6.0])
def test_what_is_off_by_more_than_a_switch_may_be_is_a_jump(ms):
    assert heard(plain(), quarter=0.2 + ms / 500).kind == "locate"


def test_starting_and_stopping_are_jumps():
    assert heard(plain(playing=False)).kind == "start"
    assert heard(plain(), playing=False).kind == "stop"


@pytest.mark.parametrize("bpm", [90.0, 119.0 * 0.99, 122.0, 240.0])
def test_a_tempo_that_nobody_announced_is_a_jump(bpm):
    assert heard(plain(), tempo=SongTempo(bpm)).kind == "tempo"


def test_automation_that_tells_a_little_more_tempo_with_every_block_is_no_jump():
    """120 to 132 bpm in ten seconds, in blocks of 1,024: followed, never re-aimed."""
    song, quarter = plain(), 0.0
    for sample in range(1024, 480000, 1024):
        bpm = 120 + 12 * sample / 480000
        quarter += 1024 / 48000 * (bpm - 12 * 512 / 480000) / 60
        said = HostBlock(sample=sample, rate=48000, quarter=quarter, tempo=SongTempo(bpm))
        told = song.follow(said)
        assert told.jump_from(song) is None
        song = told


def test_a_wrap_that_nobody_announced_is_a_jump():
    before = plain(quarter=7.9)
    jump = heard(before, quarter=0.1, loop=Loop(0.0, 8.0))
    assert jump == ("loop", 4800, pytest.approx(8.1), 0.1)


def test_a_wrap_that_was_announced_is_none():
    loop = Loop(0.0, 8.0)
    assert heard(plain(quarter=7.9, loop=loop), quarter=0.1, loop=loop) is None


def test_a_wrap_one_sample_early_or_late_is_none():
    """Hosts put a loop's end on a whole sample."""
    loop, song = Loop(0.0, 8.0), plain(quarter=7.8, loop=Loop(0.0, 8.0))
    for quarter in (8.0 - 1e-4, 1e-4):
        assert heard(song, quarter=quarter, loop=loop) is None


def test_a_loop_set_behind_the_unheard_frames_is_none_and_one_among_them_is_a_jump():
    assert heard(plain(), loop=Loop(0.0, 8.0)) is None
    assert heard(plain(), loop=Loop(0.0, 0.4)).kind == "loop"


def test_an_announced_tempo_is_none_until_it_reaches_the_unheard_frames():
    far, near = (SongTempo(120.0, (TempoChange(place, 60.0),)) for place in (8.0, 0.3))
    assert heard(plain(), tempo=far) is None
    assert heard(plain(), tempo=near).kind == "tempo"


def test_another_signature_or_bar_line_is_a_jump():
    assert heard(plain(), signature=Signature(3, 4)).kind == "meter"
    assert heard(plain(), bar_quarter=-3.0).kind == "meter"
    assert heard(plain(), bar_quarter=-4.0) is None


# --- what cannot be -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SongTempo(0.0), "tempo is 0.0, expected 1 to 1000"),
        (lambda: SongTempo(float("nan")), "tempo is nan"),
        (lambda: SongTempo(90, (TempoChange(4, 90), TempoChange(2, 90))), "rising order"),
        (lambda: SongTempo(90, (TempoChange(float("nan"), 90),)), "finite places"),
        (lambda: SongTempo(90, (TempoChange(0, 90, -1),)), "finite places and ramps"),
        (lambda: Loop(4.0, 4.0), "a start before its end"),
        (lambda: Signature(0, 4), "time signature is '0/4'"),
        (lambda: Signature(4, 5), "power of two"),
        (lambda: HostBlock(sample=0, rate=0), "rate is 0"),
        (lambda: HostBlock(sample=0, rate=1, quarter=float("inf")), "quarter is inf"),
    ],
)
def test_what_no_host_can_mean_is_refused_in_words(build, message):
    with pytest.raises(OptionError, match=message):
        build()


# --- time of day ----------------------------------------------------------------------------------


def test_a_virtual_clock_moves_only_when_told_or_slept():
    clock = VirtualClock(5.0)
    clock.advance(0.25)
    clock.sleep_until(6.0)
    clock.sleep_until(1.0)
    assert clock.now() == 6.0
    with pytest.raises(OptionError, match="seconds is -1"):
        clock.advance(-1)


def test_the_machines_clock_wakes_no_sleeper_early():
    clock = SystemClock()
    wake = clock.now() + 0.005
    clock.sleep_until(wake)
    assert clock.now() >= wake


def test_a_line_is_met_from_any_sample_on_it_or_before():
    """At 120 bpm a bar of 4/4 is 96,000 samples at 48 kHz."""
    transport = Transport(rate=48_000, tempo=SongTempo(120))
    assert transport.next_line(1.0, quarters_apart=4.0).sample == pytest.approx(96_000)
    assert transport.next_line(96_000.0, quarters_apart=4.0).sample == pytest.approx(96_000)
    assert transport.next_line(96_001.5, quarters_apart=0.5).sample == pytest.approx(108_000)
    stopped = Transport(rate=48_000, tempo=SongTempo(120), playing=False)
    assert stopped.next_line(0.0, quarters_apart=4.0) is None


def test_a_loop_goes_back_to_its_start_again_and_again():
    """From quarter 2 to 5 at 120 bpm: first after 5 quarters, then after every 3."""
    loop = Loop(2.0, 5.0)
    transport = Transport(rate=48_000, tempo=SongTempo(120), loop=loop)
    assert transport.next_wrap(0.0).sample == pytest.approx(5 * 24_000)
    assert transport.next_wrap(5 * 24_000 + 1.0).sample == pytest.approx(8 * 24_000)
    for without in (
        Transport(rate=48_000, tempo=SongTempo(120)),
        Transport(rate=48_000, tempo=SongTempo(120), quarter=5.5, loop=loop),
        Transport(rate=48_000, tempo=SongTempo(120), loop=loop, playing=False),
    ):
        assert without.next_wrap(0.0) is None
