"""The performer listens: it follows what is played, takes over on the bar, and answers in turn."""

from dataclasses import replace

import numpy as np
import pytest

from engine.command import Panic, SetMode
from engine.desk import Desk
from engine.errors import OptionError
from engine.listening import level
from engine.listening.copies import temperature_factors
from engine.listening.ear import Ear
from engine.matching import Matching
from engine.modes import is_call
from engine.performer import Performer
from engine.session import Session
from engine.song import BarGrid, Loop, Signature
from tests.engine.performing import (
    BAR,
    first_difference,
    free,
    guitar,
    play,
    play_heard,
    request,
    style,
)
from tests.fakes import CHANNELS, FRAME, LATENCY, RATE

FADE = RATE // 200


@pytest.fixture
def listener(toy_bundle) -> Performer:
    """All ears from the first frame on."""
    performer = Performer(toy_bundle, seed=7)
    performer.ask(request(SetMode(mode="listen")))
    return performer


def silence(_: int) -> np.ndarray:
    return np.zeros((CHANNELS, FRAME), np.float32)


def heard_music(toy_bundle, frames: int, hears=guitar) -> list[np.ndarray]:
    """The tokens of frames of music: of what is heard, moved forward by the decoder's latency."""
    sound = np.concatenate([hears(frame) for frame in range(frames + 1)], axis=1)[:, LATENCY:]
    ear, tokens = Ear(toy_bundle), []
    state = ear.init_state()
    for frame in range(frames):
        found, state = ear.hear(sound[:, frame * FRAME : (frame + 1) * FRAME], state)
        tokens.append(found)
    return tokens


def test_a_listener_is_silent(listener):
    assert not play_heard(listener, 30).any()
    assert listener.role == "listen"


def test_a_continuation_is_a_session_that_followed_what_was_heard(toy_bundle, listener):
    """By hand: follow all that was heard, compose what was not, and cross over at the bar line.

    Heard tokens stand at the place in the song at which they were played.
    """
    listener.ask(request(SetMode(mode="continue"), BAR))
    line = (2 * RATE - LATENCY) // FRAME
    play_heard(listener, line)
    heard = listener.heard_frame - 1  # of music: the last frame waits for its end
    continued = play(listener, 3)

    session, desk, song = Session(toy_bundle, seed=7, guidable=True), Desk(), free(120)
    made = level.init_state(toy_bundle.audio)
    tokens, sounds = heard_music(toy_bundle, heard), []
    for frame in range(line + 3):
        controls = desk.controls(frame, song.position_at(frame * FRAME + LATENCY))
        if frame < heard:
            sound = session.follow(tokens[frame], controls)
            made = level.step(sound, made, RATE)
        else:
            sounds.append(session.step(controls))
    matching, matched = Matching.of(level.loudness_db(listener.heard_level), made), []
    for sound in sounds:
        sound, matching = matching.apply(sound, toy_bundle.audio)
        matched.append(sound)
    expected = np.concatenate(matched[line - heard :], axis=1)
    start = 2 * RATE - line * FRAME
    assert not continued[:, :start].any()
    np.testing.assert_array_equal(continued[:, start + FADE :], expected[:, start + FADE :])
    ramp = (np.arange(FADE) + 0.5) / FADE
    crossing = slice(start, start + FADE)
    np.testing.assert_allclose(continued[:, crossing], ramp * expected[:, crossing], atol=1e-6)


def test_what_is_played_changes_how_it_goes_on(listener):
    listener.ask(request(SetMode(mode="continue"), BAR))
    other = listener.branch()
    one = play_heard(listener, 60)
    two = play_heard(other, 60, hears=lambda frame: guitar(frame + 1000))
    assert first_difference(one, two) == 2 * RATE


def test_the_last_frame_that_could_be_heard_is_heard(listener):
    """Of two calls that differ in their last frame only, one lead before the bar."""
    listener.ask(request(SetMode(mode="continue"), BAR))
    play_heard(listener, 40)
    other = listener.branch()
    last = (2 * RATE - LATENCY) // FRAME - 3  # heard with a lead of 2, whole at L
    one = play_heard(listener, 15)
    two = play_heard(other, 15, hears=lambda n: guitar(n if n != last else n + 1000))
    assert first_difference(one, two) is not None


def test_a_take_over_at_once_begins_in_the_next_frame(listener):
    play_heard(listener, 30)
    listener.ask(request(SetMode(mode="continue")))
    made = listener.make()
    assert np.abs(made.chunk[:, :FADE]).max() > 0
    assert made.played > 2  # what was not heard yet is composed unheard


@pytest.mark.parametrize(
    ("heard_db", "start_db"), [(-0.5, -0.5), (0, 0), (0.5, 0.5), (-9, -1), (9, 1)]
)
def test_a_continuation_begins_as_loud_as_what_was_played_within_a_db(
    heard_db, start_db, toy_bundle
):
    """Heard so many dB louder than the codec plays it; more than 1 is not believed."""
    made = level.init_state(toy_bundle.audio)
    for frame in range(80):
        made = level.step(guitar(frame), made, RATE)
    matching = Matching.of(level.loudness_db(made) + heard_db, made)
    assert 20 * np.log10(matching.gain) == pytest.approx(start_db, abs=0.01)


def test_a_continuation_of_softer_playing_is_softer(listener):
    gains = []
    for loud in (0.1, 0.01):
        performer = listener.branch()
        play_heard(performer, 60, hears=lambda n, loud=loud: guitar(n, loud))
        performer.ask(request(SetMode(mode="continue")))
        play(performer, 75)
        gains.append(performer._now.voice.source.line.matching.gain)
    assert gains[0] > gains[1]
    assert gains[1] == pytest.approx(10 ** (-9 / 20), rel=1e-6)  # that is the limit


def test_where_nothing_was_heard_continue_goes_on_from_what_plays(toy_bundle):
    performer = Performer(toy_bundle, seed=7)
    performer.ask(request(style(1)))
    play(performer, 20)
    twin = performer.branch()
    performer.ask(request(SetMode(mode="continue")))
    np.testing.assert_array_equal(play(performer, 60), play(twin, 60))


def test_a_continuation_that_plays_louder_than_its_input_is_brought_back_to_it(toy_bundle):
    """What is made is 6 dB louder than the codec's playing of what was heard; then it holds."""
    rng, made = np.random.default_rng(0), level.init_state(toy_bundle.audio)

    def noise(size: float) -> np.ndarray:
        return (size * rng.standard_normal((CHANNELS, FRAME))).astype(np.float32)

    for _ in range(80):
        made = level.step(noise(0.1), made, RATE)
    matching = Matching.of(level.loudness_db(made), made)
    assert matching.gain == pytest.approx(1.0, abs=0.02)
    gains = []
    for _ in range(matching.left + 20):
        _, matching = matching.apply(noise(0.2), toy_bundle.audio)
        gains.append(matching.gain)
    assert gains[25] == pytest.approx(0.5, abs=0.1)
    assert gains[-20] == pytest.approx(0.5, abs=0.02)
    assert gains[-1] == gains[-20]


def test_a_listener_hears_under_the_prompt_that_was_in_force_then(listener):
    """A request changes the rows from its frame on, also for a frame that is heard later."""
    play_heard(listener, 20)
    late = listener.branch()
    late.ask(request(style(1)))
    late.make()
    line = late._now.voice.source.line
    assert line.at < 20
    assert [wish.frame for wish in line.wishes] == [0, 20]
    play_heard(late, 8)
    assert [wish.frame for wish in late._now.voice.source.line.wishes] == [20]


def test_a_panic_forgets_what_was_heard_too(toy_bundle, listener):
    """Taken back in the same frame by a mode: what sounds begins anew, and continues nothing."""
    play_heard(listener, 40)
    listener.ask(request(Panic()))
    listener.ask(request(SetMode(mode="continue")))
    listener.make()
    line = listener._now.voice.source.line
    assert line.session.frame == 2
    assert line.matching is None


# --- silence --------------------------------------------------------------------------------------


def test_silence_is_composed_and_not_learned(toy_bundle, listener):
    """Nothing is played: after half a second the session goes on as if it sounded."""
    listener.ask(request(SetMode(mode="continue"), BAR))
    continued = play_heard(listener, 55, hears=silence)
    alone = play(Performer(toy_bundle, seed=7), 55)
    start = 2 * RATE
    np.testing.assert_array_equal(continued[:, start + FADE :], alone[:, start + FADE :])


def test_a_pause_is_followed_for_half_a_second(toy_bundle, listener):
    """A rest between two notes belongs to the music."""
    kept = []
    session = listener._now.voice.source.line.session
    graph = session._graphs["observe"]

    class Watched:
        spec = graph.spec

        def run(self, inputs):
            kept.append(inputs["tokens"][0].copy())
            return graph.run(inputs)

    session._graphs = session._graphs | {"observe": Watched()}

    def paused(frame):
        return guitar(frame) if frame < 10 else silence(frame)

    play_heard(listener, 45, hears=paused)
    pause = heard_music(toy_bundle, 40, paused)
    followed = [frame for frame in range(10, 38) if np.array_equal(kept[frame + 1], pause[frame])]
    assert 10 <= len(followed) <= 14
    assert followed == list(range(10, 10 + len(followed)))


def test_without_any_input_the_listener_keeps_up_on_its_own(listener):
    """No sound card: the take-over costs no more than any frame."""
    play(listener, 80)
    listener.ask(request(SetMode(mode="continue")))
    assert [listener.make().played for _ in range(3)] == [1, 1, 1]


def test_an_input_that_breaks_off_is_waited_for_and_then_caught_up_with(listener):
    """Two frames at a time, so that no frame comes late; then the take-over is cheap again."""
    play_heard(listener, 40)
    played = [listener.make().played for _ in range(80)]
    assert played[5:25] == [0] * 20
    assert max(played) == 2
    assert played[-10:] == [1] * 10
    listener.ask(request(SetMode(mode="continue")))
    assert listener.make().played == 1


def test_an_input_that_was_not_there_may_come_back(toy_bundle, listener):
    """Missed frames are silence; what comes after them is followed where it belongs."""
    play(listener, 60)
    listener.miss(58)
    assert listener.heard_frame == 58
    other = listener.branch()
    listener.ask(request(SetMode(mode="continue"), BAR))
    other.ask(request(SetMode(mode="continue"), BAR))
    one = play_heard(listener, 60)
    two = play_heard(other, 60, hears=lambda n: guitar(n if n < 90 else n + 1000))
    assert first_difference(one, two) == 4 * RATE - 60 * FRAME
    assert listener._intake.end == listener.heard_frame - 1
    for wrong in (0, 4):
        with pytest.raises(OptionError, match="frames missed"):
            listener.miss(wrong)


def test_missed_frames_are_silence_as_if_they_had_been_heard(listener):
    """Half a second of zeros or of nothing: the same from then on, at a fraction of the cost."""
    play(listener, 40)
    other = listener.branch()
    for _ in range(40):
        listener.hear(silence(0))
    other.miss(40)
    for performer in (listener, other):
        for frame in range(40, 41):
            performer.hear(guitar(frame))
    assert other._intake.end == listener._intake.end
    np.testing.assert_array_equal(other._intake.rest, listener._intake.rest)
    assert other._intake.at(35).is_silent


# --- call and response ----------------------------------------------------------------------------


def sounding(audio: np.ndarray) -> list[tuple[int, int]]:
    """First and last sample of each stretch of sound; a pause is at least 20 ms of zeros."""
    loud = np.flatnonzero(np.abs(audio).max(axis=0) > 0)
    cuts = np.flatnonzero(np.diff(loud) > RATE // 50)
    firsts, lasts = [loud[0], *loud[cuts + 1]], [*loud[cuts], loud[-1]]
    return [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]


def test_answers_stay_on_the_grid_for_64_bars(toy_bundle):
    """Two bars of call, two of response, at 174.3 bpm in 3/4: every edge on its own sample."""
    performer = Performer(toy_bundle, seed=7)
    performer.set_transport(free(174.3, grid=BarGrid(Signature(3, 4))))
    performer.ask(request(SetMode(mode="answer", call_bars=2, response_bars=2)))
    bar = 3 * 60 / 174.3 * RATE
    audio = play_heard(performer, int(64.4 * bar / FRAME))
    turns = sounding(audio)
    assert len(turns) == 16
    for number, (first, last) in enumerate(turns):
        starts, ends = round((4 * number + 2) * bar), round((4 * number + 4) * bar)
        assert first == pytest.approx(starts, abs=1)
        assert last == pytest.approx(ends + FADE - 1, abs=1)


def test_a_silent_call_does_not_silence_the_answer(toy_bundle):
    performer = Performer(toy_bundle, seed=7)
    performer.ask(request(SetMode(mode="answer", call_bars=1, response_bars=1)))
    audio = play_heard(performer, 400, hears=silence)
    loudness = [np.sqrt((audio[:, first:last] ** 2).mean()) for first, last in sounding(audio)]
    assert len(loudness) == 4
    assert min(loudness) > 0.5 * max(loudness)


def test_what_is_played_into_an_answer_does_not_change_it_but_the_next_call_does(toy_bundle):
    """While it sounds it is deaf; each answer is an answer to its own call."""
    performer = Performer(toy_bundle, seed=7)
    performer.ask(request(SetMode(mode="answer", call_bars=1, response_bars=1)))
    play_heard(performer, 50)
    into_answer, into_call = performer.branch(), performer.branch()
    plain = play_heard(performer, 150)
    other = play_heard(into_answer, 150, hears=lambda n: guitar(n + 1000 * (55 < n < 95)))
    assert first_difference(plain, other) is None
    other = play_heard(into_call, 150, hears=lambda n: guitar(n + 1000 * (110 < n < 140)))
    assert first_difference(plain, other) == 6 * RATE - 50 * FRAME


def test_a_locate_lands_in_the_right_turn(toy_bundle):
    """From the call into a response, and back, at once."""
    performer = Performer(toy_bundle, seed=7)
    performer.set_transport(free(120))
    performer.ask(request(SetMode(mode="answer", call_bars=1, response_bars=1)))
    play_heard(performer, 20)
    assert performer.role == "listen"
    performer.set_transport(free(120, sample=20 * FRAME, quarter=5.0))
    assert np.abs(play_heard(performer, 1)).max() > 0
    performer.set_transport(free(120, sample=21 * FRAME, quarter=1.0))
    play_heard(performer, 1)
    assert performer.role == "listen"
    assert not play_heard(performer, 5)[:, FADE:].any()


def test_a_loop_takes_the_turn_of_the_bar_it_goes_back_to(toy_bundle):
    """From the middle of a call to the middle of a response, over and over."""
    performer = Performer(toy_bundle, seed=7)
    performer.set_transport(free(120, quarter=2.0, loop=Loop(2.0, 6.0)))
    performer.ask(request(SetMode(mode="answer", call_bars=1, response_bars=1)))
    turns = sounding(play_heard(performer, 250))
    expected = [(1 + 2 * n, 2 + 2 * n) for n in range(5)]  # seconds
    assert [first for first, _ in turns] == [first * RATE for first, _ in expected]
    assert [last + 1 for _, last in turns[:-1]] == [
        last * RATE + FADE for _, last in expected[: len(turns) - 1]
    ]


def test_an_answer_that_is_made_again_follows_what_was_heard_by_then(toy_bundle):
    """A rewind over the take-over: the call's last frames came in between, and count."""
    performer = Performer(toy_bundle, seed=7)
    performer.ask(request(SetMode(mode="answer", call_bars=1, response_bars=1)))
    play_heard(performer, 47, lead=6)
    early = play(performer.branch(), 20)
    late, same = performer.branch(), performer.branch()
    play(late, 5)
    play(same, 5)
    same.rewind(47)
    np.testing.assert_array_equal(play(same, 20), early)
    while late.heard_frame < 46:
        late.hear(guitar(late.heard_frame))
    late.rewind(47)
    assert first_difference(play(late, 20), early) == 2 * RATE - 47 * FRAME


# --- the echo guard -------------------------------------------------------------------------------


def test_a_copy_is_seen_and_the_coarse_levels_are_heated(toy_bundle, monkeypatch):
    """What sounds was played to it a second before: the rate is told, and temperatures rise."""
    performer = Performer(toy_bundle, seed=7)
    rehearsal, to_come = performer.branch(), []
    for _ in range(110):
        rehearsal.make()
        to_come.append(rehearsal._now.voice.source.line.session.last_tokens)
    played = iter(to_come[25:])
    monkeypatch.setattr(Ear, "hear", lambda self, audio, state: (next(played), state))
    heats = []
    for _ in range(80):
        while performer.heard_frame <= performer.frame:
            performer.hear(guitar(performer.heard_frame))
        performer.make()
        factors = temperature_factors(performer._now.copies)
        heats.append(float(factors[1]))
    assert performer.copy_rate > 0.3
    assert heats[:30] == [1.0] * 30
    assert max(heats) > 1.0


def test_what_was_heard_is_remembered_once_also_when_frames_are_made_again(toy_bundle):
    """And silence is nothing that could be copied."""
    performer = Performer(toy_bundle, seed=7)
    play_heard(performer, 30)
    performer.rewind(20)
    play_heard(performer, 40, hears=silence)
    known = performer._now.remembered
    assert known == performer._intake.end - 1  # the newest came behind the last frame made
    loud = [not heard.is_silent for heard in performer._intake.frames[:known]]
    assert 28 < sum(loud) < known
    assert (performer._now.copies.heard >= 0).sum() == sum(loud)


def test_a_heated_performer_asks_for_hotter_coarse_tokens_only(toy_bundle):
    performer = Performer(toy_bundle, seed=7)
    play(performer, 3)
    session = performer._now.voice.source.line.session
    graph, given = session._graphs["compose"], []

    class Watched:
        spec = graph.spec

        def run(self, inputs):
            given.append(inputs["temperature"].copy())
            return graph.run(inputs)

    session._graphs = session._graphs | {"compose": Watched()}
    performer.make()
    hot = performer._now.copies._replace(raised=np.array(0.5))
    performer._now = replace(performer._now, copies=hot)
    performer.make()
    ratio = given[1] / given[0]
    np.testing.assert_allclose(ratio, [1] + [1.5] * 4 + [1] * 8, rtol=1e-6)


def test_the_schedule_of_turns_is_the_bars_alone():
    calls = [is_call(bar, 2, 3) for bar in range(-5, 10)]
    assert calls == [True, True, False, False, False] * 3
