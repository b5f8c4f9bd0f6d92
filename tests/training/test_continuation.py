"""Going on from playing audio: each measure on audio whose seam is known, and the whole way."""

import numpy as np
import pytest
from typer.testing import CliRunner

from engine.listening import joint
from engine.spec import AudioFormat
from training.evaluation import seam
from training.evaluation.continuation import (
    ROWS,
    Plan,
    Scores,
    go_on,
    measure_one,
    score,
    take_of,
)
from training.evaluation.continuation_report import COLUMNS, as_dict, as_markdown, cell, holds
from training.evaluation.onsets import onset_strength
from training.evaluation.sources import Loop, Source

RATE = 24_000
FORMAT = AudioFormat(rate=RATE, channels=1)
SHORT = Plan(heard_seconds=4.0, bars=4)


def noise(seconds: float, size: float = 0.1, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((1, round(seconds * RATE))) * size).astype(np.float32)


def clicks(seconds: np.ndarray, length: float) -> np.ndarray:
    """[N] short tones at some seconds."""
    out = np.zeros(round(length * RATE), np.float32)
    t = np.arange(RATE // 20) / RATE
    tick = np.sin(2 * np.pi * 900 * t) * np.exp(-t * 80)
    for second in seconds:
        start = round(second * RATE)
        part = out[start : start + len(tick)]
        part += tick[: len(part)]
    return out


def moved(bpm: float, by: np.ndarray) -> float:
    """Phase that clicks have moved which lie on half-beats before 8 s and are shifted after it."""
    times = np.arange(0.5, 24, 30 / bpm)
    after = times >= 8.0
    times[after] += by[: after.sum()]
    return seam.phase_moved_ms(onset_strength(clicks(times, 24.0)), bpm, 8.0)


# --- the measures -------------------------------------------------------------------------------


@pytest.mark.parametrize("step_db", [-12, -3, 0, 1.5, 6])
def test_a_loudness_step_is_read_in_db(step_db):
    audio = np.concatenate([noise(3), noise(3, 0.1 * 10 ** (step_db / 20), seed=1)], axis=1)
    found = joint.loudness_step_db(audio, 3 * RATE, 2 * RATE, RATE)
    assert found == pytest.approx(step_db, abs=0.2)


def test_going_silent_is_a_step_down_to_the_floor():
    audio = np.concatenate([noise(3), noise(3, 0.0)], axis=1)
    assert joint.loudness_step_db(audio, 3 * RATE, 2 * RATE, RATE) < -90


def test_a_broken_wave_is_a_click_and_a_whole_one_is_none():
    t = np.arange(6 * RATE) / RATE
    whole = (0.2 * np.sin(2 * np.pi * 221 * t))[None].astype(np.float32)
    broken = whole.copy()
    broken[:, 3 * RATE :] *= -1
    lines = [RATE, 2 * RATE, 4 * RATE, 5 * RATE]
    at = 3 * RATE + 20  # where the wave is far from zero
    broken[:, at:] = -whole[:, at:]
    broken[:, 3 * RATE : at] = whole[:, 3 * RATE : at]
    assert abs(joint.click_over_baseline_db(whole, at, lines, RATE)) < 1
    assert joint.click_over_baseline_db(broken, at, lines, RATE) > 20


def test_a_click_as_sharp_as_the_takes_own_drums_does_not_stand_out():
    times = np.arange(0.5, 12, 0.5)
    drums = clicks(times, 12.0)[None] + noise(12, 0.001)
    lines = [round(time * RATE) for time in times[:-1]]
    assert joint.click_over_baseline_db(drums, lines[10], lines, RATE) < 3


def test_silence_has_no_click():
    assert joint.click_db(np.zeros((1, RATE), np.float32), RATE // 2, RATE) == 0.0


@pytest.mark.parametrize("bpm", [80, 120, 150])
def test_a_beat_that_stays_has_not_moved(bpm):
    assert moved(bpm, np.zeros(200)) < 4


@pytest.mark.parametrize("shift_ms", [-40, 20, 45])
def test_a_beat_that_is_shifted_has_moved_that_far(shift_ms):
    assert moved(100, np.full(200, shift_ms / 1000)) == pytest.approx(abs(shift_ms), abs=6)


def test_drift_counts_by_its_worst_quarter():
    drift = np.linspace(0, 0.08, 32 * 2)  # 80 ms late at the end
    assert 50 < moved(120, drift) < 85


def test_a_player_who_is_always_late_has_not_moved():
    bpm, late = 100.0, 0.03
    times = np.arange(0, 24, 30 / bpm) + late
    onsets = onset_strength(clicks(times, 24.0))
    assert seam.phase_moved_ms(onsets, bpm, 8.0) < 4


def loop_take(row: str) -> tuple[Scores, Source]:
    """Scores of a row that needs no bundle."""
    plan = Plan(heard_seconds=8.0, bars=8)
    source, other = (Loop(seed).open(8.0, 8, FORMAT) for seed in (300_003, 300_008))
    return score(*take_of(row, None, source, other, plan), source), source


def test_what_goes_on_as_it_was_keeps_everything():
    found, _ = loop_take("the piece itself")
    assert found.tempo_error is not None
    assert found.tempo_error < 0.005
    assert found.tempo_kept
    assert found.key_kept
    assert found.phase_ms is not None
    assert found.phase_ms < 10
    assert found.step_db < 1.5


def test_a_splice_keeps_neither_tempo_nor_beat():
    found, source = loop_take("naive splice")
    assert abs(source.tempo_bpm / Loop(300_008).open(1.0, 1, FORMAT).tempo_bpm - 1) > 0.05
    assert not found.tempo_kept
    assert found.phase_ms is not None
    assert found.phase_ms > 30


def test_silence_has_no_tempo_and_no_key_but_a_step():
    found, _ = loop_take("silence")
    assert found[:4] == (None, None, None, None)
    assert found.step_db > 60


# --- the whole way ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def source() -> Source:
    """A loop, in the toy's format."""
    return Loop(300_003).open(SHORT.heard_seconds, SHORT.bars, FORMAT)


def test_the_performer_goes_on_from_the_bar_line(toy_bundle, source):
    """Up to the line what was played, untouched; from there on something that sounds, 4 bars."""
    take, seam_at = go_on(toy_bundle, source, SHORT)
    bars = source.bar_after(SHORT.heard_seconds)
    assert seam_at == pytest.approx(bars * source.bar_samples, abs=1)
    np.testing.assert_array_equal(take[:, :seam_at], source.audio[:, :seam_at])
    assert take.shape[1] >= (bars + SHORT.bars) * source.bar_samples
    assert np.abs(take[:, seam_at + 200 :]).max() > 0.01


def test_without_a_host_it_goes_on_in_the_time_that_is_heard(toy_bundle):
    """On a beat of what was heard, which is not one of the performer's own 120 bpm."""
    plan = Plan(heard_seconds=9.0, bars=1, is_hosted=False)
    source = Loop(300_003).open(9.0, 1, FORMAT)
    assert abs(source.tempo_bpm / 120 - 1) > 0.02
    _, seam_at = go_on(toy_bundle, source, plan)
    beats = seam_at / RATE * source.tempo_bpm / 60
    assert abs(beats - round(beats)) * 60_000 / source.tempo_bpm < 25


def test_what_was_heard_decides_how_it_goes_on(toy_bundle, source):
    plain = Plan(heard_seconds=4.0, bars=1, style=False)
    take, seam_at = go_on(toy_bundle, source, plain)
    again, _ = go_on(toy_bundle, source, plain)
    np.testing.assert_array_equal(take, again)
    other = source._replace(audio=np.ascontiguousarray(source.audio[:, ::-1]))
    differs, _ = go_on(toy_bundle, other, plain)
    assert np.abs(take[:, seam_at + 200 :] - differs[:, seam_at + 200 :]).max() > 1e-3


def test_the_style_of_what_is_heard_is_asked_for(toy_bundle, source):
    plain = Plan(heard_seconds=4.0, bars=1, style=False)
    asked = Plan(heard_seconds=4.0, bars=1)
    (one, seam_at), (two, _) = (go_on(toy_bundle, source, plan) for plan in (plain, asked))
    np.testing.assert_array_equal(one[:, :seam_at], two[:, :seam_at])
    assert np.abs(one - two)[:, seam_at + 200 :].max() > 1e-3


def test_a_source_is_measured_in_four_rows(toy_bundle):
    found = measure_one(toy_bundle, SHORT, (Loop(300_003), Loop(300_008)))
    assert tuple(found) == ROWS
    assert all(np.isfinite([s.step_db, s.click_db]).all() for s in found.values())


# --- the table ----------------------------------------------------------------------------------


def outcome(**values: float | bool | None) -> dict[str, Scores]:
    """Good in every row but for what is said of the continuation."""
    fine = Scores(0.001, True, 5.0, True, 0.5, -1.0)
    return {row: fine._replace(**values) if row == ROWS[0] else fine for row in ROWS}


BROKEN = {"tempo_error": 0.03, "phase_ms": 31.0, "key_kept": False, "step_db": 2.0, "click_db": 3.0}


@pytest.mark.parametrize(("name", "bad"), BROKEN.items())
def test_a_promise_that_is_broken_says_no(name, bad):
    column = next(column for column in COLUMNS if column.name == name)
    assert holds(column, [outcome()] * 3) is True
    assert holds(column, [outcome(**{name: bad})] * 3) is False
    page = as_markdown({"pieces": [outcome(**{name: bad})] * 3}, {})
    assert page.count("| NO |") == 1


def test_takes_that_say_nothing_are_left_out():
    column = next(column for column in COLUMNS if column.name == "phase_ms")
    found = cell(column, ROWS[0], [outcome(), outcome(phase_ms=None), outcome(phase_ms=7.0)])
    assert found is not None
    assert (found.value, found.clips) == (6.0, 2)
    assert cell(column, ROWS[0], [outcome(phase_ms=None)]) is None


def test_the_table_goes_to_json_by_group_row_and_measure():
    found = as_dict({"loops": [outcome()] * 2})
    assert found["loops"]["silence"]["step_db"]["value"] == 0.5


def test_a_corpus_without_pieces_is_refused_in_words(toy_bundle_path, tmp_path):
    torch = pytest.importorskip("torch")
    import typer

    from training.evaluate import main

    app = typer.Typer()
    app.command()(main)
    threads = torch.get_num_threads()
    asked = ["--bundle", str(toy_bundle_path), "--continuation", "--corpus", str(tmp_path)]
    found = CliRunner().invoke(app, asked)
    torch.set_num_threads(threads)
    assert found.exit_code == 2
    assert "holds 0 pieces, expected 2 or more" in found.stderr
