"""Replay: a log and a bundle are the performance, bit for bit."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import control_log
from engine.ask import When
from engine.backends import open_backend
from engine.bundle import Bundle
from engine.clock import Transport
from engine.command import (
    Freeze,
    NoteOff,
    NoteOn,
    Panic,
    Pick,
    SetChord,
    SetFamilies,
    SetMode,
    SetNotes,
    SetParam,
    SetPrompt,
    SetWeight,
)
from engine.errors import BundleError, InputError
from engine.operation import Marked
from engine.options import SamplingOptions
from engine.replay import replay
from engine.song import BarGrid, Loop, Signature, SongTempo, TempoChange
from engine.stages.prompt import encode
from tests.engine.performing import (
    BAR,
    BEAT,
    NOW,
    free,
    request,
    style,
)
from tests.engine.recording import Recording
from tests.fakes import FRAME, RATE, write_toy_bundle


@pytest.fixture
def recording(toy_bundle, tmp_path) -> Iterator[Recording]:
    with Recording(toy_bundle, tmp_path / "take.jsonl") as recording:
        yield recording


def replayed(recording: Recording):
    return replay(recording.performer.bundle, control_log.read(recording.path))


def play_everything(toy_bundle, played: Recording) -> None:
    """Every operation and every command."""
    words = "warm tape choir, 90 bpm, D minor"
    played.ask(request(SetPrompt(index=1, text=words)), encode(toy_bundle, "warm tape choir"))
    played.play_heard(20)
    played.ask(request(style(2, index=2), BEAT), since=played.performer.frame - 2)
    played.ask(request(SetWeight(index=2, weight=-0.5), BAR, glide_seconds=0.5))
    played.ask(request(SetParam(name="density", value=0.8)))
    played.ask(request(SetParam(name="seed", value=3), When(kind="frame", frame=30)))
    played.ask(request(SetParam(name="level", value=-3.0)))
    played.ask(request(NoteOn(pitch=60)))
    played.ask(request(SetChord(root="D", quality="min")))
    played.ask(request(SetFamilies(asked=("piano",), refused=("brass",))))
    played.play_heard(30)
    played.rewind(played.performer.frame - 3)
    played.ask(request(NoteOff(pitch=60)))
    played.ask(request(SetNotes(pitches=(48, 55))))
    played.move(free(128.0, sample=played.performer.frame * FRAME, quarter=6.1, loop=Loop(4, 12)))
    played.ask(request(SetMode(mode="answer", call_bars=1, response_bars=1), BAR))
    played.play_heard(120)
    played.shed(1)
    played.ask(request(Pick(index=2)))
    played.play_heard(10)
    played.shed(2)
    played.ask(request(Freeze(bars=1), BAR))
    played.make(60)
    played.shed(0)
    played.miss(40)
    played.ask(request(Freeze(bars=0), BEAT))
    played.move(free(128.0, sample=played.performer.frame * FRAME, quarter=9.0, playing=False))
    played.make(5)
    played.ask(request(SetMode(mode="continue"), BAR))
    played.move(free(97.3, sample=played.performer.frame * FRAME + 100, quarter=8.0))
    played.play_heard(60)
    played.ask(request(Panic()))
    played.play_heard(5)


def test_a_performance_with_everything_in_it_replays_bit_for_bit(toy_bundle, tmp_path):
    """The log is all that is left of it."""
    sampling = SamplingOptions(temperature=0.9, guidance=3.0)
    with Recording(toy_bundle, tmp_path / "t.jsonl", seed=11, sampling=sampling) as played:
        play_everything(toy_bundle, played)
        heard = played.end()
    again = replayed(played)
    np.testing.assert_array_equal(again.audio, heard)
    assert list(again.acks) == played.acks
    assert (again.frames, again.made) == (played.performer.frame, played.made)
    assert {ack.what for ack in again.acks} == {"done"}
    assert again.remarks == ()


def test_a_replay_is_as_long_as_it_was_played(recording):
    recording.make(9)
    heard = recording.end()
    again = replayed(recording)
    assert again.audio.shape == heard.shape == (1, 9 * FRAME)
    assert again.seconds == pytest.approx(0.36)
    assert again.rate == RATE


def test_a_performance_of_no_frames_is_no_sound(recording):
    recording.log.close()
    assert replayed(recording).audio.shape == (1, 0)


def test_frames_that_were_taken_back_at_the_end_were_not_heard(recording):
    recording.make(10)
    recording.rewind(6)
    assert recording.end().shape == (1, 6 * FRAME)
    assert replayed(recording).audio.shape == (1, 6 * FRAME)


def test_a_performance_that_was_cut_off_replays_up_to_there(recording, tmp_path):
    """The power went: all but the last, torn line is heard again, and the remark says so."""
    recording.play_heard(20)
    recording.ask(request(style(1)))
    recording.play_heard(10)
    whole = np.concatenate(recording.chunks, axis=1)
    recording.log.close()
    torn = recording.path.read_bytes()[:-9]
    recording.path.write_bytes(torn)
    again = replayed(recording)
    assert again.remarks[0].endswith("cut off, so it was left out.")
    assert again.frames >= 28
    np.testing.assert_array_equal(again.audio, whole[:, : again.frames * FRAME])


def test_time_is_told_by_the_clock_that_is_given(recording):
    recording.make(5)
    recording.end()
    ticks = count()
    take = control_log.read(recording.path)
    told = []
    again = replay(
        recording.performer.bundle,
        take,
        clock=lambda: next(ticks) / 10,
        progress=lambda *at: told.append(at),
    )
    assert again.wall_seconds == pytest.approx(0.1)
    assert again.realtime_factor == pytest.approx(2.0)
    assert told == [(5, 5)]


def test_marks_are_found_again(recording):
    recording.make(3)
    recording.log.write(Marked(frame=3, text="here"))
    recording.end()
    assert replayed(recording).marks == ((3, "here"),)


# --- refused --------------------------------------------------------------------------------------


def test_another_bundle_is_refused_with_both_ids(recording, tmp_path):
    folder = write_toy_bundle(tmp_path / "other", lambda found: found.update(name="other"))
    other = Bundle.open(folder, open_backend("ort", threads=1))
    recording.make(2)
    recording.end()
    this = recording.performer.bundle
    with pytest.raises(BundleError, match=f"{this.id[:12]}, this is {other.id[:12]}"):
        replay(other, control_log.read(recording.path))


def test_another_backend_is_said(recording, toy_bundle_path):
    """It rounds otherwise: the same music, maybe, but not the same bits."""
    recording.make(2)
    recording.end()
    slow = Bundle.open(toy_bundle_path, open_backend("reference"))
    again = replay(slow, control_log.read(recording.path))
    assert again.remarks == ("played on ort, replayed on reference: not the same to the bit",)


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ('{"op":"rewind","frame":40,"to":3}', "frame to rewind to is 3"),
        ('{"op":"miss","frame":40,"frames":99}', "frames missed is 99"),
        ('{"op":"end","frame":1000000}', "later than the 6 hours that fit"),
    ],
)
def test_what_the_performer_refuses_is_named_with_its_line(recording, line, match):
    recording.make(4)
    recording.log.close()
    recording.path.write_text(recording.path.read_text() + line + "\n")
    with pytest.raises(InputError, match=match) as refused:
        replayed(recording)
    assert str(refused.value).startswith(f"{recording.path}:2: ")


def test_sound_that_is_missing_is_named(recording):
    recording.play_heard(10)
    recording.end()
    beside = control_log.heard_path(recording.path)
    beside.write_bytes(beside.read_bytes()[:2000])
    with pytest.raises(InputError, match="cut off before the log was"):
        replayed(recording)
    beside.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        replayed(recording)


# --- any performance ------------------------------------------------------------------------------

WHENS = st.sampled_from([NOW, BEAT, BAR, When(kind="phrase", bars=2), When(kind="frame", frame=30)])
COMMANDS = st.one_of(
    st.builds(style, st.integers(0, 9), st.integers(1, 3)),
    st.builds(SetWeight, index=st.integers(1, 3), weight=st.floats(-2, 2)),
    st.builds(Pick, index=st.integers(1, 3)),
    st.builds(NoteOn, pitch=st.integers(40, 50)),
    st.builds(NoteOff, pitch=st.integers(40, 50)),
    st.builds(SetParam, name=st.just("tempo"), value=st.floats(60, 200)),
    st.builds(SetParam, name=st.just("brightness"), value=st.floats(0, 1)),
    st.builds(SetParam, name=st.just("level"), value=st.floats(-60, 6)),
    st.builds(SetMode, mode=st.sampled_from(["play", "listen", "continue"])),
    st.builds(SetMode, mode=st.just("answer"), call_bars=st.just(1), response_bars=st.just(1)),
    st.builds(Freeze, bars=st.integers(0, 2)),
)
TEMPI = st.builds(
    SongTempo,
    st.floats(60, 300),
    st.sampled_from([(), (TempoChange(2.0, 90.0, 4.0),), (TempoChange(3.0, 240.0),)]),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("make"), st.integers(1, 12)),
        st.tuples(st.just("play_heard"), st.integers(1, 12)),
        st.tuples(st.just("ask"), COMMANDS, WHENS, st.sampled_from([None, 0.0, 0.3])),
        st.tuples(st.just("panic")),
        st.tuples(
            st.just("move"),
            TEMPI,
            st.floats(-4, 20),
            st.sampled_from([None, Loop(1.0, 3.0), Loop(0.0, 16.0)]),
            st.sampled_from([Signature(), Signature(3, 4), Signature(6, 8)]),
            st.booleans(),
            st.booleans(),
            st.sampled_from([RATE, 44_100, 96_000]),
        ),
        st.tuples(st.just("rewind"), st.integers(1, 16)),
        st.tuples(st.just("shed"), st.integers(0, 2)),
        st.tuples(st.just("miss"), st.integers(1, 30)),
    ),
    min_size=3,
    max_size=25,
)


def carry_out(recording: Recording, step: tuple) -> None:
    performer = recording.performer
    match step:
        case ("make", frames):
            recording.make(frames)
        case ("play_heard", frames):
            recording.play_heard(frames)
        case ("ask", command, when, glide):
            recording.ask(request(command, when, glide_seconds=glide), since=performer.frame)
        case ("panic",):
            recording.ask(request(Panic()))
        case ("move", tempo, quarter, loop, signature, playing, is_hosted, rate):
            moved = Transport(
                rate=rate,
                tempo=tempo,
                sample=performer.frame * rate // 25 + 77,
                quarter=quarter,
                grid=BarGrid(signature),
                playing=playing,
                loop=loop,
            )
            recording.move(moved, is_hosted=is_hosted)
        case ("rewind", frames):
            recording.rewind(max(performer.first_frame, performer.frame - frames))
        case ("shed", level):
            recording.shed(level)
        case ("miss", frames):
            if (most := performer.frame + 1 - performer.heard_frame) >= 1:
                recording.miss(min(frames, most))


@contextmanager
def performance(bundle: Bundle, steps: list, seed: int = 7) -> Iterator[Recording]:
    """A performance of these steps, in a folder of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Recording(bundle, Path(folder) / "take.jsonl", seed=seed) as recording,
    ):
        for step in steps:
            carry_out(recording, step)
        yield recording


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_any_performance_replays_bit_for_bit(toy_bundle, steps):
    """Whatever is asked, moved, heard, taken back and given up, in whatever order."""
    with performance(toy_bundle, steps) as recording:
        recording.make(3)
        heard = recording.end()
        again = replayed(recording)
        assert np.isfinite(heard).all()
        np.testing.assert_array_equal(again.audio, heard)
        assert list(again.acks) == recording.acks


@settings(max_examples=30, deadline=None)
@given(steps=STEPS, back=st.integers(1, 8))
def test_in_any_performance_a_frame_made_again_is_the_same(toy_bundle, steps, back):
    """Also where the frames that are made again cross a line, a take-over or a stop."""
    with performance(toy_bundle, steps) as recording:
        recording.make(8)
        straight, again = recording.performer.branch(), recording.performer.branch()
        expected = [straight.make().chunk for _ in range(4)]
        again.rewind(again.frame - back)
        for _ in range(back):
            again.make()
        np.testing.assert_array_equal(
            np.hstack([again.make().chunk for _ in range(4)]), np.hstack(expected)
        )


@settings(max_examples=30, deadline=None)
@given(steps=STEPS, rest=STEPS)
def test_any_performance_can_be_put_away_and_go_on(toy_bundle, steps, rest):
    """Saved anywhere, restored elsewhere, and told the same from then on."""
    with performance(toy_bundle, steps) as one, performance(toy_bundle, [], seed=99) as other:
        other.performer.restore(*one.performer.save())
        other.chunks = list(one.chunks)
        for step in rest:
            if step[0] != "rewind":  # what lies behind is not put away
                carry_out(one, step)
                carry_out(other, step)
        one.make(3)
        other.make(3)
        np.testing.assert_array_equal(np.hstack(one.chunks), np.hstack(other.chunks))
