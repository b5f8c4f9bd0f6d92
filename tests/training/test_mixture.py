"""Mixtures: what comes from which genre, and that training never meets one."""

from collections import Counter

import pytest

from training.corpus.captions import captions, held_out_caption
from training.corpus.medley import programme
from training.corpus.mixture import in_harmony, mixture, to_groove
from training.corpus.piece import FIRST_SEEDS, describe
from training.corpus.score import Score, in_a_row
from training.corpus.templates import load_genre
from training.corpus.vocabulary import load_vocabulary

FIRST = FIRST_SEEDS["mixture"]


@pytest.fixture(scope="module")
def mixtures() -> list[Score]:
    return [mixture(seed) for seed in range(FIRST, FIRST + 42)]


def test_every_mixture_is_of_two_genres_and_half_are_of_each_kind(mixtures):
    for score in mixtures:
        assert score.attributes["mixed_genre"] != score.genre
    kinds = Counter(score.attributes["mixed"] for score in mixtures)
    assert kinds == {"groove": 21, "harmony": 21}
    assert len({score.genre for score in mixtures}) == 21


def test_the_instruments_are_those_of_the_first_genre(mixtures):
    for score in mixtures:
        genre = load_genre(score.genre)
        known = {sound for part in genre.parts for sound in part.sounds}
        played = {part.instrument for part in score.parts if part.family != "drums"}
        assert played <= known, score.genre


def test_a_groove_brings_its_tempo_and_its_drummer(mixtures):
    for score in mixtures:
        if score.attributes["mixed"] == "groove":
            other = load_genre(score.attributes["mixed_genre"])
            assert other.tempo[0] <= score.tempos[0][1] <= other.tempo[1]
            assert any(part.family == "drums" for part in score.parts)
            assert score.attributes["groove"] in {groove.name for groove in other.kit.grooves}


def test_a_harmony_brings_its_scales(mixtures):
    for score in mixtures:
        if score.attributes["mixed"] == "harmony":
            other = load_genre(score.attributes["mixed_genre"])
            assert score.attributes["scale"] in {mode.scale for mode in other.modes.values()}


def test_blends_keep_everything_else():
    quartet, techno = load_genre("string_quartet"), load_genre("techno")
    assert to_groove(quartet, techno).modes == quartet.modes
    assert to_groove(quartet, techno).kit.sounds == techno.kit.sounds
    assert to_groove(load_genre("jazz_swing"), techno).kit.sounds == (
        load_genre("jazz_swing").kit.sounds
    )
    assert in_harmony(quartet, techno).tempo == quartet.tempo


def test_its_captions_name_both_genres_in_words_of_the_evaluation(mixtures):
    bank, training = load_vocabulary("held_out"), load_vocabulary("training")
    for score in mixtures:
        views = captions(score)
        assert len(set(views)) >= 10
        for genre in (score.genre, score.attributes["mixed_genre"]):
            words = bank.choices("genre", genre) or training.choices("genre", genre)
            for view in (*views, held_out_caption(score)):
                assert any(word.lower() in view.lower() for word in words), view
        assert f"{score.tempos[0][1]:.0f} bpm" in held_out_caption(score)


def test_no_other_split_has_a_mixture():
    for first in (FIRST_SEEDS["train"], FIRST_SEEDS["valid"], FIRST_SEEDS["test"]):
        for seed in range(first, first + 12):
            for scene in programme(seed):
                assert "mixed" not in scene.score.attributes
                known = {s for p in load_genre(scene.score.genre).parts for s in p.sounds}
                assert {p.instrument for p in scene.score.parts if p.family != "drums"} <= known


def test_piece_json_says_what_was_mixed(mixtures):
    info = describe(in_a_row([mixtures[0]]), "mixture", 1_000)
    assert info["kind"] == "mixture"
    assert info["attributes"]["mixed"] in ("groove", "harmony")
