"""The judges of sound: they find what they are for, and nothing where there is nothing."""

import numpy as np
import pytest
import soundfile

from plugin_host.hosts import sound
from plugin_host.rung import Failed

RATE = 48_000


def music(seconds: float = 2.0) -> sound.Sound:
    noise = np.random.default_rng(3).uniform(-0.5, 0.5, (2, round(seconds * RATE)))
    return noise.astype(np.float32)


def clicks(bpm: float, offset_ms: float, jitter_ms: float = 0.0) -> sound.Sound:
    """Eight seconds of quarters, late by so much."""
    rng = np.random.default_rng(1)
    made = np.zeros((2, 8 * RATE), np.float32)
    decay = np.exp(-np.arange(2400) / 400).astype(np.float32)
    for beat in range(1, round(8 * bpm / 60)):
        late = offset_ms + rng.uniform(-jitter_ms, jitter_ms)
        at = round((beat * 60 / bpm + late / 1000) * RATE)
        end = min(at + 2400, made.shape[1])
        made[:, at:end] += (rng.uniform(-1, 1, 2400) * decay)[: end - at]
    return made


def test_a_gap_is_found_where_it_is_and_music_has_none():
    made = music()
    assert sound.gaps(made, RATE) == []
    made[:, 24_000:25_000] = 0.0
    (gap,) = sound.gaps(made, RATE)
    assert (gap.start, gap.seconds) == (0.5, 1000 / RATE)


def test_silence_at_both_ends_is_a_gap_too():
    made = music()
    made[:, :4800] = made[:, -4800:] = 0.0
    assert [gap.start for gap in sound.gaps(made, RATE)] == [0.0, 1.9]


def test_a_gap_on_one_side_only_is_no_gap():
    made = music()
    made[0, 24_000:30_000] = 0.0
    assert sound.gaps(made, RATE) == []


def test_a_gap_does_not_depend_on_the_level():
    made = music() * 1e-3
    made[:, 24_000:25_000] = 0.0
    assert len(sound.gaps(made, RATE)) == 1


@pytest.mark.parametrize("offset_ms", [-20.0, 0.0, 8.0, 20.0])
@pytest.mark.parametrize("bpm", [97.5, 120.0])
def test_the_offset_from_the_grid_is_measured(offset_ms, bpm):
    """Onset strength is known every 5 ms, so that the measure is good to about as much."""
    found = sound.on_grid(clicks(bpm, offset_ms), RATE, bpm)
    assert found.offset_ms == pytest.approx(offset_ms, abs=4.0)
    assert found.within_25_ms == 1.0


def test_beats_of_another_tempo_are_not_on_the_grid():
    found = sound.on_grid(clicks(113.0, 0.0), RATE, 120.0)
    assert found.within_25_ms < 0.7


def test_a_grid_is_not_judged_by_nothing():
    with pytest.raises(Failed, match="onsets"):
        sound.on_grid(np.zeros((2, RATE), np.float32), RATE, 120.0)


def test_sounds_of_another_shape_are_infinitely_apart():
    assert sound.difference(music(1.0), music(2.0)) == float("inf")
    assert sound.difference(music(), music()) == 0.0
    assert sound.difference(music(), music() + 0.25) == pytest.approx(0.25, abs=1e-6)


def test_where_two_sounds_differ_is_said_in_seconds():
    other = music()
    assert sound.where(music(), other, RATE) == "equal"
    other[0, 24_000:24_010] += 0.5
    said = sound.where(music(), other, RATE)
    assert said == "off by 0.5000 in 10 samples, 0.500 to 0.500 s"


def test_a_file_comes_back_as_it_was_and_a_missing_one_is_said(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, music().T, RATE, subtype="FLOAT")
    made, rate = sound.load(path)
    assert rate == RATE
    assert sound.difference(made, music()) == 0.0
    with pytest.raises(Failed, match=r"none\.wav"):
        sound.load(tmp_path / "none.wav")
