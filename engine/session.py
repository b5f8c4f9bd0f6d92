"""A session: one stream of music, frame by frame, that can be saved, restored and branched.

In:  `Controls` per frame. Out: [C, F] float32 per frame, at the bundle's rate.
The same bundle, backend, seed and controls give the same samples. No threads, no clocks; all that
one frame hands to the next is in named arrays.
"""

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine import saved
from engine.bundle import Bundle
from engine.errors import OptionError
from engine.graph import State
from engine.options import SamplingOptions, check_seed
from engine.row import Controls
from engine.saved import Moment
from engine.stages import compose, render, steer
from engine.stages.compose import Choice, Tokens

GRAPHS = ("observe", "compose", "decode")  # what a frame runs through


class Session:
    """Plays a bundle.

    Args:
        bundle: what to play.
        seed: which of all possible takes, 0 .. 2**63 - 1.
        sampling: how tokens are chosen; None is as the bundle says.
        guidable: carry the second row of state that guidance needs even while guidance is 1, so
            that it can be turned up later. A session opened with guidance is guidable anyway. The
            second row is never made up afterwards: it must have heard the whole piece.

    Raises:
        OptionError: the seed is out of range.
        BundleError, BackendError: a graph cannot be opened.
    """

    _now: Moment
    _choice: Choice

    def __init__(
        self,
        bundle: Bundle,
        *,
        seed: int = 0,
        sampling: SamplingOptions | None = None,
        guidable: bool = False,
    ) -> None:
        check_seed(seed)
        self.bundle = bundle
        self._graphs = {name: bundle.graph(name) for name in GRAPHS}
        options = sampling or SamplingOptions()
        batch = 2 if guidable or self._guidance(options) != 1.0 else 1
        self._start = self._moment_zero(seed, options, batch)
        self.reset()

    def step(self, controls: Controls) -> NDArray[np.float32]:
        """Play the next frame.

        Args:
            controls: what is asked of it.

        Returns:
            [C, F] float32, unclipped, later than the frame by `latency_samples`.

        Raises:
            ShapeError: style or notes of another width.
            BackendError: a graph failed; the session still stands before the frame.
        """
        now, state = self._now, self._now.state
        rows = steer.rows(controls, now.batch)
        hidden, observed = compose.observe(
            self._graphs["observe"], now.tokens, rows, state["observe"]
        )
        tokens, composed = compose.choose(
            self._graphs["compose"],
            hidden,
            self._choice,
            state["compose"],
            seed=now.seed,
            frame=now.frame,
        )
        audio, decoded = render.render(self._graphs["decode"], tokens, state["decode"])
        state = {"observe": observed, "compose": composed, "decode": decoded}
        self._now = now._replace(frame=now.frame + 1, tokens=tokens, state=state)
        return audio

    @property
    def frame(self) -> int:
        """Index of the next frame."""
        return self._now.frame

    @property
    def seed(self) -> int:
        """The seed in force."""
        return self._now.seed

    @property
    def sampling(self) -> SamplingOptions:
        """How tokens are chosen; guidance None is the bundle's."""
        return self._now.sampling

    @property
    def guidance(self) -> float:
        """The guidance in force, the bundle's if none was given."""
        return self._guidance(self._now.sampling)

    @property
    def last_tokens(self) -> Tokens:
        """[LEVELS] of the last frame, START_TOKEN before the first. A copy."""
        return self._now.tokens.copy()

    @property
    def latency_samples(self) -> int:
        """How much later than its frame a sample leaves `step`, at the bundle's rate."""
        return sum(graph.spec.latency_samples for graph in self._graphs.values())

    def set_sampling(self, sampling: SamplingOptions) -> None:
        """Choose tokens another way from the next frame on.

        Raises:
            OptionError: guidance other than 1 in a session that was not opened guidable.
        """
        guidance = self._guidance(sampling)
        if guidance != 1.0 and self._now.batch == 1:
            raise OptionError.of(
                "guidance",
                guidance,
                "1 in this session",
                "Open it with guidable=True to turn it up.",
            )
        self._adopt(self._now._replace(sampling=sampling))

    def reset(self) -> None:
        """Go back to frame 0 as the session was opened, sampling included."""
        self._adopt(self._start)

    def branch(self) -> "Session":
        """Another session that stands at the same frame and goes its own way from there."""
        return copy(self)  # a moment is never written to, so both may hold it

    def save(self) -> dict[str, NDArray[Any]]:
        """All that the next frame depends on, as named arrays: copies, safe to keep or store."""
        return saved.pack(self._now, self.bundle.id)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Stand where a session of the same bundle was saved; seed and sampling come along.

        Raises:
            BundleError: it was saved from another bundle.
            InputError: arrays are missing or unknown, or hold what no session saves.
            ShapeError: an array of another shape.
        """
        self._adopt(saved.unpack(arrays, self.bundle, GRAPHS))

    def _adopt(self, moment: Moment) -> None:
        self._now = moment
        defaults, guidance = self.bundle.manifest.sampling, self._guidance(moment.sampling)
        scale = np.float32(moment.sampling.temperature)
        self._choice = Choice(
            temperature=np.array(defaults.temperature, np.float32) * scale,
            cutoff=np.array(defaults.cutoff, np.float32),
            weights=steer.weights(guidance, moment.batch),
        )

    def _guidance(self, sampling: SamplingOptions) -> float:
        default = self.bundle.manifest.sampling.guidance
        return default if sampling.guidance is None else sampling.guidance

    def _moment_zero(self, seed: int, sampling: SamplingOptions, batch: int) -> Moment:
        state: dict[str, State] = {name: self.bundle.initial_state(name, batch) for name in GRAPHS}
        tokens = compose.start_tokens()
        return Moment(0, seed, sampling, batch, tokens, state)
