"""The trackers' measurement and fit, and the loops they are tried on."""

import json

import numpy as np
import pytest

from engine.listening import onsets, pulse, tonality
from engine.spec import FRAME_RATE, KEYS
from training.evaluation import fit_trackers, trackers
from training.evaluation.fit_trackers import Heard
from training.evaluation.key import KeyMatch
from training.evaluation.onsets import ANALYSIS_RATE as RATE
from training.evaluation.patterns import Pattern
from training.evaluation.tempo import TempoMatch
from training.evaluation.trackers import Clip, Outcome, figures, pattern_clip, piece_clip

SEED = 300_003


def heard_pattern(seed: int, seconds: float = 14.0) -> Heard:
    pattern = Pattern(seed)
    rises, chroma = fit_trackers.hear(pattern.audio(seconds), RATE)
    frames = round(seconds * FRAME_RATE)
    beat = pattern.tempo_bpm / 60 * np.arange(frames) / FRAME_RATE
    tempo, key = np.full(frames, pattern.tempo_bpm), np.full(frames, pattern.key)
    return Heard(rises, chroma, tempo, beat, key)


def test_a_pattern_is_its_seed():
    np.testing.assert_array_equal(Pattern(SEED).audio(3.0), Pattern(SEED).audio(3.0))
    assert Pattern(SEED).plan != Pattern(SEED + 1).plan


def test_patterns_differ_in_everything_a_tracker_must_find():
    drawn = [Pattern(seed) for seed in range(200)]
    assert len({pattern.key for pattern in drawn}) == len(KEYS)
    tempi = np.array([pattern.tempo_bpm for pattern in drawn])
    assert tempi.min() < 80
    assert tempi.max() > 160


def test_a_longer_pattern_begins_like_a_shorter_one():
    """It is scaled by its peak, so a little louder or softer."""
    short, long = Pattern(SEED).audio(4.0), Pattern(SEED).audio(8.0)
    likeness = np.corrcoef(short[: 3 * RATE], long[: 3 * RATE])[0, 1]
    assert likeness == pytest.approx(1.0, abs=1e-6)


def test_a_clip_that_is_heard_right_has_small_errors():
    found = trackers.hear(pattern_clip(SEED, 10.0))
    assert found.tempo is TempoMatch.HIT
    assert found.tempo_error < 0.002
    assert found.beat_ms < 15
    assert found.key is KeyMatch.SAME


def test_a_clip_whose_truth_is_another_is_a_miss():
    clip = pattern_clip(SEED, 10.0)
    wrong = clip._replace(tempo_bpm=clip.tempo_bpm * 1.21, key=(clip.key + 1) % 12)
    found = trackers.hear(wrong)
    assert found.tempo is TempoMatch.OTHER
    assert np.isnan(found.beat_ms)
    assert found.key is KeyMatch.OTHER


def test_a_beat_that_is_late_is_late_by_that_much():
    clip = pattern_clip(SEED, 10.0)
    late = clip._replace(beat=clip.beat + 0.25)
    assert trackers.hear(late).beat_ms == pytest.approx(15_000 / clip.tempo_bpm, abs=15)


def test_silence_is_heard_as_nothing():
    silence = Clip(np.zeros((1, 8 * RATE), np.float32), RATE, 120.0, 16.0, 0)
    assert trackers.hear(silence)[0] is None
    assert trackers.hear(silence).key is None


def test_a_piece_is_read_with_what_is_true_at_its_end(tmp_path):
    import soundfile

    frames = 20 * FRAME_RATE
    soundfile.write(tmp_path / "mix.flac", np.zeros((20 * RATE, 2), np.float32), RATE)
    np.savez(
        tmp_path / "labels.npz",
        tempo_bpm=np.full(frames, 90.0),
        beat=np.arange(frames) * 0.06,
        key=np.repeat([3, 8], frames // 2),
    )
    clip = piece_clip(tmp_path, 4.0, 10.0, pause=2)
    assert clip.audio.shape == (2, 12 * RATE)
    assert (clip.tempo_bpm, clip.key) == (90.0, 8)
    assert clip.beat == pytest.approx(14 * 1.5)


def test_figures_count_each_kind_of_answer():
    found = figures(
        [
            Outcome(TempoMatch.HIT, 0.001, 10.0, KeyMatch.SAME),
            Outcome(TempoMatch.HIT, 0.003, 100.0, KeyMatch.FIFTH),
            Outcome(TempoMatch.OCTAVE, 1.0, np.nan, None),
            Outcome(None, np.nan, np.nan, KeyMatch.OTHER),
        ]
    )
    assert found["clips"] == 4
    assert (found["tempo_hit"], found["tempo_other_level"]) == (0.5, 0.25)
    assert found["tempo_error_percent"] == pytest.approx(0.2)
    assert (found["beat_ms_median"], found["beat_off_by_60_ms"]) == (55.0, 0.5)
    assert (found["key_hit"], found["key_near"]) == (0.25, 0.25)


# --- the fit ------------------------------------------------------------------------------------


def test_the_truth_is_among_the_candidates():
    heard, rng = heard_pattern(SEED), np.random.default_rng(0)
    for rows in fit_trackers.onset_rows(heard, rng):
        features, wanted = rows["tempo"]
        assert features.shape == (len(pulse.candidates()), len(pulse.TEMPO_FEATURES))
        best = pulse.candidates()[wanted.argmax()]
        assert best == pytest.approx(Pattern(SEED).tempo_bpm, rel=pulse.GRID_STEP)
        features, wanted = rows["beat"]
        assert features.shape == (pulse.PLACES, len(pulse.BEAT_FEATURES))
        assert wanted.sum() == pytest.approx(1.0)
    for rows in fit_trackers.chroma_rows(heard, rng):
        for name, names in (
            ("key", tonality.KEY_FEATURES),
            ("key at a beginning", tonality.BEGINNING_FEATURES),
        ):
            features, wanted = rows[name]
            assert features.shape == (len(KEYS), len(names))
            assert wanted.argmax() == Pattern(SEED).key


def test_the_wanted_place_is_where_the_beat_is():
    """The place that the fit aims at is the one that the tracker's own weights find."""
    heard = heard_pattern(SEED)
    rows = next(fit_trackers.onset_rows(heard, np.random.default_rng(0)))
    features, wanted = rows["beat"]
    found = (features @ pulse.weights.load("beat", pulse.BEAT_FEATURES)).argmax()
    apart = (int(found) - int(wanted.argmax()) + 12) % pulse.PLACES - 12
    assert abs(apart) <= 1


def test_onset_values_are_timed_by_their_delay():
    heard = heard_pattern(SEED, 4.0)
    second = 2.0
    index = round((second + onsets.DELAY_SECONDS) * onsets.ONSET_RATE) - 1
    expected = Pattern(SEED).beat_at(second)
    assert heard.beat_at_value(index) == pytest.approx(expected, abs=0.02)


def test_what_was_heard_is_kept_for_the_next_run(tmp_path):
    made = []

    def make() -> Heard:
        made.append(1)
        return heard_pattern(SEED, 2.0)

    first = fit_trackers.remember(tmp_path, "one", make)
    again = fit_trackers.remember(tmp_path, "one", make)
    assert len(made) == 1
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_weights_say_what_they_were_fitted_on():
    about = json.loads(pulse.weights.FILE.read_text())["about"]
    assert set(about["cross_validated"]) == set(fit_trackers.FEATURES)
    assert about["pieces"] > 0
