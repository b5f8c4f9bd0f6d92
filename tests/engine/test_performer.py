"""The performer: told the same, it plays the same; and what it is asked is heard when it said."""

import numpy as np
import pytest

from engine.backends import open_backend
from engine.bundle import Bundle
from engine.clock import Transport
from engine.command import (
    NoteOn,
    Panic,
    Pick,
    SetMode,
    SetParam,
    SetPrompt,
    SetWeight,
)
from engine.desk import Desk
from engine.errors import BackendError, BundleError, OptionError, ShapeError
from engine.options import SamplingOptions
from engine.performer import Performer
from engine.session import Session
from engine.song import SongTempo
from engine.stages.prompt import encode
from engine.waiting import MAX_WAITING
from tests.engine.performing import (
    BAR,
    BEAT,
    When,
    first_difference,
    free,
    guitar,
    play,
    play_and_answer,
    request,
    style,
    style_of,
)
from tests.fakes import FRAME, LATENCY, RATE, write_toy_bundle

FADE = RATE // 200  # 5 ms


@pytest.fixture
def performer(toy_bundle) -> Performer:
    return Performer(toy_bundle, seed=7)


# --- the same performance -------------------------------------------------------------------------


def test_nothing_asked_is_what_a_session_plays(toy_bundle, performer):
    """The engine adds nothing to the music: no gain, no fade, no frame of its own."""
    session, desk, song = Session(toy_bundle, seed=7), Desk(), free(120)
    expected = [
        session.step(desk.controls(n, song.position_at(n * FRAME + LATENCY))) for n in range(30)
    ]
    np.testing.assert_array_equal(play(performer, 30), np.concatenate(expected, axis=1))


def perform(performer: Performer) -> np.ndarray:
    """A performance with a bit of everything."""
    takes = [play(performer, 20)]
    performer.ask(request(style(1), BAR))
    performer.ask(request(SetParam(name="key", value="D minor")))
    performer.hear(guitar(0))
    takes.append(play(performer, 40))
    performer.rewind(performer.frame - 5)
    performer.shed(2)
    performer.set_transport(free(97.3, sample=performer.frame * FRAME, quarter=3.3))
    performer.ask(request(style(2, index=2), BEAT), since=performer.frame - 4)
    performer.ask(request(SetWeight(index=2, weight=-0.5), BEAT, glide_seconds=0.5))
    takes.append(play(performer, 40))
    return np.concatenate(takes, axis=1)


def test_the_same_calls_give_the_same_samples(toy_bundle):
    first, second = (perform(Performer(toy_bundle, seed=7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_another_seed_gives_other_samples(toy_bundle):
    first, second = (perform(Performer(toy_bundle, seed=seed)) for seed in (7, 8))
    assert first_difference(first, second) is not None


# --- when a request is heard ----------------------------------------------------------------------


def test_now_is_the_next_frame_and_not_a_sample_before(performer):
    play(performer, 10)
    twin = performer.branch()
    performer.ask(request(style(1), name="one"))
    asked, (ack,) = play_and_answer(performer, 5)
    assert (ack.id, ack.what, ack.frame, ack.sample) == ("one", "done", 10, 10 * FRAME + LATENCY)
    assert first_difference(asked, play(twin, 5)) == LATENCY


def test_frames_that_are_made_again_hear_of_it_earlier(performer):
    """How a live engine keeps its lead and still answers at once."""
    play(performer, 8)
    twin = performer.branch()
    performer.rewind(5)
    performer.ask(request(style(1)))
    asked, (ack,) = play_and_answer(performer, 6)
    assert ack.frame == 5
    twin.rewind(5)
    assert first_difference(asked, play(twin, 6)) == LATENCY


@pytest.mark.parametrize(("frame", "obeyed"), [(14, 14), (3, 10)])
def test_a_frame_is_met_at_its_start_and_one_gone_by_at_the_next(performer, frame, obeyed):
    play(performer, 10)
    twin = performer.branch()
    performer.ask(request(style(1), When(kind="frame", frame=frame)))
    assert len(performer.waiting) == 1
    asked, (ack,) = play_and_answer(performer, 8)
    assert (ack.frame, ack.sample) == (obeyed, obeyed * FRAME + LATENCY)
    assert first_difference(asked, play(twin, 8)) == (obeyed - 10) * FRAME + LATENCY
    assert performer.waiting == ()


def test_before_the_line_is_the_old_music_and_5_ms_after_it_the_new(performer):
    """The bar line of 120 bpm is at 2 s; the new line is what a switch before the frame gives."""
    play(performer, 45)
    old = performer.branch()
    performer.ask(request(style(1), BAR))
    crossed = play(performer, 10)
    line = 2 * RATE - 45 * FRAME
    before = play(old.branch(), 10)
    new = old.branch()
    new.ask(request(style(1), When(kind="frame", frame=(2 * RATE - LATENCY) // FRAME)))
    after = play(new, 10)
    np.testing.assert_array_equal(crossed[:, :line], before[:, :line])
    np.testing.assert_array_equal(crossed[:, line + FADE :], after[:, line + FADE :])
    between = slice(line, line + FADE)
    share = (np.arange(FADE) + 0.5) / FADE
    mixed = (1 - share) * before[:, between] + share * after[:, between]
    np.testing.assert_allclose(crossed[:, between], mixed, atol=1e-6)


def test_a_request_on_a_line_costs_a_second_line_only_while_it_is_crossed(performer):
    play(performer, 45)
    performer.ask(request(style(1), BAR))
    assert [performer.make().played for _ in range(10)] == [1, 1, 1, 1, 2, 2, 1, 1, 1, 1]


def test_a_beat_that_went_by_before_the_request_came_is_not_met(performer):
    """At 120 bpm a beat is at 0.5 s, in frame 12: who asks in frame 13 waits for the one at 1 s."""
    play(performer, 10)
    performer.ask(request(style(1), BEAT, name="early"), since=12)
    performer.ask(request(style(2, index=2), BEAT, name="late"), since=13)
    _, acks = play_and_answer(performer, 20)
    assert [(ack.id, ack.sample) for ack in acks] == [("early", RATE // 2), ("late", RATE)]


def test_a_phrase_is_counted_from_the_songs_start(performer):
    performer.set_transport(free(120, quarter=9.0))  # in the third bar
    performer.ask(request(style(1), When(kind="phrase", bars=4)))
    _, (ack,) = play_and_answer(performer, 120)
    assert ack.sample == 7 * RATE // 2  # bar 4 is at quarter 16, 3.5 s on


def test_the_frame_of_a_line_is_known_before_it_is_made(performer):
    """So that a runner knows how far to rewind."""
    play(performer, 50)
    line = (2 * RATE - LATENCY) // FRAME
    assert performer.frame_of(BAR, since=48) == line == 49
    assert performer.frame_of(BAR, since=51) == (4 * RATE - LATENCY) // FRAME
    assert performer.frame_of(When()) == 50
    assert performer.frame_of(When(kind="frame", frame=99)) == 99
    performer.rewind(49)
    performer.ask(request(style(1), BAR), since=48)
    _, (ack,) = play_and_answer(performer, 2)
    assert (ack.frame, ack.sample) == (49, 2 * RATE)


# --- several requests -----------------------------------------------------------------------------


def test_requests_on_one_line_are_obeyed_in_order_and_the_newest_of_a_slot_wins(performer):
    """Two lines meet at the bar: one asked for as a bar, one as a phrase."""
    phrase = When(kind="phrase", bars=1)
    performer.ask(request(style(1), BAR, name="old"))
    performer.ask(request(SetWeight(index=1, weight=0.5), BAR, name="weight"))
    performer.ask(request(style(3), phrase, name="new"))
    _, acks = play_and_answer(performer, 60)
    assert [(ack.id, ack.what) for ack in acks] == [
        ("old", "replaced"),
        ("weight", "done"),
        ("new", "done"),
    ]
    assert {ack.sample for ack in acks} == {2 * RATE}
    assert np.array_equal(performer.desk.controls(60).style, style_of(3))


def test_a_request_for_the_same_slot_and_time_replaces_the_one_that_waits(performer):
    play(performer, 10)
    twin = performer.branch()
    performer.ask(request(style(1), BAR, name="old"))
    performer.ask(request(style(2), BAR, name="new"))
    assert [ask.id for ask in performer.waiting] == ["new"]
    made = performer.make()
    assert [(ack.id, ack.what) for ack in made.acks] == [("old", "replaced")]
    assert "new" in made.acks[0].reason
    twin.ask(request(style(2), BAR))
    twin.make()
    np.testing.assert_array_equal(play(performer, 50), play(twin, 50))


def test_the_same_slot_at_other_times_is_another_request(performer):
    for frame in (3, 5):
        at = When(kind="frame", frame=frame)
        performer.ask(request(style(frame), at, name=str(frame)))
    _, acks = play_and_answer(performer, 8)
    assert [(ack.id, ack.what, ack.frame) for ack in acks] == [("3", "done", 3), ("5", "done", 5)]


def test_a_queue_has_an_end(performer):
    for number in range(MAX_WAITING):
        performer.ask(request(style(1), When(kind="frame", frame=1000 + number)))
    with pytest.raises(OptionError, match="requests that wait"):
        performer.ask(request(style(1)))
    assert len(performer.waiting) == MAX_WAITING


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (SetPrompt(index=1, text="warm tape choir"), "no style"),
        (SetParam(name="seed", value=3), None),
    ],
)
def test_what_cannot_be_obeyed_is_refused_in_words_and_the_rest_is_obeyed(performer, command, why):
    performer.ask(request(command, name="asked"))
    performer.ask(request(NoteOn(pitch=60), name="note"))
    acks = performer.make().acks
    assert [(ack.id, ack.what) for ack in acks] == [
        ("asked", "refused" if why else "done"),
        ("note", "done"),
    ]
    assert (why or "") in acks[0].reason
    assert performer.desk.controls(1).notes[60] > 0


def test_a_style_of_another_width_is_refused_at_once(performer):
    with pytest.raises(ShapeError):
        performer.ask(request(SetPrompt(index=1, text="choir")), style=np.zeros(5, np.float32))
    assert performer.waiting == ()


def test_a_prompt_is_obeyed_with_its_style(toy_bundle, performer):
    play(performer, 3)
    found = encode(toy_bundle, "warm tape choir")
    asked = request(SetPrompt(index=1, text="warm tape choir, D minor"))
    performer.ask(asked, style=found)
    performer.make()
    controls = performer.desk.controls(4)
    np.testing.assert_array_equal(controls.style, found)
    assert performer.desk.key == "D minor"


def test_a_glide_arrives_when_it_should(performer):
    """Half a second between two styles: on the way at once, there after 12 frames."""
    performer.ask(request(style(1)))
    performer.make()
    performer.ask(request(style(2), glide_seconds=0.5))
    performer.make()
    on_the_way, there = (performer.desk.controls(frame).style for frame in (2, 13))
    assert not np.array_equal(on_the_way, style_of(1))
    assert not np.array_equal(on_the_way, style_of(2))
    np.testing.assert_array_equal(there, style_of(2))


# --- the transport --------------------------------------------------------------------------------


def test_a_stopped_song_is_silent_within_10_ms_and_computes_nothing(performer):
    play(performer, 20)
    twin = performer.branch()
    stop = 20 * FRAME + 500
    performer.set_transport(free(120, sample=stop, quarter=1.5, playing=False))
    stopped, going = play(performer, 5), play(twin, 5)
    np.testing.assert_array_equal(stopped[:, :500], going[:, :500])
    assert not stopped[:, 500 + FADE :].any()
    assert FADE <= RATE // 100
    assert [performer.make().played for _ in range(3)] == [0, 0, 0]


def test_a_song_starts_at_the_sample_and_goes_on_where_it_stopped(performer):
    """A stop forgets nothing: the session is the one that played before."""
    play(performer, 20)
    performer.set_transport(free(120, sample=20 * FRAME, quarter=1.6, playing=False))
    assert not play(performer, 30)[:, FADE:].any()
    session = performer._now.voice.source.line.session
    start = 50 * FRAME + 700
    performer.set_transport(free(120, sample=start, quarter=4.0))
    again = play(performer, 3)
    assert not again[:, :700].any()
    assert np.abs(again[:, 700 : 700 + FADE]).max() > 0
    expected = session.branch()
    desk, song = performer.desk, performer.transport
    frames = [
        expected.step(desk.controls(n, song.position_at(n * FRAME + LATENCY))) for n in (50, 51)
    ]
    np.testing.assert_array_equal(
        again[:, 700 + FADE : 2 * FRAME], np.concatenate(frames, axis=1)[:, 700 + FADE :]
    )


def test_a_song_that_starts_inside_the_music_of_the_frame_before_starts_there(performer):
    """The decoder is late: what sounds first belongs to a frame that is made for it."""
    play(performer, 20)
    performer.set_transport(free(120, sample=20 * FRAME, quarter=1.6, playing=False))
    play(performer, 10)
    start = 30 * FRAME + 50  # before 30 F + L
    performer.set_transport(free(120, sample=start, quarter=4.0))
    made = performer.make()
    assert made.played == 2
    assert not made.chunk[:, :50].any()
    assert np.abs(made.chunk[:, 50 : 50 + FADE]).max() > 0


def test_a_stop_and_a_start_to_come_wait_for_their_samples(performer):
    stop = 6 * FRAME + 10
    performer.set_transport(free(120, sample=stop, quarter=0.5, playing=False))
    early = play(performer, 6)
    assert np.abs(early[:, -100:]).max() > 0
    assert not play(performer, 4)[:, 10 + FADE :].any()
    performer.set_transport(free(120, sample=14 * FRAME, quarter=0.5))
    assert not play(performer, 4).any()
    assert np.abs(play(performer, 1)).max() > 0


def test_a_bar_waits_while_the_song_stands_and_is_met_when_it_goes_on(performer):
    play(performer, 20)
    performer.set_transport(free(120, sample=20 * FRAME, quarter=1.6, playing=False))
    performer.ask(request(style(1), BAR, name="bar"))
    assert play_and_answer(performer, 100)[1] == []
    assert performer.frame_of(BAR) is None
    performer.set_transport(free(120, sample=120 * FRAME, quarter=1.6))
    _, (ack,) = play_and_answer(performer, 60)
    assert ack.sample == 120 * FRAME + round(2.4 / 2 * RATE)


@pytest.mark.parametrize("offset", [0, 100, 500])  # L is 240
def test_a_bar_that_was_waited_for_is_met_by_a_song_that_starts_on_it(performer, offset):
    """The first sample that is heard is already as asked, wherever in a frame it is."""
    performer.set_transport(free(120, playing=False))
    play(performer, 30)
    told, start = performer.branch(), 30 * FRAME + offset
    performer.ask(request(style(1), BAR, name="bar"))
    told.ask(request(style(1)))
    for each in (performer, told):
        each.set_transport(free(120, sample=start, quarter=8.0))
    started, (ack,) = play_and_answer(performer, 4)
    assert (ack.id, ack.sample) == ("bar", start)
    np.testing.assert_array_equal(started, play(told, 4))


def test_what_was_asked_while_the_song_stood_holds_when_it_goes_on(performer):
    performer.set_transport(free(120, playing=False))
    performer.ask(request(style(1), name="now"))
    assert performer.make().acks[0].what == "done"
    performer.set_transport(free(120, sample=FRAME))
    play(performer, 2)
    np.testing.assert_array_equal(performer.desk.controls(3).style, style_of(1))


def test_a_locate_re_aims_the_frames_that_are_made_again(performer):
    """The rows ask for the new place from the first frame made again on."""
    play(performer, 20)
    rows = watch_rows(performer)
    performer.rewind(16)
    performer.set_transport(free(120, sample=16 * FRAME, quarter=8.25))
    performer.make()
    position = performer.transport.position_at(16 * FRAME + LATENCY)
    expected = Desk().controls(16, position)
    from engine.row import encode_row

    np.testing.assert_allclose(rows[0][0], encode_row(expected), atol=1e-6)


def watch_rows(performer: Performer) -> list[np.ndarray]:
    """The rows that its sessions are asked with from now on."""
    session = performer._now.voice.source.line.session
    graph, rows = session._graphs["observe"], []

    class Watched:
        spec = graph.spec

        def run(self, inputs):
            rows.append(inputs["row"].copy())
            return graph.run(inputs)

    for moment in (performer._now, *performer._past._moments):
        moment.voice.source.line.session._graphs = session._graphs | {"observe": Watched()}
    return rows


# --- a song of its own ----------------------------------------------------------------------------


def test_without_a_host_the_tempo_that_is_asked_for_is_the_songs(performer):
    """From 120 to 90 bpm at 0.4 s: the next bar line comes at 0.4 + 3.2 * 60/90 s."""
    play(performer, 10)
    performer.ask(request(SetParam(name="tempo", value=90.0)))
    performer.ask(request(style(1), BAR, name="bar"))
    _, acks = play_and_answer(performer, 80)
    changed = 10 * FRAME + LATENCY
    quarter = changed / RATE * 2
    assert acks[1].sample == pytest.approx(changed + (4 - quarter) * 60 / 90 * RATE, abs=1)
    assert performer.position(performer.frame).tempo_bpm == 90.0


def test_a_tempo_on_the_bar_changes_on_the_bar(performer):
    performer.ask(request(SetParam(name="tempo", value=60.0), When(kind="phrase", bars=2)))
    play(performer, 110)  # 2 bars of 120 bpm are 4 s, frame 100
    performer.ask(request(style(1), BAR))
    _, (ack,) = play_and_answer(performer, 100)
    assert ack.sample == pytest.approx(8 * RATE, abs=1)


def test_a_tempo_glides_where_there_is_no_host(performer):
    performer.ask(request(SetParam(name="tempo", value=120.0)))
    play(performer, 1)
    performer.ask(request(SetParam(name="tempo", value=60.0), glide_seconds=1.0))
    play(performer, 13)
    assert 60 < performer.position(12).tempo_bpm < 120
    play(performer, 20)
    assert performer.position(30).tempo_bpm == 60.0


def test_a_prompt_brings_its_tempo_and_meter_to_a_song_without_a_host(toy_bundle, performer):
    text = "slow waltz, 90 bpm, 3/4"
    performer.ask(request(SetPrompt(index=1, text=text)), style=style_of(1))
    performer.make()
    position = performer.position(1)
    assert (position.tempo_bpm, position.beats_per_bar) == (90.0, 3)


def test_a_meter_begins_with_the_bar_that_is_under_way(performer):
    """In the second bar of 4/4, at quarter 5.6; bars of 3 are counted from quarter 4."""
    play(performer, 70)
    text = "waltz in 3/4"
    performer.ask(request(SetPrompt(index=1, text=text)), style=style_of(1))
    performer.ask(request(style(2, index=2), BAR, name="bar"))
    _, acks = play_and_answer(performer, 40)
    assert acks[1].sample == round(7 / 2 * RATE)


def test_a_host_keeps_its_tempo_and_meter(performer):
    performer.set_transport(free(120))
    performer.ask(request(SetParam(name="tempo", value=90.0)))
    performer.ask(request(SetPrompt(index=1, text="waltz in 3/4")), style=style_of(1))
    play(performer, 3)
    position = performer.position(3)
    assert (position.tempo_bpm, position.beats_per_bar) == (120.0, 4)


def test_a_player_who_stops_and_starts_keeps_the_tempo_asked_for(performer):
    """A transport that no host says follows the desk."""
    performer.set_transport(free(120), is_hosted=False)
    performer.ask(request(SetParam(name="tempo", value=90.0)))
    play(performer, 3)
    assert performer.position(3).tempo_bpm == 90.0


def test_a_host_may_count_at_any_rate(performer):
    """The bar of 120 bpm is at 2 s, whatever a second is to the host."""
    for rate in (8_000, 44_100, 96_000):
        other = performer.branch()
        other.set_transport(Transport(rate=rate, tempo=SongTempo(120)))
        other.ask(request(style(1), BAR), since=1)
        _, (ack,) = play_and_answer(other, 60)
        assert ack.sample == 2 * RATE


# --- made again -----------------------------------------------------------------------------------


def test_frames_made_again_without_a_change_are_the_same(performer):
    """Across a bar line with a request on it, at every distance."""
    play(performer, 40)
    performer.ask(request(style(1), BAR))
    straight = performer.branch()
    expected = play(straight, 20)
    for back in (1, 7, 16):
        other = performer.branch()
        play(other, 16)
        other.rewind(other.frame - back)
        np.testing.assert_array_equal(play(other, back + 4), expected[:, (16 - back) * FRAME :])


def test_a_request_whose_frame_is_forgotten_waits_again_and_is_answered_again(performer):
    performer.ask(request(style(1), When(kind="frame", frame=5), name="five"))
    _, acks = play_and_answer(performer, 8)
    performer.rewind(4)
    assert [ask.id for ask in performer.waiting] == ["five"]
    _, again = play_and_answer(performer, 4)
    assert (
        [(ack.id, ack.frame) for ack in again] == [("five", 5)] == [(a.id, a.frame) for a in acks]
    )


def test_requests_that_came_meanwhile_still_wait_after_a_rewind_in_their_order(performer):
    play(performer, 5)
    performer.ask(request(style(1), BAR, name="bar"))
    play(performer, 2)
    performer.ask(request(NoteOn(pitch=60), name="note"))
    play(performer, 2)
    performer.rewind(4)
    assert [ask.id for ask in performer.waiting] == ["bar", "note"]
    assert performer.make().acks[0].frame == 4


def test_a_transport_that_came_meanwhile_still_holds_after_a_rewind(performer):
    play(performer, 5)
    performer.set_transport(free(90, sample=5 * FRAME, quarter=2.0))
    play(performer, 3)
    performer.rewind(3)
    assert performer.transport.tempo == SongTempo(90)
    performer.make()
    assert performer.transport.tempo == SongTempo(90)


def test_a_replaced_request_stays_replaced_after_a_rewind(performer):
    performer.ask(request(style(1), BAR, name="old"))
    play(performer, 3)
    performer.ask(request(style(2), BAR, name="new"))
    play(performer, 1)
    performer.rewind(1)
    assert [ask.id for ask in performer.waiting] == ["new"]
    assert performer.make().acks == ()


def test_a_rewind_reaches_16_frames_back_and_says_so(performer):
    play(performer, 30)
    assert performer.first_frame == 14
    performer.rewind(30)
    assert performer.frame == 30
    for wrong in (13, 31):
        with pytest.raises(OptionError, match="from 14 to 30"):
            performer.rewind(wrong)
    performer.rewind(14)
    assert performer.first_frame == performer.frame == 14


def test_a_branch_goes_its_own_way_also_backwards(performer):
    performer.ask(request(style(1), When(kind="frame", frame=12)))
    play(performer, 10)
    branch = performer.branch()
    expected = play(performer.branch(), 10)
    branch.rewind(5)
    branch.ask(request(style(9)))
    play(branch, 10)
    branch.shed(1)
    np.testing.assert_array_equal(play(performer, 10), expected)
    assert performer.first_frame == 4


def test_a_branch_copies_no_sound(performer):
    """Its cost must not grow with what was played."""
    play(performer, 30)
    assert performer.branch()._now is performer._now


# --- other wishes ---------------------------------------------------------------------------------


def test_a_level_is_turned_without_a_click_and_to_nothing_at_the_bottom(performer):
    play(performer, 5)
    twin = performer.branch()
    performer.ask(request(SetParam(name="level", value=-6.0)))
    loud, soft = play(twin, 4), play(performer, 4)
    factor = 10 ** (-6 / 20)
    ramp = np.linspace(1, factor, FRAME, endpoint=False)
    np.testing.assert_allclose(soft[:, :FRAME], loud[:, :FRAME] * ramp, atol=1e-6)
    np.testing.assert_allclose(soft[:, FRAME:], loud[:, FRAME:] * factor, atol=1e-6)
    performer.ask(request(SetParam(name="level", value=-60.0)))
    play(performer, 1)
    assert not play(performer, 2).any()


def test_a_seed_and_a_temperature_reach_the_session(toy_bundle, performer):
    play(performer, 5)
    line = performer._now.voice.source.line
    performer.ask(request(SetParam(name="seed", value=11)))
    performer.ask(request(SetParam(name="temperature", value=0.5)))
    expected = line.session.branch()
    expected.set_seed(11)
    expected.set_sampling(SamplingOptions(temperature=0.5))
    position = performer.position(5)
    np.testing.assert_array_equal(
        performer.make().chunk, expected.step(line.desk.controls(5, position))
    )


def test_shedding_takes_guidance_then_fine_levels_and_gives_them_back(performer):
    play(performer, 3)
    session = lambda: performer._now.voice.source.line.session  # noqa: E731
    seen = []
    for level in (0, 1, 2, 0):
        performer.shed(level)
        performer.make()
        seen.append((session().save()["batch"].item(), bool((session().last_tokens < 1024).all())))
    assert seen == [(2, True), (1, True), (1, False), (2, True)]
    assert performer.shed_level == 0
    with pytest.raises(OptionError, match="level to shed"):
        performer.shed(3)


def test_a_panic_is_silent_at_once_and_forgets_what_was_played(performer):
    play(performer, 40)
    performer.ask(request(NoteOn(pitch=60)))
    performer.ask(request(Panic(), name="panic"))
    silent, acks = play_and_answer(performer, 10)
    assert acks[-1].what == "done"
    assert np.abs(silent[:, :FADE]).max() > 0
    assert not silent[:, FADE:].any()
    assert performer.role == "rest"
    assert performer._now.voice.source.line.session.frame == 0


@pytest.mark.parametrize("wish", [Pick(index=1), SetMode(mode="play")])
def test_a_pick_or_a_mode_makes_music_again_after_a_panic(performer, wish):
    performer.ask(request(Panic()))
    play(performer, 50)
    performer.ask(request(wish, BAR, name="again"))
    again, (ack,) = play_and_answer(performer, 60)
    start = ack.sample - 50 * FRAME
    assert not again[:, :start].any()
    assert np.abs(again[:, start : start + FRAME]).max() > 0
    assert ack.sample == 4 * RATE


def test_a_panic_that_is_taken_back_in_the_same_frame_starts_anew(performer):
    play(performer, 20)
    performer.ask(request(Panic()))
    performer.ask(request(Pick(index=1)))
    made = performer.make()
    assert performer.role == "sound"
    assert made.played == 3  # the old line fades, the new one plays two frames
    assert performer._now.voice.source.line.session.frame == 2


# --- when something fails -------------------------------------------------------------------------


def test_a_frame_that_fails_was_never_made(performer, monkeypatch):
    """Requests wait on, and the performer goes on from where it stood."""
    play(performer, 5)
    performer.ask(request(style(1), name="asked"))
    expected = play(performer.branch(), 5)
    session = performer._now.voice.source.line.session
    graph = session._graphs["decode"]

    class Broken:
        spec = graph.spec

        def run(self, inputs):
            raise BackendError("decode.onnx failed: out of memory")

    whole = session._graphs
    monkeypatch.setattr(session, "_graphs", {**whole, "decode": Broken()})
    with pytest.raises(BackendError):
        performer.make()
    monkeypatch.setattr(session, "_graphs", whole)
    assert performer.frame == 5
    assert [ask.id for ask in performer.waiting] == ["asked"]
    np.testing.assert_array_equal(play(performer, 5), expected)


def test_what_is_heard_may_not_come_from_the_future(performer):
    performer.hear(guitar(0))
    with pytest.raises(OptionError, match="heard frame is 1, expected at most 0"):
        performer.hear(guitar(1))
    assert performer.heard_frame == 1


def test_a_bundle_that_cannot_listen_plays_and_refuses_to_listen(tmp_path):
    folder = write_toy_bundle(tmp_path / "deaf", without=("listen", "encode"))
    performer = Performer(Bundle.open(folder, open_backend("ort", threads=1)))
    performer.ask(request(SetMode(mode="listen")))
    (ack,) = performer.make().acks
    assert ack.what == "refused"
    assert "no graphs to listen" in ack.reason
    assert performer.role == "sound"
    with pytest.raises(BundleError, match="listen"):
        performer.hear(guitar(0))
