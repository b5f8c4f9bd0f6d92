"""The outlet: chunks of the performer -> samples of the host's stream, on a ring.

In:  [C, F] chunks at the bundle's rate, by frame. Out: a `Ring` at the host's rate and channels,
for the audio thread to read. Sample s of the stream sounds at s / rate whatever the rate: the
resampler's delay is made up for, so that much less is ready. A frame that is made again is written
again. Everything but reading the ring is the frame thread's.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.resample import Resampler
from engine.ring import Ring
from engine.spec import AudioFormat

Audio = NDArray[np.float32]

REWIND_FRAMES: Final = 20  # that the resampler can go back, more than a performer can
_RETRIES: Final = 3
_GRACE_SECONDS: Final = 0.002  # ahead of a reader that was faster


def to_channels(audio: Audio, channels: int) -> Audio:
    """[C, N] as [channels, N]: mono to both sides, both sides to their mean; others as they are."""
    if len(audio) == channels:
        return audio
    if len(audio) == 1:
        return np.repeat(audio, channels, axis=0)
    mean: Audio = audio.mean(axis=0, dtype=np.float32, keepdims=True)
    return np.repeat(mean, channels, axis=0) if channels > 1 else mean


class Outlet:
    """The way out, from some sample of the host's stream on."""

    def __init__(
        self, audio: AudioFormat, rate: int, channels: int, *, start: int, seconds: float
    ) -> None:
        """Begin a ring.

        Args:
            audio: the bundle's.
            rate: the host's, Hz.
            channels: the host's.
            start: the stream's sample that is the ring's first.
            seconds: that the ring holds.

        Raises:
            OptionError: a rate or a number of channels that cannot be.
        """
        self._audio, self._start = audio, start
        self._resampler = Resampler(
            audio.rate,
            rate,
            min(channels, audio.channels),
            rewind_samples=REWIND_FRAMES * audio.frame_samples,
        )
        self.rate = rate
        self.ring = Ring(channels, max(1, round(seconds * rate)))
        self.is_crossing = False  # what comes next does not follow from what was heard

    def begin(self, frame: int, before: Audio | None) -> None:
        """Go on from a frame.

        Args:
            frame: the first that `put` will be given.
            before: [C, F] the chunk before it, if there is one.
        """
        heard = frame * self._audio.frame_samples
        past = np.zeros((self._audio.channels, 0), np.float32) if before is None else before
        self._resampler.reset()
        if heard:
            saved = self._resampler.save()
            saved |= {"heard": np.array(heard), "past": self._fitted(past)}
            self._resampler.restore(saved)

    def skip_to(self, frame: int, before: Audio | None) -> None:
        """Be silent until a frame, and go on there.

        Args:
            frame: the next that `put` will be given; its chunk is later than the ear.
            before: [C, F] the chunk before it in the music.
        """
        self.begin(frame, before)
        self.ring.skip_late(1)
        silence = max(0, self.sample_of(frame) - self._start - self.ring.written)
        self.ring.write(np.zeros((self.ring.channels, silence), np.float32))

    def sample_of(self, frame: int) -> int:
        """The first sample of the stream that a frame's chunk can change."""
        due = frame * self._audio.frame_samples * self.rate // self._audio.rate
        return due - self._resampler.delay_samples

    def frame_from(self, ring_sample: int) -> int:
        """The first frame whose chunk changes nothing before a sample of the ring."""
        due = ring_sample + self._start + self._resampler.delay_samples
        return -(-due * self._audio.rate // (self._audio.frame_samples * self.rate))

    def ahead(self, frame: int) -> float:
        """Seconds from the ear to the first sample that a frame's chunk can change."""
        return self.ready(frame) / self.rate

    def ready(self, frame: int) -> int:
        """Samples from the ear to the first that a frame's chunk can change."""
        return self.sample_of(frame) - self._start - self.ring.heard

    def can_put_again(self, seconds: float) -> bool:
        """Whether so much more can be written beside what was not heard yet."""
        return self.ring.room >= seconds * self.rate

    def put(self, frame: int, chunk: Audio) -> bool:
        """Write a frame, for the first time or again; what lies behind it is dropped.

        Args:
            frame: the next one, or one that was rewound to.
            chunk: [C, F] at the bundle's rate.

        Returns:
            Whether all of it can still be heard.
        """
        self._resampler.rewind(frame * self._audio.frame_samples)
        sound = to_channels(self._resampler.step(self._fitted(chunk)), self.ring.channels)
        place = self.sample_of(frame) - self._start
        if place < 0:  # before the ring's first sample
            sound, place = sound[:, -place:], 0
        is_late = self.ring.heard > place or not sound.shape[1]
        if place == self.ring.written:
            is_written = self.ring.write(sound)
        else:
            is_written = self._write_again(place, sound)
        return is_written and not is_late

    def _write_again(self, place: int, sound: Audio) -> bool:
        if self.ring.rewrite(place, sound, fade=self.is_crossing):
            self.is_crossing = False
            return True
        self.is_crossing = True
        for _ in range(_RETRIES):  # the reader was faster; meet it a little further on
            later = self.ring.claimed + round(_GRACE_SECONDS * self.rate)
            if not place < later < min(self.ring.written, place + sound.shape[1]):
                break
            if self.ring.rewrite(later, sound[:, later - place :], fade=True):
                self.is_crossing = False
                break
        return False

    def _fitted(self, chunk: Audio) -> Audio:
        return to_channels(chunk, self._resampler.channels)
