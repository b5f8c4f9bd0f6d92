"""The gate: answers libzmq's question whether a client that speaks CURVE may connect (ZAP, RFC 27).

In:  requests on the context's own in-process socket. Out: yes for a listed key, no for any other.
Polled by the server's loop like its other sockets; there is one gate to a context.
"""

from typing import Final

import zmq
import zmq.utils.z85

from bridge.security import DOMAIN, Keys

ENDPOINT: Final = "inproc://zeromq.zap.01"
_VERSION: Final = b"1.0"
_PARTS: Final = 7  # version, request, domain, address, identity, mechanism, key


class Gate:
    """Bound before the sockets that it guards. On the server's thread."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", keys: Keys) -> None:
        self._keys = keys
        self.turned_away = 0
        self.socket = context.socket(zmq.REP)
        self.socket.linger = 0
        self.socket.bind(ENDPOINT)

    def answer(self) -> None:
        """Answer one request."""
        parts = self.socket.recv_multipart()
        is_ours = len(parts) == _PARTS and parts[0] == _VERSION and parts[2] == DOMAIN
        is_known = is_ours and parts[5] == b"CURVE" and self._has(parts[6])
        self.turned_away += not is_known
        status = (b"200", b"OK") if is_known else (b"400", b"no key of this client is listed")
        request = parts[1] if len(parts) > 1 else b""
        self.socket.send_multipart([_VERSION, request, *status, b"", b""])

    def close(self) -> None:
        """Let nobody in any more."""
        self.socket.close()

    def _has(self, key: bytes) -> bool:
        return len(key) == 32 and zmq.utils.z85.encode(key) in self._keys.clients
