"""Turning: what a frame changes before it sounds, at its start and on a line of the grid.

In:  where the performer stands (`Standing`) and the frame's scene. Out: both, changed: requests
obeyed, transport started or stopped, turns of answer mode taken, each crossing placed at its
sample. Pure; `engine.performer` drives it.

At its start a frame obeys `now` and `frame N`, and what the transport did. The line's session goes
on from the state before the frame, so that is heard without a seam. On a line inside the frame's
music, the new line is branched before the frame and asked what holds after it; the old one plays on
as it was asked until the crossing is over.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from engine.ask import Ack
from engine.clock import Transport
from engine.command import Prime
from engine.desk import Desk
from engine.entrance import turn
from engine.found import Found
from engine.heard_time import at_beat, begin_in_heard_time, stay_in_heard_time
from engine.line import Scene
from engine.listening import tracking
from engine.listening.copies import Copies
from engine.marks import next_turn, sample_of
from engine.modes import HEARING_MODES, Role, role_at, turns_with_bars
from engine.obedience import Obeyed, obey
from engine.own_time import in_own_time
from engine.priming import FRAMES_AT_ONCE, Priming
from engine.spec import AudioFormat
from engine.tape import Tape
from engine.voice import Looping, Voice
from engine.waiting import Queue, Waiting, due_at_start, due_on_line

_HALF: Final = 0.5  # samples; where `engine.marks` begins to look


@dataclass(frozen=True, kw_only=True, eq=False)
class Standing:
    """Where a performer stands before a frame, but for what it has heard. Never written to."""

    frame: int
    voice: Voice
    transport: Transport
    is_hosted: bool = False  # tempo and meter are the host's
    plays: bool = True  # whether the transport plays, as far as it has been obeyed
    is_moved: bool = True  # the song may be elsewhere than the role was looked up for
    queue: Queue = ()
    copies: Copies
    remembered: int = 0  # frames of what was heard that `copies` knows
    tape: Tape
    follows: bool = False  # its time is that of what is heard
    found: Found = field(default_factory=Found)  # in the take that it goes on from
    priming: Priming | None = None  # a take that is being followed
    told: int = 0  # requests and transports that came before this moment

    @property
    def desk(self) -> Desk:
        """What is asked."""
        return self.voice.source.line.desk


@dataclass(frozen=True, kw_only=True, eq=False)
class Turned:
    """A frame on its way: what has been changed so far."""

    now: Standing
    scene: Scene
    lines_from: int  # the first output sample on which a line may be met
    can_listen: bool
    acks: tuple[Ack, ...] = ()

    @classmethod
    def of(cls, now: Standing, scene: Scene, *, can_listen: bool) -> "Turned":
        """Nothing changed yet."""
        return cls(now=now, scene=scene, lines_from=scene.music, can_listen=can_listen)

    def prime(self) -> "Turned":
        """Follow some more of the take that is to be continued; all of it before anything sounds.

        Raises:
            BackendError: a graph failed.
        """
        now, scene = self.now, self.scene
        waiting = [one for one in now.queue if isinstance(one.ask.command, Prime)]
        if not waiting:
            return self if now.priming is None else replace(self, now=replace(now, priming=None))
        asked, priming = waiting[-1], now.priming
        if priming is None or priming.number != asked.number:
            priming = begin_priming(asked, now, scene.audio)
        frames = len(priming.command.tokens) if scene.frame == 0 else FRAMES_AT_ONCE
        priming = priming.follow(frames, scene.audio.rate)
        return replace(self, now=replace(now, priming=priming))

    def follow_what_is_heard(self) -> "Turned":
        """Let the song keep the time of what is heard, while it listens and nobody says a tempo."""
        now, scene = self.now, self.scene
        follows = not now.is_hosted and now.desk.mode in HEARING_MODES
        follows = follows and now.desk.tempo_bpm(scene.frame) is None
        pulse = tracking.pulse(scene.intake.tracking)
        if not follows or pulse is None or now.voice.source.role != "listen" or not now.plays:
            return replace(self, now=replace(now, follows=now.follows and follows))
        keep_time = stay_in_heard_time if now.follows else begin_in_heard_time
        transport = keep_time(now.transport, pulse, scene.frame, scene.music, scene.audio.rate)
        return replace(
            self,
            now=replace(now, transport=transport, follows=True),
            scene=replace(scene, transport=transport),
        )

    def turn_at_start(self) -> "Turned":
        """Obey what is due from the frame's first sample on."""
        now, scene = self.now, self.scene
        due = due_at_start(self._ready, scene.frame)
        obeyed = self._obey(due, scene.music)
        turned = self._taking(due, obeyed, scene.music)
        obeyed = _realigned(now, obeyed, turned.scene)
        plays, edge = _edge(now, scene)
        role = now.voice.source.role
        before = now.desk
        if obeyed.prime is not None:
            edge = scene.music  # the take ends there; before it, its last sound would be heard
        if now.is_moved or plays != now.plays or _may_turn(before, obeyed.desk):
            looked_at = edge if plays != now.plays else scene.music - _HALF
            bar = turned.scene.position_at(looked_at).bar
            role = role_at(obeyed.desk, bar, playing=plays)
        starts = plays and not now.plays
        turned = turned._at_take(obeyed, edge)
        voice = turned._turn(role, obeyed, edge, is_line=False)
        return replace(
            turned,
            now=replace(turned.now, voice=voice, plays=plays, is_moved=False),
            lines_from=edge if starts else scene.music,
        )

    def turn_on_line(self) -> "Turned":
        """Obey what is due on the first line within the frame's music."""
        now, scene = self.now, self.scene
        rate = scene.audio.rate
        mark, due = due_on_line(self._ready, scene, self.lines_from)
        if turns_with_bars(now.desk) and now.plays:
            turn = next_turn(scene.transport, self.lines_from, rate)
            if turn and sample_of(turn, rate) < scene.music_end:
                mark = turn if mark is None or turn.sample < mark.sample else mark
        if mark is None:
            return self
        sample = sample_of(mark, rate)
        obeyed = self._obey(due, sample)
        bar = scene.transport.position_at(mark.sample).bar
        role = role_at(obeyed.desk, bar, playing=now.plays)
        turned = self._taking(due, obeyed, sample)._at_take(obeyed, sample)
        voice = turned._turn(role, obeyed, sample, is_line=True)
        return replace(turned, now=replace(turned.now, voice=voice))

    @property
    def _ready(self) -> Queue:
        """What waits, but for a take that is not followed to its end."""
        priming = self.now.priming
        done = priming.number if priming is not None and priming.is_done else None
        return tuple(
            one
            for one in self.now.queue
            if not isinstance(one.ask.command, Prime) or one.number == done
        )

    def _obey(self, due: Queue, sample: int) -> Obeyed:
        return obey(due, self.now.desk, sample, self.scene, can_listen=self.can_listen)

    def _taking(self, due: Queue, obeyed: Obeyed, sample: int) -> "Turned":
        """Take requests off the queue, keep their answers, and follow their tempo."""
        queue = tuple(waiting for waiting in self.now.queue if waiting not in due)
        transport = self.now.transport
        if not self.now.is_hosted:
            rate = self.scene.audio.rate
            transport = in_own_time(transport, obeyed.desk, self.scene.frame, sample, rate)
        return replace(
            self,
            now=replace(self.now, queue=queue, transport=transport),
            scene=replace(self.scene, transport=transport),
            acks=(*self.acks, *obeyed.acks),
        )

    def _turn(self, role: Role, obeyed: Obeyed, sample: int, *, is_line: bool) -> Voice:
        now = self.now
        return turn(now.voice, role, obeyed, sample, self.scene, now.priming, is_line=is_line)

    def _at_take(self, obeyed: Obeyed, sample: int) -> "Turned":
        """Take over what was found in a take that is continued from a sample on, and its time."""
        now = self.now
        if obeyed.prime is None:
            return replace(self, now=replace(now, found=Found())) if obeyed.is_reset else self
        take = obeyed.prime.ask.command
        assert isinstance(take, Prime), "requests for a take are such"
        transport = now.transport
        has_own_time = not now.is_hosted and obeyed.desk.tempo_bpm(self.scene.frame) is None
        if has_own_time and take.tempo_bpm is not None:
            rate = self.scene.audio.rate
            transport = at_beat(transport, take.tempo_bpm, take.beat, sample, rate)
        found = Found(key=take.key, style=take.style).over(now.found)
        return replace(
            self,
            now=replace(now, transport=transport, found=found),
            scene=replace(self.scene, transport=transport, found=found),
        )


def begin_priming(asked: Waiting, now: Standing, audio: AudioFormat) -> Priming:
    """Begin to follow the take that a request brings."""
    assert isinstance(asked.ask.command, Prime), "requests for a take are such"
    line, grid = now.voice.source.line, now.transport.grid
    return Priming.of(
        asked.number, asked.ask.command, line.session, audio, grid.signature.beats_per_bar
    )


def _edge(now: Standing, scene: Scene) -> tuple[bool, int]:
    """Whether the transport plays behind this chunk, and the sample of it where that began."""
    transport = now.transport
    at = round(transport.sample * scene.audio.rate / transport.rate)
    if transport.playing == now.plays or at >= scene.end:
        return now.plays, scene.start
    return transport.playing, max(at, scene.start)


def _may_turn(before: Desk, after: Desk) -> bool:
    """Tell whether requests between two desks can have changed the role."""
    return _role_facts(before) != _role_facts(after)


def _role_facts(desk: Desk) -> tuple[object, ...]:
    facts = (desk.mode, desk.is_silenced, desk.freeze_bars)
    return (*facts, desk.call_bars, desk.response_bars)


def _realigned(now: Standing, obeyed: Obeyed, scene: Scene) -> Obeyed:
    """After a jump, bars that are repeated begin on the grid again."""
    source = now.voice.source
    if not now.is_moved or not isinstance(source, Looping) or obeyed.repeat is not None:
        return obeyed
    quarter = scene.position_at(scene.start).quarter
    repeat = source.repeat.aligned(scene.start, quarter, scene.audio.rate)
    return obeyed if repeat is source.repeat else replace(obeyed, repeat=repeat)
