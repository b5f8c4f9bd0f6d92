"""Parity: torch whole = torch step = ONNX step, measured on real material, per graph.

In:  a step graph, its ONNX files, and a sequence of inputs, one dictionary per frame. Out: the
measured errors for the manifest, and a refusal where one is beyond its tolerance. Float outputs are
compared by relative error (RMS of the difference over RMS of the reference), token outputs by the
share of frames whose first level differs: later levels say what the first one left over, so that
after one honest near-tie they may all differ and still mean the same.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.backends import open_backend
from engine.errors import BundleError
from engine.graph import GraphSpec, advance
from export.wrap import StepGraph

Arrays = Mapping[str, NDArray[Any]]
EXACT = 1e-4  # what a change of library may cost in float32
# The codec's own error is about half of the signal: 0.15 of it in `decode` costs 0.4 dB of its SNR.
# What int8 may cost: relative error of floats, share of first tokens that differ under the same
# noise.
TOLERANCE = {"encode": 0.06, "decode": 0.15, "listen": 0.25, "observe": 0.10}
TOLERANCE |= {"compose": 0.10, "brief": 0.10}
EXACT_TOKENS = 0.03  # near-ties fall either way when sums are taken in another order


def torch_steps(graph: StepGraph, sequence: Sequence[Arrays]) -> NDArray[Any]:
    """Run the torch module frame by frame: its first output over all frames, [T, ...]."""
    state = dict(graph.state)
    outputs = []
    with torch.no_grad():
        for inputs in sequence:
            tensors = [torch.from_numpy(inputs[name]) for name in graph.example]
            produced = graph.module(*tensors, *state.values())
            state = dict(zip(state, produced[len(graph.outputs) :], strict=True))
            outputs.append(produced[0].numpy())
    return np.stack(outputs)


def onnx_steps(
    spec: GraphSpec, path: Path, graph: StepGraph, sequence: Sequence[Arrays]
) -> NDArray[Any]:
    """Run an ONNX file frame by frame through the runtime's own backend: [T, ...]."""
    runner = open_backend("ort", threads=1).open(path, spec)
    state = {name: tensor.numpy() for name, tensor in graph.state.items()}
    outputs = []
    for inputs in sequence:
        produced, state = advance(runner, inputs, state)
        outputs.append(produced[graph.outputs[0]])
    return np.stack(outputs)


def error(reference: NDArray[Any], other: NDArray[Any]) -> float:
    """Relative error of floats, or the share of first tokens that differ."""
    if reference.dtype.kind == "i":
        return float((reference[..., 0] != other[..., 0]).mean())
    difference = np.sqrt(np.mean((reference - other) ** 2))
    return float(difference / max(float(np.sqrt(np.mean(reference**2))), 1e-9))


def parity(
    graph: StepGraph,
    spec: GraphSpec,
    full: Path,
    final: Path,
    sequence: Sequence[Arrays],
    whole: NDArray[Any] | None,
) -> dict[str, float]:
    """Measure a graph against torch.

    Args:
        graph: the torch side.
        spec: its manifest entry.
        full, final: the float32 file and the one that ships.
        sequence: inputs per frame.
        whole: the same frames through torch in one piece, [T, ...], or None for a graph without
        time.

    Raises:
        BundleError: an error beyond its tolerance; the message has the figures.
    """
    stepped = torch_steps(graph, sequence)
    measured = {
        "onnx_float": error(stepped, onnx_steps(spec, full, graph, sequence)),
        "onnx": error(stepped, onnx_steps(spec, final, graph, sequence)),
        "tolerance": TOLERANCE[graph.name],
    }
    if whole is not None:
        measured["torch_step"] = error(whole, stepped)
    exact = EXACT_TOKENS if stepped.dtype.kind == "i" else EXACT
    for name, limit in (
        ("torch_step", exact),
        ("onnx_float", exact),
        ("onnx", measured["tolerance"]),
    ):
        if measured.get(name, 0.0) > limit:
            raise BundleError(
                f"{graph.name}: {name} is {measured[name]:.3g} off, expected at most {limit:g}. "
                "Keep more of the graph in float32, or look for a step that differs from the whole."
            )
    return {name: float(f"{value:.4g}") for name, value in measured.items()}
