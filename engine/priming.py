"""Priming: a take is followed beside what sounds, so that a line can go on from its end.

In:  a request for `Prime`, and any session of the bundle. Out: a `Priming`, which follows some
frames of the take at a time and is then a session behind its last one, with how loud it plays it.
A pure function of the command and the bundle; frozen.
"""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from engine.command import Prime
from engine.listening import level
from engine.listening.level import Level
from engine.reading.keys import key_index
from engine.row import Controls
from engine.session import Session
from engine.spec import FRAME_RATE, AudioFormat

FRAMES_AT_ONCE: Final = 3  # followed beside each frame that is made, once something sounds


@dataclass(frozen=True, kw_only=True, eq=False)
class Priming:
    """A take on its way into a session."""

    number: int  # of the request
    command: Prime
    session: Session  # branched before it plays
    made: Level  # of the take, as the codec plays it
    beats_per_bar: int
    done: int = 0  # frames that were followed

    @classmethod
    def of(
        cls, number: int, command: Prime, session: Session, audio: AudioFormat, beats_per_bar: int
    ) -> Self:
        """Nothing followed yet."""
        fresh = session.branch()
        fresh.reset()
        return cls(
            number=number,
            command=command,
            session=fresh,
            made=level.init_state(audio),
            beats_per_bar=beats_per_bar,
        )

    @property
    def is_done(self) -> bool:
        """Whether all of the take was followed."""
        return self.done == len(self.command.tokens)

    def follow(self, frames: int, rate: int) -> Self:
        """Follow so many frames more, or what is left.

        Raises:
            BackendError: a graph failed.
        """
        session, made = self.session.branch(), self.made
        end = min(self.done + frames, len(self.command.tokens))
        for index in range(self.done, end):
            tokens = np.array(self.command.tokens[index], np.int64)
            made = level.step(session.follow(tokens, self._controls(index)), made, rate)
        return replace(self, session=session, made=made, done=end)

    def _controls(self, index: int) -> Controls:
        """What is known of a frame of the take."""
        command = self.command
        beat = None
        if command.tempo_bpm is not None:
            left = (len(command.tokens) - index) / FRAME_RATE
            beat = command.beat - left * command.tempo_bpm / 60.0
        return Controls(
            style=command.style,
            key=key_index(command.key),
            tempo_bpm=command.tempo_bpm,
            beat=beat,
            beats_per_bar=self.beats_per_bar,
        )
