"""What a graph is to the runtime: a description from the manifest, and something that runs.

`GraphSpec` says which named arrays go in and out and which outputs are next frame's inputs.
`Graph` and `Backend` are the smallest thing a new inference library has to provide. A run is
stateless: state goes in and comes out as named arrays.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from engine.errors import BundleError

Array = NDArray[Any]  # float32 or int64, as the spec says
State = dict[str, Array]  # by the name of the graph's input

BATCH: Final = "B"  # the dimension that guidance widens

# Per graph, the inputs and outputs beside its state.
PORTS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "text": (("ids", "mask"), ("style",)),
    "style": (("audio",), ("style",)),
    "encode": (("audio",), ("codes",)),
    "listen": (("audio",), ("codes",)),
    "observe": (("tokens", "row"), ("hidden",)),
    "compose": (("hidden", "weights", "noise", "temperature", "cutoff"), ("tokens",)),
    "brief": (("hidden", "weights", "noise", "temperature", "cutoff"), ("tokens",)),
    "decode": (("codes",), ("audio",)),
}
PLAYING: Final = ("text", "observe", "compose", "decode")  # what every bundle must have

Dimension = int | str  # a letter is free at run time: B batch, S text tokens, N samples


class TensorSpec(BaseModel):
    """One named array."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    dtype: Literal["float32", "int64"]
    shape: tuple[Dimension, ...]

    def shape_for(self, batch: int) -> tuple[Dimension, ...]:
        """The shape with B filled in."""
        return tuple(batch if size == BATCH else size for size in self.shape)


class GraphSpec(BaseModel):
    """One graph, as the manifest describes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str  # inside the bundle
    opset: int = Field(ge=1)
    precision: str  # "float32", "int8", ...
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    state: dict[str, str] = Field(default_factory=dict)  # input name -> output name
    block: int = Field(default=1, ge=1)  # frames per run
    latency_samples: int = Field(default=0, ge=0)  # how much later its output is than its input
    context_frames: int = Field(default=0, ge=0)  # how far back it can hear
    parity: dict[str, float] = Field(default_factory=dict)  # measured errors and their tolerance

    @model_validator(mode="after")
    def _state_joins_inputs_to_outputs(self) -> "GraphSpec":
        inputs = {port.name: port for port in self.inputs}
        outputs = {port.name: port for port in self.outputs}
        if len(inputs) < len(self.inputs) or len(outputs) < len(self.outputs):
            raise ValueError("two inputs or two outputs share a name")
        if len(set(self.state.values())) < len(self.state):
            raise ValueError("two states share an output")
        for before, after in self.state.items():
            if before not in inputs or after not in outputs:
                raise ValueError(f"state {before} -> {after} joins no input to an output")
            if inputs[before].shape != outputs[after].shape or (
                inputs[before].dtype != outputs[after].dtype
            ):
                raise ValueError(f"state {before} -> {after} changes its shape or dtype")
        return self

    @property
    def state_inputs(self) -> tuple[TensorSpec, ...]:
        """The inputs that carry state."""
        return tuple(port for port in self.inputs if port.name in self.state)

    def ports(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of inputs and outputs beside the state, in the manifest's order."""
        kept = set(self.state.values())
        inputs = tuple(port.name for port in self.inputs if port.name not in self.state)
        return inputs, tuple(port.name for port in self.outputs if port.name not in kept)


class Graph(Protocol):
    """A graph ready to run."""

    @property
    def spec(self) -> GraphSpec:
        """Its description."""
        ...

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run once on all inputs, state included; returns all outputs, by name, freshly allocated.

        Raises:
            BackendError: an input is missing or has another shape or dtype, or the library failed.
        """
        ...


class Backend(Protocol):
    """An inference library that opens graphs."""

    @property
    def name(self) -> str:
        """One of `options.BACKENDS`, never "auto"."""
        ...

    @property
    def reason(self) -> str:
        """Why it was chosen and what it runs on, for a player to read."""
        ...

    def open(self, path: Path, spec: GraphSpec) -> Graph:
        """Open the graph in a file.

        Raises:
            BundleError: the file is no graph, or not the one that `spec` describes.
            BackendError: the library failed.
        """
        ...


def advance(
    graph: Graph, inputs: Mapping[str, Array], state: Mapping[str, Array]
) -> tuple[dict[str, Array], State]:
    """Run a graph one block further.

    Args:
        graph: any graph; one without state takes and gives an empty one.
        inputs: its inputs beside the state.
        state: what the previous call returned, or the bundle's initial state. Not written to.

    Returns:
        All outputs by name, and the state for the next call.
    """
    outputs = graph.run({**inputs, **state})
    return outputs, {before: outputs[after] for before, after in graph.spec.state.items()}


def check_ports(path: Path, spec: GraphSpec, inputs: list[str], outputs: list[str]) -> None:
    """Refuse a graph file whose inputs or outputs are not the manifest's.

    Raises:
        BundleError: names differ.
    """
    for what, found, told in (("inputs", inputs, spec.inputs), ("outputs", outputs, spec.outputs)):
        expected = sorted(port.name for port in told)
        if sorted(found) != expected:
            raise BundleError(
                f"{path.name} has {what} {sorted(found)}, expected {expected} as the manifest "
                "says. Export the bundle again."
            )
