"""The streaming contract, shared by every part that streams: whole == step by step == two at a
time.

After `verify_contract` of sequence-layers. Works on torch parts (models.streaming.Steppable).
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from models.streaming import Steppable


def assert_steps_like_whole(
    part: Steppable,
    x: Any,
    *,
    tolerance: float = 1e-5,
    cut: Callable[[Any, int, int], Any] | None = None,
) -> None:
    """Prove that a part streams.

    Args:
        part: in evaluation mode.
        x: a whole input, [B, T, ...] or whatever `cut(x, start, stop)` can slice in time.
        tolerance: largest absolute difference allowed; float32 sums in another order.
    """
    cut = cut or (lambda whole, start, stop: whole[:, start:stop])
    part.eval()
    with torch.no_grad():
        whole = part(x)
        for block in (1, 2):
            stepped = _in_blocks(part, x, whole.shape, block, cut)
            difference = (stepped - whole).abs().max().item()
            assert difference <= tolerance, (
                f"{block} frames at a time differ from whole by {difference:.2e}"
            )


def _in_blocks(
    part: Steppable, x: Any, shape: torch.Size, block: int, cut: Callable[..., Any]
) -> Tensor:
    state = part.init_state(shape[0])
    names = set(state)
    outputs = []
    for start in range(0, shape[1], block):
        y, state = part.step(cut(x, start, min(start + block, shape[1])), state)
        assert set(state) == names, f"state changed its names: {names ^ set(state)}"
        outputs.append(y)
    return torch.cat(outputs, 1)


def assert_hears_no_future(part: Steppable, x: Tensor, at: int) -> None:
    """Prove by gradient that output frame `at` depends on no later input, nor on one before its
    context."""
    x = x.clone().requires_grad_()
    part(x)[:, at].sum().backward()
    heard = x.grad.abs().flatten(2).sum((0, 2))
    assert (heard[at + 1 :] == 0).all(), "an output depends on a later frame"
    too_old = max(0, at - part.context)
    assert (heard[:too_old] == 0).all(), (
        f"an output depends on more than {part.context} frames of the past"
    )
    assert heard[at] > 0, "an output does not depend on its own frame"
