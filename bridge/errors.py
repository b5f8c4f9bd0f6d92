"""Every error the bridge raises on purpose; `engine.AntiphonError` is above them all.

    AntiphonError
    └── BridgeError          what came over a socket, or could not be opened
        ├── WireError        an audio message that is no audio message of ours
        ├── Refusal          something asked for that is not done; it has a code that programs read
        ├── OscError         a datagram that is no OSC, or asks for what is not there
        ├── LinkError        an engine that cannot be reached, or is gone
        └── SecurityError    an address, a key or a folder that is not safe to use

A message says what, what was got, what was expected, and the next move.
"""

from engine import AntiphonError


class BridgeError(AntiphonError):
    """Base of everything the bridge raises on purpose."""


class WireError(BridgeError):
    """An audio message is malformed."""

    @classmethod
    def of(cls, name: str, got: object, expected: str) -> "WireError":
        """Say which field, what it was, and what it may be."""
        return cls(f"{name} of an audio message is {got!r}, expected {expected}.")


class Refusal(BridgeError):
    """Something that was asked for is not done.

    Args:
        code: one of `bridge.control.CODES`, for programs.
        text: what, got, expected and the next move, for people.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class OscError(BridgeError):
    """A datagram is no OSC, or asks for what is not there."""


class LinkError(BridgeError):
    """An engine cannot be reached, or is gone."""


class SecurityError(BridgeError):
    """An address, a key or a folder is not safe to use."""
