"""Level: silence, clipping, and drift of loudness over a long stretch.

In:  [C, N] or [N] float audio in -1..1 (beyond it counts as clipped), and its rate.
Out: `Level` of any clip; `Drift` of a clip of at least 30 s. Decibels are RMS against full scale.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import ShapeError

SILENT_DB = -50.0  # a second under this counts as silent
FLOOR_DB = -80.0  # nothing is called quieter than this, so that digital silence has a number
CLIP_AT = 0.999  # of full scale
CLIP_RUN = 3  # samples in a row: one sample at full scale is a peak, three are a flat top
CLIPPED_SHARE = 1e-4  # of the samples: two or three a second at 24 kHz


class Level(NamedTuple):
    """How loud a clip is and what is wrong with it."""

    rms_db: float
    peak: float
    silent_share: float  # of its seconds, 0..1
    clipped_share: float  # of its samples, 0..1
    side_db: float | None = None  # (L - R) / 2 against (L + R) / 2; None in mono

    @property
    def is_silent(self) -> bool:
        """More silence than sound."""
        return self.silent_share > 0.5

    @property
    def is_clipped(self) -> bool:
        """Flat tops often enough to be heard."""
        return self.clipped_share > CLIPPED_SHARE


class Drift(NamedTuple):
    """How loudness moves over a clip."""

    change_db: float  # RMS of the last 10 s against the first 10 s
    slope_db_per_minute: float  # straight line through the seconds


def measure_level(audio: NDArray[np.floating], rate: int) -> Level:
    """Measure silence and clipping of a clip."""
    audio = np.atleast_2d(np.asarray(audio, np.float64))
    seconds = _second_db(audio, rate)
    flat = sum(_in_runs(np.abs(channel) >= CLIP_AT) for channel in audio)
    return Level(
        rms_db=_db(np.mean(audio**2)),
        peak=float(np.abs(audio).max()),
        silent_share=float(np.mean(seconds < SILENT_DB)),
        clipped_share=flat / audio.size,
        side_db=_side_db(audio),
    )


def measure_drift(audio: NDArray[np.floating], rate: int) -> Drift:
    """Measure how loudness moves.

    Raises:
        ShapeError: under 30 s of audio, in which ten seconds say little.
    """
    audio = np.atleast_2d(np.asarray(audio, np.float64))
    if audio.shape[1] < 30 * rate:
        raise ShapeError.of("audio", audio.shape, f"[C, N] with N >= {30 * rate} (30 s)")
    ends = 10 * rate
    change = _db(np.mean(audio[:, -ends:] ** 2)) - _db(np.mean(audio[:, :ends] ** 2))
    seconds = _second_db(audio, rate)
    slope = np.polyfit(np.arange(len(seconds)) / 60.0, seconds, 1)[0]
    return Drift(float(change), float(slope))


def _side_db(audio: NDArray[np.float64]) -> float | None:
    if len(audio) != 2:
        return None
    return _db(np.mean((audio[0] - audio[1]) ** 2)) - _db(np.mean((audio[0] + audio[1]) ** 2))


def _second_db(audio: NDArray[np.floating], rate: int) -> NDArray[np.float64]:
    """[S] RMS of each whole second; of the whole clip where it is shorter than one."""
    whole = audio.shape[1] // rate
    if whole == 0:
        return np.array([_db(np.mean(audio**2))])
    power = (audio[:, : whole * rate] ** 2).reshape(len(audio), whole, rate).mean((0, 2))
    return np.array([_db(p) for p in power])


def _db(power: float | np.floating) -> float:
    return max(FLOOR_DB, 10.0 * float(np.log10(max(float(power), 1e-12))))


def _in_runs(at_limit: NDArray[np.bool_]) -> int:
    """How many samples lie in runs of at least CLIP_RUN at the limit."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], at_limit.astype(np.int8), [0]])))
    lengths = edges[1::2] - edges[::2]
    return int(lengths[lengths >= CLIP_RUN].sum())
