"""Changes: everything that was asked of a session, from the asking to the moment it is heard.

In:  asks with revisions from any client, and the engine's answers. Out: asks for the engine, no
faster than it should be asked; answers for the clients; and which change is in force at a sample.
Every change has a number of the session's own, over all clients. Samples are the engine's. Knows
nothing of connections; time is told. On the server's thread.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final, Literal, NamedTuple

from bridge import control
from bridge.book import Book
from bridge.control import shorten
from bridge.journal import Journal
from bridge.limits import MAX_AUTHORS, MAX_WAITING_ASKS
from bridge.waiting import Waiting, slot_of
from engine import Ack, AntiphonError, Ask, Command, When

MAX_ASKED: Final = 4 * MAX_WAITING_ASKS  # changes on their way at one time

What = Literal["accepted", "done", "replaced", "refused"]


@dataclass(eq=False)
class Change:
    """One ask on its way."""

    number: int
    by: str  # client
    message: control.Ask
    is_counted: bool  # whether its client counts revisions
    command: Command | None = None  # None: not read yet
    sample: int | None = None  # where it is heard; None: the engine has not obeyed it yet


class Answer(NamedTuple):
    """What became of a change."""

    change: Change
    what: What
    frame: int | None = None
    sample: int | None = None
    reason: str = ""
    is_first: bool = True  # False where an answer replaces one given before


class Changes:
    """All asks of one session."""

    def __init__(self, seed: int, settings: tuple[Command, ...] = ()) -> None:
        """Begin with a seed, and settings that are in force already."""
        self.book = Book()
        self.seed, self.newest = seed, 0  # in force at the next sample that is heard
        for command in settings:
            self.book.enter(command)
            self._take_seed(command.to_json())
        self.answers: list[Answer] = []  # for the session to take
        self._journals: OrderedDict[str, Journal] = OrderedDict()
        self._waiting: Waiting[Change] = Waiting()
        self._asked: dict[int, Change] = {}
        self._numbers = count(1)

    def journal(self, client: str) -> Journal:
        """What a client asked before. Of too many clients the longest silent is forgotten."""
        journal = self._journals.setdefault(client, Journal())
        self._journals.move_to_end(client)
        if len(self._journals) > MAX_AUTHORS:
            self._journals.popitem(last=False)
        return journal

    def take(self, message: control.Ask, by: str, *, is_counted: bool = True) -> control.Ack | None:
        """Take an ask; what becomes of it is told by `answers`.

        Args:
            message: the ask; its revision is looked at only where it is counted.
            by: the client's name.
            is_counted: whether the client counts revisions; OSC does not.

        Returns:
            What was answered to it before, if it is a replay; in the engine's samples.

        Raises:
            Refusal: "stale" or "conflict".
        """
        raw = control.write(message) if is_counted else b""
        before = self.journal(by).replayed(message.revision, raw) if is_counted else None
        if before is not None:
            return before
        change = Change(next(self._numbers), by, message, is_counted)
        if is_counted:
            self.journal(by).enter(message.revision, raw, answer_to(Answer(change, "accepted")))
        self._answer(Answer(change, "accepted"))
        replaced = self._waiting.add(slot_of(message.command, message.when), change)
        if replaced is not None:
            self._answer(Answer(replaced, "replaced", reason="a newer ask took its place"))
        return None

    def due(self, now: float) -> Iterator[Ask]:
        """Read the asks that the engine may have now; what it cannot take is refused.

        `refuse` the one that was yielded last if the engine does not take it.
        """
        for change in self._waiting.due(now):
            try:
                change.command = Command.from_json(change.message.command)
                ask = Ask(
                    id=str(change.number),
                    command=change.command,
                    when=When.from_json(change.message.when),
                    glide_seconds=change.message.glide_seconds,
                )
            except AntiphonError as exc:
                self._answer(Answer(change, "refused", reason=shorten(str(exc))))
                continue
            self._asked[change.number] = change
            if len(self._asked) > MAX_ASKED:
                del self._asked[next(iter(self._asked))]
            yield ask

    def refuse(self, ask: Ask, reason: str) -> None:
        """The engine refused an ask at once."""
        self._answer(Answer(self._asked.pop(int(ask.id)), "refused", reason=shorten(reason)))

    def settle(self, ack: Ack) -> None:
        """The engine says what became of an ask; it may say so again, with another sample."""
        change = self._asked.get(int(ack.id)) if ack.id.isdecimal() else None
        if change is None or change.command is None:
            return
        is_first, change.sample = change.sample is None, ack.sample
        self._answer(Answer(change, ack.what, ack.frame, ack.sample, shorten(ack.reason), is_first))
        if ack.what != "done":
            del self._asked[change.number]
        elif is_first:
            self.book.enter(change.command)

    @property
    def is_open(self) -> bool:
        """Whether the engine has not said yet what becomes of an ask for now."""
        return any(
            change.sample is None and change.message.when.get("kind") == "now"
            for change in self._asked.values()
        )

    def next_after(self, sample: int) -> int | None:
        """The first sample after one at which a change takes effect."""
        return min((at for at, _ in self._heard() if at > sample), default=None)

    def begin(self, sample: int) -> None:
        """Bring what is in force up to a sample."""
        heard = [(at, change.number) for at, change in self._heard() if at <= sample]
        for _, number in sorted(heard):
            change = self._asked.pop(number)
            self.newest = max(self.newest, change.number)
            self._take_seed(change.message.command)

    def _take_seed(self, command: Mapping[str, object]) -> None:
        value = command.get("value")
        if command.get("name") == "seed" and isinstance(value, int):
            self.seed = value

    def _heard(self) -> Iterator[tuple[int, Change]]:
        for change in self._asked.values():
            if change.sample is not None:
                yield change.sample, change

    def _answer(self, answer: Answer) -> None:
        self.answers.append(answer)
        if answer.change.is_counted:
            self.journal(answer.change.by).answer(answer_to(answer))


def answer_to(answer: Answer) -> control.Ack:
    """An answer as a client reads it, still in the engine's samples."""
    return control.Ack(
        revision=answer.change.message.revision,
        change=answer.change.number,
        what=answer.what,
        frame=answer.frame,
        sample=answer.sample,
        reason=answer.reason,
    )
