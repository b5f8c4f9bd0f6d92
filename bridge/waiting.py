"""Waiting asks: what comes faster than the engine should be asked waits, the newest per slot.

In:  asks at any rate, as they came over the wire. Out: at most `ASKS_PER_SECOND` of them, in the
order in which they came, and those that a newer one has replaced. Nothing is read of a waiting ask
but its slot: to read a prompt takes a millisecond, which a flood of ten thousand a second must not
cost. The last one always gets through. Time is told, in seconds. Pure; any one thread.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from bridge.limits import ASK_BURST, ASKS_PER_SECOND, MAX_WAITING_ASKS

T = TypeVar("T")
Slot = tuple[str, ...]

_ABOUT: Final = ("index", "name", "pitch")  # fields that say what a command is about
_AT_ONCE: Final = "panic"  # is never made to wait
_CHARACTERS: Final = 32  # of a value that no engine takes, kept to tell it from others


def slot_of(command: Mapping[str, object], when: Mapping[str, object]) -> Slot:
    """What an unread ask is about, and for when: one for the bar does not replace one for now."""
    kind = str(command.get("kind"))[:_CHARACTERS]
    about = [str(command.get(name))[:_CHARACTERS] for name in _ABOUT]
    times = [str(when.get(name))[:_CHARACTERS] for name in ("kind", "frame", "bars")]
    return ("prompt" if kind in ("style", "heard") else kind, *about, *times)


@dataclass
class Waiting(Generic[T]):
    """The asks of one session that have not reached the engine."""

    per_second: float = ASKS_PER_SECOND
    burst: int = ASK_BURST
    capacity: int = MAX_WAITING_ASKS
    _tokens: float = field(default=0.0, init=False)
    _told: float | None = field(default=None, init=False)  # second
    _asks: OrderedDict[Slot, T] = field(default_factory=OrderedDict, init=False)

    def __len__(self) -> int:
        return len(self._asks)

    def add(self, slot: Slot, ask: T) -> T | None:
        """Let an ask wait; return the one it replaces, if any.

        Beyond the capacity the oldest is given up, as if replaced.
        """
        replaced = self._asks.pop(slot, None)
        self._asks[slot] = ask
        if replaced is None and len(self._asks) > self.capacity:
            _, replaced = self._asks.popitem(last=False)
        return replaced

    def due(self, now: float) -> Iterator[T]:
        """Take out what may go to the engine now, oldest first."""
        self._refill(now)
        for slot in [slot for slot in self._asks if slot[0] == _AT_ONCE]:
            yield self._asks.pop(slot)
        while self._asks and self._tokens >= 1.0:
            self._tokens -= 1.0
            yield self._asks.popitem(last=False)[1]

    def _refill(self, now: float) -> None:
        passed = self.burst if self._told is None else max(0.0, now - self._told) * self.per_second
        self._tokens = min(float(self.burst), self._tokens + passed)
        self._told = now
