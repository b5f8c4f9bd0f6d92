"""All sessions of a server: opened, found by name or key, parked, expired, closed.

In:  names and what a first player wants. Out: sessions, each with a player of its own on the one
loaded bundle. To open or to end one takes a while, so that happens on a worker, and a turn finds
out about it. Bounded by `capacity`. On the server's thread; time is told.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Final, NamedTuple

from bridge.errors import Refusal
from bridge.player import Player
from bridge.session import Session
from engine import Command, HostBlock


class Wanted(NamedTuple):
    """What a new session is to be."""

    name: str
    rate: int  # Hz
    channels: int
    seed: int
    listens: bool = False  # whether there will be input
    settings: tuple[Command, ...] = ()  # in force from its first frame on
    song: HostBlock | None = None  # where its song is, in its own samples


CLOSING_SECONDS: Final = 5.0  # ten times what a player takes to stop

Opener = Callable[[Wanted], Player]  # runs on the worker; raises AntiphonError


@dataclass(frozen=True)
class Opened:
    """How an opening ended: with a session, or with what went wrong."""

    name: str
    session: Session | None
    fault: BaseException | None = None


class Sessions:
    """The sessions of one server."""

    def __init__(
        self, opener: Opener, worker: Executor, *, capacity: int, expire_seconds: float
    ) -> None:
        self.capacity, self.expire_seconds = capacity, expire_seconds
        self._opener, self._worker = opener, worker
        self._sessions: dict[str, Session] = {}
        self._opening: dict[str, tuple[Wanted, Future[Player]]] = {}
        self._closing: list[Future[None]] = []
        self._numbers = count(1)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def names(self) -> list[str]:
        """Of the sessions that are open, oldest first."""
        return list(self._sessions)

    @property
    def is_busy(self) -> bool:
        """Whether something is being opened or closed."""
        return bool(self._opening or self._closing)

    def find(self, name: str) -> Session | None:
        """The session of a name."""
        return self._sessions.get(name)

    def by_key(self, key: bytes) -> Session | None:
        """The session whose player was given a key."""
        return next((found for found in self._sessions.values() if key and found.key == key), None)

    def is_opening(self, name: str) -> bool:
        """Whether a session of that name is being opened."""
        return name in self._opening

    def new_name(self) -> str:
        """A name that nothing has."""
        return next(
            name
            for name in (f"session-{number}" for number in self._numbers)
            if name not in self._sessions and name not in self._opening
        )

    def open(self, wanted: Wanted) -> None:
        """Begin to open a session; `turn` tells when it is there.

        Raises:
            Refusal: "capacity".
        """
        if len(self._sessions) + len(self._opening) >= self.capacity:
            text = (
                f"{self.capacity} sessions are open, which is as many as this engine takes. "
                "End one, or serve with a larger --sessions."
            )
            raise Refusal("capacity", text)
        self._opening[wanted.name] = (wanted, self._worker.submit(self._opener, wanted))

    def close(self, session: Session) -> None:
        """End a session and save its take."""
        del self._sessions[session.name]
        session.park(0.0)
        self._closing.append(self._worker.submit(session.player.stop))

    def turn(self, now: float) -> tuple[list[Opened], list[Session]]:
        """Find out what was opened, and close what was parked for too long.

        Returns:
            What was opened or could not be, and what expired.
        """
        self._closing = [future for future in self._closing if not future.done()]
        opened = [
            self._end_opening(name)
            for name, (_, future) in list(self._opening.items())
            if future.done()
        ]
        expired = [
            session
            for session in self
            if session.parked_since is not None
            and session.is_parked
            and now - session.parked_since >= self.expire_seconds
        ]
        for session in expired:
            self.close(session)
        return opened, expired

    def close_all(self) -> None:
        """End every session, and wait until all takes are saved, or one hangs."""
        for _, future in self._opening.values():
            future.add_done_callback(_stop_if_opened)
        for session in self:
            self.close(session)
        for closing in self._closing:
            with suppress(TimeoutError):
                closing.exception(CLOSING_SECONDS)

    def _end_opening(self, name: str) -> Opened:
        wanted, future = self._opening.pop(name)
        fault = future.exception()
        if fault is not None:
            return Opened(name, None, fault)
        session = Session(name, future.result(), seed=wanted.seed, settings=wanted.settings)
        self._sessions[name] = session
        return Opened(name, session)


def _stop_if_opened(future: "Future[Player]") -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().stop()
