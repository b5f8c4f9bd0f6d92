"""Noise: any frame's dice can be thrown alone, and they are fair."""

import numpy as np

from engine.noise import gumbel
from engine.spec import CODEBOOK_SIZE, LEVELS

MASK = (1 << 64) - 1


def philox_words(key: tuple[int, int], blocks: int) -> list[int]:
    """The slow obvious twin: Philox4x64-10 of Salmon et al. 2011 in whole numbers."""
    words = []
    for counter in range(1, blocks + 1):
        c, (k0, k1) = [counter, 0, 0, 0], key
        for _ in range(10):
            low, high = c[0] * 0xD2E7470EE14C6C93, c[2] * 0xCA5A826395121157
            c = [(high >> 64) ^ c[1] ^ k0, high & MASK, (low >> 64) ^ c[3] ^ k1, low & MASK]
            k0, k1 = (k0 + 0x9E3779B97F4A7C15) & MASK, (k1 + 0xBB67AE8584CAA73B) & MASK
        words += c
    return words


def test_frame_1000_alone_is_frame_1000_after_999_others():
    """A bounce that starts in the middle sounds like the middle of the whole."""
    drawn_in_order = [gumbel(7, frame) for frame in range(1001)][1000]
    np.testing.assert_array_equal(gumbel(7, 1000), drawn_in_order)


def test_the_noise_is_the_formula_that_is_documented():
    """Another language must be able to make the same take."""
    words = philox_words((7, 1000), 8)
    uniform = [((word >> 12) + 0.5) * 2.0**-52 for word in words]
    expected = -np.log(-np.log(uniform))
    np.testing.assert_allclose(gumbel(7, 1000).ravel()[:32], expected, rtol=1e-6)


def test_every_level_has_its_own_row_of_noise():
    noise = gumbel(0, 0)
    assert noise.shape == (LEVELS, CODEBOOK_SIZE)
    assert noise.dtype == np.float32
    assert len(np.unique(noise, axis=0)) == LEVELS


def test_another_frame_or_another_seed_throws_other_dice():
    """Also when the two numbers change places."""
    draws = [gumbel(seed, frame) for seed, frame in ((1, 2), (2, 1), (1, 1), (2, 2), (0, 3))]
    for i, first in enumerate(draws):
        for second in draws[:i]:
            assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05


def test_the_dice_are_fair():
    """Undone, Gumbel noise is uniform: 20 equal bins, and neighbours do not follow each other."""
    noise = np.concatenate([gumbel(5, frame).ravel() for frame in range(20)]).astype(np.float64)
    uniform = np.exp(-np.exp(-noise))
    counts = np.histogram(uniform, bins=20, range=(0, 1))[0]
    expected = len(uniform) / 20
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert chi_squared < 43.8  # 19 degrees of freedom, one in a thousand
    assert abs(np.corrcoef(uniform[1:], uniform[:-1])[0, 1]) < 0.01


def test_noise_is_always_a_number_even_at_the_largest_seed():
    assert np.isfinite(gumbel(2**63 - 1, 2**40)).all()
