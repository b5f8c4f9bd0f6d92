"""Tempo: beats per minute of a stretch of audio, without being told.

In:  `Onsets` of at least 5 s.
Out: `Tempo` (bpm, salience), precise to under 1 % where there is a pulse at all.
How: every tempo on a fine grid is scored by how well the onsets repeat at simple multiples and
fractions of its beat (autocorrelation) and how strong those rates are (spectrum), plus a prior;
the best is refined on the spectrum. Which metrical level is "the beat" is the hard part.
"""

from enum import StrEnum
from math import log2
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import ShapeError
from engine.spec import TEMPO_MAX_BPM, TEMPO_MIN_BPM
from training.evaluation.onsets import ONSET_RATE, Onsets

TOLERANCE = 0.04  # relative; what counts as the same tempo (Gouyon et al. 2006)
OTHER_LEVELS = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 4 / 3, 3 / 2, 2.0, 3.0, 4.0)
GRID_STEP = 0.005  # relative; a third of the width of a peak
PRIOR_CENTRE_BPM, PRIOR_OCTAVES = 115.0, 0.9

# Beats at which a piece repeats, and rates per beat at which it pulses, with their weights in the
# score. Beat fractions tell three in a beat from two; multiples tell the beat from its divisions.
REPEATS: dict[float, float] = {
    0.5: 0.3,
    1.0: 1.0,
    2.0: 0.7,
    3.0: 0.2,
    4.0: 0.7,
    8.0: 0.4,
    0.75: -0.3,
    1.5: -0.3,
}
PULSES: dict[float, float] = {0.5: 0.2, 1.0: 0.8, 2.0: 0.6, 4.0: 0.3, 3.0: 0.0}
PRIOR_WEIGHT = 1.0

Curve = NDArray[np.float64]


class Tempo(NamedTuple):
    """What was heard."""

    bpm: float
    salience: float  # autocorrelation at one beat, about 0 (no pulse) .. 1 (a metronome)


class TempoMatch(StrEnum):
    """How a heard tempo relates to the one asked for."""

    HIT = "hit"  # within TOLERANCE
    OCTAVE = "octave"  # so close to a simple multiple or fraction: another metrical level
    OTHER = "other"


def compare_tempi(heard_bpm: float, asked_bpm: float) -> TempoMatch:
    """Name the relation of two tempi."""
    if abs(heard_bpm / asked_bpm - 1) <= TOLERANCE:
        return TempoMatch.HIT
    near = any(abs(heard_bpm / (asked_bpm * level) - 1) <= TOLERANCE for level in OTHER_LEVELS)
    return TempoMatch.OCTAVE if near else TempoMatch.OTHER


def estimate_tempo(onsets: Onsets) -> Tempo:
    """Find the tempo.

    Raises:
        ShapeError: under 5 s of onsets.
    """
    if len(onsets.strength) < 5 * ONSET_RATE:
        raise ShapeError.of(
            "onsets", onsets.strength.shape, f"[T] with T >= {5 * ONSET_RATE} (5 s)"
        )
    grid = candidate_tempos()
    features = tempo_features(onsets, grid)
    best = grid[int(np.argmax(features @ WEIGHTS))]
    bpm = _refine(onsets, float(best))
    return Tempo(bpm, float(_at_lags(_autocorrelation(onsets.strength), np.array([60.0 / bpm]))[0]))


def candidate_tempos() -> Curve:
    """The grid of tempi that compete, even in octaves."""
    octaves = log2(TEMPO_MAX_BPM / TEMPO_MIN_BPM)
    return TEMPO_MIN_BPM * 2 ** np.linspace(0, octaves, round(octaves / log2(1 + GRID_STEP)))


def tempo_features(onsets: Onsets, grid: Curve) -> NDArray[np.float64]:
    """[G, W] what speaks for each of G tempi; the order is that of WEIGHTS."""
    columns = []
    acf = _autocorrelation(onsets.strength)
    low = _autocorrelation(onsets.low)
    spectrum, low_spectrum = _spectrum(onsets.strength), _spectrum(onsets.low)
    for beats in REPEATS:
        columns.append(_at_lags(acf, beats * 60.0 / grid))
    for beats in REPEATS:
        columns.append(_at_lags(low, beats * 60.0 / grid))
    for rate in PULSES:
        columns.append(_at_rates(spectrum, rate * grid / 60.0))
    for rate in PULSES:
        columns.append(_at_rates(low_spectrum, rate * grid / 60.0))
    octaves = np.log2(grid / PRIOR_CENTRE_BPM)
    columns.append(-0.5 * (octaves / PRIOR_OCTAVES) ** 2)
    return np.stack(columns, 1)


WEIGHTS = np.array(
    [
        *REPEATS.values(),
        *(0.5 * w for w in REPEATS.values()),
        *PULSES.values(),
        *(0.5 * w for w in PULSES.values()),
        PRIOR_WEIGHT,
    ]
)


def _smooth(strength: NDArray[np.floating], frames: float = 1.5) -> Curve:
    """Blur by 15 ms so that loosely played notes still repeat."""
    reach = np.arange(-6, 7)
    kernel = np.exp(-0.5 * (reach / frames) ** 2)
    return np.convolve(strength, kernel / kernel.sum(), "same")


def _autocorrelation(strength: NDArray[np.floating]) -> Curve:
    """[T] normalised to one at lag zero, corrected for the shrinking overlap."""
    x = _smooth(strength)
    x = x - x.mean()
    size = len(x)
    power = np.abs(np.fft.rfft(x, 2 * size)) ** 2
    acf = np.fft.irfft(power)[:size]
    overlap = np.maximum(size - np.arange(size), size // 4) / size
    return acf / max(float(acf[0]), 1e-9) / overlap


def _at_lags(acf: Curve, lags: Curve) -> Curve:
    """Read the autocorrelation at lags in seconds; beyond its end it says nothing (0)."""
    return np.interp(lags * ONSET_RATE, np.arange(len(acf)), acf, right=0.0)


OVERSAMPLE = 4


def _spectrum(strength: NDArray[np.floating]) -> Curve:
    """Magnitudes of the onset curve's rates, the largest being one."""
    x = np.asarray(strength, np.float64)
    x = (x - x.mean()) * np.hanning(len(x))
    size = np.abs(np.fft.rfft(x, OVERSAMPLE * len(x)))
    return size / max(float(size.max()), 1e-9)


def _at_rates(spectrum: Curve, rates: Curve) -> Curve:
    """Read the spectrum at rates in Hz."""
    hz = np.linspace(0, ONSET_RATE / 2, len(spectrum))
    return np.interp(rates, hz, spectrum, right=0.0)


def _refine(onsets: Onsets, bpm: float) -> float:
    """Climb to the nearest peak of the pulse's harmonics and place it by a parabola."""
    x = np.asarray(onsets.strength, np.float64)
    x = (x - x.mean()) * np.hanning(len(x))
    near = bpm * (1 + np.linspace(-0.03, 0.03, 61))
    height = np.zeros(len(near))
    for rate in (1, 2, 4):
        turns = np.exp(-2j * np.pi * np.outer(rate * near / 60.0, onsets.seconds))
        height += np.abs(turns @ x)
    return _parabolic_peak(near, height)


def _parabolic_peak(x: Curve, y: Curve) -> float:
    """Where the highest point of a sampled curve really lies; an edge stays an edge."""
    i = int(np.argmax(y))
    if i in (0, len(y) - 1):
        return float(x[i])
    a, b, c = y[i - 1 : i + 2]
    return float(x[i] + 0.5 * (a - c) / min(a - 2 * b + c, -1e-12) * (x[i + 1] - x[i]))
