"""The past: moments that a performer can go back to, and what it was told since each of them.

In:  the moment before every made frame, every request and transport as it comes. Out: the moment
before an earlier frame, knowing everything that was told meanwhile. Moments are immutable, so
keeping one costs a reference. For the performer's thread.
"""

from collections import deque
from dataclasses import replace
from typing import Final, NamedTuple

from engine.clock import Transport
from engine.turning import Standing
from engine.waiting import Queue, Waiting, enqueue

REWIND_FRAMES: Final = 16  # how far back made frames can be made again


class Said(NamedTuple):
    """A transport, and when it came among all that was told."""

    number: int
    transport: Transport
    is_hosted: bool

    def moves(self, now: Standing) -> Standing:
        """The same moment under this transport."""
        transport, is_hosted = self.transport, self.is_hosted
        return replace(now, transport=transport, is_hosted=is_hosted, is_moved=True)


class Past:
    """The last moments."""

    def __init__(self) -> None:
        self._moments: deque[Standing] = deque(maxlen=REWIND_FRAMES)
        self._requests: Queue = ()  # those that came behind the oldest moment
        self._said: Said | None = None  # the last

    @property
    def first_frame(self) -> int | None:
        """The earliest frame to go back to; None if there is none."""
        return self._moments[0].frame if self._moments else None

    def keep(self, before: Standing) -> None:
        """Keep the moment before a frame that has been made."""
        self._moments.append(before)
        oldest = self._moments[0].told
        if self._requests and self._requests[0].number < oldest:
            self._requests = tuple(past for past in self._requests if past.number >= oldest)

    def tell(self, news: Waiting | Said) -> None:
        """Remember what comes."""
        if isinstance(news, Said):
            self._said = news
        else:
            self._requests = (*self._requests, news)

    def back_to(self, frame: int, now: Standing) -> Standing:
        """Forget moments down to the one before a frame, and return that one.

        What was told since then is told again: requests wait in the order in which they came, and
        the last transport holds.
        """
        told = now.told
        while now.frame > frame:
            now = self._moments.pop()
        queue = now.queue
        for request in self._requests:
            if request.number >= now.told:
                queue, _ = enqueue(queue, request)
        if self._said and self._said.number >= now.told:
            now = self._said.moves(now)
        return replace(now, queue=queue, told=told)

    def copy(self) -> "Past":
        """The same past, to be forgotten and added to on its own."""
        other = Past()
        other._moments = self._moments.copy()
        other._requests, other._said = self._requests, self._said
        return other
