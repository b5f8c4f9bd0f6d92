"""Pressure: when to give up quality so that frames stay on time, and when to take it back.

In:  per frame, how much sound was ready before it was made, and how long making it took.
Out: how much to shed: 0 nothing, 1 guidance, 2 fine levels as well. Pure; once per frame.

It sheds as soon as most of the lead is gone, or frames take most of the time they last and not
much is ready; and takes back after some seconds of ease. If ease was deceptive and it must shed
again soon, it waits twice as long the next time, so that a machine on the edge does not swing to
and fro.
"""

from dataclasses import dataclass, replace
from typing import Final

from engine.spec import FRAME_MS, FRAME_RATE

MAX_LEVEL: Final = 2
PATIENCE_FRAMES: Final = 3 * FRAME_RATE  # of ease before a level is taken back
MAX_PATIENCE_FRAMES: Final = 60 * FRAME_RATE
_SETTLE_FRAMES: Final = 5  # that a level is given to help before the next
_SOON_FRAMES: Final = 10 * FRAME_RATE  # shedding again within is a relapse
_LOW: Final = 0.35  # of the lead: less that is ready is too little
_EASY: Final = 0.75  # of what is ready on a quiet machine
_LOOK_MS: Final = 4.0  # that the loop may look late whether a frame is needed
_BUSY_MS, _LIGHT_MS = 0.8 * FRAME_MS, 0.5 * FRAME_MS  # of making a frame, smoothed
_AMPLE_MS: Final = 5.0 * FRAME_MS  # that are ready: frames may well be slow for a while
_LONGEST_MS: Final = 2.0 * FRAME_MS  # that a frame is taken to need: more is a machine that stood
_SMOOTHING: Final = 0.1  # of the frame time, per frame


@dataclass(frozen=True, kw_only=True)
class Pressure:
    """What is known after a number of frames."""

    level: int = 0
    busy_ms: float = 0.0  # what a frame takes, smoothed
    held_frames: int = _SETTLE_FRAMES  # since the level changed
    easy_frames: int = 0  # of ease in a row
    patience_frames: int = PATIENCE_FRAMES
    relief_frames: int = _SOON_FRAMES  # since a level was taken back

    def step(self, *, ready_ms: float, lead_ms: float, took_ms: float) -> "Pressure":
        """Take in one frame.

        Args:
            ready_ms: sound that was ready when the frame was begun, 0 or less if it ran out.
            lead_ms: sound that should be.
            took_ms: to make the frame.
        """
        busy = self.busy_ms + _SMOOTHING * (min(took_ms, _LONGEST_MS) - self.busy_ms)
        quiet_ms = max(lead_ms - busy - _LOOK_MS, lead_ms / 4)
        is_easy = ready_ms >= _EASY * quiet_ms and busy <= _LIGHT_MS
        now = replace(
            self,
            busy_ms=busy,
            held_frames=self.held_frames + 1,
            easy_frames=self.easy_frames + 1 if is_easy else 0,
            relief_frames=self.relief_frames + 1,
        )
        is_slow = busy > _BUSY_MS and ready_ms < _AMPLE_MS
        if is_slow or ready_ms < _LOW * lead_ms:
            return now._shed()
        return now._recover()

    def _shed(self) -> "Pressure":
        if self.level == MAX_LEVEL or self.held_frames < _SETTLE_FRAMES:
            return self
        is_relapse = self.relief_frames < _SOON_FRAMES
        patience = min(2 * self.patience_frames, MAX_PATIENCE_FRAMES)
        return replace(
            self,
            level=self.level + 1,
            held_frames=0,
            easy_frames=0,
            relief_frames=_SOON_FRAMES,
            patience_frames=patience if is_relapse else self.patience_frames,
        )

    def _recover(self) -> "Pressure":
        if self.level == 0 or self.easy_frames < self.patience_frames:
            is_calm = self.level == 0 and self.easy_frames >= MAX_PATIENCE_FRAMES
            return replace(self, patience_frames=PATIENCE_FRAMES) if is_calm else self
        return replace(self, level=self.level - 1, held_frames=0, easy_frames=0, relief_frames=0)
