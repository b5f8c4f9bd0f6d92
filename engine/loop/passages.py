"""Passages: when each of the last samples left for the host.

In:  per block, the sample behind it and the time, from the audio thread. Out: when a sample left,
for any other thread. Memory is claimed once; no lock: an entry that is overwritten while it is read
is one that is too old to be asked for.
"""

from typing import Final

import numpy as np

KEPT: Final = 4096  # blocks; 64 samples at 48 kHz for 5 s


class Passages:
    """The last blocks. Counts of samples never go back."""

    def __init__(self) -> None:
        self._ends = np.zeros(KEPT, np.int64)
        self._seconds = np.zeros(KEPT)
        self._count = 0

    def note(self, end: int, second: float) -> None:
        """Take note that the samples before `end` have left. [audio-thread]"""
        at = self._count % KEPT
        self._ends[at] = end
        self._seconds[at] = second
        self._count += 1

    def when(self, sample: int) -> float | None:
        """When a sample left, in seconds of the clock; None if it has not, or too long ago."""
        count = self._count
        first = max(0, count - KEPT + 1)  # the oldest may be under way to be overwritten
        order = np.arange(first, count) % KEPT
        index = int(np.searchsorted(self._ends[order], sample, side="right"))
        if index == len(order) or (index == 0 and first > 0):
            return None
        return float(self._seconds[order[index]])
