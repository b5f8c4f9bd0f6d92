"""Obedience: requests that are due -> the desk after them, and what became of each.

In:  the requests due at one sample, in order. Out: the desk, bars to repeat, and answers. What
cannot be obeyed is refused with the reason, and the others are obeyed. Pure.
"""

from dataclasses import dataclass, replace
from typing import Literal

from engine.ask import Ack
from engine.command import Freeze, Panic, Prime, SetHeard, SetMode, SetStyle
from engine.desk import Desk
from engine.errors import AntiphonError, OptionError
from engine.line import Scene
from engine.modes import HEARING_MODES
from engine.repeat import Repeat
from engine.waiting import Queue, Waiting, newest_per_slot


@dataclass(frozen=True, kw_only=True, eq=False)
class Obeyed:
    """What holds after some requests."""

    desk: Desk
    repeat: Repeat | None = None  # bars to begin repeating
    is_reset: bool = False  # everything played so far is to be forgotten
    prime: Waiting | None = None  # whose take is to be continued
    acks: tuple[Ack, ...] = ()


def obey(due: Queue, desk: Desk, sample: int, scene: Scene, *, can_listen: bool) -> Obeyed:
    """Obey requests that are due together.

    Args:
        due: the requests.
        desk: what held before.
        sample: of the output, from which they hold.
        scene: the frame whose music holds that sample.
        can_listen: whether the bundle can.
    """
    kept, obeyed = newest_per_slot(due), Obeyed(desk=desk)
    for waiting in due:
        what: Literal["done", "replaced", "refused"] = "done"
        reason = ""
        if waiting not in kept:
            what, reason = "replaced", "a newer one for the same slot came at the same time"
        else:
            try:
                obeyed = _obey_one(waiting, obeyed, sample, scene, can_listen)
            except AntiphonError as refusal:
                what, reason = "refused", str(refusal)
        ack = Ack(id=waiting.ask.id, frame=scene.frame, sample=sample, what=what, reason=reason)
        obeyed = replace(obeyed, acks=(*obeyed.acks, ack))
    return obeyed


def _obey_one(
    waiting: Waiting, obeyed: Obeyed, sample: int, scene: Scene, can_listen: bool
) -> Obeyed:
    command, repeat, desk = waiting.ask.command, obeyed.repeat, obeyed.desk
    if isinstance(command, SetMode) and command.mode in HEARING_MODES and not can_listen:
        raise OptionError(
            f"mode is {command.mode!r}, expected 'play': this bundle has no graphs to listen with."
        )
    if isinstance(command, Freeze):
        repeat = None
        if command.bars:
            repeat = Repeat.of(command.bars, sample, scene.transport, scene.tape, scene.audio)
    glide = desk.glide_frames(waiting.ask.glide_seconds)
    if isinstance(command, SetHeard):
        command = _with_style(command, scene)
    desk = desk.apply(command, scene.frame, glide, waiting.style)
    return replace(
        obeyed,
        desk=desk,
        repeat=repeat,
        is_reset=obeyed.is_reset or isinstance(command, Panic),
        prime=waiting if isinstance(command, Prime) else obeyed.prime,
    )


def _with_style(command: SetHeard, scene: Scene) -> SetStyle:
    style = scene.intake.style
    if style is None:
        raise OptionError(
            "nothing was heard yet whose style could be taken: 2 s of sound are needed. Play on "
            "and ask again."
        )
    return SetStyle(index=command.index, style=style, said="what is heard")
