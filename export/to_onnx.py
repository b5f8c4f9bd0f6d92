"""Torch to ONNX: one opset, names from the step graph, the batch dimension free where it should
be."""

import hashlib
import warnings
from pathlib import Path

import onnx
import onnxscript
import torch
from onnx import numpy_helper

from export.wrap import StepGraph

OPSET = 20
NO_LIMIT = 1 << 40
FIXED_FIRST = ("noise", "temperature", "cutoff")  # inputs whose first dimension is not the batch


def to_onnx(graph: StepGraph, path: Path) -> None:
    """Write a step graph as float32 ONNX."""
    inputs = {**graph.example, **graph.state}
    batch = torch.export.Dim("B", min=1, max=8)
    shapes = tuple(
        {0: batch} if graph.batched and name not in FIXED_FIRST else {} for name in inputs
    )
    # Two rows, so that the exporter does not take a batch of one for a constant.
    rows = {
        name: torch.cat([t, t]) if graph.batched and name not in FIXED_FIRST else t
        for name, t in inputs.items()
    }
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns about its own internals
        program = torch.onnx.export(
            graph.module,
            tuple(rows.values()),
            dynamo=True,
            opset_version=OPSET,
            input_names=graph.input_names,
            output_names=graph.output_names,
            dynamic_shapes={"tensors": shapes} if graph.batched else None,
            external_data=False,
            optimize=True,
            verbose=False,
        )
    assert program is not None, "the exporter returns a program when it writes no file"
    # Fold whatever depends on weights alone: a weight used at several levels of the unrolled depth
    # transformer is sliced and transposed at every use, which costs time in every frame and hides
    # from
    # the quantiser that it is constant. The exporter's own limit leaves anything beyond 1,024
    # values.
    onnxscript.optimizer.optimize(
        program.model, input_size_limit=NO_LIMIT, output_size_limit=NO_LIMIT
    )
    model = without_sources(share_equal_constants(program.model_proto))
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def without_sources(model: onnx.ModelProto) -> onnx.ModelProto:
    """Take out the exporter's notes on each node: they name files of the machine it ran on."""
    graph = model.graph
    for noted in (model, graph, *graph.node, *graph.initializer, *graph.value_info):
        del noted.metadata_props[:]
        noted.doc_string = ""
    for port in (*graph.input, *graph.output):
        del port.metadata_props[:]
        port.doc_string = ""
    return model


def share_equal_constants(model: onnx.ModelProto) -> onnx.ModelProto:
    """Keep one copy of initialisers that are equal to the bit, and drop those nobody reads."""
    first: dict[tuple[object, ...], str] = {}
    renamed: dict[str, str] = {}
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        content = (tensor.data_type, values.shape, hashlib.sha256(values.tobytes()).digest())
        renamed[tensor.name] = first.setdefault(content, tensor.name)
    for node in model.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
    used = {name for node in model.graph.node for name in node.input}
    for tensor in list(model.graph.initializer):
        if tensor.name not in used:
            model.graph.initializer.remove(tensor)
    return model
