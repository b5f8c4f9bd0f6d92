"""Following: what a host's word about its song means for frames that are made already.

In:  the transport in force, and what the host says of a sample. Out: the transport to take over,
and whether frames that are not heard yet are aimed at the wrong place; or nothing, if what is said
was predicted. Hosts say where they are with every block: what holds anyway is not passed on, so
that a control log holds changes and no more. Pure.
"""

from dataclasses import replace
from typing import Final, NamedTuple

from engine.clock import HostBlock, Jump, Transport
from engine.spec import FRAME_RATE

QUIET_SECONDS: Final = 0.0005  # of the place in the song: less is left as predicted


class News(NamedTuple):
    """Something new about the song."""

    transport: Transport
    is_hosted: bool  # whether tempo and meter are the host's
    jump: Jump | None  # frames not heard yet must be made again


def follow(before: Transport, said: HostBlock, *, made_frames: int, is_hosted: bool) -> News | None:
    """Compare what is said with what was predicted.

    Args:
        before: the transport in force.
        said: the host's word; its sample is of the stream.
        made_frames: frames made so far, from the stream's start.
        is_hosted: whether tempo and meter are the host's already.

    Returns:
        None if nothing is new.
    """
    after = before.follow(said)
    if after.grid.is_like(before.grid):  # hosts tell where the current bar began, bar by bar
        after = replace(after, grid=before.grid)
    unheard = max(0, made_frames - said.sample * FRAME_RATE // said.rate)
    jump = after.jump_from(before, unheard_frames=unheard)
    hosted = is_hosted or said.tempo is not None
    if jump is None and hosted == is_hosted and not _differs(before, after):
        return None
    return News(after, hosted, jump)


def _differs(before: Transport, after: Transport) -> bool:
    """Tell whether anything but the point at which the place is known has changed."""
    same_point = replace(after, rate=before.rate, sample=before.sample, quarter=before.quarter)
    if same_point != before:
        return True
    expected = before.quarter_at(after.sample * before.rate / after.rate)
    off = after.tempo.second_at(after.quarter) - after.tempo.second_at(expected)
    return abs(off) > QUIET_SECONDS
