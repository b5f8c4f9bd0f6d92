"""The runner: what the ear gets is what the log says, whatever host, players and machine do."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from engine.ask import Ask, When
from engine.clock import HostBlock
from engine.command import Panic, Pick, Prime, SetMode, SetParam, SetPrompt
from engine.errors import BackendError, OptionError, ShapeError
from engine.null_device import NullDevice
from engine.runner import Runner
from engine.song import Loop, SongTempo
from engine.spec import LEVELS
from tests.engine.rig import Rig, until_idle

BLOCKS = [1, 64, 65, 441, 1024, 8193]
RATES = [44_100, 48_000, 96_000]
NOW, BEAT, BAR = When(), When(kind="beat"), When(kind="bar")


def key(name: str) -> SetParam:
    return SetParam(name="key", value=name)


def words(text: str, index: int = 1) -> SetPrompt:
    return SetPrompt(index=index, text=text)


def assert_heard_as_logged(rig: Rig) -> None:
    """Every sample that the host was given is the replay's, to the bit."""
    heard, replayed = rig.sound(), rig.replayed()
    expected = rig.at_host(replayed.audio)[:, : heard.shape[1]]
    np.testing.assert_array_equal(heard, expected)
    assert np.abs(heard).max() > 0.01


# --- streaming equals replay ----------------------------------------------------------------------


def eventful_host(rate: int, length: int):
    """Plays at 120, locates, loops, slows down, stops and goes on, in `length` samples."""

    def said(sample: int) -> HostBlock:
        second, part = sample / rate, 8 * sample // length
        at = {"sample": sample, "rate": rate, "tempo": SongTempo(120)}
        if part < 2:
            return HostBlock(**at, quarter=2 * second)
        if part < 3:
            return HostBlock(**at, quarter=2 * second + 17.3)
        if part < 5:
            loop = Loop(32.0, 32.5)
            return HostBlock(**at, quarter=32 + (2 * second) % 0.5, loop=loop)
        if part == 6:
            return HostBlock(**at, quarter=40.0, playing=False)
        slow = at | {"tempo": SongTempo(77.7)}
        return HostBlock(**slow, quarter=40 + 77.7 / 60 * second)

    return said


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("block", BLOCKS)
def test_what_is_heard_is_the_replay_of_the_log_to_the_bit(rig, block, rate, channels):
    """With requests for now, the beat and the bar; and a host that seeks, loops, changes its tempo,
    stops and goes on. Blocks of one sample play for a fifth of a second only."""
    length = int(0.2 * rate) if block == 1 else max(3 * rate, 16 * block)
    blocks = -(-length // block)
    one = rig(rate=rate, channels=channels, block=block, host=eventful_host(rate, length))
    asks = {
        0.05: (words("warm tape choir"), NOW),
        0.1: (words("gritty dub bass, 90 bpm", 2), NOW),
        0.2: (Pick(index=2), BAR),
        0.3: (key("D minor"), BEAT),
        0.55: (SetParam(name="temperature", value=0.4), NOW),
        0.7: (key("C major"), NOW),
        0.9: (Pick(index=1), BEAT),
    }
    due = {round(share * blocks): ask for share, ask in asks.items()}
    for turn in range(blocks):
        if turn in due:
            one.ask(*due[turn])
        one.play(1)
    status = one.runner.status()
    assert (status.late_frames, status.underruns, status.overtaken) == (0, 0, 0)
    assert_heard_as_logged(one)


@pytest.mark.parametrize("rate", RATES)
def test_what_is_played_to_it_is_in_the_log_and_the_replay_hears_it(rig, rate):
    """A player's sound, blocks that suit no frame, and modes that use it."""
    sound = np.random.default_rng(5).standard_normal((2, 6 * rate)).astype(np.float32) * 0.1
    one = rig(rate=rate, block=441, source=lambda at, count: sound[:, at : at + count])
    one.ask(words("warm tape choir"))
    one.ask(SetMode(mode="answer", call_bars=1, response_bars=1))
    one.play(5 * rate // 441)
    assert one.runner.status().late_frames == 0
    assert one.performer.heard_frame > 120
    assert_heard_as_logged(one)


def test_making_frames_again_and_again_is_in_the_log_too(rig):
    """Twenty changes a second, each of which takes frames back."""
    one = rig(block=441)
    for turn in range(100):
        one.ask(SetParam(name="brightness", value=turn / 100))
        one.play(5)
    replayed = one.replayed()
    assert replayed.made > replayed.frames + 20
    heard = one.sound()
    np.testing.assert_array_equal(heard, one.at_host(replayed.audio)[:, : heard.shape[1]])


# --- when changes are heard -----------------------------------------------------------------------


def steepest(sound: np.ndarray) -> float:
    return float(np.abs(np.diff(sound)).max())


def first_difference(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.flatnonzero((a != b).any(axis=0))[0])


def delay_of_now(rig, lead_ms: float) -> float:
    """Seconds from the request to the first sample that it changes, by a twin without it."""
    sounds = []
    for asks in (True, False):
        one = rig(block=64, options={"lead_ms": lead_ms})
        one.play(500)
        asked_at = one.sample
        if asks:
            one.ask(key("D minor"))
        one.play(800)
        sounds.append(one.sound())
    return (first_difference(*sounds) - asked_at) / 48_000


@pytest.mark.parametrize("lead_ms", [40.0, 80.0, 200.0, 400.0])
def test_the_lead_does_not_delay_a_change_for_now(rig, lead_ms):
    """Frames that are ready are taken back, but for those that the ear is about to reach."""
    assert 0.0 < delay_of_now(rig, lead_ms) < 0.065


def test_a_switch_on_the_bar_is_met_though_the_bar_was_made_already(rig):
    """Asked for 0.1 s before the bar line at 2 s, with 0.3 s of sound ready."""
    sounds = []
    for asks in (True, False):
        one = rig(block=480, options={"lead_ms": 300.0})
        one.play(190)
        if asks:
            one.ask(key("D minor"), BAR)
        one.play(100)
        sounds.append(one.sound())
    assert first_difference(*sounds) == pytest.approx(2.0 * 48_000, abs=0.005 * 48_000)


def test_a_bar_that_the_ear_has_reached_is_left_to_the_next(rig):
    one = rig(block=480)
    one.play(199)
    one.ask(key("D minor"), BAR)
    one.play(250)
    (ack,) = one.acks()
    assert ack.sample == pytest.approx(4.0 * 24_000, abs=1)


def test_the_old_prompt_sounds_on_until_the_new_one_is_embedded(rig):
    """The text tower works beside the loop; until it is done, nothing is taken back."""
    one = rig()
    one.ask(words("warm tape choir"))
    one.play(50)
    one.ask(words("gritty dub bass"))
    for _ in range(100):
        while one.runner.turn() == 0:
            pass
        one.exchange(512)
    prompts = [playing.said for playing in one.runner.status().prompts]
    assert (prompts, len(one.acks())) == (["warm tape choir"], 1)
    one.play(20)
    prompts = [playing.said for playing in one.runner.status().prompts]
    assert (prompts, len(one.acks())) == (["gritty dub bass"], 2)


def test_of_two_requests_for_the_same_thing_the_newer_is_obeyed_and_both_are_answered(rig):
    one = rig()
    one.play(10)
    one.ask(key("C major"), name="old")
    one.ask(key("D minor"), name="new")
    one.play(20)
    assert [(ack.id, ack.what) for ack in one.acks()] == [("old", "replaced"), ("new", "done")]
    assert one.runner.status().key == "D minor"


def test_what_the_performer_refuses_is_answered_with_the_reason(rig):
    one = rig()
    for frame in range(600):
        one.runner.ask(
            Ask(id=str(frame), command=key("C major"), when=When(kind="frame", frame=10**6 + frame))
        )
        if frame % 100 == 0:
            one.play(1)
    one.play(1)
    refused = [ack for ack in one.acks() if ack.what == "refused"]
    assert len(refused) == 600 - 512
    assert "requests that wait" in refused[0].reason


def test_a_panic_is_silence_within_a_breath_whatever_is_ready(rig):
    one = rig(block=64, options={"lead_ms": 400.0})
    one.ask(words("warm tape choir"))
    one.play(500)
    one.ask(Panic())
    sound = one.play(400)
    assert np.abs(sound[:, 3600:]).max() == 0.0


def test_prompt_to_ear_is_the_time_until_the_first_changed_sample_is_handed_over(rig):
    """Against the twin: when the host was given the first sample that differs. Frames take 5 ms."""
    sounds, rigs = [], []
    for asks in (True, False):
        one = rig(block=64)
        one.play_in_time(0.5)
        one.slow(0.005)
        one.play_in_time(0.213)
        asked_at = one.clock.now()
        if asks:
            one.ask(key("D minor"))
        one.play_in_time(0.5)
        sounds.append(one.sound())
        rigs.append(one)
    changed = first_difference(*sounds)
    left_at = next(second for second, end in rigs[0].left if end > changed)
    told = rigs[0].runner.status().prompt_to_ear_ms / 1000
    # Told by the sample from which the change is acknowledged: the decoder's lateness behind the
    # frame's first sample, where the first difference may be.
    assert left_at - asked_at <= told <= left_at - asked_at + 240 / 24_000 + 0.002


# --- the host -------------------------------------------------------------------------------------


def test_a_locate_is_heard_within_a_frame_or_two(rig):
    """The frames that are ready are aimed at the old place; they are made again."""
    sounds = []
    for jumps in (True, False):

        def said(sample: int, jumps: bool = jumps) -> HostBlock:
            quarter = 2 * sample / 48_000 + (9.3 if jumps and sample >= 48_000 else 0.0)
            return HostBlock(sample=sample, rate=48_000, quarter=quarter, tempo=SongTempo(120))

        one = rig(block=480, host=said, options={"lead_ms": 300.0})
        one.ask(words("warm tape choir"))
        one.play(150)
        sounds.append(one.sound())
    assert 0 <= first_difference(*sounds) - 48_000 < 0.07 * 48_000


def test_a_host_that_stops_is_followed_by_silence_and_starts_again(rig):
    def said(sample: int) -> HostBlock:
        plays = not 48_000 <= sample < 96_000
        quarter = 2 * (sample if sample < 48_000 else 48_000 if not plays else sample - 48_000)
        return HostBlock(
            sample=sample,
            rate=48_000,
            quarter=quarter / 48_000,
            tempo=SongTempo(120),
            playing=plays,
        )

    one = rig(block=480, host=said)
    one.ask(words("warm tape choir"))
    sound = one.play(300)
    assert np.abs(sound[:, 48_000 + 4800 : 96_000]).max() == 0.0
    assert np.abs(sound[:, 96_000 + 4800 :]).max() > 0.01
    assert steepest(sound[:, 48_000 : 48_000 + 4800]) <= steepest(sound[:, :48_000])


def test_what_a_host_says_before_the_first_block_is_in_force_from_the_first_frame(rig):
    """However busy the machine: a bounce of the same project has to be the same music each time."""
    one = rig()
    until_idle(one.runner)
    assert one.runner.ready > 0
    one.runner.tell(HostBlock(sample=0, rate=one.rate, tempo=SongTempo(97.5), quarter=8.0))
    assert one.runner.ready == 0  # nothing that does not obey it
    until_idle(one.runner)
    assert one.runner.ready > 0
    assert one.runner.status().quarter == pytest.approx(8.0)
    one.play(4)
    assert_heard_as_logged(one)
    moves = [line for line in one.path.read_text().splitlines() if '"transport"' in line]
    assert '"frame":0' in moves[0]


def test_a_host_that_only_repeats_itself_leaves_no_trace_in_the_log(rig):
    def said(sample: int) -> HostBlock:
        return HostBlock(sample=sample, rate=48_000, quarter=sample / 24_000, tempo=SongTempo(120))

    one = rig(host=said)
    one.play(200)
    one.runner.stop()
    assert one.path.read_text().count('"op":"transport"') == 1


def test_status_tells_where_the_song_is_at_the_ear(rig):
    one = rig(block=480)
    one.play(325)
    status = one.runner.status()
    assert (status.bar, status.beat, status.beats_per_bar) == (1, pytest.approx(2.5), 4)
    assert (status.tempo_bpm, status.heard_frame, status.rate) == (120.0, 81, 48_000)
    assert status.lead_ms >= 80.0 - 10.0
    assert (status.problems, status.role, status.is_playing) == ((), "sound", True)


@pytest.mark.parametrize("rate", [44_100, 96_000, 8_000])
def test_a_host_may_change_its_rate_in_mid_stream(rig, rate):
    """A moment of silence, then the same music goes on in time, and the log is whole."""
    one = rig(block=512, host=lambda sample: HostBlock(sample=sample, rate=one.rate))
    one.ask(words("warm tape choir"))
    before = one.play(100)
    second = one.sample / one.rate
    one.rate, one.sample = rate, round(second * rate)
    start, first, size = one.sample, len(one.heard), 512 * rate // 48_000
    one.play(70, size=size)
    after = np.concatenate(one.heard[first:], axis=1)
    status = one.runner.status()
    assert (status.rate, status.problems) == (rate, ())
    expected = one.at_host(one.replayed().audio)
    fade = size + 256  # the block that asked for another way out, and the fade behind it
    np.testing.assert_array_equal(
        after[:, fade:], expected[:, start + fade : start + after.shape[1]]
    )
    assert np.abs(after[:, fade:]).max() > 0.01
    assert before.shape[1] == 51_200


def test_a_rate_that_cannot_be_is_said_in_words_and_a_good_one_plays_again(rig):
    one = rig(block=480, host=lambda sample: HostBlock(sample=sample, rate=one.rate))
    one.play(20)
    one.rate = 100
    sound = one.play(30, size=1)
    assert "in_rate" not in one.runner.status().problems[0]
    assert "100, expected 8,000 to 384,000 Hz" in one.runner.status().problems[0]
    assert np.abs(sound[:, -1]).max() < 1.0
    one.rate = 48_000
    sound = one.play(40)
    assert np.abs(sound[:, -4800:]).max() > 0.01
    assert one.runner.status().problems == ()


# --- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_input_that_is_no_number_is_silence_counted_and_said(rig, bad):
    sound = np.full((2, 96_000), 0.1, np.float32)
    sound[0, 20_000:20_050] = bad
    one = rig(source=lambda at, count: sound[:, at : at + count])
    one.ask(SetMode(mode="continue"))
    heard = one.play(150)
    assert np.isfinite(heard).all()
    (problem,) = one.runner.status().problems
    assert problem == "50 samples of the input were no numbers and count as silence"
    assert_heard_as_logged(one)


def test_empty_blocks_change_nothing(rig):
    one, twin = rig(), rig()
    for _ in range(60):
        one.play(1)
        one.exchange(0)
        twin.play(1)
    np.testing.assert_array_equal(one.sound(), twin.sound())


def test_a_block_of_ten_seconds_is_what_is_ready_then_silence_and_the_music_is_on_time_again(rig):
    """Input of ten seconds as well: more than the way in holds, so some is lost, and that is said.
    Nothing is lost from the log."""
    sound = np.random.default_rng(1).standard_normal((2, 20 * 48_000)).astype(np.float32) * 0.1
    one = rig(source=lambda at, count: sound[:, at : at + count])
    one.ask(words("warm tape choir"))
    one.play(20)
    start = one.sample
    (long,) = (one.exchange(480_000),)
    one.play(60)
    status = one.runner.status()
    assert np.isfinite(long).all()
    assert np.abs(long[:, 24_000:]).max() == 0.0
    assert (status.late_frames > 200, status.underruns) == (True, 1)
    assert any("s of the input were lost" in problem for problem in status.problems)
    assert any("came too late" in problem for problem in status.problems)
    heard, expected = one.sound(), one.at_host(one.replayed().audio)
    back = start + 480_000 + 4800
    np.testing.assert_array_equal(heard[:, :start], expected[:, :start])
    np.testing.assert_array_equal(heard[:, back:], expected[:, back : heard.shape[1]])
    assert np.abs(heard[:, back:]).max() > 0.01


def test_a_starved_loop_is_heard_as_a_fade_counted_and_caught_up_with(rig):
    """For half a second nobody turns the loop. What it then makes for the past is not heard."""
    one = rig(block=480)
    one.ask(words("warm tape choir"))
    one.play(50)
    gap = one.play(50, starve=True)
    one.play(50)
    status = one.runner.status()
    assert np.abs(gap[:, -4800:]).max() == 0.0
    assert (status.underruns, 9 <= status.late_frames <= 12) == (1, True)
    assert any("came too late" in problem for problem in status.problems)
    heard, expected = one.sound(), one.at_host(one.replayed().audio)
    assert steepest(gap) <= steepest(expected[:, :48_000]), "no step in what is left"
    np.testing.assert_array_equal(heard[:, 50_000:], expected[:, 50_000 : heard.shape[1]])


def test_a_slow_machine_gives_up_quality_says_so_and_takes_it_back(rig):
    """Frames take 45 of their 40 ms for a while."""
    one = rig(block=480)
    one.play_in_time(1.0)
    one.slow(0.045)
    one.play_in_time(2.0)
    busy = one.runner.status()
    assert (busy.shed, busy.late_frames > 0) == (2, True)
    assert "playing without guidance and with fewer fine levels, to keep time" in busy.problems
    one.slow(0.004)
    one.play_in_time(15.0)
    late = one.runner.status().late_frames
    one.play_in_time(3.0)
    rested = one.runner.status()
    assert (rested.shed, rested.late_frames) == (0, late)
    said = [remark.split(":")[0] for remark in one.remarks() if "playing" in remark]
    assert said == [
        "playing without guidance",
        "playing without guidance and with fewer fine levels",
        "playing without guidance",
        "playing in full again",
    ]
    one.runner.stop()
    assert one.path.read_text().count('"op":"shed"') == 4


def test_for_a_host_that_waits_no_quality_is_given_up_and_what_was_is_taken_back(rig):
    """Frames take 45 of their 40 ms, in a bounce as before."""
    one = rig(block=480)
    one.slow(0.045)
    one.play_in_time(2.0)
    assert one.runner.status().shed == 2
    one.runner.is_waited_for = True
    one.play_in_time(0.2)
    assert sum("playing in full again" in remark for remark in one.remarks()) == 1
    one.play_in_time(2.0)
    assert one.runner.status().shed == 0
    assert sum("without guidance" in remark for remark in one.remarks()) == 2
    one.runner.is_waited_for = False
    one.play_in_time(2.0)
    assert one.runner.status().shed == 2


def test_for_a_host_with_a_full_buffer_no_quality_is_given_up_and_for_an_empty_one_it_is(rig):
    """Frames take 45 of their 40 ms; the host has 400 ms of sound, and then none."""
    one = rig(block=480)
    one.slow(0.045)
    one.runner.hold(19_200, 19_200)
    one.play_in_time(1.0)
    assert one.runner.status().shed == 0
    one.runner.hold(0, 19_200)
    one.play_in_time(1.0)
    assert one.runner.status().shed == 2


def in_time(sample: int) -> HostBlock:
    """A host at 120 bpm."""
    return HostBlock(sample=sample, rate=48_000, quarter=sample / 24_000, tempo=SongTempo(120))


def test_a_take_that_is_followed_before_the_first_block_takes_no_quality(rig):
    """However long it takes: nobody waits for sound yet."""
    one = rig(block=480)
    one.slow(0.5)
    one.ask(Prime(said="mine", tokens=((0,) * LEVELS,) * 40, loudness_db=-20.0), name="take")
    until_idle(one.runner)
    assert (one.runner.status().shed, one.remarks()) == (0, [])
    assert [(ack.id, ack.what, ack.frame) for ack in one.acks()] == [("take", "done", 0)]
    assert one.replayed().audio.any()


def test_a_machine_that_is_too_slow_is_heard_in_pieces_rather_than_never(rig):
    """Frames take 60 of their 40 ms: being late is never made up for, so time is left out."""
    one = rig(block=480)
    one.ask(words("warm tape choir"))
    one.play_in_time(0.5)
    one.slow(0.06)
    sound = one.play_in_time(6.0)
    status = one.runner.status()
    assert (status.skipped_frames > 10, status.shed) == (True, 2)
    assert any("s were left out: this machine is too slow" in p for p in status.problems)
    pieces = np.abs(sound[:, : 60 * 4800]).reshape(2, 60, 4800).max(axis=(0, 2))
    assert (pieces > 0.01).mean() > 0.5
    assert np.isfinite(sound).all()


def test_after_time_was_left_out_the_song_is_where_the_host_is(rig):
    """A switch on the bar is met on the host's bar line, and said to be heard when it is."""
    sounds = []
    for asks in (True, False):
        one = rig(block=480, host=in_time)
        one.play_in_time(0.5)
        one.slow(0.06)
        one.play_in_time(3.0)
        one.slow(0.001)
        one.play_in_time(0.7)
        assert one.runner.status().skipped_frames > 5
        if asks:
            one.ask(key("D minor"), BAR)
        one.play_in_time(3.0)
        sounds.append(one.sound())
        status = one.runner.status()
        assert status.bar * 4 + status.beat == pytest.approx(one.sample / 24_000, abs=1e-6)
    assert first_difference(*sounds) == pytest.approx(6.0 * 48_000, abs=0.005 * 48_000)


def test_a_host_that_jumps_after_time_was_left_out_is_followed_to_the_right_place(rig):
    def said(sample: int) -> HostBlock:
        block = in_time(sample)
        return block if sample < 200_000 else replace(block, quarter=block.quarter + 7.25)

    one = rig(block=480, host=said)
    one.play_in_time(0.5)
    one.slow(0.06)
    one.play_in_time(3.0)
    one.slow(0.001)
    one.play_in_time(2.0)
    status = one.runner.status()
    place = one.sample / 24_000 + 7.25
    assert status.bar * 4 + status.beat == pytest.approx(place, abs=1e-6)


def test_a_device_that_is_pulled_is_said_and_the_music_waits_for_it(rig):
    one = rig(block=480)
    one.ask(words("warm tape choir"))
    one.play(50)
    frame = one.runner.status().frame
    one.clock.advance(7.0)
    until_idle(one.runner)
    status = one.runner.status()
    assert status.problems == ("nobody has asked for sound for 7 s",)
    assert status.frame <= frame + 1
    for turn in range(300):  # a player goes on turning knobs: asked again and again for now
        one.ask(SetParam(name="brightness", value=turn / 300))
        until_idle(one.runner)
    one.play(50)
    assert one.runner.status().problems == ()
    assert len(one.acks()) >= 301
    assert_heard_as_logged(one)


def fail_from(one: Rig, error: Exception) -> None:
    def fail() -> None:
        raise error

    one.performer.make = fail


def test_when_a_graph_fails_what_is_ready_is_heard_and_fades_and_the_log_is_whole(rig):
    one = rig(block=480)
    one.ask(words("warm tape choir"))
    one.play(50)
    frame = one.performer.frame
    fail_from(one, BackendError("decode.onnx failed: out of memory"))
    one.ask(key("D minor"), When(kind="frame", frame=10**6), name="late")
    sound = one.play(50)
    assert np.abs(sound[:, -480:]).max() == 0.0
    assert one.runner.failed.is_set()
    assert one.runner.status().problems[0] == "the music ended: decode.onnx failed: out of memory"
    with pytest.raises(OptionError, match="came after the music ended"):
        one.ask(key("C major"))
    heard, replayed = one.sound(), one.replayed()
    assert replayed.frames == frame
    expected = one.at_host(replayed.audio)
    assert steepest(sound) <= steepest(expected), "no step in what is left"
    np.testing.assert_array_equal(heard[:, : expected.shape[1]], expected[:, : heard.shape[1]])


def test_sound_that_is_no_number_never_reaches_the_ear(rig):
    one = rig(block=480)
    one.play(20)
    make = one.performer.make

    def broken():
        made = make()
        return made._replace(chunk=np.full_like(made.chunk, np.nan))

    one.performer.make = broken
    assert np.isfinite(one.play(50)).all()
    assert "samples that are not finite in frame" in one.runner.status().problems[0]


def test_a_log_that_cannot_be_written_is_said_and_the_music_goes_on(rig):
    one = rig(block=480)
    one.play(10)
    one.runner._scribe._log._file.close()
    one.runner._scribe._log._file = open("/dev/full", "w", buffering=1)  # noqa: SIM115
    one.ask(key("D minor"))
    one.play(10)
    one.runner._scribe.turn()
    sound = one.play(20)
    assert np.abs(sound).max() > 0.01
    assert any("the take is not written any more" in p for p in one.runner.status().problems)
    with pytest.raises(OSError, match="No space"):
        one.runner._scribe._log._file.close()


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lead_ms": 5.0}, "lead_ms is 5.0, expected 20 to 500"),
        ({"channels": 6}, "channels is 6, expected 1 or 2"),
        ({"rate": 100}, "rate is 100, expected 8,000 to 384,000 Hz"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_what_cannot_be_played_is_refused_in_words(toy_bundle, options, words):
    with pytest.raises(OptionError, match=words):
        Runner(toy_bundle, **{"rate": 48_000, "channels": 2, **options})


def test_blocks_of_other_shapes_are_refused(rig):
    one = rig(options={"listens": True})
    with pytest.raises(ShapeError, match="out has shape"):
        one.runner.exchange(None, np.zeros((3, 64), np.float32))
    with pytest.raises(ShapeError, match=r"block_in has shape \(2, 63\)"):
        one.runner.exchange(np.zeros((2, 63), np.float32), np.zeros((2, 64), np.float32))


def test_input_that_nobody_announced_is_not_listened_to_and_that_is_said(rig):
    one = rig()
    one.play(5)
    one.source = lambda at, count: np.zeros((2, count), np.float32)
    one.play(5)
    assert one.runner.status().problems == ("the input is not listened to: it was not announced",)


# --- threads --------------------------------------------------------------------------------------


class Ear:
    """Hears what a null device plays, and knows when there was enough."""

    def __init__(self, samples: int) -> None:
        self.blocks, self.left, self.enough = [], samples, threading.Event()

    def __call__(self, sample: int, block: np.ndarray) -> None:
        self.blocks.append(block.copy())
        self.left -= block.shape[1]
        if self.left <= 0:
            self.enough.set()


def test_with_real_threads_and_a_paced_device_the_ear_gets_what_the_log_says(rig):
    """Unless a frame came late, which a loaded machine may do: then the log is still whole."""
    one, answered = rig(options={"lead_ms": 200.0}), threading.Event()
    one.runner._notify = lambda event: answered.set()
    ear = Ear(24_000)
    device = NullDevice(block=480, sink=ear)
    before = threading.active_count()
    one.runner.start()
    one.runner.start()  # a second time changes nothing
    device.start(one.runner.exchange)
    one.ask(words("warm tape choir"))
    assert answered.wait(30)
    assert ear.enough.wait(30)
    assert one.runner.status().is_running
    one.runner.stop()
    one.runner.stop()
    device.stop()
    assert threading.active_count() == before
    status, replayed = one.runner.status(), one.replayed()
    assert (status.is_running, len(one.acks()) >= 1) == (False, True)
    heard = np.concatenate(ear.blocks, axis=1)
    expected = one.at_host(replayed.audio)[:, : heard.shape[1]]
    if (status.late_frames, status.underruns, status.overtaken) == (0, 0, 0):
        np.testing.assert_array_equal(heard[:, : expected.shape[1]], expected)


def test_a_prompt_that_was_there_before_the_start_is_in_the_first_frame(rig):
    one = rig()
    one.ask(words("warm tape choir"))
    one.runner.start()
    assert one.acks()[0].frame == 0
    one.runner.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_prompt_worker_is_killed_and_the_music_goes_on(rig):
    one, answers = rig(), threading.Semaphore(0)
    one.runner._notify = lambda event: answers.release()

    def embed(text: str) -> np.ndarray:
        raise SystemExit(text)

    good = one.runner._worker._embed
    one.runner._worker._embed = embed
    device = NullDevice(block=480)
    one.runner.start()
    device.start(one.runner.exchange)
    one.ask(words("poison"), name="poison")
    assert answers.acquire(timeout=30)
    assert answers.acquire(timeout=30)
    one.runner._worker._embed = good
    one.ask(words("warm tape choir"), name="good")
    assert answers.acquire(timeout=30)
    status = one.runner.status()
    device.stop()
    one.runner.stop()
    assert [(ack.id, ack.what) for ack in one.acks()][:2] == [
        ("poison", "refused"),
        ("good", "done"),
    ]
    assert "the prompt worker died and was started again" in status.problems
    assert not one.runner.failed.is_set()
    assert [ack.id for ack in one.replayed().acks] == ["good"]  # nothing is lost from the take


def test_a_runner_whose_first_frame_fails_does_not_start_and_says_why(rig):
    before, one = threading.active_count(), rig()
    fail_from(one, BackendError("observe.onnx failed: no kernel"))
    with pytest.raises(BackendError, match="no kernel"):
        one.runner.start()
    assert threading.active_count() == before
    with pytest.raises(OptionError, match=r"has been stopped\. Make another one"):
        one.runner.start()


def test_what_waits_when_it_stops_is_answered(rig):
    one = rig()
    one.play(10)
    one.ask(key("D minor"), name="too late")
    one.runner.stop()
    (ack,) = one.acks()
    assert (ack.id, ack.what, ack.reason) == ("too late", "refused", "the music has ended")


def test_the_interpreter_is_left_as_it_was_found(rig):
    import gc
    import sys

    interval, frozen = sys.getswitchinterval(), gc.get_freeze_count()
    first, second = rig(), rig()
    first.runner.start()
    second.runner.start()
    assert sys.getswitchinterval() < interval
    first.runner.stop()
    assert sys.getswitchinterval() < interval
    second.runner.stop()
    assert (sys.getswitchinterval(), gc.get_freeze_count()) == (interval, frozen)
