"""The keys of a live set: one table of what each is short for, which also makes the help.

In:  characters as a terminal sends them. Out: line commands, and the text being typed. Letters
typed into a prompt stay in the prompt. Pure; `terminal` owns the terminal.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from engine.command import SLOTS
from engine.live.lines import MAX_CHARACTERS, VERBS

TYPING: Final = ("/", ":")  # begin a prompt, begin a line command
_ENTER, _ESCAPE, _RUBOUT = ("\r", "\n"), "\x1b", ("\x7f", "\b")
_CLEAR: Final = "\x15"  # Ctrl-U
_LONGEST_SEQUENCE: Final = 16  # characters of an arrow or function key, with slack


class Key(NamedTuple):
    """One key: what the terminal sends, what it is short for, and what the help says."""

    sent: str
    line: str
    help: str
    shown: str = ""  # where what is sent cannot be seen

    @property
    def name(self) -> str:
        """What is printed on it."""
        return self.shown or self.sent


_PICKS: Final = tuple(
    Key(str(slot), f"pick {slot}", "crossfade to this slot") for slot in range(1, SLOTS + 1)
)
KEYS: Final = (
    *_PICKS,
    Key("b", "bar", "before another key: on the next bar line, like b 3"),
    Key(" ", "play", "stop, or go on", "space"),
    Key("t", "tap", "tap the tempo"),
    Key("f", "freeze", "repeat the last bar; again: go on"),
    Key("k", "keep", "keep the last bars as a file"),
    Key("m", "mode", "next mode: play, listen, continue, answer"),
    Key("[", "temperature -0.1", "calmer: temperature down"),
    Key("]", "temperature +0.1", "wilder: temperature up"),
    Key("g", "guidance +0.5", "obey the prompt more"),
    Key("G", "guidance -0.5", "obey the prompt less", "shift-g"),
    Key("p", "panic", "silence now, start afresh"),
    Key("?", "help", "show the keys and the commands"),
    Key("q", "quit", "end; the take is kept"),
)
_LINES: Final = {key.sent: key.line for key in KEYS}


def key_rows() -> Iterator[tuple[str, str]]:
    """The table as a player reads it: key, what it does. The slots' keys are one row."""
    yield f"{_PICKS[0].name} to {_PICKS[-1].name}", _PICKS[0].help
    yield "/ or Enter", "type a prompt for the slot that plays; Enter sends it, Escape does not"
    yield ":", "type a command or a parameter, like :key D minor"
    for key in KEYS[len(_PICKS) :]:
        yield key.name, key.help


def command_rows() -> Iterator[tuple[str, str]]:
    """The table of line commands: usage, what it does."""
    for verb in VERBS.values():
        yield verb.usage, verb.help


class Typist:
    """Turns characters into line commands.

    `typed` is what is being typed, its first character included, or None.
    """

    def __init__(self) -> None:
        self.typed: str | None = None
        self._sequence: str | None = None  # an arrow or function key, as far as it came

    def feed(self, characters: str) -> list[str]:
        """Take in what the terminal sent; returns the commands that it completes."""
        lines = []
        for character in characters:
            if self._in_sequence(character):
                continue
            line = self._press(character) if self.typed is None else self._type(character)
            if line:
                lines.append(line)
        return lines

    def end(self) -> None:
        """Say that nothing followed: an escape that began no sequence is the Escape key."""
        if self._sequence == _ESCAPE:
            self.typed = None
        self._sequence = None

    def _press(self, character: str) -> str | None:
        if character in TYPING or character in _ENTER:
            self.typed = character if character in TYPING else "/"
            return None
        return _LINES.get(character)

    def _type(self, character: str) -> str | None:
        text = self.typed or ""
        if character in _ENTER:
            self.typed = None
            return text.removeprefix(":") if text[1:].strip() else None
        if character in _RUBOUT:
            self.typed = text[:-1] or None
        elif character == _CLEAR:
            self.typed = text[:1]
        elif character.isprintable() and len(text) < MAX_CHARACTERS:
            self.typed = text + character
        return None

    def _in_sequence(self, character: str) -> bool:
        """Swallow the characters that an arrow or function key sends after an escape."""
        if self._sequence is None:
            if character != _ESCAPE:
                return False
            self._sequence = character
            return True
        if self._sequence == _ESCAPE and character not in "[O":
            self.typed = self._sequence = None  # Escape, and then something else
            return character == _ESCAPE
        self._sequence += character
        is_final = len(self._sequence) > 2 and "@" <= character <= "~"
        if is_final or len(self._sequence) > _LONGEST_SEQUENCE:
            self._sequence = None
        return True
