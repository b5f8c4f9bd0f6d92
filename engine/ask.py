"""Asks: a command with a time and a name, and the answer to it.

In and out: frozen records that go to JSON and back exactly. Knows nothing of the grid that a time
refers to; `engine.performer` finds the frame and the sample. Pure; any thread.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from engine import record
from engine.command import Command, Panic
from engine.errors import OptionError
from engine.params import PARAMETERS, Parameter

MAX_ID: Final = 64  # characters
_FRAME: Final = Parameter(name="frame", kind="integer", help="", high=2**40)
_PHRASE: Final = Parameter(name="bars of a phrase", kind="integer", help="", low=1, high=64)


@dataclass(frozen=True, kw_only=True)
class When:
    """The time of a change. Lines of the grid are met to the sample, frames at their start."""

    kind: Literal["now", "beat", "bar", "phrase", "frame"] = "now"
    frame: int | None = None  # for "frame": which; not negative
    bars: int | None = None  # for "phrase": its length, 1..64, counted from the song's start

    def __post_init__(self) -> None:
        if self.kind not in ("now", "beat", "bar", "phrase", "frame"):
            raise OptionError.of("when", self.kind, "one of now, beat, bar, phrase, frame")
        for name, kind, row in (("frame", "frame", _FRAME), ("bars", "phrase", _PHRASE)):
            value = getattr(self, name)
            if self.kind == kind:
                row.check(value)
            elif value is not None:
                raise OptionError.of(name, value, f"nothing with {self.kind!r}")

    def to_json(self) -> dict[str, Any]:
        """Its fields."""
        return record.write_fields(self)

    @staticmethod
    def from_json(found: object) -> "When":
        """Make it from its JSON.

        Raises:
            OptionError: unknown or missing field, wrong type, out of range, contradiction.
        """
        return record.read(When, found, "when")


NOW: Final = When()


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request."""

    id: str  # the asker's own name for it, 1..64 characters; the answer carries it
    command: Command
    when: When = NOW
    glide_seconds: float | None = None  # until it has fully arrived; None: as parameter "glide"

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not 1 <= len(self.id) <= MAX_ID:
            raise OptionError.of("id", self.id, f"text of 1 to {MAX_ID} characters")
        if not isinstance(self.command, Command) or not isinstance(self.when, When):
            raise OptionError.of("ask", (self.command, self.when), "a command and a time")
        if self.glide_seconds is not None:
            PARAMETERS["glide"].check(self.glide_seconds)
        if isinstance(self.command, Panic) and self.when != NOW:
            raise OptionError.of("time of a panic", self.when.kind, "now")

    def to_json(self) -> dict[str, Any]:
        """Its fields; the style of a prompt is not part of it."""
        return record.write_fields(self)

    @staticmethod
    def from_json(found: object) -> "Ask":
        """Make it from its JSON.

        Raises:
            OptionError: unknown or missing field, wrong type, out of range.
            PromptError: a prompt that cannot be read.
        """
        return record.read(Ask, found, "ask")


@dataclass(frozen=True, kw_only=True)
class Ack:
    """What became of a request."""

    id: str
    frame: int  # the first frame that obeys it, or at which it was given up
    sample: int  # of the output at the bundle's rate: where it is heard
    what: Literal["done", "replaced", "refused"]
    reason: str = ""  # why not, in words

    def to_json(self) -> dict[str, Any]:
        """Its fields."""
        return record.write_fields(self)
