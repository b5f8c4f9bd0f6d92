"""Status: how a runner is, at one moment, for whoever shows it.

Frozen; made of what the frame thread published of the frame that sounds, the gate's counts and the
frame times. Any thread.
"""

from dataclasses import dataclass
from typing import NamedTuple

from engine.clock import Transport
from engine.command import Mode
from engine.desk import Desk
from engine.found import Found
from engine.metrics import FrameSummary
from engine.modes import Role
from engine.pads import Playing

SHED_WORDS = ("", "playing without guidance", "playing without guidance and with fewer fine levels")


class Shown(NamedTuple):
    """What the frame thread publishes after a frame, whole."""

    frame: int  # the one that was made; -1 before the first
    desk: Desk
    transport: Transport
    role: Role
    copy_rate: float
    shed: int
    input_db: float | None
    input_tempo_bpm: float | None
    input_key: str | None
    found: Found


@dataclass(frozen=True, kw_only=True)
class Status:
    """One moment."""

    is_running: bool
    priority: str  # of the frame thread, as far as the system allows: real time, nice, usual
    frame: int  # the next to make
    heard_frame: int  # the one that sounds
    rate: int  # Hz, the host's
    lead_ms: float  # sound that is ready now
    wanted_lead_ms: float  # that should be at least
    frame_ms: FrameSummary  # what making a frame takes
    realtime_factor: float  # a frame's length over the median time to make one; 0 before the first
    late_frames: int  # that came too late to be heard whole
    skipped_frames: int  # of the stream that were left out, on a machine that is too slow
    underruns: int  # times that sound broke off
    overtaken: int  # changes that reached the ear up to a block later than acknowledged
    shed: int  # 0 nothing, 1 no guidance, 2 fewer fine levels as well
    # What holds in the frame that sounds:
    prompts: tuple[Playing, ...]  # the loudest first
    key: str | None  # asked for, or else found in what is heard, where that counts, or planned
    chord: str | None  # played or planned: "A min7"
    tempo_bpm: float | None
    seed: int
    mode: Mode
    role: Role  # what the music does now: sound, listen, loop or rest
    is_playing: bool  # the transport
    quarter: float  # place in the song, in quarter notes
    bar: int  # from 0 at the song's start
    beat: float  # within the bar, from 0
    beats_per_bar: int
    copy_rate: float  # of what was composed in the last 8 s, 0..1
    input_db: float | None  # level of the last heard frame, full scale 0; None without input
    input_tempo_bpm: float | None  # of what is heard, where it is certain
    input_key: str | None  # likewise
    prompt_to_ear_ms: float | None  # of the last change that was asked for at once
    problems: tuple[str, ...]  # what is wrong now, for a player to read
