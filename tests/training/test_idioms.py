"""Idioms: every genre's progressions, as the engine can follow them."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from engine import harmony
from engine.spec import STYLE_WIDTH
from training.corpus.templates import genre_names, load_genre
from training.idioms import bars, idioms, minor_share, progressions


@pytest.fixture(scope="module")
def book():
    """Of a corpus with two pieces of each genre, each with two captions."""
    rng = np.random.default_rng(0)
    pieces = [SimpleNamespace(meta={"genre": name}) for name in (*genre_names(), *genre_names())]
    count = len(pieces)
    styles = {
        "audio": rng.standard_normal((count, STYLE_WIDTH)),
        "text": rng.standard_normal((2 * count, STYLE_WIDTH)),
        "text_piece": np.repeat(np.arange(count), 2),
    }
    found = idioms(SimpleNamespace(scenes=pieces), styles)
    return harmony.parse(json.dumps({"idioms": found}).encode(), "harmony.json"), styles


def test_the_engine_can_read_every_genre(book):
    assert [idiom.name for idiom in book[0].idioms] == list(genre_names())


def test_a_piece_of_a_genre_is_nearest_to_it(book):
    read, styles = book
    for index, name in enumerate(genre_names()):
        assert read.nearest(styles["audio"][index].astype(np.float32)).name == name


def test_numerals_become_steps_above_the_tonic():
    assert bars("i | bVII V7/3") == [[(0, "min")], [(10, "maj"), (7, "7")]]


def test_scales_count_by_their_third_and_a_mode_that_is_missing_is_borrowed():
    assert minor_share(load_genre("techno")) == 1.0
    assert 0 < minor_share(load_genre("pop")) < 0.5
    assert progressions(load_genre("techno"), "major") == progressions(load_genre("pop"), "major")
    assert progressions(load_genre("techno"), "minor")["verse"][-2][:2] == [
        [(0, "min")],
        [(1, "maj")],
    ]
