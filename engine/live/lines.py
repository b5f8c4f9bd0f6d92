"""The line commands of a live set: what is typed, what a key is short for, what a pedal does.

In:  a line such as `pick 3`, `bar pick 3`, `2 warm tape choir`, `temperature +0.1`. Out: a `Line`:
verb, when, and the rest. Pure; knows the words and not what they do.
"""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from engine.command import MODES, SLOTS
from engine.errors import InputError
from engine.params import PARAMETERS

Kind = Literal["now", "beat", "bar", "phrase"]

SLOT_WORDS: Final = tuple(str(slot) for slot in range(1, SLOTS + 1))
MAX_CHARACTERS: Final = 4000  # a prompt is at most 2,000; more is no typing


class Verb(NamedTuple):
    """One row of the table of commands."""

    usage: str
    help: str


VERBS: Final[dict[str, Verb]] = {
    "pick": Verb("pick N", "Crossfade to slot N; N alone does the same."),
    "prompt": Verb("prompt [N] TEXT", "Put a prompt into slot N, or the one that plays."),
    "weight": Verb("weight N W", "Mix: weight W of slot N, -2 to 2; below 0 it is pushed away."),
    "set": Verb("set NAME VALUE", "Set a parameter; +V or -V is a step, - is not given."),
    "tap": Verb("tap", "Tap the tempo."),
    "play": Verb("play", "Stop, or go on."),
    "start": Verb("start", "Go on."),
    "stop": Verb("stop", "Stop; the music fades and keeps its place."),
    "freeze": Verb("freeze [BARS]", "Repeat the last bars until unfrozen; 0 unfreezes."),
    "panic": Verb("panic", "Silence now; the music starts afresh."),
    "keep": Verb("keep [BARS]", "Write the last bars to a file, with what replays them."),
    "mode": Verb("mode [NAME]", f"{', '.join(MODES)}; alone: the next of these."),
    "heard": Verb("heard [N]", "Put the style of what is heard into slot N."),
    "prime": Verb("prime FILE", "Go on from the end of an audio file."),
    "learn": Verb("learn DOES", "Bind the next knob or pedal to a parameter or a command."),
    "help": Verb("help", "Show the keys and the commands."),
    "quit": Verb("quit", "End; the take is kept."),
}
WHENS: Final[tuple[Kind, ...]] = ("now", "beat", "bar", "phrase")  # may stand before any command


@dataclass(frozen=True)
class Line:
    """A command as read."""

    verb: str  # of VERBS; "" when only `when` was said, for the command to come
    rest: str = ""
    when: Kind | None = None  # None: not said


def read(text: str) -> Line:
    """Take a line apart.

    Raises:
        InputError: empty, too long, or a word that is no command.
    """
    if len(text) > MAX_CHARACTERS:
        raise InputError(
            f"the line has {len(text):,} characters, expected at most {MAX_CHARACTERS:,}. "
            "Shorten it."
        )
    head, rest = _split(text)
    when = head if head in WHENS else None
    if when:
        head, rest = _split(rest)
        if not head:
            return Line("", when=when)
    if head in VERBS:
        return Line(head, rest, when)
    if head in PARAMETERS:
        return Line("set", f"{head} {rest}".strip(), when)
    if head.isascii() and head.isdigit():
        return Line("prompt", f"{head} {rest}", when) if rest else Line("pick", head, when)
    if head.startswith("/"):
        return Line("prompt", text[text.index("/") :].strip(), when)
    raise InputError(
        f"{head!r} is no command, expected one of {', '.join(VERBS)} or a parameter "
        f"({', '.join(PARAMETERS)}). A prompt begins with / or with its slot's number."
    )


def slot_number(word: str) -> int:
    """Read a slot's number.

    Raises:
        InputError: not 1 to 8.
    """
    if word in SLOT_WORDS:
        return int(word)
    raise InputError(f"slot {word!r} is not there, expected 1 to {SLOTS}.")


def _split(text: str) -> tuple[str, str]:
    """The first word, and the rest."""
    head, _, rest = text.strip().partition(" ")
    return head, rest.strip()
