"""The intake: what is played to the performer, as tokens on the axis of its own music.

In:  [C', F] per heard frame of the stream. Out: tokens by the frame of music they stand for, how
loud it is, whether it is silence; and what is found in it: tempo, beat, key, style. The music of
frame k is heard at output samples [k F + L, (k + 1) F + L), so that is what its tokens are taken
from: a heard frame and a composed one are the same 40 ms of the song. It costs one frame of delay.
Frozen and pure.
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.found import Found
from engine.listening import level, tracking
from engine.listening.ear import Ear, EarState, fit
from engine.listening.level import Level
from engine.listening.tracking import Tracking
from engine.row import Vector
from engine.spec import LEVELS, AudioFormat

Audio = NDArray[np.float32]

KEPT_FRAMES: Final = 64  # for a listener who lags behind, and for rewinds


class HeardFrame(NamedTuple):
    """One frame of music, heard."""

    tokens: NDArray[np.int64]  # [LEVELS]; not to be read where it is silent
    is_silent: bool  # it ends half a second of silence, or more
    power: float  # K-weighted mean square


@dataclass(frozen=True, eq=False)
class Intake:
    """What was heard last, and what the next heard frame depends on."""

    rest: Audio  # [C, n] heard, but not yet a whole frame of music
    latency: int  # L; so many samples come before the music of frame 0
    ear: EarState
    level: Level
    tracking: Tracking
    style: Vector | None = None  # [STYLE_WIDTH] of what is heard, as far as anybody has told it
    heard: int = 0  # frames of the stream taken in
    end: int = 0  # frame of music behind the last one heard
    frames: tuple[HeardFrame, ...] = ()  # the last of them

    def at(self, frame: int) -> HeardFrame | None:
        """What stands for a frame of music; None if it is not heard yet, or no longer kept."""
        index = frame - (self.end - len(self.frames))
        return self.frames[index] if 0 <= index < len(self.frames) else None

    @property
    def found(self) -> Found:
        """What was found in it."""
        return Found(key=tracking.key(self.tracking), style=self.style)

    def hear(self, audio: Audio, ear: Ear, wanted: AudioFormat) -> "Intake":
        """Take in the next frame of the stream.

        Args:
            audio: [1 or 2, F] at the bundle's rate; what is not finite is silence.
            ear: the bundle's.
            wanted: the bundle's format.

        Raises:
            ShapeError: not one frame.
            BackendError: a graph failed.
        """
        fitted = fit(audio, wanted).audio
        early = max(0, self.latency - self.heard * wanted.frame_samples)
        waiting = np.concatenate([self.rest, fitted[:, early:]], axis=1)
        taken = replace(self, rest=waiting, heard=self.heard + 1)
        while taken.rest.shape[1] >= wanted.frame_samples:
            taken = taken._take(ear, wanted)
        return taken

    def _take(self, ear: Ear, wanted: AudioFormat) -> "Intake":
        """Hear one frame of music."""
        music = self.rest[:, : wanted.frame_samples]
        tokens, state = ear.hear(music, self.ear)
        loudness = level.step(music, self.level, wanted.rate)
        is_silent = level.is_silent(loudness)
        begins = level.is_silent(self.level) and not is_silent
        frame = HeardFrame(tokens, is_silent, float(loudness.powers[-1]))
        return replace(
            self,
            rest=self.rest[:, wanted.frame_samples :],
            ear=state,
            level=loudness,
            tracking=tracking.hear(music, self.tracking, wanted.rate, self.end, begins=begins),
            end=self.end + 1,
            frames=(*self.frames, frame)[-KEPT_FRAMES:],
        )

    def miss(self, count: int, wanted: AudioFormat) -> "Intake":
        """Let frames of the stream go by unheard: they are silence, and no ear is run."""
        heard = self.heard + count
        samples = max(0, heard * wanted.frame_samples - self.latency)
        end, rest = divmod(samples, wanted.frame_samples)
        unheard = HeardFrame(np.zeros(LEVELS, np.int64), is_silent=True, power=0.0)
        return replace(
            self,
            rest=np.zeros((wanted.channels, rest), np.float32),
            level=level.init_state(wanted),
            tracking=tracking.miss(self.tracking, wanted, end),
            heard=heard,
            end=end,
            frames=(*self.frames, *[unheard] * min(end - self.end, KEPT_FRAMES))[-KEPT_FRAMES:],
        )


def init_state(ear: Ear | None, audio: AudioFormat, latency: int) -> Intake:
    """Nothing heard yet. Without an ear, nothing ever will be."""
    return Intake(
        rest=np.zeros((audio.channels, 0), np.float32),
        latency=latency,
        ear=ear.init_state() if ear else {},
        level=level.init_state(audio),
        tracking=tracking.init_state(audio),
    )
