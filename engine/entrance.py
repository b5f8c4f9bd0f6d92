"""Entrance: how a source takes over from another, and what its line goes on from.

In:  the voice, what holds from a sample on, and the take that was followed, if one was. Out: the
voice after it. A line that was followed goes on from what was heard last, a primed one from the end
of its take, both as loud as that was; any other from where it stood. Pure.
"""

from dataclasses import replace

from engine.desk import Desk
from engine.line import Line, Scene, Wish
from engine.listening import level
from engine.matching import Matching
from engine.modes import Role
from engine.obedience import Obeyed
from engine.priming import Priming
from engine.repeat import Repeat
from engine.voice import Listening, Looping, Resting, Sounding, Source, Voice


def turn(
    voice: Voice,
    role: Role,
    obeyed: Obeyed,
    sample: int,
    scene: Scene,
    priming: Priming | None,
    *,
    is_line: bool,
) -> Voice:
    """The voice after a turn: the same source asked otherwise, or a crossing to another.

    Args:
        voice: as it was.
        role: what is to be done from now on.
        obeyed: what is asked from now on.
        sample: of the output, at which another source takes over.
        scene: the frame.
        priming: the take that was followed, if one was.
        is_line: whether the sample lies on a line of the grid; else it is the frame's start.
    """
    source = voice.source
    stays = role == source.role and obeyed.repeat is None
    stays = stays and not obeyed.is_reset and obeyed.prime is None
    if stays and obeyed.desk is source.line.desk:
        return voice
    if stays and not (is_line and role == "sound"):
        return voice.holding(_asked(source, obeyed.desk, scene.frame))
    priming = priming if obeyed.prime is not None else None
    return voice.cross_to(_entering(source, role, obeyed, sample, scene, priming), sample)


def _asked(source: Source, desk: Desk, frame: int) -> Source:
    """The same source, asked otherwise from a frame on."""
    line = source.line.asking(desk, frame)
    match source:
        case Sounding() | Listening() | Looping() | Resting():
            return replace(source, line=line)
    raise AssertionError(f"an unknown source {source}")


def _entering(
    source: Source,
    role: Role,
    obeyed: Obeyed,
    sample: int,
    scene: Scene,
    priming: Priming | None,
) -> Source:
    """The source that takes over from another at a sample."""
    line = _primed(priming, obeyed, sample, scene)
    if line is None and isinstance(source, Listening) and role == "sound" and not obeyed.is_reset:
        return _taking_over(source, obeyed.desk, scene)
    repeat = obeyed.repeat or _repeat_of(source)
    line = line or _standing_by(source, obeyed, sample, scene)
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
    matching = Matching.of(level.loudness_db(listener.heard), listener.made)
    return Sounding(line=replace(listener.line.asking(desk, scene.frame), matching=matching))


def _primed(priming: Priming | None, obeyed: Obeyed, sample: int, scene: Scene) -> Line | None:
    """A line that goes on from a take, as loud as that was."""
    if priming is None:
        return None
    wishes = (Wish(scene.frame, obeyed.desk),)
    enters = scene.frame_at(sample)
    matching = Matching.of(priming.command.loudness_db, priming.made)
    return Line(session=priming.session, at=enters, wishes=wishes, matching=matching)


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
