"""Revisions: each ask of a client counts one further, and one that comes again is not done again.

In:  a revision and the bytes of what it asks. Out: whether it is new, or what was answered to it.
One journal per client and session, so that a client that lost its link can send again whatever it
is not sure of. Bounded; any one thread.
"""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b

from bridge.control import Ack
from bridge.errors import Refusal
from bridge.limits import JOURNAL_ENTRIES


@dataclass
class Entry:
    """One revision that was taken."""

    digest: bytes  # of what it asked
    answer: Ack  # the newest


class Journal:
    """What one client asked of one session."""

    def __init__(self, entries: int = JOURNAL_ENTRIES) -> None:
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        self._capacity = entries
        self.newest = 0  # revision

    def replayed(self, revision: int, asked: bytes) -> Ack | None:
        """Look a revision up.

        Returns:
            What was answered to it, or None if it is new.

        Raises:
            Refusal: "conflict" if it asked something else then, "stale" if that is forgotten or it
                was left out.
        """
        if revision > self.newest:
            return None
        entry = self._entries.get(revision)
        if entry is None:
            text = f"revision is {revision}, expected one above {self.newest}. Count on from there."
            raise Refusal("stale", text)
        if entry.digest != _digest(asked):
            text = f"revision {revision} asked for something else. Use {self.newest + 1} for this."
            raise Refusal("conflict", text)
        return entry.answer

    def enter(self, revision: int, asked: bytes, answer: Ack) -> None:
        """Remember a new revision, and forget the oldest if there are too many."""
        assert revision > self.newest, "look it up first"
        self.newest = revision
        self._entries[revision] = Entry(_digest(asked), answer)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def answer(self, answer: Ack) -> None:
        """Remember a newer answer to a revision, if the revision is remembered."""
        if answer.revision in self._entries:
            self._entries[answer.revision].answer = answer


def _digest(asked: bytes) -> bytes:
    return blake2b(asked, digest_size=16).digest()
