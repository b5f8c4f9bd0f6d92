"""Offline: a session driven as fast as it goes, from frame 0 of its present to a finished take.

In:  a `Session` and what is asked of each frame. Out: [C, N] float32 in which sample 0 is the first
sample of the first frame, with how long every frame took and what is wrong with the sound.
The guard reports silence and clipping and never hides them: it limits only so that a player's
loudspeakers are safe, and says how many samples that changed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import BackendError, OptionError
from engine.metrics import FrameSummary, FrameTimes
from engine.row import Controls
from engine.session import Session

Audio = NDArray[np.float32]  # [C, N]
Clock = Callable[[], float]  # seconds
ControlsAt = Callable[[int], Controls]  # frame of the take -> what is asked of it
Progress = Callable[[int, int], None]  # frames done, frames in all

SILENCE_PEAK: Final = 10 ** (-60 / 20)  # -60 dBFS; a frame that stays under it counts as silent
FULL_SCALE: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class Sound:
    """Audio that was made, and how long that took."""

    audio: Audio  # [C, frames * F], at `rate`
    rate: int  # Hz
    frames: int
    wall_seconds: float  # from the first frame's start to the last one's end

    @property
    def seconds(self) -> float:
        """Length of the audio."""
        samples: int = self.audio.shape[1]
        return samples / self.rate

    @property
    def realtime_factor(self) -> float:
        """Seconds of audio made per second."""
        return self.seconds / max(self.wall_seconds, 1e-9)


@dataclass(frozen=True, kw_only=True)
class Rendering(Sound):
    """A finished take."""

    frame_times: FrameSummary  # of every frame computed, the codec's tail included
    peak: float  # of the audio as the model made it, 1 is full scale
    silent_frames: int  # that stay under SILENCE_PEAK
    clipped_samples: int  # beyond full scale as the model made them, all channels
    is_limited: bool  # whether the guard cut those to full scale


def render(
    session: Session,
    controls: ControlsAt,
    *,
    frames: int,
    block: int = 1,
    guard: bool = True,
    progress: Progress | None = None,
    clock: Clock = perf_counter,
) -> Rendering:
    """Play a number of frames, from where the session stands.

    Args:
        session: is left standing behind the last frame computed.
        controls: asked once per frame, in order, from 0; also for the few frames behind the last
            one that push the end of the take out of the decoder.
        frames: length of the take, at least 1.
        block: frames computed between two calls of `progress`, at least 1; changes no sample.
        guard: cut what is beyond full scale to full scale.
        progress: is told after every block.
        clock: seconds; measures the frames.

    Raises:
        OptionError: frames or block under 1.
        BackendError: a graph failed, or the audio is not finite.
    """
    for name, value in (("frames", frames), ("block", block)):
        if value < 1:
            raise OptionError.of(name, value, "at least 1")
    length, latency = session.bundle.audio.frame_samples, session.latency_samples
    total = frames - (-latency // length)  # the tail is rounded up to whole frames
    audio = np.empty((session.bundle.audio.channels, total * length), np.float32)
    times, start = FrameTimes(total), clock()
    for done in _blocks(session, controls, total, block, audio, times, clock):
        if progress is not None:
            progress(min(done, frames), frames)
    wall_seconds = clock() - start
    heard = audio[:, latency : latency + frames * length]
    return _judge(heard, session.bundle.audio.rate, frames, times, wall_seconds, guard)


def _blocks(
    session: Session,
    controls: ControlsAt,
    total: int,
    block: int,
    audio: Audio,
    times: FrameTimes,
    clock: Clock,
) -> Iterator[int]:
    """Fill `audio` block by block; yields how many frames are done."""
    length = session.bundle.audio.frame_samples
    for first in range(0, total, block):
        asked = [controls(frame) for frame in range(first, min(first + block, total))]
        for frame, wishes in enumerate(asked, start=first):
            before = clock()
            audio[:, frame * length : (frame + 1) * length] = session.step(wishes)
            times.record(clock() - before)
        yield first + len(asked)


def _judge(
    audio: Audio, rate: int, frames: int, times: FrameTimes, wall_seconds: float, guard: bool
) -> Rendering:
    """Measure the audio as the model made it, then limit it if asked."""
    if not np.isfinite(audio).all():
        raise BackendError(
            "the decoder made samples that are not finite. Check it: antiphon inspect."
        )
    size = np.abs(audio)
    frame_peaks = size.reshape(len(audio), frames, -1).max(axis=(0, 2))
    return Rendering(
        audio=np.clip(audio, -FULL_SCALE, FULL_SCALE) if guard else audio.copy(),
        rate=rate,
        frames=frames,
        frame_times=times.summary(),
        wall_seconds=wall_seconds,
        peak=float(size.max()),
        silent_frames=int((frame_peaks < SILENCE_PEAK).sum()),
        clipped_samples=int((size > FULL_SCALE).sum()),
        is_limited=guard,
    )
