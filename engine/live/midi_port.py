"""MIDI ports: messages of every keyboard and controller, as they come.

In:  the names of ports, or parts of them; all if none is named. Out: each message with the second
it came, on the library's own thread. The library (extra `midi`) is imported when a port is asked
for, not before.
"""

from collections.abc import Callable, Sequence
from time import perf_counter
from types import ModuleType
from typing import Any, Final

from engine.errors import DeviceError

_PORT_ERRORS: Final = (OSError, RuntimeError, ValueError, MemoryError)  # rtmidi's are all of these
Hear = Callable[[Any, float], object]  # a mido message, and the second it came


def port_names() -> list[str]:
    """The inputs that this machine has.

    Raises:
        DeviceError: the library is missing, or the system has no MIDI.
    """
    return _names(_library())


class MidiPorts:
    """Open inputs."""

    def __init__(
        self, wanted: Sequence[str], hear: Hear, *, now: Callable[[], float] = perf_counter
    ) -> None:
        """Open ports and begin to hear.

        Args:
            wanted: parts of names; empty: every input there is.
            hear: called for each message. [midi-thread]
            now: seconds, for the messages.

        Raises:
            DeviceError: the library is missing, no such port, or it cannot be opened.
        """
        mido = _library()
        there = _names(mido)
        self.names = [_find(name, there) for name in wanted] or there
        if not self.names:
            raise DeviceError("there is no MIDI input. Plug one in, or leave --midi out.")
        self._ports: list[Any] = []
        for name in self.names:
            try:
                port = mido.open_input(name, callback=lambda message: hear(message, now()))
            except _PORT_ERRORS as exc:
                self.close()
                raise DeviceError(f"MIDI input {name!r} cannot be opened ({exc}).") from exc
            self._ports.append(port)

    def close(self) -> None:
        """Close all; nothing is heard after this returns."""
        while self._ports:
            self._ports.pop().close()


def _library() -> ModuleType:
    try:
        import mido

        mido.backend.load()  # rtmidi, unless the environment names another
    except ImportError as exc:
        raise DeviceError(
            f"MIDI needs libraries that are not installed ({exc.name or exc}). "
            "Try: pip install 'antiphon[midi]', or leave --midi out."
        ) from exc
    library: ModuleType = mido
    return library


def _names(mido: ModuleType) -> list[str]:
    try:
        found: list[str] = mido.get_input_names()
    except _PORT_ERRORS as exc:
        raise DeviceError(f"this system gives no access to MIDI ({exc}).") from exc
    return list(dict.fromkeys(found))


def _find(wanted: str, there: list[str]) -> str:
    fitting = [name for name in there if wanted.casefold() in name.casefold()]
    exact = [name for name in there if name == wanted]
    if not fitting:
        listed = ", ".join(repr(name) for name in there) or "none"
        raise DeviceError(f"there is no MIDI input {wanted!r}; there are: {listed}.")
    return (exact or fitting)[0]
