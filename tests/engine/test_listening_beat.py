"""Tempo and beat of what is played to the engine, when no host says them."""

import numpy as np
import pytest

from engine.errors import ShapeError
from engine.listening import beat_tracker, kept, pulse, weights
from engine.listening.beat_tracker import Reading, Tracker
from engine.listening.onsets import BANDS, DELAY_SECONDS, ONSET_RATE
from engine.spec import AudioFormat
from tests.engine.listening_sounds import click_track, drum_loop, feed

RATE = 24_000
START = 0.3  # seconds until the first beat of a loop


def track(audio: np.ndarray, rate: int = RATE, tracker: Tracker | None = None) -> Tracker:
    fresh = beat_tracker.init_state(AudioFormat(rate=rate, channels=len(audio)))
    return feed(beat_tracker.hear, audio, tracker or fresh, rate)


def reading(tracker: Tracker) -> Reading:
    found = beat_tracker.read(tracker)
    assert found is not None
    return found


def beat_error_ms(found: Reading, bpm: float, second: float) -> float:
    """How far the counted beat is from the nearest of a loop."""
    off = (found.beat_at(second) - (second - START) * bpm / 60.0 + 0.5) % 1.0 - 0.5
    return abs(off) * 60_000 / bpm


@pytest.mark.parametrize("bpm", [72, 97.3, 128, 168])
def test_ten_seconds_of_drums_give_tempo_and_beat(bpm):
    found = reading(track(drum_loop(bpm, 10, RATE)))
    assert found.tempo_bpm == pytest.approx(bpm, rel=0.001)
    assert beat_error_ms(found, bpm, 10.0) < 15
    assert found.confidence > 0.5


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_the_beat_is_where_it_is_at_any_rate_and_in_stereo(rate):
    audio = np.repeat(drum_loop(110, 9, rate), 2, axis=0)
    found = reading(track(audio, rate))
    assert found.tempo_bpm == pytest.approx(110, rel=0.001)
    assert beat_error_ms(found, 110, 9.0) < 15


def test_soft_playing_counts_like_loud_playing():
    found = reading(track(drum_loop(110, 9, RATE) * 0.02))
    assert found.tempo_bpm == pytest.approx(110, rel=0.001)
    assert beat_error_ms(found, 110, 9.0) < 15


def test_onsets_are_taken_against_the_level_of_the_last_seconds():
    last = slice(-2 * ONSET_RATE, None)  # once the level is known
    loud, soft = (track(drum_loop(110, 12, RATE) * size).rises[last].sum() for size in (1.0, 0.15))
    assert soft == pytest.approx(loud, rel=0.1)


def test_nothing_is_said_before_five_seconds():
    assert beat_tracker.read(track(drum_loop(110, 4.9, RATE))) is None
    assert beat_tracker.read(track(drum_loop(110, 6.0, RATE))) is not None


def test_the_beat_is_counted_on_through_a_pause():
    """A player who waits for the answer keeps the grid, and doubt grows while nothing is heard."""
    heard = track(drum_loop(120, 10, RATE))
    waited = track(np.zeros((1, 20 * RATE), np.float32), tracker=heard)
    before, after = reading(heard), reading(waited)
    assert after.tempo_bpm == pytest.approx(120, rel=0.001)
    assert beat_error_ms(after, 120, 30.0) < 40
    assert after.beat_at(30.0) - before.beat_at(10.0) == pytest.approx(40, abs=0.1)
    assert after.confidence < before.confidence


def test_beats_are_never_counted_twice():
    """The count may be moved by a fraction, but does not start again when a reading is made."""
    tracker, counts = None, []
    audio = drum_loop(132, 14, RATE)
    for second in range(14):
        tracker = track(audio[:, second * RATE : (second + 1) * RATE], tracker=tracker)
        if (found := beat_tracker.read(tracker)) is not None:
            counts.append(found.beat_at(second + 1.0))
    np.testing.assert_allclose(np.diff(counts), 132 / 60, atol=0.05)


def test_a_new_tempo_wins_once_it_has_lasted_and_not_before():
    first = track(drum_loop(100, 14, RATE))
    soon = track(drum_loop(128, 3, RATE), tracker=first)
    assert reading(soon).tempo_bpm == pytest.approx(100, rel=0.02)
    later = track(drum_loop(128, 22, RATE), tracker=first)
    assert reading(later).tempo_bpm == pytest.approx(128, rel=0.002)


def test_an_octave_once_chosen_is_kept():
    """A bare click at 174 is heard as 87, but not by who has heard the drums before."""
    alone = reading(track(click_track(174, 14, RATE)))
    assert alone.tempo_bpm == pytest.approx(87, rel=0.01)
    heard = track(drum_loop(174, 15, RATE))
    later = reading(track(click_track(174, 14, RATE), tracker=heard))
    assert later.tempo_bpm == pytest.approx(174, rel=0.01)


def test_places_are_scored_round_the_beat_that_is_counted():
    """Moving the count turns the scores with it, or the next study would move it again."""
    for bpm in (80, 128):
        places = track(drum_loop(bpm, 5.9, RATE)).places
        assert places.any()
        assert np.argmax(places) == 0


def test_silence_has_no_tempo():
    assert beat_tracker.read(track(np.zeros((1, 10 * RATE), np.float32))) is None


@pytest.mark.parametrize("sound", ["hiss", "drone"])
def test_what_has_no_pulse_is_not_believed(sound):
    t = np.arange(12 * RATE) / RATE
    hiss = np.random.default_rng(0).standard_normal(len(t)) * 0.1
    audio = hiss if sound == "hiss" else 0.1 * np.sin(2 * np.pi * 220 * t)
    found = beat_tracker.read(track(audio[None].astype(np.float32)))
    assert found is None or found.confidence < 0.3


def test_samples_that_are_no_numbers_count_as_silence():
    audio = drum_loop(110, 8, RATE)
    bad, silenced = audio.copy(), audio.copy()
    bad[:, 30_000:40_000], silenced[:, 30_000:40_000] = np.nan, 0.0
    assert reading(track(bad)) == reading(track(silenced))
    bad[:, 30_000:40_000] = np.inf
    assert reading(track(bad)) == reading(track(silenced))


def test_a_tracker_that_was_kept_goes_on_bit_for_bit():
    """Also in the middle of a round of study."""
    audio = drum_loop(110, 12, RATE)
    half = 7 * RATE + 3 * RATE // 25
    straight = track(audio)
    broken = track(audio[:, :half])
    fresh = beat_tracker.init_state(AudioFormat(rate=RATE, channels=1))
    again = track(audio[:, half:], tracker=kept.unpack(kept.pack(broken), fresh))
    for name, array in kept.pack(straight).items():
        np.testing.assert_array_equal(kept.pack(again)[name], array)


def test_hearing_more_takes_no_more_memory():
    few, many = track(drum_loop(110, 1, RATE)), track(drum_loop(110, 30, RATE))
    shapes = [{name: a.shape for name, a in kept.pack(t).items()} for t in (few, many)]
    assert shapes[0] == shapes[1]


def test_what_is_no_frame_is_refused():
    fresh = beat_tracker.init_state(AudioFormat(rate=RATE, channels=1))
    with pytest.raises(ShapeError, match=r"\(1, 961\), expected \(C, 960\)"):
        beat_tracker.hear(np.zeros((1, 961), np.float32), fresh, RATE)


# --- against slow twins -------------------------------------------------------------------------


def some_onsets(values: int = 700) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.random((values, len(BANDS))) ** 4


def test_the_local_mean_is_the_mean_of_half_a_second():
    rises = some_onsets(200)
    padded = np.pad(rises, ((25, 25), (0, 0)), mode="edge")
    expected = [np.maximum(row - padded[t : t + 51].mean(0), 0) for t, row in enumerate(rises)]
    np.testing.assert_allclose(pulse.above_local_mean(rises), expected, atol=1e-9)


def test_the_comb_is_a_sum_of_fourier_terms():
    onsets, tempi = some_onsets()[:, 0], np.array([70.0, 100.5, 139.2])
    x = (onsets - onsets.mean()) / onsets.std()
    t = np.arange(len(x)) / ONSET_RATE
    expected = [
        sum(abs(np.sum(x * np.exp(-2j * np.pi * k * bpm / 60 * t))) for k in pulse.COMB_RATES)
        for bpm in tempi
    ]
    np.testing.assert_allclose(pulse.comb(onsets, tempi), expected, rtol=0.01)


def test_folding_counts_every_onset_on_its_place():
    onsets, bpm = some_onsets(300), 97.0
    expected = np.zeros((len(BANDS), 4 * pulse.PLACES))
    for t, row in enumerate(onsets):
        place = ((t - 299) / ONSET_RATE * bpm / 60 + 0.2) % 4 * pulse.PLACES
        low = int(place)
        expected[:, low % 96] += row * (1 - (place - low))
        expected[:, (low + 1) % 96] += row * (place - low)
    folded = pulse.fold(onsets, bpm, 0.2)
    np.testing.assert_allclose(folded.reshape(len(BANDS), -1), np.sqrt(expected), atol=1e-9)


def test_the_beats_features_turn_with_the_grid():
    """One place later, every candidate finds what its neighbour found."""
    onsets, bpm = some_onsets(1000), 100.0
    here = pulse.beat_features(pulse.fold(onsets, bpm, 0.0))
    there = pulse.beat_features(pulse.fold(onsets, bpm, 1 / pulse.PLACES))
    np.testing.assert_allclose(np.roll(here, 1, axis=0), there, atol=1e-9)


@pytest.mark.parametrize("places", [-3, 0, 5])
def test_scores_rotate_by_whole_places_as_they_are(places):
    score = np.random.default_rng(2).random(pulse.PLACES)
    turned = pulse.rotate(score, places / pulse.PLACES)
    np.testing.assert_allclose(turned, np.roll(score, -places), atol=1e-9)


def test_the_top_place_lies_between_places_where_the_scores_do():
    places = np.arange(pulse.PLACES) / pulse.PLACES
    for beat in (-0.49, -0.21, 0.0, 0.013, 0.3):
        score = np.cos(2 * np.pi * (places - beat))
        assert pulse.top_place(score) == pytest.approx(beat, abs=0.001)


def test_the_weights_are_those_of_the_features():
    assert len(weights.load("tempo", pulse.TEMPO_FEATURES)) == len(pulse.TEMPO_FEATURES)
    with pytest.raises(KeyError, match="Fit again"):
        weights.load("tempo", (*pulse.TEMPO_FEATURES, "surprise"))


def test_an_attack_is_timed_where_it_is_heard():
    """The onset values' delay is what `DELAY_SECONDS` says."""
    audio = np.zeros((1, 2 * RATE), np.float32)
    t = np.arange(2000) / RATE
    audio[0, RATE : RATE + 2000] = 0.5 * np.sin(2 * np.pi * 700 * t) * np.exp(-t * 60)
    rises = track(audio).rises[-2 * ONSET_RATE :].sum(1)
    after = (np.arange(len(rises)) + 1) / ONSET_RATE - DELAY_SECONDS
    assert float((rises * after).sum() / rises.sum()) == pytest.approx(1.0, abs=0.006)
