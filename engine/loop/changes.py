"""Changes: how long it takes from a request to the ear.

In:  requests for `now` as they are taken up, their answers, and when samples left for the host.
Out: milliseconds from the request to the moment at which the first sample that it changed was
handed over. What waits for a beat or a bar is late on purpose and is not counted. Frame thread.
"""

from typing import Final

from engine.ask import Ack
from engine.loop.inbox import Entry
from engine.loop.passages import Passages
from engine.spec import FRAME_RATE

_KEPT: Final = 64  # requests that are on their way to the ear at once


class Changes:
    """Requests on their way to the ear."""

    def __init__(self, rate: int) -> None:
        """Count samples of answers at a bundle's rate, Hz."""
        self._rate = rate
        self._asked: dict[str, float] = {}  # when, in seconds of the clock
        self._acked: dict[str, int] = {}  # the first changed sample, at the bundle's rate
        self.last_ms: float | None = None  # of the last request that was heard

    def asked(self, entry: Entry) -> None:
        """A request was taken up."""
        if entry.ask.when.kind == "now":
            self._asked[entry.ask.id] = entry.second
            while len(self._asked) > _KEPT:
                self._forget(next(iter(self._asked)))

    def acked(self, ack: Ack) -> None:
        """It was obeyed, for the first time or again."""
        if ack.what != "done":
            self._forget(ack.id)
        elif ack.id in self._asked:
            self._acked[ack.id] = ack.sample

    def listen(self, passages: Passages, host_rate: int, skipped: int) -> None:
        """Find out which of them have reached the ear.

        Args:
            passages: when samples left for the host.
            host_rate: Hz, that they are counted at.
            skipped: frames of the stream that the performer has not.
        """
        for name, sample in list(self._acked.items()):
            place = sample * host_rate // self._rate + skipped * host_rate // FRAME_RATE
            second = passages.when(place)
            if second is not None:
                self.last_ms = (second - self._asked[name]) * 1000.0
                self._forget(name)

    def _forget(self, name: str) -> None:
        self._asked.pop(name, None)
        self._acked.pop(name, None)
