"""Between the host's rate and the model's: a streaming resampler with a constant delay.

In:  [C, N] float32 at one rate, blocks of any size, also none. Out: [C, M] float32 at another, the
sum of all M always the exact share of the sum of all N, so nothing drifts. For the thread that
owns it; not to be shared.

A windowed sinc: flat to 0.45 of the lower rate, noise and images below -100 dB, linear phase. Every
sample that comes out is a function of its index and of the samples around it, and is summed up in
the same order whatever the blocks were: so the state is a little of the past and one count, which
can be saved and rewound bit for bit (ADR 0007).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError, OptionError, ShapeError
from engine.polyphase import Polyphase, design

Audio = NDArray[np.float32]

RATES_HZ: Final = (8_000, 384_000)
MAX_LEVEL: Final = 1e4  # +80 dB; louder samples are damage


class Resampler:
    """A stream from one rate to another. Equal rates pass through, bit for bit."""

    def __init__(
        self, in_rate: int, out_rate: int, channels: int, *, rewind_samples: int = 0
    ) -> None:
        """Start a stream.

        Args:
            in_rate, out_rate: Hz.
            channels: C.
            rewind_samples: how far `rewind` may go back, in samples of the input.

        Raises:
            OptionError: a rate beyond 8 to 384 kHz, or no channel.
        """
        low, high = RATES_HZ
        for name, rate in (("in_rate", in_rate), ("out_rate", out_rate)):
            if not low <= rate <= high:
                raise OptionError.of(name, rate, f"{low:,} to {high:,} Hz")
        if channels < 1:
            raise OptionError.of("channels", channels, "1 or more")
        self.in_rate, self.out_rate, self.channels = in_rate, out_rate, channels
        self._filter = None if in_rate == out_rate else design(in_rate, out_rate)
        self._keep = rewind_samples + (self._filter.reach if self._filter else 0)
        if self._filter:  # one place in memory for every sum, so that none depends on where it lies
            self._window = np.zeros((channels, self._filter.span), np.float32)
            self._tile = np.zeros((channels, self._filter.tile), np.float32)
        self.reset()

    @property
    def delay_samples(self) -> int:
        """How much later sound comes out than it went in, in samples of the output. Constant."""
        return self._filter.delay if self._filter else 0

    def reset(self) -> None:
        """Forget everything heard, as a new one."""
        self._heard = 0  # samples in
        self._past = np.zeros((self.channels, 0), np.float32)  # [C, <= keep] the last of them

    def step(self, block: Audio) -> Audio:
        """Put a block in and take out what is due.

        Args:
            block: [C, N], N from 0 on.

        Returns:
            [C, M]. After n samples in, exactly floor(n * out_rate / in_rate) have come out, the
            first of them silent. With equal rates, the block itself, not to be written to.
            What is not finite counts as silence.

        Raises:
            ShapeError: other channels.
        """
        if block.ndim != 2 or block.shape[0] != self.channels:
            raise ShapeError.of("block", block.shape, f"[C, N] = ({self.channels}, any)")
        if self._filter is None:
            self._heard += block.shape[1]
            return block
        known = np.concatenate([self._past, _usable(block)], axis=1)
        given = self._filter.due(self._heard)
        self._heard += block.shape[1]
        out = self._between(self._filter, known, given, self._filter.due(self._heard))
        self._past = known[:, -self._keep :].copy()
        return out

    def _between(self, filter_: Polyphase, known: Audio, first: int, end: int) -> Audio:
        """Output samples [first, end), from the last samples of the input."""
        out = np.empty((self.channels, end - first), np.float32)
        oldest, at = self._heard - known.shape[1], first
        while at < end:
            start = at // filter_.tile * filter_.tile
            stop = min(start + filter_.tile, end)
            _cut(known, filter_.first_input(start) - oldest, self._window)
            np.matmul(self._window, filter_.weights_at(start), out=self._tile)
            out[:, at - first : stop - first] = self._tile[:, at - start : stop - start]
            at = stop
        out += 0.0  # a zero of either sign is one zero
        return out

    def flush(self) -> Audio:
        """End the stream: take out the rest, [C, M], as far as the last sample's place; `reset`."""
        count = 0
        if self._filter:
            count = -(-(self.delay_samples + 1) * self.in_rate // self.out_rate)
        rest = self.step(np.zeros((self.channels, count), np.float32))
        self.reset()
        return rest

    # --- going back -----------------------------------------------------------------------------

    def rewind(self, heard: int) -> None:
        """Forget what went in from a sample on; the next `step` goes on there.

        Args:
            heard: samples of the input that remain heard, counted from the stream's start.

        Raises:
            OptionError: to come, or longer ago than `rewind_samples`.
        """
        oldest = self._heard - self._past.shape[1] if self._filter else 0
        if not 0 <= heard <= self._heard or self._needs(heard) < oldest:
            raise OptionError.of("heard", heard, f"up to {self._heard} and not too long ago")
        self._heard, self._past = heard, self._past[:, : max(0, heard - oldest)]

    def _needs(self, heard: int) -> int:
        """The oldest sample that a stream needs which has heard so many."""
        return max(0, heard - self._filter.reach) if self._filter else heard

    def save(self) -> dict[str, NDArray[Any]]:
        """All that the next `step` depends on: {"rates" [2], "heard" [], "past" [C, N]}, copies."""
        rates = np.array([self.in_rate, self.out_rate], np.int64)
        heard = np.array(self._heard, np.int64)
        return {"rates": rates, "heard": heard, "past": self._past.copy()}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Stand where another one of the same rates was saved.

        Raises:
            InputError: other rates, or arrays that none saves.
            ShapeError: other channels.
        """
        rates, heard, past = (arrays.get(name) for name in ("rates", "heard", "past"))
        if rates is None or heard is None or past is None or heard.shape != ():
            raise InputError(f"a resampler saves rates, heard and past, got {sorted(arrays)}.")
        if rates.tolist() != [self.in_rate, self.out_rate]:
            want = (self.in_rate, self.out_rate)
            raise InputError(f"the saved resampler is for {rates.tolist()} Hz, expected {want}.")
        if past.ndim != 2 or len(past) != self.channels or past.dtype != np.float32:
            raise ShapeError.of("past", past.shape, f"[C, N] = ({self.channels}, any) float32")
        oldest = int(heard) - past.shape[1]
        if not 0 <= oldest <= self._needs(int(heard)) or not np.isfinite(past).all():
            raise InputError("the saved resampler's past is not one. Save it again.")
        self._heard, self._past = int(heard), past.copy()


def _usable(block: Audio) -> Audio:
    return np.clip(np.nan_to_num(block, posinf=0.0, neginf=0.0), -MAX_LEVEL, MAX_LEVEL)


def _cut(known: Audio, start: int, window: Audio) -> None:
    """Copy `known[:, start:]` into a window, with silence where there is none."""
    first, end = max(0, start), min(known.shape[1], start + window.shape[1])
    window[:] = 0.0
    window[:, first - start : max(first, end) - start] = known[:, first : max(first, end)]
