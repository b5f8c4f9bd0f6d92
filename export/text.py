"""The text tower's graph: word pieces to style, MiniLM and MuLan's text head in one file.

In:  the frozen encoder and a trained text head. Out: `text.onnx` (ids, mask [1, S] int64 -> style
[1, 128]), `tokenizer.json`, and the graph's description with its measured parity.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from engine.graph import GraphSpec, TensorSpec
from engine.spec import STYLE_WIDTH
from export import tower, vocabulary
from models import minilm
from models.minilm import MiniLM
from models.mulan import TextHead

FILE, TOKENIZER = "text.onnx", "tokenizer.json"
TOLERANCE = 0.01  # of 1 - cosine, for the worst text; measured: 0.002
LARGE = 4096  # values; smaller weights stay float32
WEIGHT_SLOTS = {"MatMul": 1, "Gemm": 1, "Gather": 0}  # which input of a node is its weight
FLOAT = int(onnx.TensorProto.FLOAT)


class TextTower(nn.Module):
    """Word pieces to style."""

    def __init__(self, encoder: MiniLM, head: TextHead) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Map ids and mask [1, S] int64 to style [1, STYLE_WIDTH], unit norm."""
        style: Tensor = self.head(self.encoder(ids, mask))
        return style


def export_text(
    head: TextHead,
    folder: Path,
    texts: Sequence[str],
    *,
    known: Sequence[str] = (),
    encoder: MiniLM | None = None,
) -> GraphSpec:
    """Write the text tower and its tokenizer into `folder`.

    Args:
        head: trained.
        folder: the bundle's; exists.
        texts: what parity is measured on; a few hundred captions.
        known: further words whose pieces the trimmed vocabulary must keep.
        encoder: MiniLM from the installed package if None.

    Returns:
        The manifest's entry, with measured parity.

    Raises:
        BundleError: the weights are not MiniLM's, or the graph strays from torch.
        BackendMissing: MiniLM's package is not installed.
    """
    published = minilm.load_tokenizer(), encoder or minilm.load()
    tokenizer, encoder = vocabulary.trim(*published, [*texts, *known])
    tokenizer.save(str(folder / TOKENIZER))
    text_tower = TextTower(encoder, head).eval()
    rows = [minilm.batch_ids(tokenizer, [text]) for text in texts]
    return write(text_tower, folder / FILE, rows)


def write(text_tower: TextTower, path: Path, rows: Sequence[tuple[Tensor, Tensor]]) -> GraphSpec:
    """Write the tower, its weights int8, and measure it on `rows` of ids and mask [1, S]."""
    pieces = torch.export.Dim("S", min=2, max=text_tower.encoder.config.positions)
    example = torch.ones(2, 1, 8, dtype=torch.int64)
    inputs = [{"ids": ids.numpy(), "mask": mask.numpy()} for ids, mask in rows]
    with torch.no_grad():
        torch_styles = np.concatenate([text_tower(*row).numpy() for row in rows])
    with TemporaryDirectory() as work:
        full = Path(work) / FILE
        tower.to_onnx(text_tower, {"ids": example[0], "mask": example[1]}, full, free=pieces)
        to_int8(full, path)
        exact = tower.styles(full, inputs)
    measured = tower.parity(torch_styles, exact, tower.styles(path, inputs), tolerance=TOLERANCE)
    ports = tuple(TensorSpec(name=name, dtype="int64", shape=(1, "S")) for name in ("ids", "mask"))
    style = TensorSpec(name=tower.STYLE, dtype="float32", shape=(1, STYLE_WIDTH))
    return GraphSpec(
        file=path.name,
        opset=tower.OPSET,
        precision="int8 weights",
        inputs=ports,
        outputs=(style,),
        parity=measured,
    )


def to_int8(source: Path, target: Path) -> None:
    """Store the large weights as int8 with a scale per output channel, or per word of the table.

    Arithmetic stays float32: with int8 products too (dynamic quantisation) the worst of 200
    captions kept a cosine of 0.944 instead of 0.998, for the same file size and 4 ms per prompt.
    Matrices are unpacked when the graph is opened; of the word table, only the rows in use.
    """
    model = onnx.load(str(source))
    del model.graph.value_info[:]  # the exporter's notes contradict its own transposed weights
    large = {
        tensor.name: tensor
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT and np.prod(tensor.dims) >= LARGE
    }
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        slot = WEIGHT_SLOTS.get(node.op_type)
        weight = large.pop(node.input[slot], None) if slot is not None else None
        if weight is None:
            nodes.append(node)
            continue
        model.graph.initializer.remove(weight)
        model.graph.initializer.extend(_int8(weight, channel=_channel_axis(node)))
        nodes += _looked_up(node) if node.op_type == "Gather" else [*_unpacked(weight.name), node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


def _channel_axis(node: onnx.NodeProto) -> int:
    transposed = any(a.name == "transB" and a.i for a in node.attribute)
    return 0 if node.op_type == "Gather" or transposed else 1


def _int8(weight: onnx.TensorProto, channel: int) -> list[onnx.TensorProto]:
    """Split a matrix into int8 values and float32 scales along its axis `channel`."""
    values = numpy_helper.to_array(weight)
    scale = np.maximum(np.abs(values).max(axis=1 - channel, keepdims=True), 1e-12) / 127
    return [
        numpy_helper.from_array(np.rint(values / scale).astype(np.int8), f"{weight.name}.int8"),
        numpy_helper.from_array(scale.astype(np.float32), f"{weight.name}.scale"),
    ]


def _unpacked(name: str) -> list[onnx.NodeProto]:
    cast = onnx.helper.make_node("Cast", [f"{name}.int8"], [f"{name}.cast"], to=FLOAT)
    return [cast, onnx.helper.make_node("Mul", [f"{name}.cast", f"{name}.scale"], [name])]


def _looked_up(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    table, rows = node.input
    out = node.output[0]
    gathers = [
        onnx.helper.make_node("Gather", [f"{table}.{part}", rows], [f"{out}.{part}"])
        for part in ("int8", "scale")
    ]
    return [*gathers, *_unpacked(out)]
