"""Listeners: where OSC replies go, and who is told of which address until when.

In:  senders, and addresses that they subscribe to. Out: where to send, and what has changed since
it was told last. A destination is always a port on the sender's own machine; a subscription ends by
itself unless it is renewed. Bounded; time is told. On the server's thread.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from bridge.errors import OscError
from bridge.limits import MAX_OSC_SOURCES, MAX_OSC_SUBSCRIPTIONS, SUBSCRIPTION_SECONDS
from bridge.osc_space import Values

TOLD_SECONDS: Final = 0.05  # at most so often

Place = tuple[str, int]  # host and port


@dataclass
class Subscription:
    """One address that someone wants to be told of."""

    look: Callable[[], Values | None]  # None: there is nothing to look at now
    expires: float  # second
    told: Values | None = None


@dataclass
class Listener:
    """Everything that goes to one destination."""

    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    wants_done: float = float("-inf")  # until when each change is reported


class Listeners:
    """All destinations."""

    def __init__(self, own_port: int, reply_port: int) -> None:
        self._own_port, self.reply_port = own_port, reply_port
        self._ports: OrderedDict[Place, int] = OrderedDict()  # that senders asked for
        self._listeners: OrderedDict[Place, Listener] = OrderedDict()
        self._next_look = float("-inf")

    def place_for(self, sender: Place) -> Place:
        """Where a sender's replies go."""
        return sender[0], self._ports.get(sender, self.reply_port)

    def use_port(self, sender: Place, port: int) -> None:
        """Let a sender choose its port; 0 is the one it sends from.

        Raises:
            OscError: it is the engine's own.
        """
        self._ports[sender] = self.checked(port) or sender[1]
        self._ports.move_to_end(sender)
        if len(self._ports) > MAX_OSC_SOURCES:
            self._ports.popitem(last=False)

    def checked(self, port: int) -> int:
        """A port that replies may go to.

        Raises:
            OscError: no port, or the engine's own: it would answer itself for ever.
        """
        if port == self._own_port or not 0 <= port <= 65_535:
            raise OscError(f"the port for replies is {port}, expected another than the engine's.")
        return port

    def subscribe(
        self, place: Place, address: str, look: Callable[[], Values | None], until: float
    ) -> None:
        """Tell a place of an address, at once and whenever it changes.

        Raises:
            OscError: it has subscribed to too many.
        """
        kept = self._listener(place).subscriptions
        if address not in kept and len(kept) >= MAX_OSC_SUBSCRIPTIONS:
            raise OscError(f"{MAX_OSC_SUBSCRIPTIONS} addresses are subscribed to already.")
        kept[address] = Subscription(look, until)

    def report_done(self, place: Place, until: float) -> None:
        """Tell a place of every change of its own that has taken effect."""
        self._listener(place).wants_done = until

    def wants_done(self, place: Place, now: float) -> bool:
        """Whether a place is told of its changes."""
        return place in self._listeners and now < self._listeners[place].wants_done

    def unsubscribe(self, place: Place, matches: Callable[[str], bool]) -> None:
        """Tell a place no more of some addresses."""
        kept = self._listener(place).subscriptions
        for address in [address for address in kept if matches(address)]:
            del kept[address]

    def changed(self, now: float) -> Iterator[tuple[Place, str, Values]]:
        """What is to be told, and to whom."""
        if now < self._next_look:
            return
        self._next_look = now + TOLD_SECONDS
        for place, listener in list(self._listeners.items()):
            for address, one in list(listener.subscriptions.items()):
                if now >= one.expires:
                    del listener.subscriptions[address]
                    continue
                values = one.look()
                if values is not None and values != one.told:
                    one.told = values
                    yield place, address, values

    def _listener(self, place: Place) -> Listener:
        found = self._listeners.setdefault(place, Listener())
        self._listeners.move_to_end(place)
        if len(self._listeners) > MAX_OSC_SOURCES:
            self._listeners.popitem(last=False)
        return found


def until(now: float, seconds: float) -> float:
    """When a subscription ends.

    Raises:
        OscError: it is to last too short or too long.
    """
    low, high = SUBSCRIPTION_SECONDS
    if not low <= seconds <= high:
        raise OscError(f"a subscription of {seconds:g} s, expected {low:g} to {high:g} s.")
    return now + seconds
