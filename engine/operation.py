"""Operations: everything that a performer can be told, as records that can be kept and repeated.

In and out: frozen records with the performer's next frame at the moment they were carried out; to
JSON and back exactly. Whoever plays live carries out an operation and writes the same record to the
control log; a replay carries it out at the same frame. There is no other way to change what sounds,
so both are the same performance.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine import record
from engine.ask import Ask
from engine.clock import Transport
from engine.errors import OptionError
from engine.params import Parameter
from engine.performer import Performer
from engine.row import Vector

Audio = NDArray[np.float32]
InputAt = Callable[[int], Audio]  # first sample of the input -> [C, F]

MAX_FRAME: Final = 2**40  # as in `engine.ask`
MAX_TEXT: Final = 2_000  # characters of a mark
_FRAME: Final = Parameter(name="frame", kind="integer", help="", high=MAX_FRAME)
_SAMPLE: Final = Parameter(name="sample", kind="integer", help="", high=2**48)
_LEVEL: Final = Parameter(name="level", kind="integer", help="", high=2)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """Anything that a performer can be told. `op` is its name in JSON."""

    op: ClassVar[str]
    frame: int  # the performer's next frame when it was carried out

    def __post_init__(self) -> None:
        _FRAME.check(self.frame)

    def carry_out(self, performer: Performer, input_at: InputAt) -> None:
        """Tell a performer.

        Args:
            performer: stands before `frame`.
            input_at: what was heard, by its first sample.

        Raises:
            AntiphonError: the performer refuses.
        """

    def to_json(self) -> dict[str, Any]:
        """Its name and its fields."""
        return {"op": self.op, **record.write_fields(self)}

    @staticmethod
    def from_json(found: object) -> "Operation":
        """Make any operation from its JSON.

        Raises:
            OptionError, PromptError, ShapeError: what no operation wrote.
        """
        if not isinstance(found, dict) or found.get("op") not in _KINDS:
            got = found.get("op") if isinstance(found, dict) else found
            raise OptionError.of("op", got, f"one of {', '.join(_KINDS)}")
        rest = {name: value for name, value in found.items() if name != "op"}
        return record.read(_KINDS[found["op"]], rest, found["op"])


@dataclass(frozen=True, kw_only=True)
class Asked(Operation):
    """A request came."""

    op: ClassVar[str] = "ask"
    ask: Ask
    style: Vector | None = None  # [STYLE_WIDTH] of a prompt's words
    since: int | None = None  # the frame that was being heard

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.since is not None:
            _FRAME.check(self.since)

    def carry_out(self, performer: Performer, input_at: InputAt) -> None:
        """See `Performer.ask`."""
        performer.ask(self.ask, self.style, since=self.since)


@dataclass(frozen=True, kw_only=True)
class Moved(Operation):
    """The transport did something that was not predicted."""

    op: ClassVar[str] = "transport"
    transport: Transport
    is_hosted: bool = True

    def carry_out(self, performer: Performer, input_at: InputAt) -> None:
        """See `Performer.set_transport`."""
        performer.set_transport(self.transport, is_hosted=self.is_hosted)


@dataclass(frozen=True, kw_only=True)
class Heard(Operation):
    """A frame of input was there. Its sound lies beside the log."""

    op: ClassVar[str] = "hear"
    sample: int  # the first of the frame, in the file of what was heard

    def __post_init__(self) -> None:
        super().__post_init__()
        _SAMPLE.check(self.sample)

    def carry_out(self, performer: Performer, input_at: InputAt) -> None:
        """See `Performer.hear`."""
        performer.hear(input_at(self.sample))


@dataclass(frozen=True, kw_only=True)
class Missed(Operation):
    """Frames went by without an input."""

    op: ClassVar[str] = "miss"
    frames: int

    def __post_init__(self) -> None:
        super().__post_init__()
        _FRAME.check(self.frames)

    def carry_out(self, performer: Performer, input_at: InputAt) -> None:
        """See `Performer.miss`."""
        performer.miss(self.frames)


@dataclass(frozen=True, kw_only=True, eq=False)
class Felt(Operation):
    """The style of what is heard was taken."""

    op: ClassVar[str] = "feel"
    style: Vector  # [STYLE_WIDTH] unit norm

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "style", record.unit_style(self.style))

    def carry_out(self, performer: Performer, input_at: InputAt) -> None:
        """See `Performer.feel`."""
        performer.feel(self.style)


@dataclass(frozen=True, kw_only=True)
class Rewound(Operation):
    """Frames that nobody had heard were to be made again."""

    op: ClassVar[str] = "rewind"
    to: int

    def __post_init__(self) -> None:
        super().__post_init__()
        _FRAME.check(self.to)

    def carry_out(self, performer: Performer, input_at: InputAt) -> None:
        """See `Performer.rewind`."""
        performer.rewind(self.to)


@dataclass(frozen=True, kw_only=True)
class Shed(Operation):
    """Time ran short, or there was enough again."""

    op: ClassVar[str] = "shed"
    level: int

    def __post_init__(self) -> None:
        super().__post_init__()
        _LEVEL.check(self.level)

    def carry_out(self, performer: Performer, input_at: InputAt) -> None:
        """See `Performer.shed`."""
        performer.shed(self.level)


@dataclass(frozen=True, kw_only=True)
class Marked(Operation):
    """Somebody left a note. It changes nothing."""

    op: ClassVar[str] = "mark"
    text: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.text) > MAX_TEXT:
            raise OptionError.of("length of a mark", len(self.text), f"at most {MAX_TEXT:,}")


@dataclass(frozen=True, kw_only=True)
class Ended(Operation):
    """The performance was over. Frames before `frame` were made."""

    op: ClassVar[str] = "end"


_KINDS: Final[dict[str, type[Operation]]] = {
    kind.op: kind for kind in (Asked, Moved, Heard, Missed, Felt, Rewound, Shed, Marked, Ended)
}
