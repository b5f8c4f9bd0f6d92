"""Copies: how much of what was composed lately repeats what was heard before, and what to do.

In:  the tokens of heard and of composed frames, in the order in which they came.
Out: the copy rate: the share of the frames composed in the last 8 s that lie in runs of at least
RUN_FRAMES whose semantic and first coarse token equal a heard run; and the echo guard's
temperatures. What is heard after it was composed is no source: a player may imitate the machine.
Exact, a few microseconds per frame; memory is bounded by HEARD_FRAMES. Pure.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import ShapeError
from engine.spec import COARSE_LEVELS, CODEBOOK_SIZE, FRAME_RATE, LEVELS, SEMANTIC_LEVELS

RUN_FRAMES: Final = 12  # equal frames in a row that make a copy, 0.48 s
WINDOW_FRAMES: Final = 8 * FRAME_RATE  # that the rate is taken over
HEARD_FRAMES: Final = 120 * FRAME_RATE  # that are remembered

RAISE_ABOVE, LOWER_BELOW = 0.25, 0.10  # copy rates at which the guard starts and stops
RAISE_PER_FRAME: Final = 0.5 / (
    2 * FRAME_RATE
)  # of the coarse temperature; half as much again in 2 s
RAISE_LIMIT: Final = 0.5

_NEVER: Final = -1  # equals no frame

Tokens = NDArray[np.int64]  # [LEVELS]


class Copies(NamedTuple):
    """What is remembered; the newest is last everywhere."""

    heard: NDArray[np.int32]  # [HEARD_FRAMES] both tokens as one number, or _NEVER
    runs: NDArray[np.uint8]  # [HEARD_FRAMES] frames up to each that equal the last composed ones
    composed: NDArray[np.bool_]  # [WINDOW_FRAMES] whether the frame was composed
    copied: NDArray[np.bool_]  # [WINDOW_FRAMES] whether it lies in a copied run
    is_guarding: NDArray[np.bool_]  # []
    raised: NDArray[np.float64]  # [] 0 .. RAISE_LIMIT, what the guard adds to a temperature of 1


def init_state() -> Copies:
    """Nothing heard, nothing composed."""
    return Copies(
        heard=np.full(HEARD_FRAMES, _NEVER, np.int32),
        runs=np.zeros(HEARD_FRAMES, np.uint8),
        composed=np.zeros(WINDOW_FRAMES, np.bool_),
        copied=np.zeros(WINDOW_FRAMES, np.bool_),
        is_guarding=np.array(False),
        raised=np.array(0.0),
    )


def hear(tokens: Tokens | None, copies: Copies) -> Copies:
    """Remember a heard frame.

    Args:
        tokens: [LEVELS], or None for one that cannot be copied, such as silence.
        copies: as before. Not written to.

    Raises:
        ShapeError: not [LEVELS].
    """
    heard = np.append(copies.heard[1:], np.int32(_NEVER if tokens is None else _pair(tokens)))
    return copies._replace(heard=heard, runs=np.append(copies.runs[1:], np.uint8(0)))


def compose(tokens: Tokens | None, copies: Copies) -> Copies:
    """Compare a composed frame with all that was heard before it.

    Args:
        tokens: [LEVELS], or None for a frame in which nothing composed was to be heard; it ends
            every run and counts neither way.
        copies: as before. Not written to.

    Raises:
        ShapeError: not [LEVELS].
    """
    composed = np.append(copies.composed[1:], tokens is not None)
    copied = np.append(copies.copied[1:], False)
    runs = np.zeros_like(copies.runs)
    if tokens is not None:
        longer = np.minimum(copies.runs[:-1] + np.uint8(1), np.uint8(RUN_FRAMES))
        runs[1:], runs[0] = longer, 1
        runs *= copies.heard == _pair(tokens)
    if runs.max() >= RUN_FRAMES:
        copied[-RUN_FRAMES:] = True
    return _guard(copies._replace(runs=runs, composed=composed, copied=copied))


def rate(copies: Copies) -> float:
    """The copy rate, 0..1; 0 where nothing was composed in the last 8 s."""
    return float(copies.copied.sum() / max(int(copies.composed.sum()), 1))


def temperature_factors(copies: Copies) -> NDArray[np.float32]:
    """[LEVELS] what the echo guard multiplies the temperatures with: above 1 at coarse levels only.

    It is raised frame by frame from a copy rate of RAISE_ABOVE on, and taken back once the rate is
    under LOWER_BELOW.
    """
    factors = np.ones(LEVELS, np.float32)
    factors[SEMANTIC_LEVELS : SEMANTIC_LEVELS + COARSE_LEVELS] += np.float32(copies.raised)
    return factors


def _guard(copies: Copies) -> Copies:
    least = LOWER_BELOW if copies.is_guarding else RAISE_ABOVE
    is_guarding = rate(copies) > least
    change = RAISE_PER_FRAME if is_guarding else -RAISE_PER_FRAME
    raised = min(max(float(copies.raised) + change, 0.0), RAISE_LIMIT)
    return copies._replace(is_guarding=np.array(is_guarding), raised=np.array(raised))


def _pair(tokens: Tokens) -> int:
    """Semantic and first coarse token as one number."""
    if tokens.shape != (LEVELS,):
        raise ShapeError.of("tokens", tokens.shape, f"({LEVELS},)")
    return int(tokens[0]) * (CODEBOOK_SIZE + 1) + int(tokens[SEMANTIC_LEVELS])
