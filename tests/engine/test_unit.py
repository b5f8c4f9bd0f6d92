"""Unit norm: what has it keeps every bit, and what points nowhere is no style."""

import numpy as np
import pytest

from engine.spec import STYLE_WIDTH
from engine.unit import unit
from tests.engine.performing import style_of


@pytest.mark.parametrize("seed", range(40))
def test_a_style_comes_back_as_it_is(seed):
    np.testing.assert_array_equal(unit(style_of(seed)), style_of(seed))


def test_a_sum_is_brought_to_unit_norm():
    both = unit(style_of(1) + style_of(2))
    assert np.linalg.norm(both.astype(np.float64)) == pytest.approx(1.0, abs=1e-7)


def test_opposites_point_nowhere():
    assert unit(style_of(1) - style_of(1)) is None
    assert unit(np.zeros(STYLE_WIDTH, np.float32)) is None
