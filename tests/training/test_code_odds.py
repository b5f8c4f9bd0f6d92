"""Code odds: what is counted is the kit, and not the genre that has one."""

from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import save

from engine import odds
from engine.errors import InputError
from engine.spec import LEVELS, ODDS_STEP
from training.code_odds import MOST, kit_odds

FRAMES = 2_000


def split(*genres: str, kit: float = 0.5):
    """A piece of each genre, whose kit plays in a share of it: code 1 with it, code 2 without, and
    code 3 + n half of the time in genre n."""
    count = len(genres) * FRAMES
    has_kit = np.arange(count) % FRAMES < kit * FRAMES
    tokens = np.where(has_kit, 1, 2)
    own = 3 + np.arange(count) // FRAMES
    tokens = np.where(np.arange(count) % 2 == 0, tokens, own)
    pieces = [
        SimpleNamespace(start=n * FRAMES, frames=FRAMES, meta={"genre": genre})
        for n, genre in enumerate(genres)
    ]
    labels = SimpleNamespace(drums=has_kit.astype(np.uint8))
    data = SimpleNamespace(root="data/train", pieces=pieces, labels=labels)
    return data, np.repeat(tokens[:, None], LEVELS, axis=1)


def nats(data, tokens):
    """Counted, packed, and read as the engine reads it."""
    return odds.parse(save({"drums": kit_odds(data, tokens)}), "odds").drums


def test_codes_of_a_kit_are_told_from_those_without():
    drums = nats(*split("dub", "house"))
    assert drums[0, 1] == MOST
    assert drums[0, 2] == -MOST
    assert abs(drums[0, 3:5]).max() <= 3 * ODDS_STEP  # of a genre, with a kit or not
    assert not drums[:, 900].any()  # never seen


def test_a_genre_that_always_has_a_kit_says_nothing():
    data, tokens = split("dub", "house")
    data.labels.drums[FRAMES:] = 1
    drums = nats(data, tokens)
    assert drums[0, 4] == 0


def test_medleys_are_left_out():
    data, tokens = split("dub", "house")
    data.pieces[1].meta["scenes"] = []
    assert nats(data, tokens)[0, 4] == 0


def test_music_that_always_has_a_kit_is_too_little():
    with pytest.raises(InputError, match="no genre with 500 frames"):
        kit_odds(*split("dub", kit=1.0))
