"""A line: a session, where in the stream it stands, and what is asked of it.

In:  the scene, which is the frame that is being made as all that sounds in it sees it. Out: [C, F]
float32 of the line's next frame, and the line behind it. A line is never written to: its session is
branched before it plays, which costs some microseconds, so a line is a branch point by itself.
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.clock import Position, Transport
from engine.desk import Desk
from engine.found import NOTHING, Found
from engine.intake import Intake
from engine.matching import Matching
from engine.row import Controls
from engine.session import Session
from engine.spec import AudioFormat
from engine.tape import Tape

Audio = NDArray[np.float32]

KEPT_DESKS: Final = 16  # that a line which lags or waits remembers; desks share what is alike


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """One frame of output. Chunk n begins at n F; the music of frame n at n F + L."""

    frame: int
    audio: AudioFormat
    latency: int  # L, samples
    transport: Transport
    intake: Intake
    tape: Tape
    found: Found = NOTHING  # in what is heard, or in a take
    heat: NDArray[np.float32] | None = None  # [LEVELS] of temperature, by the echo guard
    guided: bool = True
    brief: bool = False  # fewer fine levels

    @property
    def start(self) -> int:
        """The output sample at which the chunk begins."""
        return self.frame * self.audio.frame_samples

    @property
    def end(self) -> int:
        """The output sample behind the chunk."""
        return self.start + self.audio.frame_samples

    @property
    def music(self) -> int:
        """The output sample at which the frame's music begins."""
        return self.start + self.latency

    @property
    def music_end(self) -> int:
        """The output sample behind the frame's music."""
        return self.end + self.latency

    def position(self, frame: int) -> Position:
        """Where the song is when a frame's music begins."""
        return self.position_at(frame * self.audio.frame_samples + self.latency)

    def position_at(self, sample: float) -> Position:
        """Where the song is at an output sample."""
        return self.transport.position_at(sample * self.transport.rate / self.audio.rate)

    def frame_at(self, sample: int) -> int:
        """The frame whose music holds an output sample."""
        return (sample - self.latency) // self.audio.frame_samples


class Wish(NamedTuple):
    """What is asked from a frame of the stream on."""

    frame: int
    desk: Desk


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """A session on the stream's axis."""

    session: Session  # branched before it plays; stands before frame `at`
    at: int  # the frame of the stream that it plays next; sessions count their own
    wishes: tuple[Wish, ...]  # oldest first; a line that lags is asked as it was asked then
    matching: Matching | None = None  # its sound is brought to the level of what it continues

    @property
    def desk(self) -> Desk:
        """What is asked of it in the end."""
        return self.wishes[-1].desk

    def asking(self, desk: Desk, frame: int) -> "Line":
        """The same line, asked otherwise from a frame of the stream on."""
        before = [past for past in self.wishes if past.frame < frame]
        return replace(self, wishes=(*before[-KEPT_DESKS:], Wish(frame, desk)))

    def compose(self, scene: Scene) -> tuple[Audio, "Line"]:
        """Play the next frame.

        Raises:
            BackendError: a graph failed.
        """
        session, controls = self._ready(scene)
        sound = session.step(controls, heat=scene.heat, brief=scene.brief)
        if self.matching is None:
            return sound, self._behind(session)
        sound, matching = self.matching.apply(sound, scene.audio)
        return sound, replace(self._behind(session), matching=matching)

    def compose_to(self, frame: int, scene: Scene) -> "Line":
        """Play unheard until the line stands before a frame."""
        line = self
        while line.at < frame:
            _, line = line.compose(scene)
        return line

    def follow(self, tokens: NDArray[np.int64], scene: Scene) -> tuple[Audio, "Line"]:
        """Take in the next frame as it was heard; the sound is the codec's, without the gain.

        Raises:
            BackendError: a graph failed.
        """
        session, controls = self._ready(scene)
        return session.follow(tokens, controls), self._behind(session)

    def _ready(self, scene: Scene) -> tuple[Session, Controls]:
        """A branch of the session, set as the desk says, and what is asked of its next frame."""
        since, desk = self._wish
        frame = max(self.at, since)
        session, sampling = self.session.branch(), desk.sampling(frame)
        if session.seed != desk.seed:
            session.set_seed(desk.seed)
        if session.sampling != sampling:
            session.set_sampling(sampling)
        session.set_guided(scene.guided)
        return session, desk.controls(frame, scene.position(self.at), scene.found)

    def _behind(self, session: Session) -> "Line":
        """The line behind its next frame; what only that frame was asked is forgotten."""
        now = self._wish
        later = (wish for wish in self.wishes if wish.frame > max(self.at, now.frame))
        return replace(self, session=session, at=self.at + 1, wishes=(now, *later))

    @property
    def _wish(self) -> Wish:
        """What holds at its next frame; the first thing asked, if that is older still."""
        then = [wish for wish in self.wishes if wish.frame <= self.at]
        return then[-1] if then else self.wishes[0]
