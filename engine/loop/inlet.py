"""The inlet: blocks of the host's input -> heard frames at the bundle's rate.

In:  blocks of any size from the audio thread, through a `Ring`. Out: [C, F] float32 per heard
frame, frame h being samples [h F, (h + 1) F) of the stream, on the axis of the output; the
resampler's delay is made up for. What did not come is silence, so that time goes on. Only the
ring's writing side is the audio thread's; the rest is the frame thread's.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.resample import Resampler
from engine.ring import Ring
from engine.spec import AudioFormat

Audio = NDArray[np.float32]

_PIECE_SECONDS: Final = 0.04  # that are resampled at once


class Inlet:
    """The way in, from some sample of the host's stream on."""

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
        self._frame_samples = audio.frame_samples
        self._resampler = Resampler(rate, audio.rate, channels)
        self.ring = Ring(channels, max(1, round(seconds * rate)))
        self._piece = np.zeros((channels, round(_PIECE_SECONDS * rate)), np.float32)
        self._rest = np.zeros((channels, 0), np.float32)  # heard, and not taken yet
        # Where that begins, in samples of the stream at the bundle's rate.
        self._place = start * audio.rate // rate - self._resampler.delay_samples
        self.bad_samples = 0  # that were not finite, all channels

    def take(self, frame: int) -> Audio | None:
        """Take out a heard frame if all of it is there.

        Args:
            frame: which; what lies before it is left out.

        Returns:
            [C, F], or None.
        """
        first = frame * self._frame_samples
        end = first + self._frame_samples
        while self._place + self._rest.shape[1] < end and self.ring.filled > 0:
            self._read()
        if self._place + self._rest.shape[1] < end:
            return None
        heard = np.zeros((len(self._rest), self._frame_samples), np.float32)
        begin = min(max(first, self._place), end)
        heard[:, begin - first :] = self._rest[:, begin - self._place : end - self._place]
        self._rest = self._rest[:, max(0, end - self._place) :].copy()
        self._place = max(self._place, end)
        return heard

    def _read(self) -> None:
        """Resample a piece of what has come."""
        piece = self._piece[:, : min(self.ring.filled, self._piece.shape[1])]
        self.ring.read(piece)
        is_finite = np.isfinite(piece)
        if not is_finite.all():
            self.bad_samples += int((~is_finite).sum())
            piece[~is_finite] = 0.0
        self._rest = np.concatenate([self._rest, self._resampler.step(piece)], axis=1)
