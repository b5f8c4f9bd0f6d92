"""Odds: read from a bundle or refused, and leant on where drums are refused."""

import numpy as np
import pytest
from safetensors.numpy import save

from engine import odds
from engine.errors import BundleError
from engine.odds import Odds
from engine.options import SamplingOptions
from engine.row import Controls
from engine.session import Session
from engine.spec import CODEBOOK_SIZE, LEVELS


def test_steps_become_nats():
    steps = np.random.default_rng(0).integers(-127, 128, odds.SHAPE, np.int8)
    read = odds.parse(save({"drums": steps}), "odds").drums
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, steps / 32)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"noise",
        save({"drums": np.zeros((LEVELS, CODEBOOK_SIZE), np.float32)}),
        save({"drums": np.zeros((1, CODEBOOK_SIZE), np.int8)}),
        save({"bass": np.zeros(odds.SHAPE, np.int8)}),
    ],
)
def test_a_file_that_holds_no_odds_is_refused(data):
    with pytest.raises(BundleError, match=r"odds\.safetensors in bundle toy"):
        odds.parse(data, "odds.safetensors in bundle toy")


def codes_of(bundle, drums, **sampling):
    """Semantic codes of 60 frames."""
    session, found = Session(bundle, seed=3, sampling=SamplingOptions(**sampling)), []
    for _ in range(60):
        session.step(Controls(drums=drums))
        found.append(int(session.last_tokens[0]))
    return found


def test_codes_that_kits_use_are_avoided_where_drums_are_refused(toy_bundle, monkeypatch):
    usual = codes_of(toy_bundle, False)
    often = max(set(usual), key=usual.count)
    drums = np.zeros(odds.SHAPE, np.float32)
    drums[0, often] = 3.0
    asked = codes_of(toy_bundle, True)
    monkeypatch.setattr(toy_bundle, "odds", Odds(drums))
    assert codes_of(toy_bundle, False).count(often) < usual.count(often)
    assert codes_of(toy_bundle, True) == asked


def test_a_greedy_choice_is_not_leant_on(toy_bundle, monkeypatch):
    usual = codes_of(toy_bundle, False, temperature=0.0)
    drums = np.random.default_rng(0).uniform(-3, 3, odds.SHAPE).astype(np.float32)
    monkeypatch.setattr(toy_bundle, "odds", Odds(drums))
    assert codes_of(toy_bundle, False, temperature=0.0) == usual
