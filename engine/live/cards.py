"""Sound cards as PortAudio lists them. The library is imported when it is asked for, not before.

In:  part of a card's name, or its number. Out: what the library knows of it, or an error in words.
"""

from types import ModuleType
from typing import Any, NamedTuple

from engine.errors import DeviceError


class Card(NamedTuple):
    """One device of the list."""

    number: int  # what --device takes
    name: str
    api: str
    inputs: int  # channels
    outputs: int
    rate: float  # Hz, its own
    is_default_input: bool
    is_default_output: bool


def cards() -> list[Card]:
    """All devices that PortAudio sees.

    Raises:
        DeviceError: no PortAudio.
    """
    sd = library()
    apis = [str(api["name"]) for api in sd.query_hostapis()]
    default_input, default_output = _default(sd, "input"), _default(sd, "output")
    return [
        Card(
            number=number,
            name=str(found["name"]),
            api=apis[found["hostapi"]],
            inputs=int(found["max_input_channels"]),
            outputs=int(found["max_output_channels"]),
            rate=float(found["default_samplerate"]),
            is_default_input=number == default_input,
            is_default_output=number == default_output,
        )
        for number, found in enumerate(sd.query_devices())
    ]


def library() -> ModuleType:
    """The binding to PortAudio.

    Raises:
        DeviceError: there is no PortAudio.
    """
    try:
        import sounddevice
    except OSError as exc:  # what the binding raises when PortAudio itself is missing
        raise DeviceError(
            "PortAudio is not installed, so there is no sound card. On Debian or Ubuntu: "
            "apt install libportaudio2. Without a sound card: antiphon live --null."
        ) from exc
    binding: ModuleType = sounddevice
    return binding


def find(sd: ModuleType, wanted: str | int | None, kind: str) -> dict[str, Any]:
    """Find the card that is meant, with channels of a kind.

    Args:
        sd: the binding.
        wanted: a number or part of a name; None: the system's default.
        kind: "output" or "input".

    Raises:
        DeviceError: there is none.
    """
    what = "plays" if kind == "output" else "listens"
    try:
        found: dict[str, Any] = sd.query_devices(wanted, kind)
    except (sd.PortAudioError, ValueError) as exc:
        name = "sound card" if wanted is None else f"device {wanted!r}"
        raise DeviceError(
            f"there is no {name} that {what} ({reason(exc)}). antiphon live --list-devices shows "
            "what is there; --null plays without one."
        ) from exc
    return found


def _default(sd: ModuleType, kind: str) -> int | None:
    try:
        return int(sd.query_devices(None, kind)["index"])
    except (sd.PortAudioError, ValueError):
        return None  # there is none


def lasting(sd: ModuleType, wanted: str | int | None, card: dict[str, Any]) -> str | None:
    """What names a card also after others came and went: indices move."""
    if isinstance(wanted, int):
        return f"{card['name']}, {sd.query_hostapis(card['hostapi'])['name']}"
    return wanted


def reason(error: Exception) -> str:
    """What the binding says, on one line."""
    return " ".join(str(error).split())
