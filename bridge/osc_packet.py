"""OSC datagrams: bytes to messages and back, with python-osc's types underneath.

In:  a datagram: one message, or a bundle of them with a time. Out: addresses with arguments.
Bundles are walked here: python-osc 1.10 never ends on a negative size, and goes as deep as it is
told. Whatever is no OSC, or more than the bounds allow, is an `OscError`. Pure; any thread.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import Any, Final, NamedTuple

from pythonosc.parsing import osc_types

from bridge.errors import OscError
from bridge.limits import (
    MAX_BUNDLE_DEPTH,
    MAX_BUNDLE_MESSAGES,
    MAX_DATAGRAM_BYTES,
    MAX_OSC_ARGUMENTS,
    MAX_SENT_DATAGRAM_BYTES,
)

Argument = str | int | float | bool | None

_BUNDLE: Final = b"#bundle\0"
_ADDRESS = re.compile(r"/[!-~]{1,255}")
_MOST_FLOAT: Final = 3.4e38  # that fits 32 bits
_IMMEDIATELY: Final = 1  # the time tag that means now
_SECONDS_1900_TO_1970: Final = 2_208_988_800

_Getter = Callable[[bytes, int], tuple[Any, int]]


def _get_float(part: bytes, place: int) -> tuple[float, int]:
    """Read 32 bits as the number that was meant: 97.3 and not 97.30000305175781."""
    value, place = osc_types.get_float(part, place)
    return float(f"{value:.7g}"), place


_SIZED: Final[dict[str, _Getter]] = {
    "i": osc_types.get_int,
    "h": osc_types.get_int64,
    "f": _get_float,
    "d": osc_types.get_double,
    "s": osc_types.get_string,
}
_PLAIN: Final[dict[str, Argument]] = {"T": True, "F": False, "N": None}


class OscMessage(NamedTuple):
    """One message."""

    address: str
    arguments: tuple[Argument, ...]
    time: float | None = None  # seconds since 1970 at which it is to happen; None: at once


def read(datagram: bytes) -> list[OscMessage]:
    """Read a datagram.

    Raises:
        OscError: it is no OSC, or more of it than the bounds allow.
    """
    if len(datagram) > MAX_DATAGRAM_BYTES:
        raise OscError(f"the datagram has more than {MAX_DATAGRAM_BYTES:,} bytes.")
    try:
        messages = list(_walk(datagram, None, MAX_BUNDLE_DEPTH))
    except (osc_types.ParseError, ValueError) as exc:  # of UTF-8, too
        raise OscError(f"the datagram is no OSC ({exc}).") from exc
    if len(messages) > MAX_BUNDLE_MESSAGES:
        raise OscError(f"the bundle has more than {MAX_BUNDLE_MESSAGES} messages.")
    return messages


def write(address: str, arguments: Sequence[Argument]) -> bytes:
    """Lay a message out; texts are cut so that it fits an Ethernet frame."""
    tags, data = ",", b""
    for argument in arguments:
        tag, part = _laid_out(argument)
        tags, data = tags + tag, data + part
    head = osc_types.write_string(address) + osc_types.write_string(tags)
    return head + data


def _walk(part: bytes, time: float | None, depth: int) -> Iterator[OscMessage]:
    if not part.startswith(_BUNDLE):
        yield _message(part, time)
        return
    if depth == 0:
        raise OscError(f"bundles lie in bundles more than {MAX_BUNDLE_DEPTH} deep.")
    tag, place = osc_types.get_uint64(part, len(_BUNDLE))
    time = None if tag == _IMMEDIATELY else tag / 2**32 - _SECONDS_1900_TO_1970
    while place < len(part):
        size, place = osc_types.get_int(part, place)
        if not 0 < size <= len(part) - place:
            raise OscError(f"a part of the bundle has {size} bytes, {len(part) - place} are there.")
        yield from _walk(part[place : place + size], time, depth - 1)
        place += size


def _message(part: bytes, time: float | None) -> OscMessage:
    address, place = osc_types.get_string(part, 0)
    if not _ADDRESS.fullmatch(address):
        raise OscError("the address is not / and up to 255 visible ASCII characters.")
    if place == len(part):
        return OscMessage(address, (), time)
    tags, place = osc_types.get_string(part, place)
    if not tags.startswith(",") or len(tags) > 1 + MAX_OSC_ARGUMENTS:
        expected = f"a comma and the types of up to {MAX_OSC_ARGUMENTS} arguments"
        raise OscError(f"{address} has types {tags[:40]!r}, expected {expected}.")
    arguments: list[Argument] = []
    for tag in tags[1:]:
        if tag in _SIZED:
            value, place = _SIZED[tag](part, place)
            arguments.append(value)
        elif tag in _PLAIN:
            arguments.append(_PLAIN[tag])
        else:
            raise OscError(f"{address} has an argument of type {tag!r}, expected i h f d s T F N.")
    return OscMessage(address, tuple(arguments), time)


def _laid_out(argument: Argument) -> tuple[str, bytes]:
    if argument is None:
        return "N", b""
    if isinstance(argument, bool):
        return "T" if argument else "F", b""
    if isinstance(argument, int):
        is_long = not -(2**31) <= argument < 2**31
        return (
            ("h", osc_types.write_int64(argument))
            if is_long
            else (
                "i",
                osc_types.write_int(argument),
            )
        )
    if isinstance(argument, float):
        if _MOST_FLOAT < abs(argument) < inf:
            return "d", osc_types.write_double(argument)
        return "f", osc_types.write_float(argument)
    return "s", osc_types.write_string(_cut(argument))


def _cut(text: str) -> str:
    """As much of a text as fits beside the rest of a message."""
    most = MAX_SENT_DATAGRAM_BYTES - 600
    return text.replace("\0", "").encode("utf-8", "replace")[:most].decode("utf-8", "ignore")
