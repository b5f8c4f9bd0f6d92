"""A live block's whole journey: a player's bar goes in, and on the bar line an answer comes out.

A guitar plays eighths into a track at 44.1 kHz, in blocks of 441. The host says 120 bpm. The engine
is asked to answer every bar with one of its own. Each test is one stretch of the way.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from engine import control_log
from engine.ask import Ack
from engine.bundle import Bundle
from engine.clock import HostBlock
from engine.command import SetMode, SetPrompt
from engine.control_log import heard_path
from engine.loop.status import Status
from engine.operation import Heard
from engine.replay import replay
from engine.song import SongTempo
from tests.engine.rig import Rig

RATE, BLOCK = 44_100, 441
BAR = 2 * RATE  # samples: four beats at 120 bpm
BARS = 6


def guitar() -> np.ndarray:
    """Plucked eighths, a little to the left; [2, BARS * BAR]."""
    eighth = np.arange(RATE // 4) / RATE
    plucks = [
        np.exp(-9 * eighth) * np.sign(np.sin(2 * np.pi * 110 * 2 ** (step / 12) * eighth))
        for step in (0, 7, 12, 7, 3, 7, 10, 7)
    ]
    bar = np.concatenate(plucks)
    return np.stack([0.3 * np.tile(bar, BARS), 0.2 * np.tile(bar, BARS)]).astype(np.float32)


@dataclass
class Journey:
    """What went in, what came out, and what was told on the way."""

    rig: Rig
    played: np.ndarray  # [2, N] by the guitar
    heard: np.ndarray  # [2, N] from the engine
    acks: list[Ack]
    statuses: list[Status]  # one a bar, in its middle


@pytest.fixture(scope="module")
def journey(toy_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Journey:
    """Play it once."""
    played = guitar()

    def host(sample: int) -> HostBlock:
        return HostBlock(sample=sample, rate=RATE, quarter=2 * sample / RATE, tempo=SongTempo(120))

    rig = Rig(
        toy_bundle,
        tmp_path_factory.mktemp("journey") / "take.jsonl",
        rate=RATE,
        block=BLOCK,
        host=host,
        source=lambda at, count: played[:, at : at + count],
    )
    rig.ask(SetPrompt(index=1, text="warm tape choir"))
    rig.ask(SetMode(mode="answer", call_bars=1, response_bars=1))
    statuses = []
    for _ in range(BARS):
        rig.play(BAR // BLOCK // 2)
        statuses.append(rig.runner.status())
        rig.play(BAR // BLOCK // 2)
    acks = rig.acks()
    rig.runner.stop()
    return Journey(rig, played, rig.sound(), acks, statuses)


def bar(sound: np.ndarray, number: int, *, margin: int = 0) -> np.ndarray:
    return sound[:, number * BAR + margin : (number + 1) * BAR - margin]


def test_it_comes_in_at_the_hosts_rate_and_becomes_frames_at_the_models(journey):
    """Every 40 ms a frame of 960 samples at 24 kHz, as far as the last whole frame was played."""
    frames = journey.rig.performer.heard_frame
    assert frames == pytest.approx(BARS * 2 * 25, abs=4)
    wav = heard_path(journey.rig.path)
    assert wav.stat().st_size == 58 + frames * 960 * 4


def test_a_pluck_is_heard_when_it_was_played(journey):
    """The resampler's delay is made up for: the pluck on beat 2 of bar 1 starts at 2.5 s."""
    take = control_log.read(journey.rig.path)
    sound = take.heard().read(0, 5 * 24_000)[0]
    around = np.abs(sound[int(2.49 * 24_000) : int(2.51 * 24_000)])
    onset = int(np.argmax(around > 0.1)) / 24_000 + 2.49
    assert onset == pytest.approx(2.5, abs=0.0005)


def test_the_engine_is_silent_while_it_listens(journey):
    """After the first bar, in which it was asked to."""
    for number in (2, 4):
        assert np.abs(bar(journey.heard, number, margin=441)).max() == 0.0
        assert journey.statuses[number].role == "listen"


def test_on_the_bar_line_the_answer_comes_within_five_milliseconds(journey):
    for number in (1, 3, 5):
        answer = np.abs(bar(journey.heard, number)).max(axis=0)
        before = journey.heard[:, number * BAR - 220 : number * BAR]
        assert (
            np.abs(before).max() < 0.01 * answer.max()
        )  # what a resampler of linear phase hears coming
        assert answer[: RATE // 200].max() > 0.0
        assert answer[RATE // 50 :].max() > 0.01
        assert journey.statuses[number].role == "sound"


def test_on_the_way_the_status_says_where_everything_is(journey):
    for number, status in enumerate(journey.statuses):
        assert (status.bar, status.beats_per_bar, status.tempo_bpm) == (number, 4, 120.0)
        assert (status.late_frames, status.underruns, status.problems) == (0, 0, ())
        assert status.input_db == pytest.approx(-20, abs=12)
        assert [playing.said for playing in status.prompts] == ["warm tape choir"]


def test_every_request_was_answered_with_its_frame(journey):
    assert [ack.what for ack in journey.acks] == ["done", "done"]
    assert max(ack.frame for ack in journey.acks) <= 2


def test_all_of_it_is_in_the_log_in_order(journey):
    lines = [json.loads(line) for line in journey.rig.path.read_text().splitlines()]
    kinds = [line["op"] for line in lines]
    assert (kinds[0], kinds[-1]) == ("open", "end")
    assert (kinds.count("ask"), kinds.count("transport")) == (2, 1)
    heard = [o for o in control_log.read(journey.rig.path).operations if isinstance(o, Heard)]
    assert [operation.sample for operation in heard] == [960 * n for n in range(len(heard))]
    assert all(operation.frame >= n for n, operation in enumerate(heard))


def test_and_the_log_plays_the_same_answer_again_to_the_bit(journey, toy_bundle):
    replayed = replay(toy_bundle, control_log.read(journey.rig.path))
    expected = journey.rig.at_host(replayed.audio)[:, : journey.heard.shape[1]]
    np.testing.assert_array_equal(journey.heard, expected)


def test_a_log_that_broke_off_in_mid_line_plays_up_to_there(journey, toy_bundle, tmp_path: Path):
    """The machine lost its power in bar 3."""
    whole, cut = journey.rig.path, tmp_path / "cut.jsonl"
    lines = whole.read_bytes().splitlines(keepends=True)
    cut.write_bytes(b"".join(lines[:100]) + lines[100][:20])
    heard_path(cut).write_bytes(heard_path(whole).read_bytes())
    replayed = replay(toy_bundle, control_log.read(cut))
    expected = journey.rig.at_host(replayed.audio)
    assert expected.shape[1] > 3 * RATE
    np.testing.assert_array_equal(
        journey.heard[:, : expected.shape[1]], expected[:, : journey.heard.shape[1]]
    )
