"""What plays and hears: the shape that a sound card and the null device share.

A device calls for sound in its own time, on its own thread: the audio thread of the runner's words.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.clock import HostBlock

Audio = NDArray[np.float32]
Exchange = Callable[[Audio | None, Audio, HostBlock | None], Any]  # `Runner.exchange`


class Device(Protocol):
    """What the stage needs of a device. All methods but what they call are [control-thread]."""

    @property
    def name(self) -> str:
        """What it is, as a player reads it."""
        ...

    @property
    def rate(self) -> int:
        """Hz."""
        ...

    @property
    def channels(self) -> int:
        """Of the output, 1 or 2."""
        ...

    @property
    def has_input(self) -> bool:
        """Whether it hears."""
        ...

    def start(self, exchange: Exchange) -> None:
        """Begin to call for blocks.

        Raises:
            DeviceError: it cannot.
        """
        ...

    def problem(self) -> str:
        """What is wrong with it now, in words; "" if nothing."""
        ...

    def revive(self) -> None:
        """Begin to start it again; `problem` tells whether it runs."""
        ...

    def stop(self) -> None:
        """End; no block is called for after it returns."""
        ...
