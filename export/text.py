"""The text tower's graph: word pieces to style, MiniLM and MuLan's text head in one int8 file.

In:  the frozen encoder and a trained text head. Out: `text.onnx` (ids, mask [1, S] int64 -> style
[1, 128]), `tokenizer.json`, and the graph's description with its measured parity.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

from engine.graph import GraphSpec, TensorSpec
from engine.spec import STYLE_WIDTH
from export import tower, vocabulary
from models import minilm
from models.minilm import MiniLM
from models.mulan import TextHead

FILE, TOKENIZER = "text.onnx", "tokenizer.json"
TOLERANCE = 0.05  # of 1 - cosine, for the worst text; MiniLM's own int8 files lose up to 0.06


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
    """Write the tower as int8, measured on `rows` of ids and mask [1, S]; returns its entry."""
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
        precision="int8",
        inputs=ports,
        outputs=(style,),
        parity=measured,
    )


def to_int8(source: Path, target: Path) -> None:
    """Quantise the matrix products per channel, and the word table, half of the file, per tensor.

    Seven bits, not eight: on processors without VNNI a sum of two eight-bit products saturates, and
    the same prompt would mean something else there. It costs 0.001 of cosine.
    """
    model = onnx.load(str(source))
    del model.graph.value_info[:]  # the exporter's notes contradict its own transposed weights
    quantize_dynamic(
        model,
        str(target),
        op_types_to_quantize=["MatMul", "Gemm", "Gather"],
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
        extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
    )
    onnx.checker.check_model(str(target))
