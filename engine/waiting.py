"""What waits: requests that were made and have not taken effect, and which of them are due.

In:  requests in the order of their coming. Out: those due at the start of a frame, or on the first
line of the grid within its music. Of two for the same slot that are due together, or that wait for
the same thing, the newer replaces the older. Pure; a queue is a tuple.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from engine.ask import Ask, When
from engine.clock import Mark
from engine.line import Scene
from engine.marks import next_mark, sample_of
from engine.row import Vector

MAX_WAITING: Final = 512


@dataclass(frozen=True, eq=False)
class Waiting:
    """One request; itself and no other, whatever it says."""

    number: int  # in the order of coming, among all that a performer is told
    ask: Ask
    style: Vector | None  # [STYLE_WIDTH] of a prompt's words
    since: int  # the output sample before which no line counts


Queue = tuple[Waiting, ...]


def enqueue(queue: Queue, new: Waiting) -> tuple[Queue, Queue]:
    """Add one at the end; returns the queue and what it replaces."""
    rivals = tuple(old for old in queue if _awaits_the_same(old, new))
    return (*(old for old in queue if old not in rivals), new), rivals


def due_at_start(queue: Queue, frame: int) -> Queue:
    """Those that a frame obeys from its first sample on."""
    return tuple(waiting for waiting in queue if _is_due_at_start(waiting, frame))


def due_on_line(queue: Queue, scene: Scene, first: int) -> tuple[Mark | None, Queue]:
    """Those that are met on a line within the scene's music, and the earliest of their lines.

    Two lines within 40 ms (beats faster than any music has) are taken together, at the first.

    Args:
        queue: what waits.
        scene: the frame.
        first: the first output sample that may be met.
    """
    rate, due = scene.audio.rate, []
    found: dict[tuple[When, int], Mark | None] = {}  # many wait for the same line
    for waiting in queue:
        when, since = waiting.ask.when, max(first, waiting.since)
        if when.kind in ("now", "frame"):
            continue
        if (when, since) not in found:
            found[when, since] = next_mark(when, scene.transport, since, rate)
        mark = found[when, since]
        if mark is not None and sample_of(mark, rate) < scene.music_end:
            due.append((waiting, mark))
    line = min((mark for _, mark in due), default=None, key=lambda mark: mark.sample)
    return line, tuple(waiting for waiting, _ in due)


def newest_per_slot(due: Sequence[Waiting]) -> Queue:
    """Those that no later one for the same slot replaces, in order."""
    last = {waiting.ask.command.slot: waiting.number for waiting in due}
    return tuple(waiting for waiting in due if last[waiting.ask.command.slot] == waiting.number)


def _awaits_the_same(old: Waiting, new: Waiting) -> bool:
    return old.ask.when == new.ask.when and old.ask.command.slot == new.ask.command.slot


def _is_due_at_start(waiting: Waiting, frame: int) -> bool:
    when = waiting.ask.when
    return when.kind == "now" or (when.frame is not None and when.frame <= frame)
