"""OSC about OSC: ping, the schema, sessions and focus, where replies go, subscriptions.

In:  messages whose address is in `VERBS`. Out: answers to where the sender's replies go. Knows
nothing of music. On the server's thread.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from bridge.errors import OscError
from bridge.limits import SUBSCRIPTION_SECONDS
from bridge.osc_listeners import Listeners, Place, until
from bridge.osc_packet import Argument, OscMessage
from bridge.osc_space import STATUS_ROOT, Space, read_target
from bridge.osc_table import matches
from bridge.status_words import NESTED, STATUS

DEFAULT_SECONDS: Final = 60.0  # of a subscription
DONE: Final = "/done"

Say = Callable[..., None]  # place, address, arguments


class Verb(NamedTuple):
    """One administrative address."""

    arguments: str
    answer: str
    help: str


VERBS: Final = {
    "/antiphon/ping": Verb(
        "", "/antiphon/pong version control_port osc_port reply_port", "Is there an engine?"
    ),
    "/antiphon/sessions": Verb("", "/antiphon/sessions name ...", "Which sessions are there?"),
    "/antiphon/focus": Verb(
        "[name]", "/antiphon/focus name", "The session that addresses without one are about."
    ),
    "/antiphon/schema": Verb(
        "[pattern]",
        "/antiphon/schema address argument kind unit low high default choices help, one for each "
        "argument; then /antiphon/schema/end count",
        "What can be set and asked; nil where there is nothing to say.",
    ),
    "/antiphon/reply": Verb(
        "port", "/antiphon/reply port", "Where replies to this sender go; 0: where it sends from."
    ),
    "/subscribe": Verb(
        "pattern [seconds] [port]",
        "the address with its value, at once and after each change",
        "Be told of an address; * stands for one step, /done reports one's own changes. Ends by "
        "itself after 60 s unless more are asked for; say it again to renew it.",
    ),
    "/unsubscribe": Verb("[pattern] [port]", "", "Be told no more."),
}


class Admin:
    """Answers the verbs."""

    def __init__(
        self, space: Space, listeners: Listeners, say: Say, version: str, ports: tuple[int, ...]
    ) -> None:
        self._space, self._listeners, self._say = space, listeners, say
        self._version, self._ports = version, ports  # control, OSC, replies

    def obey(self, message: OscMessage, sender: Place, now: float) -> None:
        """Do what an address of `VERBS` says.

        Raises:
            OscError: with arguments that it does not take.
        """
        verb, given = message.address.removeprefix("/antiphon"), message.arguments
        place = self._listeners.place_for(sender)
        match verb:
            case "/ping":
                self._say(place, "/antiphon/pong", self._version, *self._ports)
            case "/sessions":
                self._say(place, "/antiphon/sessions", *self._space.sessions.names)
            case "/focus":
                self._focus(place, _text(given, 0, default=""))
            case "/schema":
                self._schema(place, _text(given, 0, default="*"))
            case "/reply":
                self._listeners.use_port(sender, _whole(given, 0))
                place = self._listeners.place_for(sender)
                self._say(place, "/antiphon/reply", place[1])
            case "/subscribe":
                seconds = _number(given, 1, default=DEFAULT_SECONDS)
                self._subscribe(_place(place, given, 2, self._listeners), given, seconds, now)
            case "/unsubscribe":
                pattern = _text(given, 0, default="")
                place = _place(place, given, 1, self._listeners)
                self._listeners.unsubscribe(
                    place, lambda address: not pattern or matches(pattern, address)
                )

    def _focus(self, place: Place, name: str) -> None:
        if name:
            self._space.focus = self._space.session(name).name
        self._say(place, "/antiphon/focus", self._space.session(None).name)

    def _schema(self, place: Place, pattern: str) -> None:
        told = 0
        for row in self._space.rows.values():
            for slot in row.slots if pattern == "*" or matches(pattern, row.address) else ():
                told += 1
                line = (slot.name, slot.kind, slot.unit, slot.low, slot.high, slot.default)
                choices = " | ".join(slot.choices)
                self._say(place, "/antiphon/schema", row.address, *line, choices, row.help)
        for name, words in STATUS.items():
            address = STATUS_ROOT + name
            if name not in NESTED and (pattern == "*" or matches(pattern, address)):
                told += 1
                blank = ("status", "", None, None, None, "")
                self._say(place, "/antiphon/schema", address, name, *blank, words)
        self._say(place, "/antiphon/schema/end", told)

    def _subscribe(
        self, place: Place, given: tuple[Argument, ...], seconds: float, now: float
    ) -> None:
        pattern = _text(given, 0)
        end = until(now, seconds)
        if pattern == DONE:
            self._listeners.report_done(place, end)
            return
        target = read_target(pattern)
        for address in self._space.named(target.rest):
            look = self._space.looker(target.session, address)
            self._listeners.subscribe(place, target.prefix + address, look, end)


def _place(place: Place, given: tuple[Argument, ...], index: int, listeners: Listeners) -> Place:
    """The sender's place, or another port there if one is named."""
    if len(given) <= index:
        return place
    return place[0], listeners.checked(_whole(given, index)) or place[1]


def _text(given: tuple[Argument, ...], index: int, default: str | None = None) -> str:
    value = given[index] if len(given) > index else default
    if not isinstance(value, str):
        raise OscError(f"argument {index + 1} is {value!r}, expected text.")
    return value


def _number(given: tuple[Argument, ...], index: int, default: float) -> float:
    value = given[index] if len(given) > index else default
    if isinstance(value, bool) or not isinstance(value, int | float):
        low, high = SUBSCRIPTION_SECONDS
        raise OscError(f"argument {index + 1} is {value!r}, expected {low:g} to {high:g} seconds.")
    return value


def _whole(given: tuple[Argument, ...], index: int) -> int:
    value = given[index] if len(given) > index else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not float(value or 0).is_integer():  # also NaN and infinity
        raise OscError(f"argument {index + 1} is {value!r}, expected a port.")
    return int(value or 0)
