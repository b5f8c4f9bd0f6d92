"""Listening states as named arrays: kept, restored, and not believed blindly."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.errors import InputError, ShapeError
from engine.listening import beat_tracker, copies, kept, key_tracker, level
from engine.listening.ear import Ear
from engine.spec import AudioFormat


class Whole(NamedTuple):
    """A state made of states."""

    pair: "Pair"
    graphs: dict[str, dict[str, NDArray[Any]]]


class Pair(NamedTuple):
    """A small state."""

    count: NDArray[Any]
    curve: NDArray[Any]


FRESH = Pair(np.array(0, np.int64), np.zeros(3))


def test_a_state_comes_back_as_it_was_kept():
    state = Pair(np.array(4, np.int64), np.array([1.0, 2.0, 3.0]))
    arrays = kept.pack(state)
    state.curve[0] = 99.0  # what was kept is a copy
    back = kept.unpack(arrays, FRESH)
    assert isinstance(back, Pair)
    assert back.count == 4
    np.testing.assert_array_equal(back.curve, [1.0, 2.0, 3.0])


def test_states_inside_states_have_their_own_names():
    whole = Whole(FRESH, {"listen": {"tail": np.arange(3.0)}})
    arrays = kept.pack(whole)
    assert list(arrays) == ["pair/count", "pair/curve", "graphs/listen/tail"]
    back = kept.unpack(arrays, Whole(FRESH, {"listen": {"tail": np.zeros(3)}}))
    assert isinstance(back.pair, Pair)
    np.testing.assert_array_equal(back.graphs["listen"]["tail"], [0.0, 1.0, 2.0])


STEREO = AudioFormat(rate=48_000, channels=2)


@pytest.mark.parametrize(
    "state",
    [
        copies.init_state(),
        level.init_state(STEREO),
        beat_tracker.init_state(STEREO),
        key_tracker.init_state(STEREO),
    ],
    ids=["copies", "level", "beat", "key"],
)
def test_every_part_can_be_kept(state):
    arrays = kept.pack(state)
    again = kept.pack(kept.unpack(arrays, state))
    assert list(arrays) == list(again)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, again[name])


def test_the_ear_can_be_kept(toy_bundle):
    state = Ear(toy_bundle).init_state()
    assert set(kept.pack(kept.unpack(kept.pack(state), state))) == {"listen/tail", "encode/tail"}


@pytest.mark.parametrize(
    ("name", "value", "error", "match"),
    [
        ("curve", None, InputError, "curve .* is missing, expected float64"),
        ("curve", np.zeros(3, np.float32), InputError, "is of float32"),
        ("curve", np.zeros(4), ShapeError, r"shape \(4,\), expected \(3,\)"),
        ("curve", np.array([0.0, np.nan, 0.0]), InputError, "not finite"),
        ("surprise", np.zeros(1), InputError, "holds surprise"),
    ],
)
def test_a_state_that_no_listener_kept_is_refused(name, value, error, match):
    arrays = kept.pack(FRESH)
    if value is None:
        del arrays[name]
    else:
        arrays[name] = value
    with pytest.raises(error, match=match):
        kept.unpack(arrays, FRESH)
