"""Captions: many true views of a piece, and an evaluation bank that training never sees."""

import string

import pytest

from engine.spec import KEYS
from training.corpus.captions import captions, held_out_caption, tempo_word
from training.corpus.compose import compose
from training.corpus.templates import genre_names, instruments, load_genre
from training.corpus.vocabulary import load_vocabulary

TRAINING, HELD_OUT = load_vocabulary("training"), load_vocabulary("held_out")
SLOTS = {
    "genre", "mood", "tempo", "bpm", "key", "mode", "meter", "instruments", "melody", "drums",
    "level", "era", "place", "use", "energy", "density", "other",
}  # fmt: skip


@pytest.fixture(scope="module")
def scores():
    return [compose(seed) for seed in range(30)]


def test_every_piece_has_ten_or_more_different_views(scores):
    for score in scores:
        views = captions(score)
        assert len(set(views)) == len(views) >= 10
        assert all(view.strip() == view and view for view in views)
        assert captions(score) == views


def test_views_are_of_many_kinds(scores):
    """One word, tags, a sentence, a paragraph and a request are all there."""
    views = [view for score in scores for view in captions(score)]
    assert any(" " not in view for view in views)
    assert any(view.count(", ") >= 4 and not view.endswith(".") for view in views)
    assert any(view.count(". ") >= 2 for view in views)
    assert any(view.startswith(("please play", "give me", "can you play")) for view in views)
    assert any(view == view.lower() and view.endswith(".") for view in views)


def test_captions_never_lie_about_drums_or_tempo(scores):
    for score in scores:
        for view in (*captions(score), held_out_caption(score)):
            says_none = any(w in view for w in ("no drums", "without drums", "drumless"))
            assert not (says_none and score.attributes["drums"] == "yes"), view
            if "bpm" in view:
                assert f"{score.tempos[0][1]:.0f} bpm" in view
            if "with drums" in view:
                assert score.attributes["drums"] == "yes", view


def test_held_out_captions_state_tempo_key_and_drums(scores):
    flats = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#"}
    for score in scores:
        text = held_out_caption(score)
        for flat, sharp in flats.items():
            text = text.replace(f"{flat} m", f"{sharp} m")
        assert f"{score.tempos[0][1]:.0f} bpm" in text
        assert KEYS[score.keys[0][1]] in text
        assert "drum" in text
        assert held_out_caption(score) not in captions(score)


def test_the_held_out_bank_is_disjoint_from_training():
    """Where evaluation has its own word or sentence, training never uses it."""
    trained = {s for kind in TRAINING.sentences.values() for s in kind}
    assert not trained & {s for kind in HELD_OUT.sentences.values() for s in kind}
    for attribute, entries in HELD_OUT.words.items():
        used = {
            word.lower()
            for table in (attribute, f"{attribute}_tag")
            for words in TRAINING.words.get(table, {}).values()
            for word in words
        }
        for value, words in entries.items():
            assert value in TRAINING.words[attribute], f"{attribute} {value} is unknown"
            assert not used & {word.lower() for word in words}, f"{attribute} {value}"


def test_about_half_of_the_words_are_held_out():
    for attribute in ("genre", "mood", "instrument"):
        share = len(HELD_OUT.words[attribute]) / len(TRAINING.words[attribute])
        assert 0.3 < share < 0.9, attribute


def test_every_thing_a_template_may_say_has_words():
    for name in genre_names():
        genre = load_genre(name)
        assert name in TRAINING.words["genre"]
        for attribute, values in (("mood", genre.moods), ("era", genre.eras)):
            missing = set(values) - set(TRAINING.words[attribute])
            assert not missing, f"{name}: {attribute} {missing}"
        assert set(genre.levels) <= set(TRAINING.words["level"])
    assert set(instruments()) <= set(TRAINING.words["instrument"])


def test_sentences_use_known_slots_only():
    for bank in (TRAINING, HELD_OUT):
        for kind, sentences in bank.sentences.items():
            for sentence in sentences if kind != "tags" else ():
                used = {name for _, name, _, _ in string.Formatter().parse(sentence) if name}
                assert used <= SLOTS, sentence


def test_tempo_words_go_from_very_slow_to_very_fast():
    classes = [tempo_word(bpm) for bpm in (52, 80, 110, 140, 175)]
    assert classes == ["very slow", "slow", "medium", "fast", "very fast"]


def test_sentences_about_a_melody_need_one():
    score = next(
        s for s in (compose(seed, "house") for seed in range(40)) if not s.attributes["melody"]
    )
    assert not any("main melody" in view for view in captions(score))
