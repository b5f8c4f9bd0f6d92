"""A client's end of the audio: sound kept in its place until it is played, and credit for more.

In:  audio messages in any state of order. Out: [C, N] float32 in order, silence where something is
missing, and counts of what was missed, lost and late. The playhead only goes forward; credit is
always a buffer's length ahead of it, so what is kept is bounded. Pure; one thread at a time.
"""

from collections import deque
from dataclasses import replace
from typing import NamedTuple

from bridge.limits import MAX_CREDIT_SECONDS
from bridge.wire import Audio, Flag, Frame


class Made(NamedTuple):
    """How a stretch of sound was made."""

    sample: int  # where it begins in the stream
    frame: int
    seed: int
    change: int
    is_reduced: bool


class Playback:
    """The sound of one session at its player."""

    def __init__(self, rate: int, channels: int, *, buffer_samples: int, sample: int = 0) -> None:
        self.rate, self.channels = rate, channels
        self.buffer_samples = buffer_samples
        self.playhead = sample  # the next sample to be played
        self.end = sample  # behind the last sample that is there
        self.missed = 0  # samples that were not there when they were to be played
        self.lost = 0  # samples that were left out on the way
        self.late = 0  # samples that came when their time was over
        self.made: Made | None = None  # of what was played last
        self.is_waited_for = False  # whether the player goes on only when it has its sound
        self._wanted = 0  # samples that someone waits for
        self._kept: deque[Frame] = deque()

    @property
    def ready(self) -> int:
        """Samples that can be played now without a gap."""
        place = self.playhead
        for frame in self._kept:
            if frame.sample > place:
                break
            place = max(place, frame.end)
        return place - self.playhead

    @property
    def credit(self) -> int:
        """Sound may be sent up to here."""
        ahead = max(self.buffer_samples, self._wanted)
        return self.playhead + min(ahead, int(MAX_CREDIT_SECONDS * self.rate))

    def want(self, samples: int) -> None:
        """Someone waits for so many samples, which may be more than the buffer."""
        self._wanted, self.is_waited_for = samples, True

    def receive(self, frame: Frame) -> None:
        """Keep a message's sound, unless its time is over or it is there already."""
        start = max(self.playhead, self.end)
        if frame.end <= start:
            self.late += frame.samples if frame.end <= self.playhead else 0
            return
        self.lost += max(0, frame.sample - self.end)
        if frame.sample < start:
            frame = replace(frame, sample=start, audio=frame.audio[:, start - frame.sample :])
        self._kept.append(frame)
        self.end = frame.end

    def cut(self, sample: int) -> None:
        """Give up what is there from a sample on: the engine goes on there with other sound."""
        stop = max(sample, self.playhead)
        self.lost += max(0, self.end - stop)
        while self._kept and self._kept[-1].sample >= stop:
            self._kept.pop()
        if self._kept and self._kept[-1].end > stop:
            last = self._kept.pop()
            self._kept.append(replace(last, audio=last.audio[:, : stop - last.sample]))
        self.end = min(self.end, stop)

    def take(self, out: Audio) -> int:
        """Play the next samples, in their place.

        Args:
            out: [C, N]; overwritten, silent where nothing is there.

        Returns:
            How many samples were missing.
        """
        out[:] = 0.0
        start, stop, there = self.playhead, self.playhead + out.shape[1], 0
        while self._kept and self._kept[0].sample < stop:
            frame = self._kept[0]
            a, b = max(start, frame.sample), min(stop, frame.end)
            if b > a:
                out[:, a - start : b - start] = frame.audio[:, a - frame.sample : b - frame.sample]
                there += b - a
                self.made = _made(frame)
            if frame.end > stop:
                break
            self._kept.popleft()
        self.playhead = stop
        self.end = max(self.end, stop)
        missing: int = out.shape[1] - there
        self.missed += missing
        return missing


def _made(frame: Frame) -> Made:
    is_reduced = bool(frame.flags & Flag.REDUCED)
    return Made(frame.sample, frame.frame, frame.seed, frame.change, is_reduced)
