"""The audio tower's graph: a clip to its style.

In:  a trained audio tower. Out: `style.onnx` (audio [1, C, N] at the bundle's rate, N at least one
second -> style [1, 128]), and the graph's description with its measured parity. The front end is in
the graph (a DFT node, opset 20). Weights are stored as float16 and computed in float32: the file is
under 2 MB, so int8 would save little.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.graph import GraphSpec, TensorSpec
from engine.spec import STYLE_WIDTH, AudioFormat
from export import tower
from export.quantize import model_with_half_tables
from models.downmix import Downmix
from models.mulan import AudioTower

FILE = "style.onnx"
TOLERANCE = 0.001  # of 1 - cosine, for the worst clip


class Downmixed(nn.Module):
    """An audio tower that hears the bundle's format [B, C, N] and learned a slower mono."""

    def __init__(self, downmix: Downmix, audio_tower: AudioTower) -> None:
        super().__init__()
        self.downmix, self.audio_tower = downmix, audio_tower

    def forward(self, audio: Tensor) -> Tensor:
        """Embed audio: styles [B, D]."""
        styles: Tensor = self.audio_tower(self.downmix.clip(audio))
        return styles


def export_style(
    audio_tower: nn.Module, folder: Path, audio: AudioFormat, clips: Sequence[NDArray[np.float32]]
) -> GraphSpec:
    """Write the audio tower into `folder`.

    Args:
        audio_tower: takes audio in the bundle's format (`Downmixed`, where it learned another).
        folder: the bundle's; exists.
        audio: the bundle's format; channels are mixed to one inside the graph.
        clips: what parity is measured on, each [C, N] in -1..1, of different lengths.

    Returns:
        The manifest's entry, with measured parity.

    Raises:
        BundleError: the graph strays from torch.
    """
    path = folder / FILE
    inputs = [{"audio": clip[None]} for clip in clips]
    with torch.no_grad():
        rows = [audio_tower.eval()(torch.from_numpy(one["audio"])).numpy() for one in inputs]
    with TemporaryDirectory() as work:
        full = Path(work) / FILE
        samples = torch.export.Dim("N", min=audio.rate)
        example = {"audio": 0.1 * torch.randn(1, audio.channels, 2 * audio.rate)}
        tower.to_onnx(audio_tower, example, full, free=samples)
        onnx.save(model_with_half_tables(onnx.load(str(full))), str(path))
        onnx.checker.check_model(str(path))
        exact = tower.styles(full, inputs)
    torch_styles = np.concatenate(rows)
    measured = tower.parity(torch_styles, exact, tower.styles(path, inputs), tolerance=TOLERANCE)
    return GraphSpec(
        file=FILE,
        opset=tower.OPSET,
        precision="float16 weights",
        inputs=(TensorSpec(name="audio", dtype="float32", shape=(1, audio.channels, "N")),),
        outputs=(TensorSpec(name=tower.STYLE, dtype="float32", shape=(1, STYLE_WIDTH)),),
        parity=measured,
    )
