"""Matching: what takes over is brought to the loudness of what it goes on from, and stays there.

In:  the frames that a line composes, as they are made. Out: the same with a gain. At first the gain
is that which makes the codec's playing of what was heard as loud as that was, within some dB: of
sounds that it does not know a codec plays too little, and new music not. Then, for some seconds,
the new music itself takes its place, so that a model which plays louder or softer than its input is
brought back to it. Afterwards the gain holds, and dynamics are the music's own. Frozen and pure.
"""

from dataclasses import dataclass, replace
from math import log10
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from engine.listening import level
from engine.listening.level import Level
from engine.spec import FRAME_RATE, AudioFormat

PRIOR_FRAMES: Final = FRAME_RATE // 2  # of what was heard that weigh beside the new music
START_LIMIT_DB: Final = 1.0  # of the first gain, both ways
FRAMES: Final = 3 * FRAME_RATE  # that the gain moves for; the level's own window

Audio = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Matching:
    """A gain on its way."""

    wanted_db: float  # level of what is gone on from
    made: Level  # of what is made, before the gain
    left: int = FRAMES  # frames that it still moves for

    @classmethod
    def of(cls, wanted_db: float, made: Level) -> Self:
        """Begin with the level of what was heard, as the codec played it."""
        gain, limit = level.gain_to(wanted_db, made), 10.0 ** (START_LIMIT_DB / 20.0)
        start_db = level.loudness_db(made) + 20.0 * log10(gain / min(max(gain, 1.0 / limit), limit))
        powers = np.zeros_like(made.powers)  # counts as quiet, and quiet frames count for nothing
        powers[-PRIOR_FRAMES:] = 10.0 ** (start_db / 10.0)
        return cls(wanted_db=wanted_db, made=made._replace(powers=powers))

    @property
    def gain(self) -> float:
        """The gain that holds behind the last frame."""
        return level.gain_to(self.wanted_db, self.made)

    def apply(self, sound: Audio, audio: AudioFormat) -> tuple[Audio, Self]:
        """Give a frame, [C, F], its gain, in a straight line from the last to the next."""
        start = self.gain
        if self.left == 0:
            return sound * np.float32(start), self
        made = level.step(sound, self.made, audio.rate)
        after = replace(self, made=made, left=self.left - 1)
        gain = np.linspace(start, after.gain, sound.shape[1], endpoint=False, dtype=np.float32)
        return sound * gain, after
