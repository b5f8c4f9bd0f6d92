"""The sockets of a server: bound to free ports, and one way to receive and to send on each.

In:  an address and a first port. Out: a control and an audio socket (ZeroMQ ROUTER), one for OSC
(UDP), and where they are. If another program has a port, the next ones are tried and whatever was
found is announced. On the server's thread; nothing here waits but `poll`.
"""

import socket as net
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, Literal

import zmq

from bridge.errors import BridgeError
from bridge.gate import Gate
from bridge.limits import MAX_CONTROL_BYTES, MAX_DATAGRAM_BYTES, OSC_BUFFER_BYTES
from bridge.security import Keys
from bridge.wire import MAX_MESSAGE_BYTES

CONTROL_PORT: Final = 7450  # audio is one above it
OSC_PORT: Final = 7460  # replies go to one above it
TRIES: Final = 100
HIGH_WATER: Final = 1_000  # messages of one client; credit keeps audio far below it
ROOM_FOR_NONSENSE: Final = 2  # times the largest message: what is a little too long is answered
PING_MS, GONE_MS = 1_000, 4_000  # libzmq's own heartbeat, for connections that died silently
LINGER_MS: Final = 300  # for farewells

Which = Literal["control", "audio"]
Socket = zmq.Socket[bytes]


class Sockets:
    """All sockets of one server."""

    def __init__(
        self, host: str, port: int, osc_host: str, osc_port: int, keys: Keys | None = None
    ) -> None:
        """Bind them.

        Args:
            host: of control and audio.
            port: the first to try for control; audio is one above. 0 takes any two.
            osc_host: of OSC.
            osc_port: the first to try; 0 takes any.
            keys: what control and audio are locked with.

        Raises:
            BridgeError: no port is free, or the host is not this machine's.
        """
        self._context: zmq.Context[Socket] = zmq.Context()
        self.gate = None if keys is None else Gate(self._context, keys)
        self._poller = zmq.Poller()
        try:
            self._zmq = self._bind_both(host, port, keys)
            self.osc = _bind_osc(osc_host, osc_port)
        except BaseException:
            self._context.destroy(linger=0)
            raise
        for one in (*self._zmq.values(), self.osc):
            self._poller.register(one, zmq.POLLIN)
        if self.gate is not None:
            self._poller.register(self.gate.socket, zmq.POLLIN)

    # --- where ----------------------------------------------------------------------------------

    def endpoint(self, which: Which) -> str:
        """Where a client connects."""
        return self._zmq[which].get_string(zmq.LAST_ENDPOINT).rstrip("\0")

    @property
    def osc_address(self) -> tuple[str, int]:
        """Where datagrams go."""
        host, port, *_ = self.osc.getsockname()
        return host, port

    # --- receiving ------------------------------------------------------------------------------

    def poll(self, wait_ms: int) -> None:
        """Wait until something is there, and let clients through the gate."""
        for found, _ in self._poller.poll(wait_ms):
            if self.gate is not None and found is self.gate.socket:
                self.gate.answer()

    def parts(self, which: Which, budget: int) -> Iterator[tuple[bytes, bytes]]:
        """Take out what came over a ZeroMQ socket: connection and part, so many at most.

        A message of several parts is none of ours; it comes as an empty part, to be refused.
        """
        for _ in range(budget):
            try:
                connection, *parts = self._zmq[which].recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            yield connection, parts[0] if len(parts) == 1 else b""

    def datagrams(self, budget: int) -> Iterator[tuple[bytes, tuple[str, int]]]:
        """Take out what came over UDP: datagram and sender, so many at most.

        One that is too long comes with one byte more than is allowed, to be refused.
        """
        for _ in range(budget):
            try:
                datagram, (host, port, *_) = self.osc.recvfrom(MAX_DATAGRAM_BYTES + 1)
            except (BlockingIOError, ConnectionError):
                return
            yield datagram, (host, port)

    # --- sending --------------------------------------------------------------------------------

    def send(self, which: Which, connection: bytes, part: bytes) -> bool:
        """Send a part; False if the connection is gone, or takes no more."""
        try:
            self._zmq[which].send_multipart((connection, part), zmq.DONTWAIT)
        except (zmq.Again, zmq.ZMQError):
            return False
        return True

    def send_datagram(self, datagram: bytes, address: tuple[str, int]) -> bool:
        """Send a datagram; False if the system does not."""
        with suppress(OSError):
            self.osc.sendto(datagram, address)
            return True
        return False

    def close(self) -> None:
        """Close all; what was sent last has a moment to leave."""
        self.osc.close()
        for one in self._zmq.values():
            one.close(linger=LINGER_MS)
        if self.gate is not None:
            self.gate.close()
        self._context.term()

    # --- binding --------------------------------------------------------------------------------

    def _bind_both(self, host: str, port: int, keys: Keys | None) -> dict[Which, Socket]:
        for first in [0] if port == 0 else range(port, min(port + 2 * TRIES, 65_535), 2):
            control, audio = self._router(host, keys), self._router(host, keys)
            try:
                _bind(control, host, first)
                _bind(audio, host, first and first + 1)
            except zmq.ZMQError as exc:
                control.close(0)
                audio.close(0)
                if exc.errno != zmq.EADDRINUSE:
                    text = f"{host} port {first} cannot be listened on ({exc.strerror})."
                    raise BridgeError(text) from exc
                continue
            return {"control": control, "audio": audio}
        raise BridgeError(f"no two free ports from {port} on. Name another with --port.")

    def _router(self, host: str, keys: Keys | None) -> Socket:
        made = self._context.socket(zmq.ROUTER)
        made.setsockopt(zmq.ROUTER_MANDATORY, 1)  # a client that is gone is an error, not silence
        made.setsockopt(zmq.SNDHWM, HIGH_WATER)
        made.setsockopt(zmq.RCVHWM, HIGH_WATER)
        largest = max(MAX_CONTROL_BYTES, MAX_MESSAGE_BYTES)
        made.setsockopt(zmq.MAXMSGSIZE, ROOM_FOR_NONSENSE * largest)
        made.setsockopt(zmq.HEARTBEAT_IVL, PING_MS)
        made.setsockopt(zmq.HEARTBEAT_TIMEOUT, GONE_MS)
        made.setsockopt(zmq.IPV6, ":" in host)
        if keys is not None:
            keys.lock(made)
        return made


def _bind(socket: Socket, host: str, port: int) -> None:
    name = f"[{host}]" if ":" in host else host
    socket.bind(f"tcp://{name}:{port or '*'}")


def _bind_osc(host: str, port: int) -> net.socket:
    family = net.AF_INET6 if ":" in host else net.AF_INET
    for one in [0] if port == 0 else range(port, min(port + 2 * TRIES, 65_535), 2):
        made = net.socket(family, net.SOCK_DGRAM)
        made.setblocking(False)
        made.setsockopt(net.SOL_SOCKET, net.SO_RCVBUF, OSC_BUFFER_BYTES)
        try:
            made.bind((host, one))
        except OSError as exc:
            made.close()
            if exc.errno != zmq.EADDRINUSE:
                text = f"OSC on {host} port {one} is not possible ({exc.strerror})."
                raise BridgeError(text) from exc
            continue
        return made
    raise BridgeError(f"no free port for OSC from {port} on. Name another with --osc-port.")
