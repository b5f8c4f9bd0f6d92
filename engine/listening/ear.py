"""The ear: one heard frame of audio -> its tokens, as if the model had made them.

In:  [C', F] samples at the bundle's rate, mono or stereo. Out: [LEVELS] int64 tokens, semantic
first, then the codec's. Two graphs: `listen` hears the semantic token, `encode` the acoustic ones.
Neither looks ahead: the tokens of a frame are known when its last sample is. Pure; once per frame.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bundle import Bundle
from engine.errors import BackendError, ShapeError
from engine.graph import Array, Graph, State, advance
from engine.spec import ACOUSTIC_LEVELS, CODEBOOK_SIZE, LEVELS, SEMANTIC_LEVELS, AudioFormat

GRAPHS: Final = ("listen", "encode")
LIMIT: Final = (
    8.0  # 18 dB over full scale; what is louder is a fault and would never leave the state
)

Audio = NDArray[np.float32]
EarState = dict[str, State]  # by graph, then by name; never written to


class Fitted(NamedTuple):
    """A frame as the graphs want it."""

    audio: Audio  # [C, F], C the bundle's, finite, within +-LIMIT
    bad_samples: int  # that were NaN or infinite and are silence now, all channels


class Ear:
    """A bundle's two listening graphs, opened. Holds no state."""

    def __init__(self, bundle: Bundle) -> None:
        """Open the graphs.

        Raises:
            BundleError: the bundle has no `listen` or no `encode` graph; it can play, not listen.
            BackendError: a graph cannot be opened.
        """
        self._bundle = bundle
        self._graphs = {name: bundle.graph(name) for name in GRAPHS}

    def init_state(self) -> EarState:
        """What the ear knows before its first frame."""
        return {name: self._bundle.initial_state(name) for name in GRAPHS}

    def hear(
        self, audio: Audio, state: Mapping[str, Mapping[str, Array]]
    ) -> tuple[NDArray[np.int64], EarState]:
        """Hear one frame.

        Args:
            audio: [1 or 2, F] at the bundle's rate; fitted to its channels, see `fit`.
            state: what the previous call returned, or `init_state`. Not written to.

        Returns:
            tokens: [LEVELS], and the state for the next frame.

        Raises:
            ShapeError: not one frame of one or two channels.
            BackendError: a graph failed, or gave no tokens.
        """
        fitted = fit(audio, self._bundle.audio).audio[None]
        semantic, listened = _codes(self._graphs["listen"], fitted, state["listen"])
        acoustic, encoded = _codes(self._graphs["encode"], fitted, state["encode"])
        tokens = np.concatenate([semantic, acoustic])
        if tokens.shape != (LEVELS,) or tokens.min() < 0 or tokens.max() >= CODEBOOK_SIZE:
            raise BackendError(
                f"the ear gave {tokens.shape} tokens from {tokens.min()} to {tokens.max()}, "
                f"expected {SEMANTIC_LEVELS} + {ACOUSTIC_LEVELS} under {CODEBOOK_SIZE}."
            )
        return tokens, {"listen": listened, "encode": encoded}


def fit(audio: Audio, wanted: AudioFormat) -> Fitted:
    """Bring a frame to a bundle's channels and make it safe to hear.

    Mono is doubled, stereo is averaged; NaN and infinite samples become silence and are counted.

    Raises:
        ShapeError: not [1 or 2, F].
    """
    if audio.ndim != 2 or audio.shape[0] not in (1, 2) or audio.shape[1] != wanted.frame_samples:
        expected = f"(1 or 2, {wanted.frame_samples}): one frame at {wanted.rate} Hz"
        raise ShapeError.of("heard audio", audio.shape, expected, "Resample it and cut it first.")
    is_bad = ~np.isfinite(audio)
    clean = np.clip(np.where(is_bad, 0.0, audio), -LIMIT, LIMIT).astype(np.float32)
    if clean.shape[0] > wanted.channels:
        clean = clean.mean(0, keepdims=True)
    elif clean.shape[0] < wanted.channels:
        clean = np.repeat(clean, wanted.channels, axis=0)
    return Fitted(np.ascontiguousarray(clean), int(is_bad.sum()))


def _codes(
    graph: Graph, audio: Audio, state: Mapping[str, Array]
) -> tuple[NDArray[np.int64], State]:
    outputs, after = advance(graph, {"audio": audio}, state)
    return outputs["codes"][0], after
