"""A shelf: named arrays from a file, each taken down once and checked.

In:  {name: array}. Out: copies of what is asked for by name, dtype and shape. Whatever is left on
the shelf at the end is unknown, and refused.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError, ShapeError

Arrays = dict[str, NDArray[Any]]


class Shelf:
    """What a saved performance holds."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._left = dict(arrays)

    def under(self, prefix: str) -> Arrays:
        """Take down all whose names begin so, without checking them; by the rest of their names."""
        names = [name for name in self._left if name.startswith(prefix)]
        return {name.removeprefix(prefix): self._left.pop(name) for name in names}

    def take(self, name: str, dtype: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
        """Take down one.

        Args:
            name: its name.
            dtype: as numpy writes it.
            shape: None where any length will do.

        Returns:
            A copy.

        Raises:
            InputError: missing, of another dtype, or not finite.
            ShapeError: of another shape.
        """
        array = self._left.pop(name, None)
        if array is None or str(array.dtype) != dtype:
            got = "missing" if array is None else f"of {array.dtype}"
            raise InputError(f"{name} in the saved performance is {got}, expected {dtype}.")
        fits = [want in (None, size) for want, size in zip(shape, array.shape, strict=False)]
        if array.ndim != len(shape) or not all(fits):
            raise ShapeError.of(f"{name} in the saved performance", array.shape, str(shape))
        if not np.isfinite(array).all():
            raise InputError(f"{name} in the saved performance is not finite. Save it again.")
        return array.copy()

    def has(self, name: str) -> bool:
        """Tell whether it is there."""
        return name in self._left

    def require_empty(self) -> None:
        """Refuse what was not asked for.

        Raises:
            InputError: there is something.
        """
        if self._left:
            extra = min(self._left)
            raise InputError(f"the saved performance holds {extra}, which no performer saves.")
