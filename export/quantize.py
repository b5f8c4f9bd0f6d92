"""Weights to int8: dynamic quantisation of every matrix product, table by table where it helps.

Weights are int8 per output channel, activations are quantised at run time (`MatMulInteger`, standard
ONNX, so that every backend runs it). Tables that are read and not multiplied (embeddings, codebooks, the
transforms' bases) are stored as float16 and cast back when the graph is opened: half the file, the same
speed. What a graph may lose by it is decided in `verify`, not here.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

TABLE_VALUES = 8192  # smaller constants are not worth a Cast


def to_int8(source: Path, target: Path, *, keep: tuple[str, ...] = ()) -> None:
    """Quantise the constant right-hand sides of a graph's MatMul and Gemm nodes.

    Args:
        source, target: ONNX files.
        keep: names of nodes to leave in float32.
    """
    model = onnx.load(str(source))
    del model.graph.value_info[:]  # shapes noted by the exporter; wrong once products are rewritten
    products = [n.name for n in model.graph.node if n.op_type in ("MatMul", "Gemm") and n.name not in keep]
    quantize_dynamic(
        model,
        str(target),
        op_types_to_quantize=["MatMul", "Gemm"],
        nodes_to_quantize=products,
        per_channel=True,
        reduce_range=True,  # seven bits: eight saturate on processors without VNNI, and sound different
        weight_type=QuantType.QInt8,
        extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
    )
    _store(model_with_half_tables(onnx.load(str(target))), target)


def model_with_half_tables(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace float32 initialisers of `TABLE_VALUES` and more by float16 ones and a Cast."""
    casts = []
    for tensor in list(model.graph.initializer):
        if tensor.data_type != onnx.TensorProto.FLOAT or int(np.prod(tensor.dims)) < TABLE_VALUES:
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
