"""Pack: trained models become a bundle that verifies itself, or nothing at all.

In:  folders of trained models, a prepared split for parity, free-form provenance and metrics. Out:
a sealed folder as `engine.bundle` opens it, with the fp16 weights it was exported from. Built in a
temporary folder beside the target and moved into place only after every graph passed `verify`.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from engine import manifest as manifests
from engine import seal
from engine.graph import GraphSpec, TensorSpec
from engine.row import FIELDS
from engine.spec import COARSE_LEVELS, SEMANTIC_LEVELS, AudioFormat
from export import verify, wrap
from export.material import Material, Models, cases
from export.quantize import to_half, to_int8
from export.to_onnx import FIXED_FIRST, OPSET, to_onnx
from export.wrap import StepGraph

INT8, HALF = "int8", "float16 weights"
# Small, and what it hears decides all that follows: in int8 a quarter of its first codes changed.
KEPT_FLOAT = ("encode",)

BUILDERS: dict[str, Callable[[Models], StepGraph]] = {
    "encode": wrap.encode_graph,
    "listen": wrap.listen_graph,
    "decode": wrap.decode_graph,
    "observe": lambda models: wrap.observe_graph(models.language),
    "compose": lambda models: wrap.compose_graph(models.language),
    "brief": lambda models: wrap.compose_graph(models.language, SEMANTIC_LEVELS + COARSE_LEVELS),
}


def step_graphs(
    models: Models, material: Material, folder: Path
) -> tuple[dict[str, GraphSpec], dict[str, torch.Tensor]]:
    """Export, quantise and verify every step graph into `folder`.

    Returns:
        The manifest's entries and the initial state, by "<graph>/<name>".
    """
    specs: dict[str, GraphSpec] = {}
    states: dict[str, torch.Tensor] = {}
    ready = cases(models, material)
    for name, build in BUILDERS.items():
        graph = build(models)
        sequence, whole = ready[name]()
        with TemporaryDirectory() as work:
            full = Path(work) / f"{name}.onnx"
            to_onnx(graph, full)
            precision = compress(graph, full, folder / full.name)
            spec = describe(graph, precision, {})
            measured = verify.parity(graph, spec, full, folder / full.name, sequence, whole)
        specs[name] = describe(graph, precision, measured)
        states |= {f"{name}/{key}": tensor.contiguous() for key, tensor in graph.state.items()}
    return specs, states


def compress(graph: StepGraph, full: Path, final: Path) -> str:
    """Write the file that ships; return what its precision is called."""
    if graph.name in KEPT_FLOAT:
        to_half(full, final)
        return HALF
    to_int8(full, final, graph.module)
    return INT8


def describe(graph: StepGraph, precision: str, parity: Mapping[str, float]) -> GraphSpec:
    """The manifest entry of a step graph."""
    inputs = {**graph.example, **graph.state}
    with torch.no_grad():
        outputs = dict(zip(graph.output_names, graph.module(*inputs.values()), strict=True))
    return GraphSpec(
        file=f"{graph.name}.onnx",
        opset=OPSET,
        precision=precision,
        inputs=tuple(_port(graph, name, tensor) for name, tensor in inputs.items()),
        outputs=tuple(_port(graph, name, tensor) for name, tensor in outputs.items()),
        state={name: f"{name}.next" for name in graph.state},
        latency_samples=graph.latency_samples,
        context_frames=graph.context_frames,
        parity=dict(parity),
    )


def _port(graph: StepGraph, name: str, tensor: torch.Tensor) -> TensorSpec:
    drawn = ("tokens",) if graph.name in ("compose", "brief") else ()
    free = graph.batched and name not in (*FIXED_FIRST, *drawn)
    shape: tuple[int | str, ...] = tuple(tensor.shape)
    kind: Any = str(tensor.dtype).removeprefix("torch.")
    return TensorSpec(name=name, dtype=kind, shape=("B", *shape[1:]) if free else shape)


def save_weights(
    model: nn.Module, config: Mapping[str, Any], path: Path, *, drop: Sequence[str] = ()
) -> None:
    """Write a model as float16 safetensors with its configuration in the metadata."""
    kept = {
        name: tensor.detach().half() if tensor.is_floating_point() else tensor.detach()
        for name, tensor in model.state_dict().items()
        if not name.endswith(tuple(drop) or ("\0",))
    }
    save_file(
        {name: t.contiguous() for name, t in kept.items()},
        path,
        metadata={"config": json.dumps(config)},
    )


def write_manifest(
    folder: Path,
    *,
    name: str,
    audio: AudioFormat,
    graphs: Mapping[str, GraphSpec],
    sampling: Mapping[str, Any],
    max_tokens: int,
    provenance: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> None:
    """Write bundle.json, read it back as the engine would, and seal the folder."""
    manifest = {
        "format": manifests.FORMAT,
        "family": "antiphon",
        "name": name,
        "audio": {"rate": audio.rate, "channels": audio.channels},
        "tokens": {"semantic": 1, "coarse": 4, "fine": 8, "codebook": 1024},
        "row": FIELDS,
        "graphs": {key: spec.model_dump(mode="json") for key, spec in graphs.items()},
        "sampling": sampling,
        "text": {"tokenizer": "tokenizer.json", "max_tokens": max_tokens},
        "provenance": provenance,
        "metrics": metrics,
        "licence": "Apache-2.0",
    }
    data = json.dumps(manifest, indent=1).encode()
    manifests.parse(data, manifests_name(folder))
    (folder / "bundle.json").write_bytes(data)
    seal.write(folder)


def manifests_name(folder: Path) -> str:
    """What to call the manifest in an error."""
    return f"bundle.json in bundle {folder}"


def move_into_place(built: Path, target: Path) -> None:
    """Replace `target` by the finished folder."""
    if target.exists():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(built, target)
