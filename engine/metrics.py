"""Frame times: how long each frame took, worst case included.

In:  seconds per frame, one call per frame. Out: percentiles in milliseconds.
Fixed size and without allocation while recording; not shared between threads.
"""

from typing import Final, NamedTuple

import numpy as np

from engine.errors import OptionError

DEFAULT_CAPACITY: Final = 16_384  # frames, about 11 minutes


class FrameSummary(NamedTuple):
    """Frame times in milliseconds. Each percentile is a time that did occur, never interpolated."""

    p50: float
    p95: float
    p99: float
    worst: float  # over every frame since the last reset
    frames: int  # recorded since the last reset


class FrameTimes:
    """Keeps the last `capacity` frame times, and the worst of all."""

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        if capacity < 1:
            raise OptionError.of("capacity", capacity, "at least 1 frame")
        self._ms = np.zeros(capacity)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._count = 0
        self._worst_ms = 0.0

    def record(self, seconds: float) -> None:
        """Note one frame's duration."""
        ms = seconds * 1000.0
        self._ms[self._count % len(self._ms)] = ms
        self._count += 1
        self._worst_ms = max(self._worst_ms, ms)

    def summary(self) -> FrameSummary:
        """Percentiles of the frames kept; all zero before the first frame."""
        kept = self._ms[: min(self._count, len(self._ms))]
        if not len(kept):
            return FrameSummary(0.0, 0.0, 0.0, 0.0, 0)
        p50, p95, p99 = np.percentile(kept, (50, 95, 99), method="higher").tolist()
        return FrameSummary(p50, p95, p99, self._worst_ms, self._count)
