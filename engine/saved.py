"""A moment of a session, and its form as named arrays: what `Session.save` writes and reads.

In and out: {"frame", "seed", "sampling", "batch", "bundle", "tokens", "state/<graph>/<name>"},
plain arrays without objects, so that they go through safetensors or npz. What comes from a file is
checked against the bundle before it is used.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bundle import Bundle
from engine.errors import BundleError, InputError, OptionError, ShapeError
from engine.graph import State
from engine.options import SamplingOptions, check_seed
from engine.spec import LEVELS, START_TOKEN

Arrays = Mapping[str, NDArray[Any]]

_HEAD: Final[dict[str, tuple[str, tuple[int, ...]]]] = {
    "frame": ("int64", ()),
    "seed": ("int64", ()),
    "batch": ("int64", ()),  # rows of state, 1 or 2
    "sampling": ("float64", (2,)),  # temperature, guidance; NaN is the bundle's guidance
    "bundle": ("uint8", (32,)),  # the bundle's id
    "tokens": ("int64", (LEVELS,)),
}


class Moment(NamedTuple):
    """Everything that the next frame depends on, beside its controls. Never written to."""

    frame: int  # index of the next frame
    seed: int
    sampling: SamplingOptions
    batch: int  # rows of state: 1, or 2 where guidance may be used
    tokens: NDArray[np.int64]  # [LEVELS] of the frame before
    state: dict[str, State]  # by graph, then by name


def pack(moment: Moment, bundle_id: str) -> dict[str, NDArray[Any]]:
    """Write a moment as arrays, all of them copies."""
    guidance = moment.sampling.guidance
    sampling = [moment.sampling.temperature, np.nan if guidance is None else guidance]
    head: dict[str, NDArray[Any]] = {
        "frame": np.array(moment.frame, np.int64),
        "seed": np.array(moment.seed, np.int64),
        "batch": np.array(moment.batch, np.int64),
        "sampling": np.array(sampling, np.float64),
        "bundle": np.frombuffer(bytes.fromhex(bundle_id), np.uint8).copy(),
        "tokens": moment.tokens.copy(),
    }
    state = {
        f"state/{graph}/{name}": array.copy()
        for graph, arrays in moment.state.items()
        for name, array in arrays.items()
    }
    return head | state


def unpack(arrays: Arrays, bundle: Bundle, graphs: tuple[str, ...]) -> Moment:
    """Read a moment back.

    Args:
        arrays: what `pack` wrote; copied.
        bundle: the one it must come from.
        graphs: whose state must be in it.

    Raises:
        BundleError: another bundle's.
        InputError: arrays missing or unknown, or values that no session saves.
        ShapeError: an array of another shape.
    """
    for name, (dtype, shape) in _HEAD.items():
        _check(arrays, name, dtype, shape)
    if arrays["bundle"].tobytes().hex() != bundle.id:
        was = arrays["bundle"].tobytes().hex()[:12]
        raise BundleError(f"the session was saved from bundle {was}, this is {bundle.id[:12]}.")
    batch = int(arrays["batch"])
    if batch not in (1, 2):
        raise InputError(f"the saved session has {batch} rows of state, expected 1 or 2.")
    state = {graph: _state(arrays, bundle, graph, batch) for graph in graphs}
    expected = {*_HEAD, *(f"state/{g}/{name}" for g, found in state.items() for name in found)}
    if unknown := sorted(set(arrays) - expected):
        raise InputError(f"the saved session holds {unknown[0]}, which no session saves.")
    return _head(arrays, batch, state)


def _head(arrays: Arrays, batch: int, state: dict[str, State]) -> Moment:
    frame, seed, tokens = int(arrays["frame"]), int(arrays["seed"]), arrays["tokens"].copy()
    temperature, guidance = arrays["sampling"].tolist()
    if frame < 0 or tokens.min() < 0 or tokens.max() > START_TOKEN:
        raise InputError("the saved session has a frame or token out of range. Save it again.")
    try:
        check_seed(seed)
        sampling = SamplingOptions(
            temperature=temperature, guidance=None if np.isnan(guidance) else guidance
        )
    except OptionError as exc:
        raise InputError(f"the saved session cannot be played: {exc}") from exc
    return Moment(frame, seed, sampling, batch, tokens, state)


def _state(arrays: Arrays, bundle: Bundle, graph: str, batch: int) -> State:
    state: State = {}
    for name, fresh in bundle.initial_state(graph, batch).items():
        key = f"state/{graph}/{name}"
        _check(arrays, key, str(fresh.dtype), fresh.shape)
        state[name] = arrays[key].copy()
    return state


def _check(arrays: Arrays, name: str, dtype: str, shape: tuple[int, ...]) -> None:
    array = arrays.get(name)
    if array is None or str(array.dtype) != dtype:
        got = "missing" if array is None else f"of {array.dtype}"
        raise InputError(f"{name} in the saved session is {got}, expected {dtype} {shape}.")
    if array.shape != shape:
        raise ShapeError.of(f"{name} in the saved session", array.shape, str(shape))
