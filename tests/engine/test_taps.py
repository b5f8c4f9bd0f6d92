"""Tap tempo: what a foot says."""

import pytest

from engine.taps import Taps


def tapped(*seconds: float) -> Taps:
    taps = Taps()
    for second in seconds:
        taps = taps.tap(second)
    return taps


def test_two_taps_half_a_second_apart_are_120():
    assert tapped(1.0, 1.5).bpm == pytest.approx(120.0)


def test_one_tap_is_no_tempo():
    assert tapped().bpm is None
    assert tapped(1.0).bpm is None


def test_one_late_tap_does_not_pull_the_tempo():
    assert tapped(0.0, 0.5, 1.0, 1.62, 2.0, 2.5).bpm == pytest.approx(120.0)


def test_a_new_tempo_is_reached_after_a_few_taps():
    """Only the last eight count."""
    slow = [float(n) for n in range(8)]
    fast = [7.0 + 0.5 * n for n in range(1, 6)]
    assert tapped(*slow, *fast).bpm == pytest.approx(120.0)


def test_after_a_pause_tapping_begins_anew():
    assert tapped(0.0, 0.5, 1.0, 9.0).bpm is None
    assert tapped(0.0, 0.5, 1.0, 9.0, 10.0).bpm == pytest.approx(60.0)


def test_a_bouncing_pedal_counts_once():
    assert tapped(0.0, 0.02, 0.5, 0.53, 1.0).bpm == pytest.approx(120.0)
