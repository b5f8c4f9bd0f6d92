"""The key of what is played to the engine, when nobody says it."""

import numpy as np
import pytest

from engine.errors import ShapeError
from engine.listening import chroma, kept, key_tracker, tonality, weights
from engine.listening.key_tracker import Tracker
from engine.spec import KEYS, AudioFormat
from tests.engine.listening_sounds import MAJOR, MINOR, chords, feed

RATE = 24_000
SILENCE = np.zeros((1, 2 * RATE), np.float32)


def track(audio: np.ndarray, rate: int = RATE, tracker: Tracker | None = None) -> Tracker:
    fresh = key_tracker.init_state(AudioFormat(rate=rate, channels=len(audio)))
    return feed(key_tracker.hear, audio, tracker or fresh, rate)


def heard_key(tracker: Tracker) -> str:
    found = key_tracker.read(tracker)
    assert found is not None
    return KEYS[found.key]


def cadences(key: int, bars: int, rate: int = RATE, cents: float = 0.0) -> np.ndarray:
    """[1, N] tonic, subdominant, dominant, tonic; in minor with a major dominant."""
    tonic, is_minor = 60 + key % 12 + cents / 100, key >= 12
    roots = [tonic, tonic + 5, tonic - 5, tonic] * -(-bars // 4)
    shape = MINOR if is_minor else MAJOR
    shapes = [shape, shape, MAJOR, shape] * -(-bars // 4)
    return chords(roots[:bars], shapes[:bars], rate)


@pytest.mark.parametrize("key", range(24), ids=KEYS)
def test_ten_seconds_of_cadences_give_their_key(key):
    audio = np.concatenate([SILENCE, cadences(key, 10)], axis=1)
    assert heard_key(track(audio)) == KEYS[key]


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_the_key_is_the_same_at_any_rate_and_in_stereo(rate):
    audio = np.repeat(cadences(7, 10, rate), 2, axis=0)
    assert heard_key(track(audio, rate)) == "G major"


@pytest.mark.parametrize("cents", [-35, 35])
def test_an_instrument_need_not_be_tuned_to_440_hz(cents):
    heard = track(np.concatenate([SILENCE, cadences(14, 10, cents=cents)], axis=1))
    assert heard_key(heard) == "D minor"
    cosine, sine = heard.chroma.tuning
    assert 100 * np.arctan2(sine, cosine) / (2 * np.pi) == pytest.approx(cents, abs=4)


def test_soft_playing_counts_like_loud_playing():
    assert heard_key(track(cadences(4, 10) * 0.02)) == heard_key(track(cadences(4, 10)))


def test_a_modulation_is_followed_once_it_has_lasted():
    heard = track(np.concatenate([SILENCE, cadences(0, 12)], axis=1))
    assert heard_key(heard) == "C major"
    assert heard_key(track(cadences(4, 3), tracker=heard)) == "C major"
    assert heard_key(track(cadences(4, 26), tracker=heard)) == "E major"


def test_a_pause_keeps_the_key():
    heard = track(np.concatenate([SILENCE, cadences(5, 12)], axis=1))
    assert heard_key(track(np.zeros((1, 30 * RATE), np.float32), tracker=heard)) == "F major"


def test_what_follows_a_pause_is_a_beginning():
    """Its first chord counts extra; music that is on already when listening begins has none."""
    begun = track(np.concatenate([SILENCE, cadences(0, 4)], axis=1))
    assert begun.opening.sum() > 0
    assert not track(cadences(0, 4)).opening.any()
    again = track(np.concatenate([SILENCE, cadences(2, 4)], axis=1), tracker=begun)
    assert np.argmax(again.opening) == 2


def test_silence_has_no_key():
    assert key_tracker.read(track(np.zeros((1, 8 * RATE), np.float32))) is None


def test_hiss_is_not_believed_to_have_a_key():
    hiss = np.random.default_rng(0).standard_normal((1, 12 * RATE)) * 0.1
    found = key_tracker.read(track(hiss.astype(np.float32)))
    assert found is None or found.confidence < 0.5


def test_samples_that_are_no_numbers_count_as_silence():
    bad, silenced = cadences(9, 8), cadences(9, 8)
    bad[:, 30_000:50_000], silenced[:, 30_000:50_000] = np.inf, 0.0
    assert key_tracker.read(track(bad)) == key_tracker.read(track(silenced))


def test_a_tracker_that_was_kept_goes_on_bit_for_bit():
    audio = np.concatenate([SILENCE, cadences(3, 10)], axis=1)
    half = 7 * RATE + RATE // 25  # between two chroma
    fresh = key_tracker.init_state(AudioFormat(rate=RATE, channels=1))
    broken = kept.unpack(kept.pack(track(audio[:, :half])), fresh)
    again = track(audio[:, half:], tracker=broken)
    for name, array in kept.pack(track(audio)).items():
        np.testing.assert_array_equal(kept.pack(again)[name], array)


def test_what_is_no_frame_is_refused():
    fresh = key_tracker.init_state(AudioFormat(rate=RATE, channels=1))
    with pytest.raises(ShapeError, match=r"\(1, 959\), expected \(C, 960\)"):
        key_tracker.hear(np.zeros((1, 959), np.float32), fresh, RATE)


# --- the views behind it ------------------------------------------------------------------------


def test_a_chord_is_its_pitch_classes_and_the_bass_its_lowest():
    tracker = chroma.init_state(AudioFormat(rate=RATE, channels=1))
    audio = chords([64], [MINOR], RATE)  # E G B over E
    found = []
    for start in range(0, RATE - 959, 960):
        shares, tracker = chroma.step(audio[:, start : start + 960], tracker, RATE)
        found += [] if shares is None else [shares]
    assert len(found) == 12  # every second frame
    every, bass = found[-3]
    assert sorted(np.argsort(every)[-3:]) == [4, 7, 11]
    assert np.argmax(bass) == 4
    assert every.sum() == pytest.approx(1.0)


def test_transposing_the_chroma_transposes_the_scores():
    rng = np.random.default_rng(0)
    heard, opening = rng.random((60, 2, 12)), rng.random(12)
    for begun in (None, opening):
        turned = None if begun is None else np.roll(begun, 5)
        here = tonality.score(heard, begun).reshape(2, 12)
        there = tonality.score(np.roll(heard, 5, axis=2), turned).reshape(2, 12)
        np.testing.assert_allclose(np.roll(here, 5, axis=1), there, atol=1e-9)


def test_classes_sound_together_within_half_a_second():
    classes = np.zeros((20, 12))
    classes[3, 0], classes[8, 4], classes[15, 7] = 1, 1, 1
    features = tonality.key_features(np.stack([classes, classes], 1), None)
    value = dict(zip(tonality.KEY_FEATURES, features[0], strict=True))  # of C major
    assert value["major pair +0 +4"] > 0  # five apart
    assert value["major pair +4 +7"] == 0  # seven apart
    assert value["minor pair +0 +4"] == 0


def test_the_weights_are_those_of_the_features():
    for name, features in (
        ("key", tonality.KEY_FEATURES),
        ("key at a beginning", tonality.BEGINNING_FEATURES),
    ):
        assert len(weights.load(name, features)) == len(features)
