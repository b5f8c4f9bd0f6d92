"""Compose: the frame before and this frame's rows -> this frame's tokens.

In:  [LEVELS] tokens of the previous frame, [B, ROW_WIDTH] rows. Out: [LEVELS] int64 tokens,
semantic first, then coarse, then fine.
Two graphs: `observe` moves the temporal state one frame on and can be run alone on tokens that were
heard; `choose` turns its hidden vector into tokens. Pure; once per frame.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.graph import Array, Graph, State, advance
from engine.noise import gumbel
from engine.spec import COARSE_LEVELS, FINE_LEVELS, LEVELS, SEMANTIC_LEVELS, START_TOKEN

FIRST_FINE: Final = SEMANTIC_LEVELS + COARSE_LEVELS
LEAST_TEMPERATURE: Final = np.float32(0.01)
WITHOUT_KIT_CUTOFF: Final = 3.0  # nats, of fine levels
WITHOUT_KIT_LEAN: Final = np.float32(0.5)  # times the odds of a kit
WITHOUT_KIT_HEAT: Final = np.array(  # times the temperatures
    [0.88, 1.0, *[0.89] * (COARSE_LEVELS - 1), *[1.0] * FINE_LEVELS], np.float32
)

Tokens = NDArray[np.int64]  # [LEVELS]


class Choice(NamedTuple):
    """How tokens are chosen, in the graph's own units."""

    temperature: NDArray[np.float32]  # [LEVELS], 0 is greedy
    cutoff: NDArray[np.float32]  # [LEVELS] nats under the best that are never chosen
    weights: NDArray[np.float32]  # [B, 1] of the rows' logits


def without_kit(choice: Choice) -> Choice:
    """The same choice, colder where a kit would sneak in.

    Where drums are refused, what is heard of them is mostly noise: codes that the model finds
    unlikely (measured in docs/log.md, 2026-11-23).
    """
    cutoff = choice.cutoff.copy()
    cutoff[FIRST_FINE:] = np.minimum(cutoff[FIRST_FINE:], WITHOUT_KIT_CUTOFF)
    return choice._replace(temperature=choice.temperature * WITHOUT_KIT_HEAT, cutoff=cutoff)


def start_tokens() -> Tokens:
    """What stands before the first frame: [LEVELS]."""
    return np.full(LEVELS, START_TOKEN, np.int64)


def observe(
    graph: Graph, tokens: Tokens, rows: NDArray[np.float32], state: Mapping[str, Array]
) -> tuple[NDArray[np.float32], State]:
    """Take in the previous frame under this frame's rows.

    Args:
        graph: `observe`.
        tokens: [LEVELS] of the previous frame.
        rows: [B, ROW_WIDTH].
        state: of the graph, B rows.

    Returns:
        hidden: [B, D], and the state for the next frame.
    """
    heard = np.repeat(tokens[None], len(rows), axis=0)
    outputs, state = advance(graph, {"tokens": heard, "row": rows}, state)
    return outputs["hidden"], state


def choose(
    graph: Graph,
    hidden: NDArray[np.float32],
    choice: Choice,
    state: Mapping[str, Array],
    *,
    seed: int,
    frame: int,
    lean: NDArray[np.float32] | None = None,
) -> tuple[Tokens, State]:
    """Choose this frame's tokens.

    Args:
        graph: `compose`.
        hidden: [B, D] from `observe`.
        choice: how.
        state: of the graph.
        seed: of the session.
        frame: index of this frame; with the seed, it decides the noise.
        lean: [LEVELS, CODEBOOK_SIZE] nats to add to the logits of what the cutoff leaves. It comes
            in with the noise, so a greedy choice is not leant on.

    Returns:
        tokens: [LEVELS], and the state for the next frame.
    """
    noise = gumbel(seed, frame)
    if lean is not None:
        heat = np.maximum(choice.temperature, LEAST_TEMPERATURE)
        noise += lean / heat[:, None]
    inputs = {"hidden": hidden, "noise": noise, **choice._asdict()}
    outputs, state = advance(graph, inputs, state)
    return outputs["tokens"][0], state
