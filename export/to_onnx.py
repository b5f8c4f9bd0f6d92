"""Torch to ONNX: one opset, names from the step graph, the batch dimension free where it should be."""

import warnings
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper

from export.wrap import StepGraph

OPSET = 20
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
    model = share_transposes(program.model_proto)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def share_transposes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Transpose constant weights once, at export.

    A weight used at several levels of the unrolled depth transformer is transposed at every use by the
    exporter, which hides from the quantiser that it is constant (and costs time in every frame).
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    shared: dict[tuple[str, tuple[int, ...]], str] = {}
    renamed: dict[str, str] = {}
    kept = []
    for node in model.graph.node:
        source = node.input[0] if node.input else ""
        if node.op_type != "Transpose" or source not in constants:
            kept.append(node)
            continue
        order = tuple(onnx.helper.get_attribute_value(node.attribute[0]))
        if (source, order) not in shared:
            name = f"{source}.transposed"
            values = numpy_helper.to_array(constants[source]).transpose(order)
            model.graph.initializer.append(numpy_helper.from_array(values.copy(), name))
            shared[source, order] = name
        renamed[node.output[0]] = shared[source, order]
    for node in kept:
        node.input[:] = [renamed.get(name, name) for name in node.input]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    used = {name for node in kept for name in node.input}
    unused = [tensor for tensor in model.graph.initializer if tensor.name not in used]
    for tensor in unused:
        model.graph.initializer.remove(tensor)
    return model
