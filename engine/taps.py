"""Tap tempo: beats a minute from a player's taps.

In:  the second of each tap, by any clock. Out: the tempo by the median gap of the last eight, which
one early or late tap cannot pull. Frozen and pure.
"""

from dataclasses import dataclass
from statistics import median
from typing import Final

_KEPT_TAPS: Final = 8
_PAUSE_SECONDS: Final = 2.0  # after such a pause tapping begins anew; 30 bpm
_BOUNCE_SECONDS: Final = 0.12  # two taps closer than this are one; 500 bpm


@dataclass(frozen=True)
class Taps:
    """The last taps."""

    seconds: tuple[float, ...] = ()  # in order

    def tap(self, second: float) -> "Taps":
        """Add a tap."""
        since = second - self.seconds[-1] if self.seconds else float("inf")
        if since > _PAUSE_SECONDS:
            return Taps((second,))
        if since < _BOUNCE_SECONDS:
            return self
        return Taps((*self.seconds, second)[-_KEPT_TAPS:])

    @property
    def bpm(self) -> float | None:
        """Beats a minute; None below two taps."""
        gaps = [after - before for before, after in zip(self.seconds, self.seconds[1:])]
        return 60.0 / median(gaps) if gaps else None
