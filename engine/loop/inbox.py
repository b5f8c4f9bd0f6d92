"""The inbox: where requests of any thread wait for the frame loop, text prompts for their style.

In:  asks, and the styles of those that are prompts. Out: entries that are ready to be performed, in
the order in which they became so; and answers for those that never will be. Of two with the same
slot and time, the newer replaces the older, whether that still waits or is being embedded. Bounded;
its lock is held for some microseconds and never by the audio thread.
"""

from collections import deque
from dataclasses import dataclass, replace
from threading import Event, Lock
from typing import Final, Literal, NamedTuple

from engine.ask import Ask, When
from engine.command import SetPrompt
from engine.errors import OptionError
from engine.row import Vector

MAX_WAITING: Final = 512

Key = tuple[tuple[str | int, ...], When]


@dataclass(frozen=True, kw_only=True, eq=False)
class Entry:
    """One request on its way."""

    ask: Ask
    second: float  # of the clock, when it came
    style: Vector | None = None  # of a prompt's words, once they are embedded

    @property
    def key(self) -> Key:
        """What a newer request must share to replace it."""
        return self.ask.command.slot, self.ask.when

    @property
    def words(self) -> str:
        """What of a prompt must be embedded; "" of anything else."""
        command = self.ask.command
        parsed = command.parsed if isinstance(command, SetPrompt) else None
        return parsed.text if parsed else ""


class Answer(NamedTuple):
    """Why a request will not be performed."""

    id: str
    what: Literal["replaced", "refused"]
    reason: str


class Inbox:
    """Requests that wait. All methods [any-thread] unless they say otherwise."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._wordy: dict[Key, Entry] = {}  # wait for their style
        self._ready: dict[Key, Entry] = {}
        self._embedding: Entry | None = None  # with the prompt worker
        self._answers: deque[Answer] = deque()
        self.has_words = Event()  # set when the prompt worker has something to do

    def put(self, ask: Ask, second: float) -> None:
        """Take a request in.

        Raises:
            OptionError: too many wait already.
        """
        entry = Entry(ask=ask, second=second)
        with self._lock:
            waiting = len(self._wordy) + len(self._ready)
            if waiting >= MAX_WAITING and not self._waits(entry.key):
                raise OptionError.of("requests that wait", waiting + 1, f"at most {MAX_WAITING}")
            self._replace(entry)
            (self._wordy if entry.words else self._ready)[entry.key] = entry
            if entry.words:
                self.has_words.set()

    def take(self) -> list[Entry]:
        """Take out what is ready, in order. [frame-thread]"""
        with self._lock:
            ready, self._ready = list(self._ready.values()), {}
        return ready

    def answers(self) -> list[Answer]:
        """Take out the answers that were not given yet. [frame-thread]"""
        with self._lock:
            found = list(self._answers)
            self._answers.clear()
        return found

    def give_up(self, reason: str) -> None:
        """Refuse everything that waits."""
        with self._lock:
            waiting = [*self._wordy.values(), *self._ready.values()]
            self._answers += [Answer(entry.ask.id, "refused", reason) for entry in waiting]
            self._wordy, self._ready = {}, {}

    # --- for the prompt worker ------------------------------------------------------------------

    def next_words(self) -> str | None:
        """Begin with the oldest prompt that waits; None, and `has_words` cleared, if none does."""
        with self._lock:
            if not self._wordy:
                self.has_words.clear()
                return None
            self._embedding = self._wordy.pop(next(iter(self._wordy)))
            return self._embedding.words

    def give_style(self, style: Vector) -> None:
        """Finish the prompt that was begun with: it is ready, unless a newer one came."""
        with self._lock:
            if self._embedding:
                entry = replace(self._embedding, style=style)
                self._ready[entry.key] = entry
            self._embedding = None

    def refuse_words(self, reason: str) -> None:
        """Give up the prompt that was begun with, if there is one."""
        with self._lock:
            if self._embedding:
                self._answers.append(Answer(self._embedding.ask.id, "refused", reason))
            self._embedding = None

    # --- one at a time --------------------------------------------------------------------------

    def _waits(self, key: Key) -> bool:
        return key in self._wordy or key in self._ready

    def _replace(self, entry: Entry) -> None:
        """Take out what a new entry replaces; it goes to the end of the queue itself."""
        old = self._wordy.pop(entry.key, None) or self._ready.pop(entry.key, None)
        if old is None and self._embedding and self._embedding.key == entry.key:
            old, self._embedding = self._embedding, None
        if old:
            reason = f"{entry.ask.id} asks for the same slot at the same time"
            self._answers.append(Answer(old.ask.id, "replaced", reason))
