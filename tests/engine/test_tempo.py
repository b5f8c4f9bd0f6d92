"""The tempo map: beats are the integral of tempo, forwards and backwards."""

import pytest

from engine.tempo import TempoMap, glide_beats, glide_seconds


def summed(tempo: TempoMap, second: float, steps: int = 20_000) -> float:
    """The slow twin: add up tempo in small steps, each at its middle."""
    width = second / steps
    return sum((tempo.bpm_at((i + 0.5) * width) or 0.0) * width / 60.0 for i in range(steps))


@pytest.fixture
def winding() -> TempoMap:
    """Steady, a glide up, a glide down that begins before the first has ended, a step."""
    tempo = TempoMap()
    tempo.change(0.0, 90.0)
    tempo.change(4.0, 150.0, glide_seconds=6.0)
    tempo.change(8.0, 60.0, glide_seconds=4.0)
    tempo.change(15.0, 120.0)
    return tempo


@pytest.mark.parametrize("second", [0.0, 3.0, 4.0, 5.5, 8.0, 9.0, 12.0, 14.0, 15.0, 20.0])
def test_the_beat_is_the_integral_of_tempo(winding, second):
    assert winding.beat_at(second) == pytest.approx(summed(winding, second), abs=1e-3)


@pytest.mark.parametrize("second", [0.0, 1.0, 4.0, 6.3, 8.0, 11.9, 12.5, 15.0, 300.0])
def test_a_beat_sounds_at_the_second_it_was_found_at(winding, second):
    assert winding.second_at(winding.beat_at(second)) == pytest.approx(second, abs=1e-9)


def test_beats_never_jump(winding):
    beats = [winding.beat_at(frame / 25) for frame in range(25 * 20)]
    steps = [after - before for before, after in zip(beats, beats[1:])]
    assert min(steps) > 60 / 60 / 25 * 0.99
    assert max(steps) < 150 / 60 / 25 * 1.01


def test_a_glide_that_is_interrupted_goes_on_from_where_it_was(winding):
    assert winding.bpm_at(8.0 - 1e-9) == pytest.approx(winding.bpm_at(8.0), abs=1e-5)
    assert winding.bpm_at(12.0) == pytest.approx(60.0)


def test_a_glide_is_even_in_octaves():
    tempo = TempoMap()
    tempo.change(0.0, 60.0)
    tempo.change(0.0, 120.0, glide_seconds=2.0)
    assert tempo.bpm_at(1.0) == pytest.approx(60.0 * 2**0.5)


def test_before_the_first_tempo_there_is_no_beat():
    tempo = TempoMap()
    assert (tempo.bpm_at(1.0), tempo.beat_at(1.0), tempo.second_at(4.0)) == (None, None, None)
    tempo.change(2.0, 120.0)
    assert tempo.beat_at(1.9) is None
    assert tempo.beat_at(3.0) == pytest.approx(2.0)


@pytest.mark.parametrize("ends", [(60.0, 120.0), (200.0, 50.0), (100.0, 100.0), (100.0, 100.0001)])
def test_a_glide_of_so_many_beats_takes_so_many_seconds(ends):
    assert glide_beats(*ends, glide_seconds(*ends, 16.0)) == pytest.approx(16.0)
