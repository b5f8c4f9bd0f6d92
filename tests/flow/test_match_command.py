"""`antiphon match` from the outside: a recording and prompts go in, the nearest comes first."""

import numpy as np
import pytest
import soundfile

from engine import audio_file
from engine.stages import prompt, style_audio

PROMPTS = ("deep house", "string quartet", "calm drone")
RATE = 24_000


@pytest.fixture
def recording(tmp_path):
    """Twelve seconds of noise that grows."""
    noise = np.random.default_rng(1).standard_normal(12 * RATE) * np.linspace(0.01, 0.2, 12 * RATE)
    soundfile.write(tmp_path / "take.wav", noise, RATE)
    return tmp_path / "take.wav"


def test_the_nearest_prompt_comes_first(antiphon, recording, toy_bundle):
    answer = antiphon("match", recording, *PROMPTS, "--json")
    assert answer.status == 0, answer.err
    matches = answer.json["matches"]
    cosines = [one["cosine"] for one in matches]
    assert cosines == sorted(cosines, reverse=True)
    assert {one["prompt"] for one in matches} == {*PROMPTS}
    heard = style_audio.encode(toy_bundle, audio_file.read(recording, toy_bundle.audio))
    for one in matches:
        expected = heard @ prompt.encode(toy_bundle, one["prompt"])
        assert one["cosine"] == pytest.approx(expected, abs=1e-3)


def test_without_json_each_prompt_has_its_line(antiphon, recording):
    lines = antiphon("match", recording, *PROMPTS).out.splitlines()
    assert sorted(line.split(maxsplit=1)[1] for line in lines) == sorted(PROMPTS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("take.wav", "only this"), "there is 1 prompt, expected two or more"),
        (("no.wav", "a", "b"), "no.wav"),
        (("take.wav", "a", " "), "prompt"),
    ],
)
def test_what_cannot_be_matched_is_one_line(antiphon, recording, words, said):
    answer = antiphon("match", *words)
    assert (answer.status, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1
