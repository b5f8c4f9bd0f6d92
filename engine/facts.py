"""Facts: what a saved performance says beside its arrays.

In and out: plain JSON values, exactly, through `engine.record`. Types are checked by the fields;
`require_sense` refuses what has the right types and is still no performance.
"""

from dataclasses import dataclass
from typing import Final

from engine import matching
from engine.ask import Ack, Ask
from engine.clock import Transport
from engine.command import MAX_PRIME_FRAMES
from engine.desk import Desk
from engine.errors import InputError
from engine.found import Found
from engine.line import KEPT_DESKS
from engine.listening.level import FLOOR_DB
from engine.modes import Role
from engine.past import REWIND_FRAMES
from engine.row import Vector
from engine.spec import MAX_BEATS_PER_BAR
from engine.waiting import MAX_WAITING

FORMAT: Final = 2  # 2: found, follows, primed_frames, beats_per_bar
MAX_SOURCES: Final = 8


@dataclass(frozen=True, kw_only=True)
class RepeatFacts:
    """Bars that are repeated, but for their sound."""

    start: int
    period: float
    origin: int
    quarter: float
    quarters: float


@dataclass(frozen=True, kw_only=True)
class WishFacts:
    """What is asked of a line from a frame on."""

    frame: int
    desk: Desk


@dataclass(frozen=True, kw_only=True)
class SourceFacts:
    """A source of the voice, but for its session."""

    role: Role
    since: int
    at: int
    matched_db: float | None  # the level that its sound is brought to
    matching_frames: int  # that this still goes on for
    wishes: tuple[WishFacts, ...]
    repeat: RepeatFacts | None


@dataclass(frozen=True, kw_only=True)
class RequestFacts:
    """A request that waits."""

    ask: Ask
    style: Vector | None
    since: int


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that is no array."""

    format: int
    bundle: str
    frame: int
    transport: Transport
    is_hosted: bool
    plays: bool
    is_moved: bool
    remembered: int
    shed: int
    heard: int
    heard_music: int  # frames
    sources: tuple[SourceFacts, ...]
    requests: tuple[RequestFacts, ...]
    replaced: tuple[Ack, ...]
    found: Found
    follows: bool
    primed_frames: int | None  # of the take that waits last; None: not begun
    primed_beats_per_bar: int


def require_sense(facts: Facts) -> None:
    """Refuse what no performer saves.

    Raises:
        InputError: it is.
    """
    counts = (facts.frame, facts.heard, facts.heard_music, facts.remembered)
    is_sound = (
        facts.format == FORMAT
        and min(counts) >= 0
        and facts.heard_music <= facts.heard <= facts.frame + 1 + REWIND_FRAMES
        and facts.remembered <= facts.heard_music
        and facts.shed in (0, 1, 2)
        and 0 <= (facts.primed_frames or 0) <= MAX_PRIME_FRAMES
        and 1 <= facts.primed_beats_per_bar <= MAX_BEATS_PER_BAR
        and 1 <= len(facts.sources) <= MAX_SOURCES
        and len(facts.requests) <= MAX_WAITING
        and all(_is_level(source) and source.at <= facts.frame for source in facts.sources)
        and all(_is_in_order(source.wishes, facts.frame) for source in facts.sources)
        and all(source.repeat is not None for source in facts.sources if source.role == "loop")
    )
    if not is_sound:
        raise InputError("the saved performance contradicts itself. Save it again.")


def _is_level(source: SourceFacts) -> bool:
    is_known = source.matched_db is None or FLOOR_DB <= source.matched_db < 48.0
    return is_known and 0 <= source.matching_frames <= matching.FRAMES


def _is_in_order(wishes: tuple[WishFacts, ...], frame: int) -> bool:
    frames = [wish.frame for wish in wishes]
    rises = all(before < after for before, after in zip(frames, frames[1:]))
    return 1 <= len(frames) <= KEPT_DESKS + 1 and rises and frames[-1] <= frame
