"""A client's sockets: to an engine that is named, or to the one that runs on this machine.

In:  where the engine is said to be, and keys where it wants them. Out: two ZeroMQ sockets that are
connected anew whenever the engine turns up elsewhere. Works with plain and with asyncio sockets;
knows nothing of what is said.
"""

import re
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

import zmq

from bridge.discovery import running
from bridge.errors import LinkError
from bridge.security import ClientKeys

HIGH_WATER: Final = 1_000  # messages
_ENDPOINT = re.compile(r"tcp://(?P<host>\[[0-9a-fA-F:.]+\]|[^:\[\]]+):(?P<port>\d{1,5})")


class SocketLike(Protocol):
    """What both kinds of socket have."""

    def setsockopt(self, option: int, value: int) -> None: ...
    def connect(self, endpoint: str) -> object: ...
    def close(self, linger: int | None = None) -> None: ...


S = TypeVar("S", bound=SocketLike)


class Link(Generic[S]):
    """Both sockets of one client."""

    def __init__(self, make: Callable[[], S], engine: str | None, keys: ClientKeys | None) -> None:
        """Connect nothing yet.

        Args:
            make: makes a DEALER socket.
            engine: the control endpoint, such as tcp://127.0.0.1:7450; None finds it.
            keys: needed where the engine asks for some.

        Raises:
            LinkError: that is no endpoint.
        """
        if engine is not None and not _ENDPOINT.fullmatch(engine):
            raise LinkError(f"engine is {engine!r}, expected something like tcp://127.0.0.1:7450.")
        self._make, self._engine, self._keys = make, engine, keys
        self._places: dict[str, str] = {}
        self._sockets: dict[str, S] = {}

    @property
    def control(self) -> S | None:
        """The control socket, once there is an engine."""
        return self._sockets.get("control")

    @property
    def audio(self) -> S | None:
        """The audio socket, once the engine said where."""
        return self._sockets.get("audio")

    def find(self) -> bool:
        """Connect to the engine, or to the one that took its place; whether there is any."""
        engine = self._engine or next((found.control for found in running()), None)
        if engine is not None:
            self._connect("control", engine)
        return engine is not None

    def open_audio(self, endpoint: str) -> None:
        """Connect to the audio socket that a `welcome` names, on the host that was reached."""
        found, reached = _ENDPOINT.fullmatch(endpoint), _ENDPOINT.fullmatch(self._places["control"])
        if found is None or reached is None:
            raise LinkError(f"the engine says that its audio is at {endpoint!r}.")
        self._connect("audio", f"tcp://{reached['host']}:{found['port']}")

    def close(self, linger_ms: int) -> None:
        """Close both; what was sent last has so long to leave."""
        for socket in self._sockets.values():
            socket.close(linger_ms)
        self._sockets.clear()
        self._places.clear()

    def _connect(self, which: str, endpoint: str) -> None:
        if self._places.get(which) == endpoint:
            return
        if which in self._sockets:
            self._sockets[which].close(0)
        socket = self._make()
        socket.setsockopt(zmq.IMMEDIATE, 1)  # nothing piles up for an engine that is not there
        socket.setsockopt(zmq.SNDHWM, HIGH_WATER)
        socket.setsockopt(zmq.RCVHWM, HIGH_WATER)
        socket.setsockopt(zmq.IPV6, "[" in endpoint)
        if self._keys is not None:
            self._keys.lock(socket)  # type: ignore[arg-type]
        socket.connect(endpoint)
        self._sockets[which], self._places[which] = socket, endpoint
