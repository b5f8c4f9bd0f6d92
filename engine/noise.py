"""Sampling noise that any frame can draw alone: Gumbel numbers from a counter-based generator.

In:  a seed and a frame index. Out: [LEVELS, CODEBOOK_SIZE] float32, one row per token level.

The formula, for a twin in another language: Philox4x64-10 with key (seed, frame), counter from 1
(the counter is incremented before the first block), its 64-bit words taken in order, row by row;

    u = ((word >> 12) + 1/2) / 2**52        never 0 and never 1, exact in float64
    gumbel = -log(-log(u))                  in float64, then rounded to float32

so frame 1000 needs nothing of the 999 frames before it, and block sizes cannot matter.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.spec import CODEBOOK_SIZE, LEVELS

_STEP: Final = 2.0**-52


def gumbel(seed: int, frame: int) -> NDArray[np.float32]:
    """Draw the noise of one frame: [LEVELS, CODEBOOK_SIZE] standard Gumbel numbers.

    Args:
        seed: 0 .. 2**64 - 1.
        frame: index of the frame, 0 .. 2**64 - 1.
    """
    words = _words(seed, frame, LEVELS * CODEBOOK_SIZE)
    uniform = ((words >> np.uint64(12)) + 0.5) * _STEP
    noise: NDArray[np.float32] = (-np.log(-np.log(uniform))).astype(np.float32)
    return noise.reshape(LEVELS, CODEBOOK_SIZE)


def _words(seed: int, frame: int, count: int) -> NDArray[np.uint64]:
    generator = np.random.Philox(key=np.array([seed, frame], np.uint64))
    return np.asarray(generator.random_raw(count), np.uint64)
