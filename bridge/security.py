"""Who may connect: loopback always, anyone else only with keys; and the folder with the keys.

In:  addresses, and a folder of key files. Out: a refusal that says what to do, or the options that
make a socket speak CURVE with the clients that have a key. A key file is one line of Z85; secret
ones are for their owner's eyes only (mode 600). Key names never come over a socket.

    engine.public  engine.secret                the engine's own; clients need the public one
    clients/NAME.public  clients/NAME.secret    NAME may connect; both go to that machine
"""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Final

import zmq

from bridge.errors import SecurityError

DOMAIN: Final = b"antiphon"
_KEY = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

Network = IPv4Network | IPv6Network


# --- addresses ------------------------------------------------------------------------------------


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def require_safe(host: str, keys: "Keys | None") -> None:
    """Refuse to listen where others can reach it, unless they need a key.

    Raises:
        SecurityError: not loopback, and no keys.
    """
    if keys is not None or is_loopback(host):
        return
    raise SecurityError(
        f"host is {host}, which other machines can reach, expected a loopback address such as "
        "127.0.0.1. To let others in, make keys with `antiphon keys --client NAME`, copy "
        "engine.public and the client's two files to the other machine, and serve with --keys."
    )


def require_allowed(host: str, allowed: Iterable[Network]) -> None:
    """Refuse to listen for OSC where others can reach it, unless they are listed.

    Raises:
        SecurityError: not loopback, and nobody is listed.
    """
    if is_loopback(host) or list(allowed):
        return
    raise SecurityError(
        f"the OSC host is {host}, which other machines can reach, expected a loopback address "
        "such as 127.0.0.1. OSC knows no keys: name the machines that may send, with --osc-allow "
        "192.168.1.20 or --osc-allow 192.168.1.0/24, as often as needed."
    )


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read addresses and networks.

    Raises:
        SecurityError: one is neither.
    """
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as exc:
        raise SecurityError(f"{exc}, expected 192.168.1.20 or 192.168.1.0/24.") from exc


def is_allowed(host: str, allowed: Iterable[Network]) -> bool:
    """Whether a datagram from an address is read."""
    if is_loopback(host):
        return True
    with suppress(ValueError):
        address = ip_address(host)
        return any(address in network for network in allowed)
    return False


# --- keys -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Keys:
    """An engine's key pair, and the public keys of who may connect."""

    public: bytes  # Z85
    secret: bytes = field(repr=False)
    clients: frozenset[bytes] = frozenset()

    def lock(self, socket: "zmq.Socket[bytes]") -> None:
        """Make a socket that is not bound yet speak CURVE, and ask the gate about every client."""
        socket.curve_server = True
        socket.curve_secretkey, socket.curve_publickey = self.secret, self.public
        socket.zap_domain = DOMAIN


@dataclass(frozen=True)
class ClientKeys:
    """What a client needs: its own pair, and the engine's public key."""

    engine: bytes
    public: bytes
    secret: bytes = field(repr=False)

    def lock(self, socket: "zmq.Socket[bytes]") -> None:
        """Make a socket that is not connected yet speak CURVE."""
        socket.curve_serverkey = self.engine
        socket.curve_secretkey, socket.curve_publickey = self.secret, self.public


def make_keys(folder: Path, client: str | None) -> list[Path]:
    """Make the engine's pair if there is none, and a client's.

    Args:
        folder: made if missing.
        client: name; None makes none.

    Returns:
        The files that were written.

    Raises:
        SecurityError: the name cannot be a file's, that client has keys already, or the folder
            cannot be written.
    """
    if client is not None and not _NAME.fullmatch(client):
        raise SecurityError(f"client is {client!r}, expected a name of letters, digits, - and _.")
    try:
        (folder / "clients").mkdir(mode=0o700, parents=True, exist_ok=True)
        written = []
        if not (folder / "engine.secret").exists():
            written += _write_pair(folder / "engine")
        if client is not None:
            written += _write_pair(folder / "clients" / client)
    except FileExistsError as exc:
        text = f"{exc.filename} is there already. Delete it to shut that client out for good."
        raise SecurityError(text) from exc
    except OSError as exc:
        raise SecurityError(f"{folder} cannot be written ({exc.strerror}).") from exc
    return written


def read_keys(folder: Path) -> Keys:
    """Read the engine's pair, and who may connect.

    Raises:
        SecurityError: a file is missing, is no key, or a secret can be read by others.
    """
    clients = sorted((folder / "clients").glob("*.public"))
    if not clients:
        raise SecurityError(
            f"{folder} has no clients/*.public, so nobody could connect. Make one with "
            "`antiphon keys --client NAME`."
        )
    return Keys(
        public=_read_key(folder / "engine.public"),
        secret=_read_secret(folder / "engine.secret"),
        clients=frozenset(_read_key(path) for path in clients),
    )


def read_client_keys(engine_public: Path, client: Path) -> ClientKeys:
    """Read a client's side.

    Args:
        engine_public: the engine's `engine.public`.
        client: the client's files without their endings: `clients/NAME`.

    Raises:
        SecurityError: as `read_keys`.
    """
    return ClientKeys(
        engine=_read_key(engine_public),
        public=_read_key(client.with_suffix(".public")),
        secret=_read_secret(client.with_suffix(".secret")),
    )


def _write_pair(stem: Path) -> list[Path]:
    public, secret = zmq.curve_keypair()
    paths = [stem.with_suffix(".secret"), stem.with_suffix(".public")]
    for path, key, mode in zip(paths, (secret, public), (0o600, 0o644), strict=True):
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
            file.write(key + b"\n")
    return paths


def _read_secret(path: Path) -> bytes:
    key = _read_key(path)
    if path.stat().st_mode & 0o077:
        raise SecurityError(f"{path} can be read by others. Say `chmod 600 {path}`.")
    return key


def _read_key(path: Path) -> bytes:
    try:
        with path.open(encoding="ascii") as file:
            text = file.read(64).strip()
    except (OSError, UnicodeDecodeError) as exc:
        text = f"key {path} cannot be read ({exc}). Make keys with `antiphon keys`."
        raise SecurityError(text) from exc
    if not _KEY.fullmatch(text):
        raise SecurityError(f"{path} holds no key, expected one line of 40 characters of Z85.")
    return text.encode()
