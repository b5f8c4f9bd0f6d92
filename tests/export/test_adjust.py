"""A bundle's manifest can be adjusted; what comes out opens, or nothing is changed."""

import numpy as np
import pytest
from safetensors.numpy import save

from engine import odds, seal
from engine.backends import open_backend
from engine.bundle import Bundle
from engine.errors import BundleError, OptionError
from export.adjust import adjust, per_level


def test_new_defaults_are_in_force_when_the_bundle_opens(toy_copy):
    adjust(toy_copy, {"guidance": 3.0}, {"tempo": 0.9})
    manifest = Bundle.open(toy_copy, open_backend("reference")).manifest
    assert manifest.sampling.guidance == 3.0
    assert manifest.metrics == {"tempo": 0.9}


def test_a_default_out_of_range_changes_nothing(toy_copy):
    before = seal.identity(toy_copy)
    with pytest.raises(BundleError, match="guidance"):
        adjust(toy_copy, {"guidance": 80.0}, None)
    assert seal.check(toy_copy)
    assert seal.identity(toy_copy) == before


def test_a_damaged_bundle_is_not_sealed_again(toy_copy):
    graph = next(toy_copy.glob("*.onnx"))
    graph.write_bytes(graph.read_bytes()[:-1] + b"\0")
    with pytest.raises(BundleError, match=graph.name):
        adjust(toy_copy, {"guidance": 3.0}, None)


def test_odds_come_beside_the_graphs_or_nothing_changes(toy_copy):
    steps = np.zeros(odds.SHAPE, np.int8)
    steps[0, 3] = 48
    adjust(toy_copy, {}, None, save({"drums": steps}))
    known = Bundle.open(toy_copy, open_backend("reference")).odds
    np.testing.assert_array_equal(known.drums, steps / 32)
    before = seal.identity(toy_copy)
    with pytest.raises(BundleError, match="odds"):
        adjust(toy_copy, {"guidance": 3.0}, None, b"noise")
    assert seal.check(toy_copy)
    assert seal.identity(toy_copy) == before


def test_one_number_stands_for_every_level():
    assert per_level("0.9") == [0.9] * 13
    with pytest.raises(OptionError, match="13 numbers"):
        per_level("1,2,3")
