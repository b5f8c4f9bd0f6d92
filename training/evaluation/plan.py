"""The plan: how much of everything is measured."""

from dataclasses import dataclass
from enum import StrEnum


class Group(StrEnum):
    """Parts of the report that cost takes, or renderings, of their own."""

    DISTANCES = "distances"  # FAD and KAD
    GIVEN = "given"  # chords and notes that are given
    SWAPS = "swaps"  # one attribute of a prompt changed
    TURNS = "turns"  # one prompt after another
    LONG = "long"  # takes of five minutes
    ABLATIONS = "ablations"  # guidance, harmony, levels, other bundles


USUAL = tuple(group for group in Group if group is not Group.ABLATIONS)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured."""

    prompts: int = 84  # four of each genre
    seconds: float = 16.0  # heard of each take, 5..30
    workers: int = 2  # processes that play
    long_takes: int = 12  # of the prompts, played for `long_seconds`
    long_seconds: float = 60.0  # over which loudness may drift
    codec_pieces: int = 24
    codec_seconds: float = 10.0
    groups: tuple[Group, ...] = USUAL
    given_prompts: int = 42
    swap_prompts: int = 21  # each with up to four changes
    turns: int = 21
    marathons: int = 3
    marathon_seconds: float = 300.0
    ablation_prompts: int = 21

    def length(self, index: int) -> float:
        """Seconds to play of a prompt."""
        return self.long_seconds if index < self.long_takes else self.seconds


QUICK = Plan(
    prompts=21,
    seconds=8.0,
    long_takes=1,
    codec_pieces=4,
    groups=tuple(Group),
    given_prompts=4,
    swap_prompts=3,
    turns=2,
    marathons=1,
    marathon_seconds=90.0,
    ablation_prompts=2,
)
