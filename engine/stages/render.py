"""Render: one frame's tokens -> its samples, through the SoundStream decoder.

In:  [LEVELS] tokens. Out: [C, F] float32 at the bundle's rate, later than the tokens by the graph's
`latency_samples`. Pure; once per frame. The semantic token is not heard: the acoustic ones are.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.graph import Array, Graph, State, advance
from engine.spec import SEMANTIC_LEVELS, START_TOKEN

LEFT_OUT: Final = -1  # the code of a level that does not sound


def render(
    graph: Graph, tokens: NDArray[np.int64], state: Mapping[str, Array]
) -> tuple[NDArray[np.float32], State]:
    """Decode one frame.

    Args:
        graph: `decode`.
        tokens: [LEVELS]; START_TOKEN where a level was left out.
        state: of the graph.

    Returns:
        audio: [C, F], unclipped, and the state for the next frame.
    """
    codes = np.where(tokens == START_TOKEN, LEFT_OUT, tokens)[None, SEMANTIC_LEVELS:]
    outputs, state = advance(graph, {"codes": codes}, state)
    return outputs["audio"][0], state
