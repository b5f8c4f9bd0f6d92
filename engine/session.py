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
from engine.errors import OptionError, ShapeError
from engine.graph import BATCH, Graph, State
from engine.options import SamplingOptions, check_seed
from engine.row import Controls
from engine.saved import Moment
from engine.spec import LEVELS, START_TOKEN
from engine.stages import compose, render, steer
from engine.stages.compose import Choice, Tokens

GRAPHS = ("observe", "compose", "decode")  # what a frame runs through
BRIEF = "brief"  # takes the place of `compose` where time is short; has no state


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
        has_brief = BRIEF in bundle.manifest.graphs
        self._brief: Graph = bundle.graph(BRIEF) if has_brief else self._graphs["compose"]
        options = sampling or SamplingOptions()
        self._guidable = guidable or self._guidance(options) != 1.0
        odds = bundle.odds
        self._against_kits = None if odds is None else -compose.WITHOUT_KIT_LEAN * odds.drums
        self._start = self._moment_zero(seed, options, batch=2 if self._guidable else 1)
        self.reset()

    def step(
        self, controls: Controls, *, heat: NDArray[np.float32] | None = None, brief: bool = False
    ) -> NDArray[np.float32]:
        """Play the next frame.

        Args:
            controls: what is asked of it.
            heat: [LEVELS] the temperatures of this frame are multiplied with it; None is ones.
            brief: leave fine tokens out of this frame, where the bundle has a graph for that.

        Returns:
            [C, F] float32, unclipped, later than the frame by `latency_samples`.

        Raises:
            ShapeError: style or notes of another width.
            BackendError: a graph failed; the session still stands before the frame.
        """
        now, state = self._now, self._now.state
        if self.bundle.harmony is not None:
            controls = self.bundle.harmony.plan(controls, now.seed)
        rows = steer.rows(controls, now.batch)
        hidden, observed = compose.observe(
            self._graphs["observe"], now.tokens, rows, state["observe"]
        )
        choice, lean = self._choice, None
        if controls.drums is False:
            choice, lean = compose.without_kit(choice), self._against_kits
        if heat is not None:
            choice = choice._replace(temperature=choice.temperature * heat)
        tokens, composed = compose.choose(
            self._brief if brief else self._graphs["compose"],
            hidden,
            choice,
            state["compose"],
            seed=now.seed,
            frame=now.frame,
            lean=lean,
        )
        audio, decoded = render.render(self._graphs["decode"], tokens, state["decode"])
        state = {"observe": observed, "compose": composed, "decode": decoded}
        self._now = now._replace(frame=now.frame + 1, tokens=tokens, state=state)
        return audio

    def follow(self, tokens: Tokens, controls: Controls) -> NDArray[np.float32]:
        """Take in the next frame as it was heard, in place of composing it.

        The next frame composed goes on from there, and so does its sound: the decoder hears the
        same tokens.

        Args:
            tokens: [LEVELS] of the heard frame, each a code.
            controls: what is known of it.

        Returns:
            [C, F] the heard frame as the codec plays it, later by `latency_samples`.

        Raises:
            ShapeError: tokens, style or notes of another width.
            OptionError: a token that is no code.
            BackendError: a graph failed; the session still stands before the frame.
        """
        _require_codes(tokens)
        now, state = self._now, self._now.state
        rows = steer.rows(controls, now.batch)
        _, observed = compose.observe(self._graphs["observe"], now.tokens, rows, state["observe"])
        audio, decoded = render.render(self._graphs["decode"], tokens, state["decode"])
        state = state | {"observe": observed, "decode": decoded}
        self._now = now._replace(frame=now.frame + 1, tokens=tokens.copy(), state=state)
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
        if guidance != 1.0 and self._now.batch == 1 and not self._guidable:
            raise OptionError.of(
                "guidance",
                guidance,
                "1 in this session",
                "Open it with guidable=True to turn it up.",
            )
        self._adopt(self._now._replace(sampling=sampling))

    def set_seed(self, seed: int) -> None:
        """Draw the noise of the next frame and all later ones from another seed.

        Raises:
            OptionError: out of range.
        """
        check_seed(seed)
        self._now = self._now._replace(seed=seed)

    def set_guided(self, guided: bool) -> None:
        """Run the second row of state that guidance needs, or leave it out to save time.

        Without it guidance rests, whatever is asked. A row that comes back begins as a copy of the
        first, so it has heard the frames between as they were asked for: good enough for a moment
        of need, and for nothing else.

        Raises:
            OptionError: the session was not opened guidable.
        """
        batch = 2 if guided else 1
        if guided and not self._guidable:
            raise OptionError.of("guided", guided, "False here", "Open it with guidable=True.")
        if batch != self._now.batch:
            state = {name: self._with_rows(name, batch) for name in GRAPHS}
            self._adopt(self._now._replace(batch=batch, state=state))

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

    def _with_rows(self, name: str, batch: int) -> State:
        """A graph's state with so many rows, made of the first."""
        ports = {port.name: port.shape for port in self._graphs[name].spec.state_inputs}
        return {
            port: np.repeat(array[:1], batch, axis=0) if ports[port][:1] == (BATCH,) else array
            for port, array in self._now.state[name].items()
        }

    def _guidance(self, sampling: SamplingOptions) -> float:
        default = self.bundle.manifest.sampling.guidance
        return default if sampling.guidance is None else sampling.guidance

    def _moment_zero(self, seed: int, sampling: SamplingOptions, batch: int) -> Moment:
        state: dict[str, State] = {name: self.bundle.initial_state(name, batch) for name in GRAPHS}
        tokens = compose.start_tokens()
        return Moment(0, seed, sampling, batch, tokens, state)


def _require_codes(tokens: Tokens) -> None:
    if tokens.shape != (LEVELS,):
        raise ShapeError.of("tokens", tokens.shape, f"({LEVELS},)")
    if tokens.min() < 0 or tokens.max() >= START_TOKEN:
        raise OptionError.of("tokens", tokens.tolist(), f"codes from 0 to {START_TOKEN - 1}")
