"""Replay: a control log played again, bit for bit, as fast as it goes.

In:  a bundle and a log. Out: [C, N] float32 in which chunk n lies at n F, as it left the performer
when it was played; frames that were made again are there as they were made last, which is how they
were heard. No threads, no clocks but the one that times it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.ask import Ack
from engine.bundle import Bundle
from engine.control_log import Take
from engine.errors import AntiphonError, BundleError, InputError
from engine.heard_file import HeardReader
from engine.offline import Sound
from engine.operation import Marked, Operation
from engine.performer import Made, Performer
from engine.spec import FRAME_RATE

Audio = NDArray[np.float32]
Clock = Callable[[], float]  # seconds
Progress = Callable[[int, int], None]  # frames done, frames in all

MAX_SAMPLES: Final = 6 * 3600 * 24_000  # held in memory, all channels: 2 GB


@dataclass(frozen=True, kw_only=True)
class Replayed(Sound):
    """A performance, played again, unclipped."""

    made: int  # frames computed, those made again included
    acks: tuple[Ack, ...]  # every answer, in order; a frame made again answers again
    marks: tuple[tuple[int, str], ...]  # frame and text
    remarks: tuple[str, ...]


def replay(
    bundle: Bundle,
    take: Take,
    *,
    progress: Progress | None = None,
    clock: Clock = perf_counter,
) -> Replayed:
    """Play a log again.

    Args:
        bundle: the one that it was played with.
        take: the log.
        progress: is told after every operation.
        clock: seconds; times the whole.

    Raises:
        BundleError: another bundle.
        InputError: an operation that the performer refuses; names file and line.
        AudioFileError: what was heard is missing, or is not the log's.
        BackendError: a graph failed.
    """
    opened = take.opened
    if opened.bundle != bundle.id:
        raise BundleError(
            f"{take.path} was played with bundle {opened.bundle[:12]}, this is {bundle.id[:12]}. "
            "Replay it with the bundle that it was played with."
        )
    start = clock()
    player = _Player(bundle, take)
    frames = max((operation.frame for operation in take.operations), default=0)
    for index, operation in enumerate(take.operations):
        player.carry_out(operation, take.where(index))
        if progress is not None:
            progress(min(operation.frame, frames), frames)
    return player.finished(clock() - start)


class _Player:
    """A performer that is told what a log says, and the chunks it made."""

    def __init__(self, bundle: Bundle, take: Take) -> None:
        opened = take.opened
        self._performer = Performer(bundle, seed=opened.seed, sampling=opened.sampling)
        self._heard: HeardReader | None = take.heard()
        self._chunks: list[Audio] = []
        self._acks: list[Ack] = []
        self._made, self._take, self._bundle, self._audio = 0, take, bundle, bundle.audio

    def carry_out(self, operation: Operation, where: str) -> None:
        """Make the frames before an operation, and carry it out."""
        fit = MAX_SAMPLES // (self._audio.frame_samples * self._audio.channels)
        if operation.frame > fit:
            raise InputError(
                f"{where}: frame {operation.frame} is later than the "
                f"{fit / FRAME_RATE / 3600:g} hours that fit."
            )
        while self._performer.frame < operation.frame:
            self._keep(self._performer.make())
        try:
            operation.carry_out(self._performer, self._input_at)
        except AntiphonError as exc:
            raise InputError(f"{where}: {exc}") from exc

    def finished(self, wall_seconds: float) -> Replayed:
        """What was made, up to the last operation."""
        frames = self._performer.frame
        nothing = np.zeros((self._audio.channels, 0), np.float32)
        return Replayed(
            audio=np.concatenate([nothing, *self._chunks[:frames]], axis=1),
            rate=self._audio.rate,
            frames=frames,
            made=self._made,
            acks=tuple(self._acks),
            marks=tuple((o.frame, o.text) for o in self._take.operations if isinstance(o, Marked)),
            remarks=(*self._take.remarks, *self._other_machine()),
            wall_seconds=wall_seconds,
        )

    def _other_machine(self) -> list[str]:
        was, this = self._take.opened.backend, self._bundle.backend.name
        if was == this:
            return []
        return [f"played on {was}, replayed on {this}: not the same to the bit"]

    def _keep(self, made: Made) -> None:
        self._made += 1
        self._acks += made.acks
        del self._chunks[made.frame :]  # a frame made again takes the place of the old one
        self._chunks.append(made.chunk)

    def _input_at(self, sample: int) -> Audio:
        assert self._heard is not None, "the take has a file of what was heard, or no such frame"
        return self._heard.read(sample, self._audio.frame_samples)
