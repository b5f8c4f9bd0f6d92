"""Tempo, beat and key of what is heard: held with hysteresis, and kept by a song without a host."""

import numpy as np
import pytest

from engine.command import SetMode, SetParam
from engine.intake import init_state as init_intake
from engine.listening import beat_tracker, key_tracker, tracking
from engine.listening.ear import Ear
from engine.performer import Performer
from engine.spec import FRAME_RATE, NO_KEY
from tests.engine.listening_sounds import MAJOR, MINOR, chords, drum_loop
from tests.engine.performing import BAR, free, play, play_heard, request
from tests.fakes import CHANNELS, FRAME, LATENCY, RATE

A_MINOR = chords(
    [57, 62, 64, 57, 65, 55, 60, 57], [MINOR, MINOR, MINOR, MINOR, *[MAJOR] * 3, MINOR], RATE
)
START = 1.0  # seconds until the drums begin


def drums(bpm: float, seconds: float = 24.0) -> np.ndarray:
    """[1, N] a loop that begins with its first beat at START, after silence."""
    return drum_loop(bpm, seconds, RATE, start=START)


def frames_of(audio: np.ndarray):
    """Heard frames of audio, then silence."""

    def hears(frame: int) -> np.ndarray:
        part = audio[:, frame * FRAME : (frame + 1) * FRAME]
        return np.pad(part, [(0, 0), (0, FRAME - part.shape[1])])

    return hears


def listener(bundle, mode: str = "listen") -> Performer:
    performer = Performer(bundle, seed=7)
    performer.ask(request(SetMode(mode=mode)))
    return performer


def follow(audio: np.ndarray, state: tracking.Tracking, first: int = 0) -> tracking.Tracking:
    for frame in range(audio.shape[1] // FRAME):
        part = audio[:, frame * FRAME : (frame + 1) * FRAME]
        state = tracking.hear(part, state, RATE, first + frame)
    return state


@pytest.fixture
def nothing(toy_bundle) -> tracking.Tracking:
    return tracking.init_state(toy_bundle.audio)


def with_reading(state: tracking.Tracking, bpm: float, sure: float = 1.0) -> tracking.Tracking:
    """The state after the tracker has read a tempo once more."""
    beats = state.beats._replace(reading=np.array([bpm, 0.0, 8.0, sure]))
    return tracking._hold_tempo(state._replace(beats=beats))


def with_key(state: tracking.Tracking, key: int, sure: float = 1.0) -> tracking.Tracking:
    keys = state.keys._replace(reading=np.array([float(key), sure]))
    return tracking._hold_key(state._replace(keys=keys))


# --- what is held -------------------------------------------------------------------------------


def test_a_tempo_is_held_once_enough_readings_agree(nothing):
    state = nothing
    for _ in range(tracking.STEADY_ROUNDS - 1):
        state = with_reading(state, 120.0)
    assert tracking.pulse(state) is None
    assert tracking.pulse(with_reading(state, 121.0)).tempo_bpm == 121.0


def test_one_reading_of_another_tempo_changes_nothing_and_several_do(nothing):
    state = nothing
    for _ in range(tracking.STEADY_ROUNDS):
        state = with_reading(state, 120.0)
    once = with_reading(state, 60.0)
    assert tracking.pulse(once).tempo_bpm == 120.0
    back = with_reading(once, 120.5)
    assert tracking.pulse(back).tempo_bpm == 120.5  # what is held follows at once
    for _ in range(tracking.STEADY_ROUNDS):
        state = with_reading(state, 60.0)
    assert tracking.pulse(state).tempo_bpm == 60.0


def test_a_doubtful_reading_does_not_count(nothing):
    state = nothing
    for _ in range(3 * tracking.STEADY_ROUNDS):
        state = with_reading(state, 120.0, sure=tracking.SURE_TEMPO - 0.01)
    assert tracking.pulse(state) is None


def test_a_key_is_held_once_enough_readings_agree_and_until_another_is(nothing):
    state = nothing
    for _ in range(tracking.STEADY_ROUNDS - 1):
        state = with_key(state, 21)
    assert tracking.key(state) is None
    state = with_key(state, 21)
    assert tracking.key(state) == "A minor"
    assert tracking.key(with_key(state, 0)) == "A minor"
    assert tracking.key(with_key(state, 0, sure=0.1)) == "A minor"
    for _ in range(tracking.STEADY_ROUNDS):
        state = with_key(state, 0)
    assert tracking.key(state) == "C major"


def test_tempo_beat_and_key_of_music_are_found(nothing):
    state = follow(drums(104.0, 14.0), nothing)
    pulse = tracking.pulse(state)
    assert pulse.tempo_bpm == pytest.approx(104.0, rel=0.005)
    off = (pulse.beat_at(START * FRAME_RATE) + 0.5) % 1.0 - 0.5
    assert abs(off) * 60_000 / 104.0 < 15
    sung = np.tile(A_MINOR, 2)
    assert tracking.key(follow(sung, nothing)) == "A minor"


def test_beats_lie_on_the_axis_of_music_also_behind_what_was_missed(toy_bundle, nothing):
    """What was missed is not heard, and does not shift what comes after it."""
    state = tracking.miss(nothing, toy_bundle.audio, 1000)
    pulse = tracking.pulse(follow(drums(104.0, 14.0), state, first=1000))
    off = (pulse.beat_at(1000 + START * FRAME_RATE) + 0.5) % 1.0 - 0.5
    assert abs(off) * 60_000 / 104.0 < 15


def test_what_was_held_outlives_what_was_missed(toy_bundle, nothing):
    state = nothing
    for _ in range(tracking.STEADY_ROUNDS):
        state = with_key(with_reading(state, 120.0), 21)
    missed = tracking.miss(state, toy_bundle.audio, 500)
    assert (tracking.pulse(missed).tempo_bpm, tracking.key(missed)) == (120.0, "A minor")
    assert beat_tracker.read(missed.beats) is None
    assert key_tracker.read(missed.keys) is None


def test_the_intake_knows_with_which_frame_sound_began(toy_bundle):
    ear = Ear(toy_bundle)
    intake = init_intake(ear, toy_bundle.audio, LATENCY)
    for frame in range(40):
        loud = 0.1 * (frame >= 30)
        intake = intake.hear(
            np.full((CHANNELS, FRAME), loud, np.float32) * _hum(frame), ear, toy_bundle.audio
        )
    assert int(intake.tracking.began) in (29, 30)


def _hum(frame: int) -> np.ndarray:
    t = np.arange(frame * FRAME, (frame + 1) * FRAME) / RATE
    return np.sin(2 * np.pi * 500 * t).astype(np.float32)


# --- in the performer ---------------------------------------------------------------------------


def beat_of_drums(frame: int, bpm: float) -> float:
    """Beats since the first drum, at the start of a frame's music."""
    return ((frame * FRAME + LATENCY) / RATE - START) * bpm / 60.0


@pytest.mark.parametrize("bpm", [93.0, 126.0])
def test_without_a_host_the_song_begins_with_what_is_heard_and_keeps_its_time(toy_bundle, bpm):
    performer = listener(toy_bundle)
    play_heard(performer, 14 * FRAME_RATE, hears=frames_of(drums(bpm)))
    position = performer.position(performer.frame)
    assert position.tempo_bpm == pytest.approx(bpm, rel=0.005)
    off_ms = (position.beat - beat_of_drums(performer.frame, bpm)) * 60_000 / bpm
    assert abs(off_ms) < 20
    assert performer.heard_tempo_bpm == pytest.approx(bpm, rel=0.005)


def test_a_continuation_without_a_host_takes_over_on_a_bar_line_of_what_was_heard(toy_bundle):
    performer = listener(toy_bundle)
    hears = frames_of(drums(126.0))
    play_heard(performer, 14 * FRAME_RATE, hears=hears)
    performer.ask(request(SetMode(mode="continue"), BAR, name="go"))
    acks, first = [], performer.frame
    while not acks:
        acks += performer.make().acks
        while performer.heard_frame <= performer.frame - 3:
            performer.hear(hears(performer.heard_frame))
    beats = (acks[0].sample / RATE - START) * 126.0 / 60.0
    bars = beats / 4
    assert abs(bars - round(bars)) * 4 * 60_000 / 126.0 < 25
    assert performer.frame - first <= 4 * 60 / 126.0 * FRAME_RATE + 1


@pytest.mark.parametrize("who", ["a host", "a hand"])
def test_what_is_said_outweighs_what_is_heard(toy_bundle, who):
    performer = listener(toy_bundle)
    if who == "a host":
        performer.set_transport(free(100.0), is_hosted=True)
    else:
        performer.ask(request(SetParam(name="tempo", value=100.0)))
    play_heard(performer, 14 * FRAME_RATE, hears=frames_of(drums(126.0)))
    assert performer.position(performer.frame).tempo_bpm == pytest.approx(100.0)
    assert performer.heard_tempo_bpm == pytest.approx(126.0, rel=0.005)


def test_what_sounds_is_not_moved(toy_bundle):
    """A player who goes on in another tempo does not drag the continuation along."""
    performer = listener(toy_bundle)
    play_heard(performer, 14 * FRAME_RATE, hears=frames_of(drums(126.0)))
    performer.ask(request(SetMode(mode="continue")))
    performer.make()
    kept = performer.transport
    play_heard(performer, 12 * FRAME_RATE, hears=frames_of(np.tile(drums(95.0), 2)))
    assert performer.transport == kept


def test_in_play_nothing_that_is_heard_counts(toy_bundle):
    performer = Performer(toy_bundle, seed=7)
    before = performer.transport
    play_heard(performer, 12 * FRAME_RATE, hears=frames_of(drums(126.0)))
    assert performer.transport == before
    assert performer.found.key is None


def test_the_key_that_is_heard_is_asked_for_where_nobody_asks_for_one(toy_bundle):
    performer = listener(toy_bundle)
    play_heard(performer, 14 * FRAME_RATE, hears=frames_of(np.tile(A_MINOR, 2)))
    found = performer.found
    assert found.key == performer.heard_key == "A minor"
    assert performer.desk.controls(performer.frame, None).key == NO_KEY
    assert performer.desk.controls(performer.frame, None, found).key == 21
    asked = performer.desk.apply(SetParam(name="key", value="D major"), performer.frame)
    assert asked.controls(performer.frame, None, found).key == 2
    twin = performer.branch()
    twin._intake = twin._intake.__class__(
        **{**vars(twin._intake), "tracking": tracking.init_state(toy_bundle.audio)}
    )
    for one in (performer, twin):
        one.ask(request(SetMode(mode="continue")))
    assert (play(performer, 5) != play(twin, 5)).any()


def test_answers_keep_to_the_time_of_the_calls(toy_bundle):
    """Turns lie on bar lines of what is heard, counted from its first beat."""
    performer = listener(toy_bundle, "answer")
    bpm = 126.0
    hears, roles = frames_of(np.tile(drums(bpm, 24.0), 1)), []
    for _ in range(24 * FRAME_RATE):
        performer.make()
        roles.append(performer.role)
        while performer.heard_frame <= performer.frame - 3:
            performer.hear(hears(performer.heard_frame))
    turns = [n for n in range(1, len(roles)) if roles[n] != roles[n - 1]]
    late = [n for n in turns if n > 12 * FRAME_RATE]
    assert late
    for frame in late:
        beats = beat_of_drums(frame, bpm)
        assert beats % 16 > 15.8 or beats % 16 < 0.1, (frame, beats)
