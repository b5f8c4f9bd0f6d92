"""The OSC space: which session an address is about, when, and what it is now.

In:  addresses as they were sent. Out: a `Target`, the rows it names, and their present values. An
address without a session is about the one in focus: the one that was chosen, else the oldest.
On the server's thread.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from bridge.errors import OscError
from bridge.osc_slots import Row
from bridge.osc_table import matches, rows
from bridge.session import Session
from bridge.sessions import Sessions
from bridge.status_words import NESTED, STATUS

Values = tuple[str | int | float | bool | None, ...]

STATUS_ROOT: Final = "/status/"
_PLAIN: Final = str | int | float | bool | None


class Target(NamedTuple):
    """What an address is about."""

    session: str | None  # None: the one in focus
    when: dict[str, object] | None  # None: nothing is said
    rest: str  # the address itself

    @property
    def prefix(self) -> str:
        """What stands before the address itself in an answer."""
        return "" if self.session is None else f"/session/{self.session}"


def read_target(address: str) -> Target:
    """Take an address apart: /session/NAME, then /at/..., then the address itself.

    Raises:
        OscError: a time that is none.
    """
    steps = address.split("/")[1:]
    session: str | None = None
    when: dict[str, object] | None = None
    if len(steps) > 2 and steps[0] == "session":
        session, steps = steps[1], steps[2:]
    if len(steps) > 1 and steps[0] == "at":
        when, steps = _read_when(steps[1:])
    return Target(session, when, "/" + "/".join(steps))


def _read_when(steps: list[str]) -> tuple[dict[str, object], list[str]]:
    if steps[0] in ("now", "beat", "bar"):
        return {"kind": steps[0]}, steps[1:]
    fields = {"phrase": "bars", "frame": "frame"}
    if steps[0] in fields and len(steps) > 1 and steps[1].isdecimal() and len(steps[1]) < 16:
        return {"kind": steps[0], fields[steps[0]]: int(steps[1])}, steps[2:]
    raise OscError("a time is one of /at/now /at/beat /at/bar /at/phrase/BARS /at/frame/N.")


class Space:
    """All addresses of all sessions."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self.focus: str | None = None
        self.rows: Final[dict[str, Row]] = {row.address: row for row in rows()}
        self._status = [name for name in STATUS if name not in NESTED]

    def session(self, name: str | None) -> Session:
        """The session of a name, or the one in focus.

        Raises:
            OscError: there is none.
        """
        names = self.sessions.names
        name = name or (self.focus if self.focus in names else next(iter(names), None))
        session = None if name is None else self.sessions.find(name)
        if session is None:
            there = ", ".join(names) or "none: a player opens one"
            raise OscError(f"there is no session {name or ''!r}; there are: {there}.")
        return session

    def named(self, pattern: str) -> list[str]:
        """All addresses that can be asked for and fit a pattern.

        Raises:
            OscError: none does.
        """
        known = [address for address, row in self.rows.items() if row.look is not None]
        known += [STATUS_ROOT + name for name in self._status]
        found = [address for address in known if matches(pattern, address)]
        if not found:
            raise OscError(f"nothing at {pattern} can be asked for. See /antiphon/schema.")
        return found

    def look(self, session: Session, address: str) -> Values:
        """What an address that `named` gave is now."""
        if address.startswith(STATUS_ROOT):
            value = session.player.status().get(address[len(STATUS_ROOT) :])
            return (value if isinstance(value, _PLAIN) else None,)
        look = self.rows[address].look
        assert look is not None, "`named` gives only what can be looked at"
        return look(session.changes.book)

    def looker(self, name: str | None, address: str) -> Callable[[], Values | None]:
        """Something that looks at an address whenever it is called; None while there is nothing."""

        def look() -> Values | None:
            try:
                return self.look(self.session(name), address)
            except OscError:
                return None

        return look
