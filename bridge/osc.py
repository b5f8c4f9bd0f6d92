"""The OSC front: datagrams to sessions, and what they answer.

In:  datagrams with their sender. Out: datagrams, through one function. An address with arguments
sets, without any it asks; `/session/NAME` before it says whose it is, `/at/bar` and the like say
when, and so does a bundle's time tag. Whatever is refused is answered on `/error`, counted, and
everything else goes on. Time is told: `now` is steady, `wall` is the time of day that senders have.
On the server's thread.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from itertools import count
from math import ceil, isfinite
from typing import Final

from bridge import control, osc_packet
from bridge.control import shorten
from bridge.errors import OscError
from bridge.limits import MAX_TIME_TAG_SECONDS
from bridge.osc_admin import VERBS, Admin
from bridge.osc_listeners import Listeners, Place
from bridge.osc_packet import Argument, OscMessage
from bridge.osc_slots import Row, fit
from bridge.osc_space import STATUS_ROOT, Space, Target, read_target
from bridge.osc_table import matches
from bridge.session import Post, Session
from bridge.sessions import Sessions
from engine import FRAME_RATE, AntiphonError, __version__

Send = Callable[[bytes, Place], bool]

AUTHOR: Final = "osc (all)"  # no client can have this name
MAX_ON_THEIR_WAY: Final = 4_096  # sets whose outcome is not known yet
PLAYING: Final = "/transport/playing"
_UNKNOWN: Final = "this address is unknown. Ask /antiphon/schema for those that are not."


class OscFront:
    """See above."""

    def __init__(
        self,
        sessions: Sessions,
        send: Send,
        *,
        control_port: int,
        osc_port: int,
        counters: Counter[str] | None = None,
    ) -> None:
        self.counters = Counter[str]() if counters is None else counters
        self.reply_port = osc_port + 1
        self._send = send
        self._listeners = Listeners(osc_port, self.reply_port)
        self._space = Space(sessions)
        ports = (control_port, osc_port, self.reply_port)
        self._admin = Admin(self._space, self._listeners, self._say, __version__, ports)
        self._now = 0.0  # second
        self._asks = count(1)
        self._on_their_way: OrderedDict[int, tuple[Place, str]] = OrderedDict()

    # --- what comes -----------------------------------------------------------------------------

    def take(self, datagram: bytes, sender: Place, now: float, wall: float) -> None:
        """Take a datagram; whatever is wrong with it is answered on /error."""
        self.counters["osc_received"] += 1
        try:
            messages = osc_packet.read(datagram)
        except OscError as exc:
            self.counters["osc_unreadable"] += 1
            self._refuse(self._listeners.place_for(sender), "", str(exc))
            return
        for message in messages:
            self.counters["osc_messages"] += 1
            try:
                self._obey(message, sender, now, wall)
                self.counters["osc_taken"] += 1
            except AntiphonError as exc:
                self._refuse(self._listeners.place_for(sender), message.address, str(exc))

    def turn(self, now: float) -> None:
        """Tell subscribers what has changed. Often."""
        for place, address, values in self._listeners.changed(now):
            self._say(place, address, *values)

    def hear(self, session: Session, post: Post) -> None:
        """Take note of what became of an ask that came from here."""
        ack = post.message
        if post.to != AUTHOR or not isinstance(ack, control.Ack) or ack.what == "accepted":
            return
        if ack.revision not in self._on_their_way:
            return
        place, address = self._on_their_way[ack.revision]
        if ack.what == "refused":
            self.counters["osc_refused_later"] += 1
            self._refuse(place, address, ack.reason)
        elif ack.what == "done" and self._listeners.wants_done(place, self._now):
            self._say(place, "/done", address, ack.change, ack.frame, ack.sample)
        del self._on_their_way[ack.revision]

    # --- what it asks for -----------------------------------------------------------------------

    def _obey(self, message: OscMessage, sender: Place, now: float, wall: float) -> None:
        self._now = now
        if message.address in VERBS:
            self._admin.obey(message, sender, now)
            return
        place, target = self._listeners.place_for(sender), read_target(message.address)
        if target.rest in ("/status", PLAYING) or target.rest.startswith(STATUS_ROOT):
            self._ask_or_play(message, target, place)
            return
        found = [row for row in self._space.rows.values() if matches(target.rest, row.address)]
        if not found:
            raise OscError(_UNKNOWN)
        session = self._space.session(target.session)
        for row in found:
            if not message.arguments and row.look is not None:
                self._tell(place, target, session, row.address)
            else:
                when = target.when or _when(message, session, wall)
                self._set(row, message, session, when, place, now)

    def _ask_or_play(self, message: OscMessage, target: Target, place: Place) -> None:
        session = self._space.session(target.session)
        if target.rest == PLAYING and message.arguments:
            session.play(is_playing=bool(message.arguments[0]))
            return
        rest = "/status/is_playing" if target.rest == PLAYING else target.rest
        pattern = "/status/*" if rest == "/status" else rest
        for address in self._space.named(pattern):
            self._tell(place, target, session, address)

    def _tell(self, place: Place, target: Target, session: Session, address: str) -> None:
        self._say(place, target.prefix + address, *self._space.look(session, address))

    def _set(
        self,
        row: Row,
        message: OscMessage,
        session: Session,
        when: dict[str, object],
        place: Place,
        now: float,
    ) -> None:
        command = row.make(fit(row, message.arguments), session.changes.book)
        if command is None:
            return
        number = next(self._asks)
        self._on_their_way[number] = (place, message.address)
        if len(self._on_their_way) > MAX_ON_THEIR_WAY:
            self._on_their_way.popitem(last=False)
        ask = control.Ask.model_validate({"revision": number, "command": command, "when": when})
        session.ask(ask, AUTHOR, now, is_counted=False)

    # --- what is said ---------------------------------------------------------------------------

    def _say(self, place: Place, address: str, *arguments: Argument) -> None:
        if not self._send(osc_packet.write(address, arguments), place):
            self.counters["osc_unsent"] += 1

    def _refuse(self, place: Place, address: str, text: str) -> None:
        self.counters["osc_refused"] += 1
        self._say(place, "/error", address, shorten(text))


def _when(message: OscMessage, session: Session, wall: float) -> dict[str, object]:
    """The time that a bundle's tag names, as a frame of the session.

    Raises:
        OscError: too far away.
    """
    ahead = 0.0 if message.time is None else message.time - wall
    if ahead > MAX_TIME_TAG_SECONDS or not isfinite(ahead):
        raise OscError(f"the time tag is {ahead:,.0f} s ahead, expected {MAX_TIME_TAG_SECONDS:g}.")
    if ahead <= 0:
        return {"kind": "now"}
    return {"kind": "frame", "frame": ceil((session.heard_second + ahead) * FRAME_RATE)}
