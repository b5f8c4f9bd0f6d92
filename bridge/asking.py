"""A client's asks: numbered, kept until they are answered, and said again after a break.

In:  commands, and what the engine answers. Out: asks to send. Beside them the book of everything
that is in force in the session, whoever asked for it, with which a session that an engine has lost
begins anew. Bounded; one thread at a time.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from bridge import control
from bridge.book import Book
from bridge.control import Ack, Changed, Welcome
from engine import AntiphonError, Ask, Command, When

KEPT: Final = 1_000  # asks; of more, the oldest answered ones are forgotten


@dataclass(eq=False)
class Asked:
    """One ask."""

    command: Command
    when: When
    glide_seconds: float | None
    revision: int
    ack: Ack | None = None  # the newest answer; one that is "done" may come again, moved

    @property
    def is_settled(self) -> bool:
        """Whether the engine said what became of it."""
        return self.ack is not None and self.ack.what != "accepted"

    def part(self) -> bytes:
        """As it is sent; the same each time, so that it can be sent again."""
        return control.write(
            control.Ask(
                revision=self.revision,
                command=self.command.to_json(),
                when=self.when.to_json(),
                glide_seconds=self.glide_seconds,
            )
        )


class Asking:
    """All asks of one client in one session."""

    def __init__(self, settings: tuple[Command, ...] = ()) -> None:
        """Begin with settings that are in force from the start."""
        self.book = Book()
        for command in settings:
            self.book.enter(command)
        self._asked: dict[int, Asked] = {}
        self._newest = 0  # revision

    def ask(
        self, command: Command | Mapping[str, Any], when: When | str, glide_seconds: float | None
    ) -> Asked:
        """Number a new ask; it is checked here as the engine will check it.

        Raises:
            OptionError, PromptError: the engine would not take it.
        """
        command = command if isinstance(command, Command) else Command.from_json(dict(command))
        when = when if isinstance(when, When) else When.from_json({"kind": when})
        Ask(id="checked", command=command, when=when, glide_seconds=glide_seconds)
        return self._enter(Asked(command, when, glide_seconds, 0))

    def hear(self, ack: Ack) -> Asked | None:
        """Take an answer; the ask that it is about, if it is known."""
        asked = self._asked.get(ack.revision)
        if asked is None:
            return None
        if ack.what == "done" and not asked.is_settled:
            self.book.enter(asked.command)
        asked.ack = ack
        return asked

    def learn(self, changed: Changed) -> None:
        """Someone else's change took effect."""
        with suppress(AntiphonError):  # an engine that is newer may know more commands
            self.book.enter(Command.from_json(changed.command))

    def go_on(self, welcome: Welcome) -> list[Asked]:
        """The engine knows the session: take over what is in force there.

        Returns:
            Asks without an answer, to be sent again as they were.
        """
        self._newest = max(self._newest, welcome.revision)
        self.book = Book()
        for found in welcome.settings:
            with suppress(AntiphonError):
                self.book.enter(Command.from_json(found))
        return self._open()

    def begin_anew(self) -> list[Asked]:
        """The engine knew nothing of the session, and was told what was in force.

        Returns:
            Asks without an answer, with new revisions.
        """
        unanswered = self._open()
        for asked in unanswered:
            del self._asked[asked.revision]
        return [self._enter(asked) for asked in unanswered]

    def _open(self) -> list[Asked]:
        return [asked for asked in self._asked.values() if not asked.is_settled]

    def _enter(self, asked: Asked) -> Asked:
        self._newest += 1
        asked.revision, asked.ack = self._newest, None
        self._asked[asked.revision] = asked
        if len(self._asked) > KEPT:
            settled = (n for n, one in self._asked.items() if one.is_settled)
            del self._asked[next(settled, next(iter(self._asked)))]
        return asked
