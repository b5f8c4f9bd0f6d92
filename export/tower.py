"""Graphs without state: a torch module to ONNX, and how far two graphs are apart.

Used for MuLan's towers, which take a whole prompt or a whole clip at once, of any length. Step
graphs have their own road (`to_onnx`, `wrap`).
"""

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions
from torch import Tensor, nn

from engine.errors import BundleError
from export.to_onnx import without_sources

OPSET = 20
STYLE = "style"  # every tower's one output

Inputs = Mapping[str, NDArray[Any]]


def to_onnx(
    module: nn.Module, example: Mapping[str, Tensor], path: Path, *, free: torch.export.Dim
) -> None:
    """Write a tower as float32 ONNX whose inputs are free in their last dimension.

    Args:
        module: takes the inputs in the order of `example`, returns the style.
        example: by input name. Distinct tensors: the exporter joins inputs that are one object.
        path: the file to write.
        free: name and range of the free dimension.
    """
    assert len({id(t) for t in example.values()}) == len(example), "two inputs are one tensor"
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns about its own internals
        program = torch.onnx.export(
            module.eval(),
            tuple(example.values()),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(example),
            output_names=[STYLE],
            dynamic_shapes=tuple({tensor.ndim - 1: free} for tensor in example.values()),
            verbose=False,
        )
    assert program is not None
    model = without_sources(program.model_proto)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def styles(path: Path, inputs: Iterable[Inputs]) -> NDArray[np.float32]:
    """Run a tower on several inputs, one after the other, on one thread: [len(inputs), D]."""
    options = SessionOptions()
    options.intra_op_num_threads = 1
    session = InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    rows = [session.run([STYLE], dict(one))[0][0] for one in inputs]
    return np.stack(rows).astype(np.float32)


def parity(
    torch_styles: NDArray[np.float32],
    exact: NDArray[np.float32],
    small: NDArray[np.float32],
    *,
    tolerance: float,
) -> dict[str, float]:
    """Measure what export and compression cost, and refuse what costs too much.

    Args:
        torch_styles, exact, small: [R, D] unit-norm styles of the same R inputs, from torch, from
            the float32 graph and from the compressed one.
        tolerance: the largest 1 - cosine that the worst input may lose by compression.

    Returns:
        The largest difference torch to float32 (`onnx_fp32`), the largest (`onnx`) and mean
        (`onnx_mean`) 1 - cosine float32 to compressed, and `tolerance`.

    Raises:
        BundleError: the float32 graph is not the module, or the compressed one is too far off.
    """
    exported = float(np.abs(torch_styles - exact).max())
    lost = 1.0 - (exact * small).sum(-1) / (
        np.linalg.norm(exact, axis=-1) * np.linalg.norm(small, axis=-1)
    )
    if exported > 1e-4:
        raise BundleError(f"the exported tower is {exported:.2g} off torch, expected under 1e-4.")
    if lost.max() > tolerance:
        raise BundleError(
            f"the compressed tower's worst cosine to float32 is {1 - lost.max():.4f}, expected at "
            f"least {1 - tolerance:.4f}. Leave more of it in float32."
        )
    worst, mean = max(0.0, float(lost.max())), max(0.0, float(lost.mean()))
    return {"onnx_fp32": exported, "onnx": worst, "onnx_mean": mean, "tolerance": tolerance}
