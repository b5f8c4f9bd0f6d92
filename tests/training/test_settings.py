"""Settings: moods, eras and places mean something for the music, not only for its words."""

from collections import Counter

import numpy as np
import pytest

from training.corpus.chance import stream
from training.corpus.compose import compose
from training.corpus.loudness import loudness
from training.corpus.master import MASTERS, Room, finish, reverberate, room_of
from training.corpus.settings import fit_mood, load_settings, sound_of
from training.corpus.templates import genre_names, load_genre
from training.corpus.timing import RATE


def moods_of(genre: str, scale: str, bpm: float, drive: float) -> Counter[str]:
    template = load_genre(genre)
    draws = range(200)
    return Counter(fit_mood(stream(i, "t"), template, scale, bpm, drive) for i in draws)


def test_every_mood_of_a_template_is_known_and_no_other():
    used = {mood for name in genre_names() for mood in load_genre(name).moods}
    assert set(load_settings().moods) == used


def test_eras_and_places_are_those_of_the_templates():
    genres = [load_genre(name) for name in genre_names()]
    assert set(load_settings().eras) <= {era for genre in genres for era in genre.eras}
    assert set(load_settings().places) <= {place for genre in genres for place in genre.places}


def test_an_era_sounds_by_a_master_effect_that_exists():
    assert set(load_settings().eras.values()) <= set(MASTERS)
    assert sound_of("1930s") == ("shellac",)
    assert sound_of("timeless") == ()


def test_a_fast_major_piece_is_brighter_than_a_slow_minor_one():
    fast = moods_of("solo_piano", "major", 132, 0.6)
    slow = moods_of("solo_piano", "minor", 54, 0.15)
    assert fast["playful"] > 100
    assert slow["melancholic"] > 50
    assert fast["melancholic"] < 5
    assert slow["playful"] < 5


def test_moods_agree_with_the_mode_over_the_corpus():
    """The words are learnable: pleasant moods lie in major, unpleasant ones in minor."""
    table = load_settings().moods
    scores = [compose(seed) for seed in range(84)]
    pleasant = {True: [], False: []}
    for score in scores:
        pleasant[score.keys[0][1] >= 12].append(table[score.attributes["mood"]][0])
    assert np.mean(pleasant[False]) > np.mean(pleasant[True]) + 0.4


def test_the_era_of_a_piece_is_in_its_master():
    score = next(s for s in map(lambda i: compose(i, "jazz_swing"), range(20)) if s.master)
    assert score.master == sound_of(score.attributes["era"])


def band_share(audio: np.ndarray, low: float) -> float:
    """Share of the power above a frequency."""
    power = np.abs(np.fft.rfft(audio.mean(0))) ** 2
    return float(power[np.fft.rfftfreq(audio.shape[1], 1 / RATE) > low].sum() / power.sum())


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal((2, 4 * RATE))).astype(np.float32)


def test_an_old_record_is_dull_and_narrow(noise):
    plain, old = finish(noise, ()), finish(noise, ("shellac",))
    assert band_share(old, 8_000) < 0.2 * band_share(plain, 8_000)
    assert (old[0] - old[1]).std() < 0.4 * (plain[0] - plain[1]).std()
    assert abs(loudness(old) - loudness(plain)) < 1.0


def test_a_chapel_rings_longer_and_louder_than_a_bedroom():
    click = np.zeros((2, 2 * RATE), np.float32)
    click[:, 100] = 1.0
    chapel, bedroom = (reverberate(click, room_of(1, "pop", p)) for p in ("a chapel", "a bedroom"))
    late = slice(RATE // 2, None)
    assert np.square(chapel[:, late]).sum() > 10 * np.square(bedroom[:, late]).sum()


def test_a_place_without_a_room_leaves_it_to_the_genre():
    assert room_of(3, "pop", "Tokyo") == room_of(3, "pop")
    assert isinstance(room_of(3, "pop"), Room)
    assert room_of(3, "orchestral").size > room_of(3, "pop").size
