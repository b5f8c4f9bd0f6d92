"""Commands: what can be asked of the music while it plays.

Each is frozen, checked when it is made, and goes to JSON and back exactly. `slot` says what it is
about: of two that wait with the same slot, the newer replaces the older and goes to the end of the
queue. A command knows neither its time nor its effect; `engine.ask` gives it a time, and
`engine.desk` obeys it. Pure; any thread.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final, Literal

from engine import params, record
from engine.errors import OptionError
from engine.params import PARAMETERS, Parameter, Value
from engine.prompt_parser import MAX_CHARACTERS, ParsedPrompt, parse
from engine.row import Vector
from engine.spec import (
    CODEBOOK_SIZE,
    FAMILIES,
    FRAME_RATE,
    LEVELS,
    PITCH_CLASSES,
    PITCHES,
    QUALITY_NAMES,
)

SLOTS: Final = 8  # prompts that can be held ready and mixed, numbered from 1
FREEZE_MAX_BARS: Final = 16
MAX_PRIME_FRAMES: Final = 12 * FRAME_RATE  # more than any model remembers

Mode = Literal["play", "listen", "continue", "answer"]
MODES: Final[tuple[Mode, ...]] = ("play", "listen", "continue", "answer")


def _whole(name: str, low: int, high: int) -> Parameter:
    return Parameter(name=name, kind="integer", help="", low=low, high=high)


def _choice(name: str, choices: tuple[str, ...]) -> Parameter:
    return Parameter(name=name, kind="choice", help="", choices=choices)


_INDEX: Final = _whole("prompt index", 1, SLOTS)
_PITCH: Final = _whole("pitch", 0, PITCHES - 1)
_BARS: Final = _whole("bars to freeze", 0, FREEZE_MAX_BARS)
_WEIGHT: Final = Parameter(name="weight", kind="number", help="", low=-2.0, high=2.0)
_PRIME_FRAMES: Final = _whole("frames of a take", 1, MAX_PRIME_FRAMES)
_LOUDNESS: Final = Parameter(name="loudness", kind="number", help="", low=-120.0, high=18.0)
_BEAT: Final = Parameter(name="beat", kind="number", help="", low=-1e6, high=1e6)
_ROOT: Final = _choice("chord root", PITCH_CLASSES)
_QUALITY: Final = _choice("chord quality", QUALITY_NAMES)
_MODE: Final = _choice("mode", MODES)


@dataclass(frozen=True, kw_only=True)
class Command:
    """Anything that can be asked. `kind` is its name in JSON."""

    kind: ClassVar[str]

    @property
    def slot(self) -> tuple[str | int, ...]:
        """What it is about."""
        return (self.kind,)

    def to_json(self) -> dict[str, Any]:
        """Its kind and its fields."""
        return {"kind": self.kind, **record.write_fields(self)}

    @staticmethod
    def from_json(found: object) -> "Command":
        """Make any command from its JSON.

        Raises:
            OptionError: unknown kind, unknown or missing field, wrong type, out of range.
            PromptError: a prompt that cannot be read.
        """
        if not isinstance(found, dict) or not isinstance(found.get("kind"), str):
            raise OptionError.of("command", found, "an object with a kind")
        kind = found["kind"]
        if kind not in _KINDS:
            raise OptionError.of("kind of command", kind, f"one of {', '.join(_KINDS)}")
        rest = {name: value for name, value in found.items() if name != "kind"}
        return record.read(_KINDS[kind], rest, f"command {kind}")


@dataclass(frozen=True, kw_only=True)
class Fill(Command):
    """Put something into a slot: the base of `SetPrompt` and `SetStyle`."""

    index: int  # 1..SLOTS

    def __post_init__(self) -> None:
        _INDEX.check(self.index)

    @property
    def slot(self) -> tuple[str | int, ...]:
        """The slot, whatever fills it."""
        return ("prompt", self.index)


@dataclass(frozen=True, kw_only=True)
class SetPrompt(Fill):
    """Put a text prompt into a slot; white space alone empties it."""

    kind: ClassVar[str] = "prompt"
    text: str  # as typed, at most 2,000 characters

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.text, str):
            raise OptionError.of("prompt", self.text, "text")
        _ = self.parsed  # refuses what cannot be read

    @cached_property
    def parsed(self) -> ParsedPrompt | None:
        """What it says; None when it empties the slot.

        Where `parsed.text` is not empty, its style must come along when the command is obeyed.
        """
        is_blank = not self.text.strip() and len(self.text) <= MAX_CHARACTERS
        return None if is_blank else parse(self.text)


@dataclass(frozen=True, kw_only=True, eq=False)
class SetStyle(Fill):
    """Put a style that was made elsewhere into a slot: of a clip, a picture, what is playing."""

    kind: ClassVar[str] = "style"
    style: Vector  # [STYLE_WIDTH] float32, unit norm; kept as a copy that is not writeable
    said: str  # what to call it in a status line

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_said(self.said)
        object.__setattr__(self, "style", record.unit_style(self.style))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SetStyle) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[int, bytes, str]:
        return (self.index, self.style.tobytes(), self.said)


@dataclass(frozen=True, kw_only=True)
class SetHeard(Fill):
    """Put the style of what is heard into a slot."""

    kind: ClassVar[str] = "heard"


@dataclass(frozen=True, kw_only=True)
class SetWeight(Command):
    """Say how much of a slot is in the mix; negative pushes away from it."""

    kind: ClassVar[str] = "weight"
    index: int  # 1..SLOTS
    weight: float  # -2..2

    def __post_init__(self) -> None:
        _INDEX.check(self.index)
        _WEIGHT.check(self.weight)

    @property
    def slot(self) -> tuple[str | int, ...]:
        """The slot's weight."""
        return (self.kind, self.index)


@dataclass(frozen=True, kw_only=True)
class Pick(Command):
    """Give one slot weight 1 and all others 0."""

    kind: ClassVar[str] = "pick"
    index: int  # 1..SLOTS

    def __post_init__(self) -> None:
        _INDEX.check(self.index)


@dataclass(frozen=True, kw_only=True)
class SetParam(Command):
    """Turn a row of `engine.params.PARAMETERS`."""

    kind: ClassVar[str] = "param"
    name: str
    value: Value | None  # None: as the music was opened, or as the prompt says

    def __post_init__(self) -> None:
        params.check(self.name, self.value)

    @property
    def slot(self) -> tuple[str | int, ...]:
        """The parameter."""
        return (self.kind, self.name)


@dataclass(frozen=True, kw_only=True)
class SetChord(Command):
    """Ask for a chord until another is asked for."""

    kind: ClassVar[str] = "chord"
    root: str | None  # one of spec.PITCH_CLASSES; None leaves the harmony to the model
    quality: str = "maj"  # one of spec.QUALITY_NAMES

    def __post_init__(self) -> None:
        if self.root is not None:
            _ROOT.check(self.root)
        _QUALITY.check(self.quality)


@dataclass(frozen=True, kw_only=True)
class SetNotes(Command):
    """Hold exactly these pitches: new ones begin, those held already go on, others end."""

    kind: ClassVar[str] = "notes"
    pitches: tuple[int, ...]  # MIDI notes, 0..127; empty ends them all

    def __post_init__(self) -> None:
        if not isinstance(self.pitches, tuple):
            raise OptionError.of("pitches", self.pitches, "a tuple of pitches")
        for pitch in self.pitches:
            _PITCH.check(pitch)


@dataclass(frozen=True, kw_only=True)
class NoteOn(Command):
    """Begin a pitch, also where it is held already."""

    kind: ClassVar[str] = "note_on"
    pitch: int  # MIDI note, 0..127

    def __post_init__(self) -> None:
        _PITCH.check(self.pitch)

    @property
    def slot(self) -> tuple[str | int, ...]:
        """Beginnings of this pitch; a short note's end must not replace its beginning."""
        return (self.kind, self.pitch)


@dataclass(frozen=True, kw_only=True)
class NoteOff(Command):
    """End a pitch. One that began on the same frame still sounds for that frame."""

    kind: ClassVar[str] = "note_off"
    pitch: int  # MIDI note, 0..127

    def __post_init__(self) -> None:
        _PITCH.check(self.pitch)

    @property
    def slot(self) -> tuple[str | int, ...]:
        """Ends of this pitch."""
        return (self.kind, self.pitch)


@dataclass(frozen=True, kw_only=True)
class SetFamilies(Command):
    """Ask for instruments and refuse others by hand; both empty leaves it to the prompt again."""

    kind: ClassVar[str] = "families"
    asked: tuple[str, ...] = ()  # of spec.FAMILIES
    refused: tuple[str, ...] = ()  # of spec.FAMILIES, none of them asked

    def __post_init__(self) -> None:
        for names in (self.asked, self.refused):
            if not isinstance(names, tuple):
                raise OptionError.of("instrument families", names, "a tuple of names")
            for name in names:
                if name not in FAMILIES:
                    expected = f"one of {', '.join(FAMILIES)}"
                    raise OptionError.of("instrument family", name, expected)
        if both := set(self.asked) & set(self.refused):
            raise OptionError.of("instrument family", min(both), "asked for or refused, not both")


@dataclass(frozen=True, kw_only=True)
class SetMode(Command):
    """Play, listen, continue what is heard, or answer it in turns of so many bars."""

    kind: ClassVar[str] = "mode"
    mode: Mode
    call_bars: int | None = None  # None: as before; else as parameter "call_bars"
    response_bars: int | None = None

    def __post_init__(self) -> None:
        _MODE.check(self.mode)
        for name in ("call_bars", "response_bars"):
            if getattr(self, name) is not None:
                PARAMETERS[name].check(getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class Freeze(Command):
    """Repeat the last bars as they were made, until 0 bars are asked for."""

    kind: ClassVar[str] = "freeze"
    bars: int  # 0..FREEZE_MAX_BARS; 0 goes on with new music

    def __post_init__(self) -> None:
        _BARS.check(self.bars)


@dataclass(frozen=True, kw_only=True, eq=False)
class Prime(Command):
    """Go on from a take, as `engine.listening.take` understood it. It takes effect once followed.

    Where nobody says a tempo, the song goes on in the take's, and its style and key hold where
    nobody asks for others. A mode that listens becomes `continue`.
    """

    kind: ClassVar[str] = "prime"
    said: str  # what to call it
    tokens: tuple[tuple[int, ...], ...]  # 13 codes of each of 1 to 300 frames, the last
    loudness_db: float  # of its last 3 s, K-weighted; -120..18
    tempo_bpm: float | None = None  # None: not certain, as with the rest
    beat: float = 0.0  # beats counted at its end; a multiple of a bar's is a bar line
    key: str | None = None  # one of spec.KEYS
    style: Vector | None = None  # [STYLE_WIDTH] float32, unit norm

    def __post_init__(self) -> None:
        _check_said(self.said)
        _PRIME_FRAMES.check(len(self.tokens))
        for frame in self.tokens:
            if len(frame) != LEVELS or not all(0 <= code < CODEBOOK_SIZE for code in frame):
                raise OptionError.of("a frame of a take", frame, f"{LEVELS} codes")
        _LOUDNESS.check(self.loudness_db)
        _BEAT.check(self.beat)
        for name, value in (("tempo", self.tempo_bpm), ("key", self.key)):
            params.check(name, value)
        if self.style is not None:
            object.__setattr__(self, "style", record.unit_style(self.style))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Prime) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.said, self.tokens))


@dataclass(frozen=True, kw_only=True)
class Panic(Command):
    """Be silent now: notes end, nothing stays frozen. A mode or a pick makes music again."""

    kind: ClassVar[str] = "panic"


def _check_said(said: object) -> None:
    if not isinstance(said, str) or len(said) > MAX_CHARACTERS:
        raise OptionError.of("said", said, f"text of at most {MAX_CHARACTERS:,} characters")
    try:
        said.encode()
    except UnicodeEncodeError as exc:
        raise OptionError.of("said", said, "text that is valid Unicode") from exc


_KINDS: Final[dict[str, type[Command]]] = {
    command.kind: command
    for command in (
        *(SetPrompt, SetStyle, SetHeard, SetWeight, Pick, SetParam, SetChord, SetNotes),
        *(NoteOn, NoteOff),
        *(SetFamilies, SetMode, Freeze, Prime, Panic),
    )
}
