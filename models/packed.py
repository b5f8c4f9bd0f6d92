"""Packed weights: what a bundle keeps of a model, in half precision, with the model's sizes beside.

In:  a file of a bundle. Out: the model, in float32, and its sizes. Averages that only training
needs are not in a bundle; they start from the codebooks.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from safetensors import safe_open
from torch import Tensor, nn

from models.quantizer import ResidualQuantizer

Model = TypeVar("Model", bound=nn.Module)

AVERAGES = ("quantizer.usage", "quantizer.sums")  # not in a bundle


def open_model(
    path: Path, build: Callable[[Mapping[str, Any]], Model]
) -> tuple[Model, dict[str, Any]]:
    """Open a model, and the sizes that it was built with.

    Raises:
        ValueError: the file has no sizes, or lacks weights or has some that the model has not.
        SafetensorError: it is no such file.
    """
    with safe_open(path, "pt") as opened:
        config = (opened.metadata() or {}).get("config")
        weights = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    if config is None:
        raise ValueError("it has no config")
    sizes = json.loads(config)
    model = build(sizes)
    _take_over(model, weights)
    return model, sizes


def _take_over(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    widened = {k: v.float() if v.is_floating_point() else v for k, v in weights.items()}
    lacking, unknown = model.load_state_dict(widened, strict=False)
    missing = [name for name in lacking if name not in AVERAGES]
    if unknown:
        raise ValueError(f"nothing is called {', '.join(unknown)}")
    if missing:
        raise ValueError(f"it lacks {', '.join(missing[:3])}")
    for part in model.modules():
        if isinstance(part, ResidualQuantizer):
            part.settle()
