"""`antiphon replay` from the outside: a log goes in, the performance comes out."""

from hashlib import sha256

import numpy as np
import pytest
import soundfile

from engine.command import SetMode
from engine.operation import Marked
from tests.engine.performing import BAR, request, style
from tests.engine.recording import Recording
from tests.engine.test_output import stored


@pytest.fixture
def take(toy_bundle, tmp_path):
    """Two seconds of listening and going on, in take.jsonl; returns what was heard."""
    with Recording(toy_bundle, tmp_path / "take.jsonl", seed=7) as stage:
        stage.ask(request(SetMode(mode="listen")))
        stage.ask(request(SetMode(mode="continue"), BAR))
        stage.ask(request(style(1), BAR))
        stage.play_heard(70)
        stage.log.write(Marked(frame=70, text="the good part"))
        return stage.end()


def test_a_take_comes_back_as_a_file(antiphon, take, tmp_path, toy_bundle):
    answer = antiphon("replay", "take.jsonl", "-o", "a.wav", "--threads", 1, "--json")
    assert answer.status == 0, answer.err
    said = answer.json
    audio, rate = soundfile.read(tmp_path / "a.wav", dtype="float32", always_2d=True)
    np.testing.assert_array_equal(audio.T, take)
    assert (rate, said["sample_rate"], said["sample_format"]) == (24_000, 24_000, "FLOAT")
    assert (said["frames"], said["frames_made"], said["seconds"]) == (70, 70, 2.8)
    assert said["answers"] == {"done": 3}
    assert said["marks"] == [{"frame": 70, "text": "the good part"}]
    assert said["bundle"] == toy_bundle.id
    assert said["remarks"] == []
    assert said["sha256"] == sha256(stored(tmp_path / "a.wav")).hexdigest()


def test_a_player_is_told_what_was_left_out(antiphon, take, tmp_path):
    log = tmp_path / "take.jsonl"
    log.write_bytes(log.read_bytes()[:-5])
    answer = antiphon("replay", "take.jsonl", "-o", "a.wav", "--threads", 1)
    assert answer.status == 0
    assert "a.wav: 2.80 s of take.jsonl" in answer.out
    assert "requests: 3 done" in answer.out
    assert "note: take.jsonl:" in answer.out
    assert "cut off" in answer.out


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda log: log.write_text("what a night\n"), "take.jsonl:1: not JSON"),
        (lambda log: log.unlink(), "take.jsonl cannot be read"),
        (lambda log: log.with_suffix(".input.wav").unlink(), "take.input.wav cannot be read"),
        (
            lambda log: log.write_text(log.read_text() + '{"op":"end","frame":80}\n'),
            "comes behind the end",
        ),
    ],
)
def test_what_cannot_be_replayed_is_one_line_and_no_file(antiphon, take, tmp_path, spoil, said):
    spoil(tmp_path / "take.jsonl")
    answer = antiphon("replay", "take.jsonl", "-o", "a.wav", "--threads", 1)
    assert answer.status == 2
    assert said in answer.err.splitlines()[-1]
    assert answer.err.splitlines()[-1].startswith("error: ")
    assert not list(tmp_path.glob("*a.wav*"))
    assert answer.out == ""
