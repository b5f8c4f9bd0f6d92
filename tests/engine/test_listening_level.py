"""Loudness of a stream, its silences, and the gain of a take-over."""

import numpy as np
import pytest

from engine.errors import ShapeError
from engine.listening import level
from engine.listening.level import Level
from engine.spec import AudioFormat

FORMAT = AudioFormat(rate=48_000, channels=2)
SECOND = 25  # frames


def heard(audio: np.ndarray, rate: int = 48_000, state: Level | None = None) -> Level:
    """Feed [C, N] frame by frame."""
    state = state or level.init_state(AudioFormat(rate=rate, channels=len(audio)))
    samples = rate // 25
    for start in range(0, audio.shape[1], samples):
        state = level.step(audio[:, start : start + samples], state, rate)
    return state


def sine(hz: float, peak: float, seconds: float, rate: int = 48_000, channels: int = 2):
    wave = peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)
    return np.repeat(wave[None], channels, axis=0).astype(np.float32)


def noise(frames: int, size: float = 0.1, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, frames * FORMAT.frame_samples)) * size).astype(np.float32)


def k_weighted(x: np.ndarray) -> np.ndarray:
    """The slow twin: BS.1770's two filters at 48 kHz, sample by sample."""
    for b, a in (
        ((1.53512485958697, -2.69169618940638, 1.19839281085285), (-1.69065929318241, 0.73248077)),
        ((1.0, -2.0, 1.0), (-1.99004745483398, 0.99007225036621)),
    ):
        y = np.zeros(len(x) + 2)
        x = np.concatenate([[0.0, 0.0], x])
        for n in range(2, len(x)):
            y[n] = (
                b[0] * x[n] + b[1] * x[n - 1] + b[2] * x[n - 2] - a[0] * y[n - 1] - a[1] * y[n - 2]
            )
        x = y[2:]
    return x


@pytest.mark.parametrize("rate", [24_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_tone_of_1_khz_has_the_level_of_its_rms(rate, channels):
    state = heard(sine(997, 0.1, 4, rate, channels), rate)
    assert level.loudness_db(state) == pytest.approx(-23.0, abs=0.05)
    assert level.frame_db(state) == pytest.approx(-23.0, abs=0.05)


@pytest.mark.parametrize("hz", [30, 60, 150, 400, 3000, 9000])
def test_tones_weigh_what_the_standards_filters_make_of_them(hz):
    audio = sine(hz, 0.1, 1.2, channels=1)
    settled = k_weighted(audio[0].astype(float))[24_000:]
    expected = 10 * np.log10(np.mean(settled**2)) - level.AT_1_KHZ_DB
    assert level.frame_db(heard(audio)) == pytest.approx(expected, abs=0.3)


def test_loudness_forgets_what_is_older_than_three_seconds():
    loud, soft = sine(997, 0.5, 4), sine(997, 0.05, 3.08)
    assert level.loudness_db(heard(np.concatenate([loud, soft], 1))) == pytest.approx(-29, abs=0.1)


def test_pauses_do_not_make_music_softer():
    gaps = sine(997, 0.1, 3.2)
    gaps[:, 48_000:96_000] = 0.0
    assert level.loudness_db(heard(gaps)) == pytest.approx(-23.0, abs=0.4)


def test_half_a_second_of_quiet_is_silence_and_one_note_ends_it():
    loud, quiet = sine(997, 0.1, 1), np.zeros((2, FORMAT.frame_samples), np.float32)
    state = heard(np.concatenate([loud, quiet], 1))  # the note rings into this window
    for _ in range(level.SILENCE_FRAMES - 1):
        state = level.step(quiet, state, FORMAT.rate)
        assert not level.is_silent(state)
    state = level.step(quiet, state, FORMAT.rate)
    assert level.is_silent(state)
    assert not level.is_silent(heard(sine(997, 0.1, 0.04), state=state))


def test_a_stream_is_silent_until_something_is_heard():
    assert level.is_silent(level.init_state(FORMAT))
    assert level.loudness_db(level.init_state(FORMAT)) == level.FLOOR_DB


@pytest.mark.parametrize(("size", "is_silent"), [(0.0005, True), (0.004, False)])
def test_hiss_is_silence_below_60_db_under_full_scale(size, is_silent):
    assert level.is_silent(heard(noise(40, size))) is is_silent


def test_a_direct_current_is_silence():
    """Cheap interfaces have one; it must not count as playing."""
    assert level.is_silent(heard(np.full((2, 4 * 48_000), 0.02, np.float32)))


@pytest.mark.parametrize(("made_db", "expected_db"), [(-6, 6), (4, -4), (0, 0), (-20, 9), (20, -9)])
def test_a_take_over_matches_loudness_within_9_db(made_db, expected_db):
    music = noise(4 * SECOND)
    made = noise(4 * SECOND, 0.1 * 10 ** (made_db / 20), seed=1)
    gain = level.gain_to(level.loudness_db(heard(music)), heard(made))
    assert 20 * np.log10(gain) == pytest.approx(expected_db, abs=0.1)


@pytest.mark.parametrize("silent", ["heard", "made"])
def test_a_take_over_from_or_by_silence_changes_no_level(silent):
    silence, music = heard(noise(80, 0.0)), heard(noise(80))
    both = (silence, music) if silent == "heard" else (music, silence)
    assert level.gain_to(level.loudness_db(both[0]), both[1]) == 1.0


def test_samples_that_are_no_numbers_count_as_silence():
    audio = noise(5)
    audio[:, 4 * FORMAT.frame_samples :] = np.nan
    cleaned = np.nan_to_num(audio, nan=0.0)
    for bad, good in zip(heard(audio), heard(cleaned), strict=True):
        np.testing.assert_array_equal(bad, good)


def test_a_level_goes_its_own_way_from_any_moment():
    start = heard(noise(10))
    copies = [array.copy() for array in start]
    one, other = heard(noise(5, 0.2), state=start), heard(noise(5, 0.01), state=start)
    assert level.loudness_db(one) > level.loudness_db(other) + 3
    for array, copy in zip(start, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("shape", [(1, 1920), (2, 1919), (1920,)])
def test_frames_of_another_shape_are_refused(shape):
    with pytest.raises(ShapeError, match=r"expected \(2, 1920\)"):
        level.step(np.zeros(shape, np.float32), level.init_state(FORMAT), 48_000)
