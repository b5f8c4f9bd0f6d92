"""Freezing: the last bars, as they were made, again and again on the grid."""

import numpy as np
import pytest

from engine.command import Freeze, Panic, Pick, SetMode, SetParam
from engine.performer import Performer
from engine.song import BarGrid, Signature
from tests.engine.performing import (
    BAR,
    NOW,
    When,
    first_difference,
    free,
    play,
    play_and_answer,
    play_heard,
    request,
    style,
)
from tests.fakes import FRAME, RATE

FADE = RATE // 200
BAR_120 = 2 * RATE


@pytest.fixture
def performer(toy_bundle) -> Performer:
    return Performer(toy_bundle, seed=7)


def test_the_last_bar_comes_again_sample_by_sample(performer):
    """At 120 bpm a bar is a whole number of samples; three passes, seams aside."""
    performer.ask(request(Freeze(bars=1), BAR), since=1)
    audio = play(performer, 250)
    assert performer.role == "loop"
    made = audio[:, :BAR_120]
    for number in range(1, 4):
        again = audio[:, number * BAR_120 : (number + 1) * BAR_120]
        np.testing.assert_array_equal(again[:, FADE:-FADE], made[:, FADE:-FADE])


def test_a_seam_is_as_smooth_as_the_music(performer):
    """The end of a pass runs into what came before its beginning."""
    performer.ask(request(Freeze(bars=1), When(kind="phrase", bars=2)), since=1)
    audio = play(performer, 310)[0].astype(np.float64)
    steps = np.abs(np.diff(audio))
    seam = 3 * BAR_120
    assert steps[seam - 1] <= steps[: 2 * BAR_120].max()
    before_the_bar = audio[BAR_120 - 1]
    assert audio[seam - 1] == pytest.approx(before_the_bar, abs=1e-7)
    assert audio[seam] == pytest.approx(audio[BAR_120], abs=1e-7)


def test_passes_do_not_drift_at_an_odd_tempo(performer):
    """50 passes of a bar of 174.3 bpm in 3/4, 24,784.85 samples: each begins on its line."""
    performer.set_transport(free(174.3, grid=BarGrid(Signature(3, 4))))
    performer.ask(request(Freeze(bars=1), BAR), since=1)
    bar = 3 * 60 / 174.3 * RATE
    audio = play(performer, int(51.5 * bar / FRAME))
    first = audio[:, FADE : round(bar) - 2 * FADE]
    for number in range(1, 51):
        starts = [round(number * bar) + FADE + off for off in (-1, 0, 1)]
        passes = [audio[:, start : start + first.shape[1]] for start in starts]
        assert any(np.array_equal(each, first) for each in passes)


def test_nothing_is_computed_while_it_repeats_and_new_music_comes_on_the_bar(performer):
    """The session goes on from where it stood."""
    performer.ask(request(Freeze(bars=1), BAR), since=1)
    play(performer, 60)
    session = performer._now.voice.source.line.session.frame
    assert sum(performer.make().played for _ in range(30)) == 0
    twin = performer.branch()
    performer.ask(request(Freeze(bars=0), BAR))
    audio, (ack,) = play_and_answer(performer, 30)
    assert ack.sample == 2 * BAR_120
    assert performer.role == "sound"
    start = ack.sample - 90 * FRAME
    repeated = play(twin, 30)
    np.testing.assert_array_equal(audio[:, :start], repeated[:, :start])
    assert first_difference(audio, repeated) == start
    assert performer._now.voice.source.line.session.frame == session + (120 - 99)


def test_frozen_at_once_it_stays_on_the_grid(performer):
    """Asked for in mid-bar: what sounds is what sounded a bar ago, at every moment."""
    play(performer, 70)
    performer.ask(request(Freeze(bars=1), NOW))
    start = 70 * FRAME
    before = performer._now.tape.read(start - BAR_120, start, FRAME)
    again = play(performer, 51)[:, : BAR_120 - FADE]
    offset = 240  # `now` is heard where the music of the frame begins
    np.testing.assert_array_equal(
        again[:, offset + FADE :], before[:, offset + FADE : BAR_120 - FADE]
    )


@pytest.mark.parametrize("bars", [1, 16])
def test_more_than_was_played_cannot_be_frozen(performer, bars):
    """The first bar is not over, or sixteen never were: refused, with how much there is."""
    play(performer, 30)
    performer.ask(request(Freeze(bars=bars)))
    made = performer.make()
    assert made.acks[0].what == "refused"
    assert "the last 1.2 s" in made.acks[0].reason
    assert performer.role == "sound"
    assert performer.desk.freeze_bars == 0


def test_bars_that_are_hardly_there_cannot_be_frozen(performer):
    performer.set_transport(free(240, grid=BarGrid(Signature(1, 8))))
    play(performer, 20)
    performer.ask(request(Freeze(bars=1)))
    (ack,) = performer.make().acks
    assert ack.what == "refused"
    assert "0.125 s" in ack.reason


def test_frozen_bars_rest_with_the_song_and_come_back_in_place(performer):
    """Stopped in the second beat, started in the third: the third beat is heard."""
    performer.ask(request(Freeze(bars=1), BAR), since=1)
    audio = play(performer, 110)
    first_bar = audio[:, :BAR_120]
    performer.set_transport(free(120, sample=110 * FRAME, quarter=9.0, playing=False))
    assert not play(performer, 20)[:, FADE:].any()
    performer.set_transport(free(120, sample=130 * FRAME, quarter=10.0))
    again = play(performer, 10)
    expected = first_bar[:, BAR_120 // 2 :][:, : again.shape[1]]
    np.testing.assert_array_equal(again[:, FADE:], expected[:, FADE:])


def test_frozen_bars_follow_a_locate(performer):
    performer.ask(request(Freeze(bars=1), BAR), since=1)
    audio = play(performer, 80)
    performer.set_transport(free(120, sample=80 * FRAME, quarter=23.0))
    again = play(performer, 10)
    expected = audio[:, 3 * BAR_120 // 4 :][:, : again.shape[1]]
    np.testing.assert_array_equal(again[:, FADE:], expected[:, FADE:])


def test_what_is_frozen_again_is_what_is_heard(performer):
    """Two bars frozen, then the last one of them."""
    two = When(kind="phrase", bars=2)
    performer.ask(request(Freeze(bars=2), two), since=1)
    audio = play(performer, 120)
    performer.ask(request(Freeze(bars=1), When(kind="phrase", bars=4)))
    more = play(performer, 180)
    second = audio[:, BAR_120 : 2 * BAR_120]
    start = 4 * BAR_120 - 120 * FRAME
    for number in range(2):
        begin = start + number * BAR_120
        again = more[:, begin : begin + BAR_120]
        np.testing.assert_array_equal(again[:, FADE:-FADE], second[:, FADE:-FADE])


def test_a_level_is_not_frozen(performer):
    """It is the output's: what was made at full level is repeated softer."""
    performer.ask(request(Freeze(bars=1), BAR), since=1)
    audio = play(performer, 60)
    performer.ask(request(SetParam(name="level", value=-20.0)))
    soft = play(performer, 30)[:, FRAME : 25 * FRAME]
    start = 61 * FRAME - BAR_120
    np.testing.assert_allclose(soft, audio[:, start : start + soft.shape[1]] * 0.1, atol=1e-6)


def test_what_was_played_softly_is_repeated_at_the_level_of_now(performer):
    performer.ask(request(SetParam(name="level", value=-20.0)))
    performer.ask(request(Freeze(bars=1), BAR), since=1)
    soft = play(performer, 60)
    performer.ask(request(SetParam(name="level", value=0.0)))
    loud = play(performer, 30)[:, FRAME : 25 * FRAME]
    start = 61 * FRAME - BAR_120
    np.testing.assert_allclose(loud * 0.1, soft[:, start : start + loud.shape[1]], atol=1e-6)


def test_prompts_that_change_meanwhile_are_heard_when_it_goes_on(performer):
    performer.ask(request(Freeze(bars=1), BAR), since=1)
    play(performer, 60)
    twin = performer.branch()
    performer.ask(request(style(1)))
    np.testing.assert_array_equal(play(performer, 40), play(twin, 40))
    for each in (performer, twin):
        each.ask(request(Freeze(bars=0)))
    assert first_difference(play(performer, 3), play(twin, 3)) is not None


def test_what_was_frozen_is_gone_after_a_panic(performer):
    performer.ask(request(Freeze(bars=1), BAR), since=1)
    play(performer, 60)
    performer.ask(request(Panic()))
    assert not play(performer, 10)[:, FADE:].any()
    performer.ask(request(Pick(index=1)))
    performer.make()
    assert performer.role == "sound"


def test_frozen_bars_go_before_listening(performer):
    """A call can be frozen over: the ear waits."""
    performer.ask(request(Freeze(bars=1), BAR), since=1)
    play_heard(performer, 60)
    performer.ask(request(SetMode(mode="listen")))
    assert np.abs(play_heard(performer, 20)).max() > 0
    performer.ask(request(Freeze(bars=0)))
    play_heard(performer, 2)
    assert performer.role == "listen"


def test_a_freeze_that_is_made_again_is_the_same(performer):
    """A rewind into the frames in which the tape does not hold the whole bar yet."""
    performer.ask(request(Freeze(bars=1), BAR), since=1)
    play(performer, 49)
    straight = play(performer.branch(), 60)
    for ahead in (2, 4, 9):
        other = performer.branch()
        play(other, ahead)
        other.rewind(49)
        np.testing.assert_array_equal(play(other, 60), straight)
