"""Turning: what a frame changes before it sounds, at its start and on a line of the grid.

In:  where the performer stands (`Standing`) and the frame's scene. Out: both, changed: requests
obeyed, transport started or stopped, turns of answer mode taken, each crossing placed at its
sample. Pure; `engine.performer` drives it.

At its start a frame obeys `now` and `frame N`, and what the transport did. The line's session goes
on from the state before the frame, so that is heard without a seam. On a line inside the frame's
music, the new line is branched before the frame and asked what holds after it; the old one plays on
as it was asked until the crossing is over.
"""

from dataclasses import dataclass, replace
from typing import Final

from engine.ask import Ack
from engine.clock import Transport
from engine.desk import Desk
from engine.line import Line, Scene, Wish
from engine.listening import level
from engine.listening.copies import Copies
from engine.marks import next_turn, sample_of
from engine.modes import Role, role_at, turns_with_bars
from engine.obedience import Obeyed, obey
from engine.own_time import in_own_time
from engine.repeat import Repeat
from engine.tape import Tape
from engine.voice import Listening, Looping, Resting, Sounding, Source, Voice
from engine.waiting import Queue, due_at_start, due_on_line

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

    def turn_at_start(self) -> "Turned":
        """Obey what is due from the frame's first sample on."""
        now, scene = self.now, self.scene
        due = due_at_start(now.queue, scene.frame)
        obeyed = self._obey(due, scene.music)
        turned = self._taking(due, obeyed, scene.music)
        obeyed = _realigned(now, obeyed, turned.scene)
        plays, edge = _edge(now, scene)
        role = now.voice.source.role
        before = now.desk
        if now.is_moved or plays != now.plays or _may_turn(before, obeyed.desk):
            looked_at = edge if plays != now.plays else scene.music - _HALF
            bar = turned.scene.position_at(looked_at).bar
            role = role_at(obeyed.desk, bar, playing=plays)
        starts = plays and not now.plays
        voice = _turned(turned, role, obeyed, edge, is_line=False)
        return replace(
            turned,
            now=replace(turned.now, voice=voice, plays=plays, is_moved=False),
            lines_from=edge if starts else scene.music,
        )

    def turn_on_line(self) -> "Turned":
        """Obey what is due on the first line within the frame's music."""
        now, scene = self.now, self.scene
        rate = scene.audio.rate
        mark, due = due_on_line(now.queue, scene, self.lines_from)
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
        turned = self._taking(due, obeyed, sample)
        voice = _turned(turned, role, obeyed, sample, is_line=True)
        return replace(turned, now=replace(turned.now, voice=voice))

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


def _turned(turned: Turned, role: Role, obeyed: Obeyed, sample: int, *, is_line: bool) -> Voice:
    """The voice after a turn: the same source asked otherwise, or a crossing to another."""
    voice, scene = turned.now.voice, turned.scene
    source = voice.source
    stays = role == source.role and obeyed.repeat is None and not obeyed.is_reset
    if stays and obeyed.desk is source.line.desk:
        return voice
    if stays and not (is_line and role == "sound"):
        return voice.holding(_asked(source, obeyed.desk, scene.frame))
    return voice.cross_to(_entering(source, role, obeyed, sample, scene), sample)


def _asked(source: Source, desk: Desk, frame: int) -> Source:
    """The same source, asked otherwise from a frame on."""
    line = source.line.asking(desk, frame)
    match source:
        case Sounding() | Listening() | Looping() | Resting():
            return replace(source, line=line)
    raise AssertionError(f"an unknown source {source}")


def _entering(source: Source, role: Role, obeyed: Obeyed, sample: int, scene: Scene) -> Source:
    """The source that takes over from another at a sample."""
    if isinstance(source, Listening) and role == "sound" and not obeyed.is_reset:
        return _taking_over(source, obeyed.desk, scene)
    repeat = obeyed.repeat or _repeat_of(source)
    line = _standing_by(source, obeyed, sample, scene)
    if role == "sound":
        return Sounding(line=line)
    if role == "listen":
        silence = level.init_state(scene.audio)
        return Listening(line=line, heard=silence, made=silence)
    if role == "rest" or repeat is None:
        return Resting(line=line, repeat=repeat if obeyed.desk.freeze_bars else None)
    quarter = scene.position_at(sample).quarter
    return Looping(line=line, repeat=repeat.aligned(sample, quarter, scene.audio.rate))


def _taking_over(source: Listening, desk: Desk, scene: Scene) -> Source:
    """Compose from what was heard last on, as loud as that was."""
    listener = source.caught_up(scene)
    gain = level.take_over_gain(listener.heard, listener.made)
    return Sounding(line=replace(listener.line.asking(desk, scene.frame), gain=gain))


def _standing_by(source: Source, obeyed: Obeyed, sample: int, scene: Scene) -> Line:
    """The line, where it can enter at a sample; what went by while it waited is left out.

    It may have to play the frame before the scene's for that, and is asked the same of it.
    """
    line, enters = source.line, scene.frame_at(sample)
    wishes = (Wish(scene.frame, obeyed.desk),)
    if obeyed.is_reset:
        session = line.session.branch()
        session.reset()
        return Line(session=session, at=max(0, enters), wishes=wishes)
    if isinstance(source, Looping | Resting):
        return replace(line, at=max(line.at, enters), wishes=wishes)
    return line.asking(obeyed.desk, scene.frame)


def _repeat_of(source: Source) -> Repeat | None:
    return source.repeat if isinstance(source, Looping | Resting) else None
