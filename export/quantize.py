"""Weights to int8: dynamic quantisation of what was learned, table by table where it helps.

Learned weights are int8 per output channel, activations are quantised at run time (`MatMulInteger`,
standard ONNX, so that every backend runs it). Tables that are looked up row by row (embeddings) are
int8 with a scale per row; other large constants (codebooks, the transforms' bases) are float16,
cast back when the graph is opened. What a graph may lose by it is decided in `verify`, not here.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn

TABLE_VALUES = 8192  # smaller constants are not worth a Cast


def to_half(source: Path, target: Path) -> None:
    """Store a graph's large constants as float16; it computes in float32 as before."""
    _store(model_with_half_tables(onnx.load(str(source))), target)


def to_int8(source: Path, target: Path, module: nn.Module) -> None:
    """Quantise the constant right-hand sides of a graph's MatMul and Gemm nodes.

    What was not learned stays in float: oscillators and transforms of seven bits would be heard.

    Args:
        source, target: ONNX files.
        module: what `source` was exported from.
    """
    model = onnx.load(str(source))
    keep = fixed_products(model, module)
    del model.graph.value_info[:]  # shapes noted by the exporter; wrong once products are rewritten
    products = [
        n.name for n in model.graph.node if n.op_type in ("MatMul", "Gemm") and n.name not in keep
    ]
    quantize_dynamic(
        model,
        str(target),
        op_types_to_quantize=["MatMul", "Gemm"],
        nodes_to_quantize=products,
        per_channel=True,
        reduce_range=True,  # seven bits: eight saturate without VNNI, and would sound different
        weight_type=QuantType.QInt8,
        extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
    )
    _store(model_with_half_tables(model_with_int8_rows(onnx.load(str(target)))), target)


def fixed_products(model: onnx.ModelProto, module: nn.Module) -> set[str]:
    """Names of the products with a buffer of the module, which nothing has learned, or with its
    transpose."""
    buffers = [buffer.numpy() for buffer in module.buffers() if buffer.ndim == 2]
    fixed = {_digest(way) for buffer in buffers for way in (buffer, buffer.T)}
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    return {
        node.name
        for node in model.graph.node
        if node.op_type in ("MatMul", "Gemm")
        and node.input[1] in constants
        and _digest(numpy_helper.to_array(constants[node.input[1]])) in fixed
    }


def _digest(values: NDArray[Any]) -> tuple[tuple[int, ...], bytes]:
    return values.shape, hashlib.sha256(np.ascontiguousarray(values).tobytes()).digest()


def model_with_int8_rows(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store tables that are only looked up row by row as int8 with one scale per row."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for position, name in enumerate(node.input):
            gathers = node.op_type == "Gather" and position == 0 and _axis(node) == 0
            readers.setdefault(name, []).append(node if gathers else onnx.NodeProto())
    for tensor in list(model.graph.initializer):
        gathers = readers.get(tensor.name, [])
        if not _is_large(tensor) or not gathers or not all(node.op_type for node in gathers):
            continue
        _to_rows(model, tensor, [node.output[0] for node in gathers])
    return model


def _to_rows(model: onnx.ModelProto, tensor: onnx.TensorProto, outputs: list[str]) -> None:
    values = numpy_helper.to_array(tensor)
    scale = np.maximum(np.abs(values).max(1, keepdims=True), 1e-8) / 127
    names = f"{tensor.name}.rows", f"{tensor.name}.scale"
    model.graph.initializer.remove(tensor)
    model.graph.initializer.append(
        numpy_helper.from_array(np.rint(values / scale).astype(np.int8), names[0])
    )
    model.graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), names[1]))
    nodes = []
    for node in model.graph.node:
        if node.op_type != "Gather" or node.output[0] not in outputs:
            nodes.append(node)
            continue
        out, index = node.output[0], node.input[1]
        made = onnx.helper.make_node
        nodes += [
            made("Gather", [names[0], index], [f"{out}.rows"]),
            made("Gather", [names[1], index], [f"{out}.scale"]),
            made("Cast", [f"{out}.rows"], [f"{out}.values"], to=onnx.TensorProto.FLOAT),
            made("Mul", [f"{out}.values", f"{out}.scale"], [out]),
        ]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _axis(node: onnx.NodeProto) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)


def _is_large(tensor: onnx.TensorProto) -> bool:
    return tensor.data_type == onnx.TensorProto.FLOAT and int(np.prod(tensor.dims)) >= TABLE_VALUES


def model_with_half_tables(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace the large float32 initialisers that are left by float16 ones and a Cast."""
    casts = []
    for tensor in list(model.graph.initializer):
        if not _is_large(tensor):
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        model.graph.initializer.remove(tensor)
        half = numpy_helper.from_array(values.astype(np.float16), f"{name}.half")
        model.graph.initializer.append(half)
        casts.append(onnx.helper.make_node("Cast", [half.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _store(model: onnx.ModelProto, path: Path) -> None:
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
