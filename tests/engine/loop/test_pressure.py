"""Pressure: quality is given up in time, taken back in peace, and does not swing."""

import pytest

from engine.loop.pressure import MAX_PATIENCE_FRAMES, PATIENCE_FRAMES, Pressure

LEAD_MS = 70.0


def after(pressure: Pressure, frames: int, ready_ms: float, took_ms: float) -> Pressure:
    for _ in range(frames):
        pressure = pressure.step(ready_ms=ready_ms, lead_ms=LEAD_MS, took_ms=took_ms)
    return pressure


def frames_until(pressure: Pressure, level: int, ready_ms: float, took_ms: float) -> int:
    for frame in range(10 * MAX_PATIENCE_FRAMES):
        if pressure.level == level:
            return frame
        pressure = pressure.step(ready_ms=ready_ms, lead_ms=LEAD_MS, took_ms=took_ms)
    raise AssertionError(f"level {level} is never reached")


def test_a_quiet_machine_sheds_nothing():
    assert after(Pressure(), 1000, ready_ms=60, took_ms=5).level == 0


def test_when_most_of_the_lead_is_gone_guidance_goes_at_once_and_fine_levels_follow():
    pressure = after(Pressure(), 100, ready_ms=60, took_ms=5)
    pressure = after(pressure, 1, ready_ms=20, took_ms=5)
    assert pressure.level == 1
    assert frames_until(pressure, 2, ready_ms=20, took_ms=5) <= 6
    assert after(pressure, 100, ready_ms=-200, took_ms=39).level == 2


def test_frames_that_take_all_of_their_time_are_too_slow_even_while_the_lead_holds():
    assert after(Pressure(), 50, ready_ms=60, took_ms=38).level > 0


def test_with_much_ready_frames_may_be_slow_until_it_runs_low():
    """As with a host that holds 400 ms of its own."""

    def step(pressure: Pressure, ready_ms: float, took_ms: float) -> Pressure:
        return pressure.step(ready_ms=ready_ms, lead_ms=LEAD_MS + 400, took_ms=took_ms)

    pressure = Pressure()
    for _ in range(100):
        pressure = step(pressure, ready_ms=250, took_ms=38)
    assert pressure.level == 0
    assert step(pressure, ready_ms=190, took_ms=38).level == 1
    assert step(Pressure(), ready_ms=150, took_ms=5).level == 1


def test_a_machine_that_stood_still_is_not_a_slow_one():
    pressure = after(Pressure(), 100, ready_ms=60, took_ms=15)
    pressure = after(pressure, 1, ready_ms=60, took_ms=900)
    assert (pressure.level, pressure.busy_ms) == (0, pytest.approx(21.5, abs=0.1))


def test_after_some_seconds_of_ease_quality_comes_back_step_by_step():
    pressure = after(Pressure(), 20, ready_ms=10, took_ms=5)
    first = frames_until(pressure, 1, ready_ms=60, took_ms=5)
    assert first == pytest.approx(PATIENCE_FRAMES, abs=2)
    pressure = after(pressure, first, ready_ms=60, took_ms=5)
    assert frames_until(pressure, 0, ready_ms=60, took_ms=5) <= PATIENCE_FRAMES


def test_ease_is_not_believed_while_frames_are_slow():
    pressure = after(Pressure(), 20, ready_ms=10, took_ms=25)
    assert after(pressure, 1000, ready_ms=60, took_ms=25).level == pressure.level


def test_a_relapse_makes_it_wait_twice_as_long():
    pressure = after(Pressure(), 1, ready_ms=10, took_ms=5)
    waits = []
    for _ in range(8):
        waits.append(frames_until(pressure, 0, ready_ms=60, took_ms=5))
        pressure = after(pressure, waits[-1], ready_ms=60, took_ms=5)
        assert pressure.level == 0
        pressure = after(pressure, 10, ready_ms=60, took_ms=5)
        pressure = after(pressure, 1, ready_ms=10, took_ms=5)
        assert pressure.level == 1
    assert waits[1] == pytest.approx(2 * waits[0], rel=0.1)
    assert max(waits) <= MAX_PATIENCE_FRAMES + 2


def test_after_a_minute_of_calm_the_relapses_are_forgotten():
    pressure = Pressure(patience_frames=8 * PATIENCE_FRAMES)
    assert after(pressure, MAX_PATIENCE_FRAMES + 1, 60, 5).patience_frames == PATIENCE_FRAMES
