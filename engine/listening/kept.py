"""States as named arrays: what a save holds of the listening parts, and what is believed of it.

In:  a state: a `NamedTuple` or a dict of arrays, or of such states.
Out: {"field" or "part/field": array}, plain arrays for safetensors or npz. What comes from a file
is compared with a fresh state: names, shapes and dtypes must be its own, and numbers finite. Pure,
for any thread.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError, ShapeError

S = TypeVar("S")  # a state
Arrays = Mapping[str, NDArray[Any]]


def pack(state: object) -> dict[str, NDArray[Any]]:
    """Write a state as named arrays, all of them copies."""
    packed: dict[str, NDArray[Any]] = {}
    for name, part in _parts(state):
        if isinstance(part, np.ndarray):
            packed[name] = part.copy()
        else:
            packed |= {f"{name}/{inner}": array for inner, array in pack(part).items()}
    return packed


def unpack(arrays: Arrays, fresh: S) -> S:
    """Read a state back.

    Args:
        arrays: what `pack` wrote; copied.
        fresh: a state of the same kind, from `init_state`.

    Raises:
        InputError: arrays are missing or unknown, of another dtype, or not finite.
        ShapeError: an array of another shape.
    """
    if unknown := sorted(set(arrays) - set(pack(fresh))):
        raise InputError(f"the saved listening state holds {unknown[0]}, which no listener keeps.")
    found: S = _rebuilt(arrays, fresh, "")
    return found


def _rebuilt(arrays: Arrays, fresh: Any, prefix: str) -> Any:
    found = {
        name: _checked(arrays, prefix + name, part)
        if isinstance(part, np.ndarray)
        else _rebuilt(arrays, part, f"{prefix}{name}/")
        for name, part in _parts(fresh)
    }
    return found if isinstance(fresh, dict) else type(fresh)(**found)


def _checked(arrays: Arrays, name: str, like: NDArray[Any]) -> NDArray[Any]:
    array = arrays.get(name)
    if array is None or array.dtype != like.dtype:
        got = "missing" if array is None else f"of {array.dtype}"
        raise InputError(f"{name} in the saved listening state is {got}, expected {like.dtype}.")
    if array.shape != like.shape:
        raise ShapeError.of(f"{name} in the saved listening state", array.shape, str(like.shape))
    if not np.isfinite(array).all():
        raise InputError(f"{name} in the saved listening state is not finite. Save it again.")
    return array.copy()


def _parts(state: Any) -> Iterator[tuple[str, Any]]:
    """Fields of a state and what they hold."""
    yield from (state if isinstance(state, dict) else state._asdict()).items()
