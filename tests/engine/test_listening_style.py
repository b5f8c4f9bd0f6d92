"""Style of the input as a prompt: rolling, off the audio path."""

import numpy as np
import pytest

from engine.errors import InputError
from engine.listening import style
from engine.listening.style import LEAST_FRAMES, WINDOW_FRAMES, Window
from engine.stages import style_audio
from tests.fakes import FRAME


def frames(count: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [(rng.standard_normal((1, FRAME)) * 0.1).astype(np.float32) for _ in range(count)]


def hear_all(played: list[np.ndarray], window: Window | None = None) -> Window:
    window = window or Window()
    for frame in played:
        window = style.hear(frame, window, is_silent=False)
    return window


def test_the_style_is_that_of_the_last_ten_seconds(toy_bundle):
    played = frames(WINDOW_FRAMES + 40)
    expected = style_audio.encode(toy_bundle, np.concatenate(played[-WINDOW_FRAMES:], axis=1))
    np.testing.assert_array_equal(style.encode(toy_bundle, hear_all(played)), expected)
    assert np.linalg.norm(expected) == pytest.approx(1.0, abs=1e-5)


def test_two_seconds_are_enough_and_less_is_refused_in_words(toy_bundle):
    window = hear_all(frames(LEAST_FRAMES - 1))
    assert not window.is_enough
    with pytest.raises(InputError, match=r"1.96 s of sound were heard, expected at least 2 s"):
        style.encode(toy_bundle, window)
    style.encode(toy_bundle, hear_all(frames(1), window))


def test_pauses_are_left_out(toy_bundle):
    window = hear_all(frames(LEAST_FRAMES))
    paused = style.hear(np.zeros((1, FRAME), np.float32), window, is_silent=True)
    assert paused is window


def test_a_window_that_a_worker_holds_does_not_change(toy_bundle):
    held = hear_all(frames(LEAST_FRAMES))
    before = style.encode(toy_bundle, held)
    hear_all(frames(200, seed=1), held)
    np.testing.assert_array_equal(style.encode(toy_bundle, held), before)
