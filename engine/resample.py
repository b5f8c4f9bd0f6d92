"""Between the host's rate and the model's: a streaming resampler with a constant delay.

In:  [C, N] float32 at one rate, blocks of any size, also none. Out: [C, M] float32 at another, the
sum of all M always the exact share of the sum of all N, so nothing drifts. For the thread that
owns it; not to be shared.

The filter is soxr's variable-rate one held at a fixed ratio. It holds sound back for 5 ms (44,100
to 48,000 Hz) where soxr's fixed-rate filter, which works in blocks of 1,024, takes 21; from 48,000
to 24,000 Hz 5 ms instead of 39. Noise and images stay below -105 dB. The price: downwards its phase
is not linear, and the top of the band comes up to 0.3 ms later than the rest.

soxr cannot save its state. Recall needs none: sessions, takes and control logs hold audio at the
model's rate, behind the resampler on the way in and before it on the way out, and are bit-exact
there. A restored stream calls `reset` and `step`s through the last `CONTEXT_SECONDS` before its
first block; from there on it differs from one that was never stopped by rounding only.
"""

from functools import lru_cache
from typing import Any, Final

import numpy as np
import soxr
from numpy.typing import NDArray

from engine.errors import OptionError, ShapeError

Audio = NDArray[np.float32]

CONTEXT_SECONDS: Final = 0.05  # what a block of output hears of the past, with room to spare
RATES_HZ: Final = (8_000, 384_000)
MAX_LEVEL: Final = 1e4  # +80 dB; louder samples are damage
_PROBE_SECONDS: Final = 0.1  # many times the filter; the hold-back repeats long before
_SPARE_SAMPLES: Final = 1  # soxr holds the ratio in finite digits: a sample in some days


class Resampler:
    """A stream from one rate to another. Equal rates pass through, bit for bit."""

    def __init__(self, in_rate: int, out_rate: int, channels: int) -> None:
        """Start a stream.

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
        self._soxr = None if in_rate == out_rate else _filter(in_rate, out_rate, channels)
        self.reset()

    @property
    def delay_samples(self) -> int:
        """How much later sound comes out than it went in, in samples of the output. Constant."""
        return sum(_probe(self.in_rate, self.out_rate))

    def reset(self) -> None:
        """Forget everything heard, as a new one. Takes about as long as a short block."""
        if self._soxr is not None:
            self._soxr.clear()
        held, _ = _probe(self.in_rate, self.out_rate)
        self._heard = self._given = 0  # samples in, samples out
        self._ready = np.zeros((self.channels, held), np.float32)

    def step(self, block: Audio) -> Audio:
        """Put a block in and take out what is due.

        Args:
            block: [C, N], N from 0 on.

        Returns:
            [C, M]. After n samples in, exactly floor(n * out_rate / in_rate) have come out, the
            first of them silent. With equal rates, the block itself, not to be written to.
            What is not finite counts as silence: a filter with feedback would never forget it.

        Raises:
            ShapeError: other channels.
        """
        if block.ndim != 2 or block.shape[0] != self.channels:
            raise ShapeError.of("block", block.shape, f"[C, N] = ({self.channels}, any)")
        if self._soxr is None:
            return block
        self._ready = np.concatenate([self._ready, _run(self._soxr, _usable(block))], axis=1)
        self._heard += block.shape[1]
        due = self._heard * self.out_rate // self.in_rate - self._given
        assert due <= self._ready.shape[1], "soxr held back more than it did when it was probed"
        out, self._ready = self._ready[:, :due], self._ready[:, due:]
        self._given += due
        return out

    def flush(self) -> Audio:
        """End the stream: take out the rest, [C, M], and `reset`."""
        if self._soxr is None:
            return np.zeros((self.channels, 0), np.float32)
        nothing = np.zeros((self.channels, 0), np.float32)
        rest = np.concatenate([self._ready, _run(self._soxr, nothing, last=True)], axis=1)
        self.reset()
        return rest


def _filter(in_rate: int, out_rate: int, channels: int) -> Any:
    return soxr.ResampleStream(in_rate, out_rate, channels, dtype="float32", quality="HQ", vr=True)


def _run(stream: Any, block: Audio, *, last: bool = False) -> Audio:
    """[C, N] through soxr, which wants [N, C]."""
    out: Audio = stream.resample_chunk(np.ascontiguousarray(block.T, np.float32), last=last).T
    return out


def _usable(block: Audio) -> Audio:
    return np.clip(np.nan_to_num(block, posinf=0.0, neginf=0.0), -MAX_LEVEL, MAX_LEVEL)


@lru_cache
def _probe(in_rate: int, out_rate: int) -> tuple[int, int]:
    """Ask soxr sample by sample how it delays: (held back, shifted), in samples of the output.

    It gives nothing until its filter is full and then what it can, so the output that is due runs
    ahead of what it gave by an amount that changes with the phase; the largest is held back. Where
    it puts a click, by the first moment, is off by the shift. For 44,100 to 48,000 Hz: 261 and one
    to spare, 0. Some milliseconds' work, once per pair.
    """
    if in_rate == out_rate:
        return 0, 0
    stream, count = _filter(in_rate, out_rate, 1), round(_PROBE_SECONDS * in_rate)
    click = np.zeros((1, count), np.float32)
    click[0, count // 2] = 1.0
    pieces, given, held = [], 0, 0
    for heard in range(count):
        pieces.append(_run(stream, click[:, heard : heard + 1])[0])
        given += len(pieces[-1])
        held = max(held, (heard + 1) * out_rate // in_rate - given)
    response = np.concatenate(pieces).astype(np.float64)
    moment = float(np.arange(given) @ response / response.sum())
    return held + _SPARE_SAMPLES, round(moment - count // 2 * out_rate / in_rate)
