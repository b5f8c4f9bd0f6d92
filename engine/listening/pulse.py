"""Pulse: what onsets say about tempo and about where the beat is, over some seconds.

In:  rises of one band or of all (`onsets`), 100 a second. Out: features of candidate tempi, a comb
that sharpens one, and the beat's place by a template. Which metrical level is "the beat" and which
of its halves is the strong one is what the weights learned (`weights`); nothing here is random.
Pure.

Dimensions: T onset values, G tempi, K places in a beat.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.listening import weights
from engine.listening.onsets import BANDS, ONSET_RATE
from engine.spec import TEMPO_MAX_BPM, TEMPO_MIN_BPM

GRID_STEP: Final = 0.01  # relative, between candidate tempi
REPEATS: Final = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 2, 3, 4, 6, 8)  # beats
RATES: Final = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 1, 3 / 2, 2, 3, 4)  # per beat
PRIOR_CENTRE_BPM: Final = 115.0
NEAR: Final = 0.02  # relative, how far the comb looks from a candidate
NEAR_TEMPI: Final = 41  # within that
COMB_RATES: Final = (1, 2, 3, 4, 6, 8)  # per beat
PLACES: Final = 24  # K
LOCAL_VALUES: Final = 51  # half a second, whose mean is taken off

PER_BAND: Final = (*(f"after {x:.3g}" for x in REPEATS), *(f"rate {x:.3g}" for x in RATES))
TEMPO_FEATURES: Final = (
    *(f"{band} {name}" for band in BANDS for name in PER_BAND),
    "octaves",
    "octaves squared",
)
BEATS: Final = 4  # that onsets are folded over
MEETING: Final = (  # pairs of bands, and whether the second is heard half a beat later
    ("low", "mid", True),
    ("low", "high", True),
    ("low", "high", False),
    ("low", "mid", False),
    ("mid", "high", True),
    ("mid", "high", False),
)
_BEAT_VIEWS: Final = (
    *BANDS,
    *(f"{band}, every other beat" for band in BANDS),
    *(f"{band}, every fourth beat" for band in BANDS),
    *(f"{one} and {two}{' off the beat' * is_off}" for one, two, is_off in MEETING),
)
BEAT_FEATURES: Final = tuple(f"{view} at {k}" for view in _BEAT_VIEWS for k in range(PLACES))

Curve = NDArray[np.float64]


@cache
def candidates() -> Curve:
    """[G] tempi that compete, in bpm, even in octaves."""
    octaves = np.log2(TEMPO_MAX_BPM / TEMPO_MIN_BPM)
    count = round(octaves / np.log2(1 + GRID_STEP)) + 1
    return np.asarray(TEMPO_MIN_BPM * 2 ** np.linspace(0, octaves, count))


def above_local_mean(rises: NDArray[np.floating]) -> Curve:
    """[T, ...] with the mean of the half second around taken off, what is below zero dropped."""
    reach = LOCAL_VALUES // 2
    ends = [(reach, reach)] + [(0, 0)] * (rises.ndim - 1)
    padded = np.cumsum(np.pad(rises.astype(np.float64), ends, mode="edge"), axis=0)
    sums = padded[LOCAL_VALUES - 1 :].copy()
    sums[1:] -= padded[:-LOCAL_VALUES]
    return np.maximum(rises - sums / LOCAL_VALUES, 0.0)


# --- tempo --------------------------------------------------------------------------------------


def band_features(onsets: Curve) -> Curve:
    """[G, len(PER_BAND)] how well one band's [T] onsets repeat and pulse at each candidate."""
    acf, spectrum = _autocorrelation(onsets), _spectrum(onsets)
    grid = candidates()
    columns = [_read(acf, ONSET_RATE, beats * 60.0 / grid) for beats in REPEATS]
    per_hz = 2 * (len(spectrum) - 1) / ONSET_RATE
    columns += [_read(spectrum, per_hz, rate * grid / 60.0) for rate in RATES]
    return np.stack(columns, 1)


def prior_features() -> Curve:
    """[G, 2] how far each candidate lies from a middling tempo."""
    octaves = np.log2(candidates() / PRIOR_CENTRE_BPM)
    return np.stack([octaves, octaves**2], 1)


def band_score(onsets: Curve, band: int) -> Curve:
    """[G] what one band's [T] onsets say for each candidate, in nats."""
    each = weights.load("tempo", TEMPO_FEATURES)[: len(BANDS) * len(PER_BAND)]
    return np.asarray(band_features(onsets) @ each.reshape(len(BANDS), -1)[band])


def prior_score() -> Curve:
    """[G] what speaks for each candidate before anything is heard, in nats."""
    return np.asarray(prior_features() @ weights.load("tempo", TEMPO_FEATURES)[-2:])


def near(bpm: float) -> Curve:
    """[NEAR_TEMPI] tempi about one."""
    return np.asarray(bpm * (1 + np.linspace(-NEAR, NEAR, NEAR_TEMPI)))


def comb(onsets: Curve, tempi: Curve) -> Curve:
    """[len(tempi)] how strongly one band's [T] onsets pulse at each tempo and its multiples."""
    x = (onsets - onsets.mean()) / max(float(onsets.std()), 1e-9)
    size = 16 * 2 ** int(np.ceil(np.log2(len(x))))
    spectrum = np.abs(np.fft.rfft(x, size))
    rates = np.outer(COMB_RATES, tempi / 60.0)
    return np.asarray(_read(spectrum, size / ONSET_RATE, rates).sum(0))


def peak(tempi: Curve, height: Curve) -> float:
    """Where the highest point of an evenly sampled curve really lies; an end stays an end."""
    i = int(np.argmax(height))
    if i in (0, len(height) - 1):
        return float(tempi[i])
    return float(tempi[i] + _parabola(*height[i - 1 : i + 2]) * (tempi[i + 1] - tempi[i]))


def _parabola(a: float, b: float, c: float) -> float:
    """Where the top of three even points lies, against the middle one."""
    return 0.5 * (a - c) / min(a - 2 * b + c, -1e-12)


def _autocorrelation(onsets: Curve) -> Curve:
    """[T] one at lag zero, corrected for the shrinking overlap."""
    x = np.convolve(onsets, _blur(), "same")
    x -= x.mean()
    size = len(x)
    acf = np.fft.irfft(np.abs(np.fft.rfft(x, 2 * size)) ** 2, 2 * size)[:size]
    overlap = np.maximum(size - np.arange(size), size // 4) / size
    return np.asarray(acf / max(float(acf[0]), 1e-9) / overlap)


@cache
def _blur() -> Curve:
    """15 ms, so that loosely played notes still repeat."""
    shape = np.exp(-0.5 * (np.arange(-6, 7) / 1.5) ** 2)
    return shape / float(shape.sum())


def _spectrum(onsets: Curve) -> Curve:
    """Magnitudes of the rates in [T] onsets, the largest being one; four times oversampled."""
    x = (onsets - onsets.mean()) * np.hanning(len(onsets))
    size = np.abs(np.fft.rfft(x, 4 * len(x)))
    return np.asarray(size / max(float(size.max()), 1e-9))


def _read(curve: Curve, per_unit: float, at: Curve) -> Curve:
    """Read a sampled curve between its points; beyond its end it says nothing."""
    places = at * per_unit
    return np.interp(places.ravel(), np.arange(len(curve)), curve, right=0.0).reshape(at.shape)


# --- beat ---------------------------------------------------------------------------------------


def fold(onsets: Curve, bpm: float, beat_at_end: float) -> Curve:
    """[BANDS, BEATS, K] how much of [T, BANDS] onsets falls on each place of four beats.

    Place 0 is the beat of a grid that counts `beat_at_end` at the last value; which of the four
    beats comes first means nothing. Square roots of sums.
    """
    values, places = len(onsets), BEATS * PLACES
    beats = np.arange(1 - values, 1) * (bpm / 60.0 / ONSET_RATE) + beat_at_end
    turns = beats * PLACES % places
    place = turns.astype(np.int64)
    share = (turns - place)[:, None]
    profile = np.zeros((places, onsets.shape[1]))
    np.add.at(profile, place % places, onsets * (1 - share))
    np.add.at(profile, (place + 1) % places, onsets * share)
    return np.sqrt(profile.T).reshape(-1, BEATS, PLACES)


def beat_features(profile: Curve) -> Curve:
    """[K, F] what speaks for the beat at each place of a profile, in the order of BEAT_FEATURES."""
    one, two, three, four = np.moveaxis(profile, 1, 0)
    size = np.maximum(profile.sum(1).max(1, keepdims=True), 1e-9)
    every = profile.sum(1) / size
    other = np.abs(one + three - two - four) / size
    fourth = (np.abs(one - three) + np.abs(two - four)) / size
    meeting = [
        every[BANDS.index(a)] * np.roll(every[BANDS.index(b)], PLACES // 2 * is_off)
        for a, b, is_off in MEETING
    ]
    views = np.concatenate([every, other, fourth, meeting])
    return np.stack([np.roll(views, -k, 1).ravel() for k in range(PLACES)])


def beat_score(profile: Curve) -> Curve:
    """[K] what a profile says for the beat at each place, in nats."""
    return np.asarray(beat_features(profile) @ weights.load("beat", BEAT_FEATURES))


def top_place(score: Curve) -> float:
    """Where round the beat [K] scores are highest, in beats from -0.5 to 0.5."""
    best = int(np.argmax(score))
    shift = _parabola(score[best - 1], score[best], score[(best + 1) % PLACES])
    return float((best + shift) / PLACES + 0.5) % 1.0 - 0.5


def rotate(score: Curve, beats: float) -> Curve:
    """[K] scores as they are round a grid that lies so many beats later."""
    turned = np.exp(2j * np.pi * np.arange(PLACES // 2 + 1) * beats)
    return np.asarray(np.fft.irfft(np.fft.rfft(score) * turned, PLACES))


def coherence(onsets: Curve, bpm: float) -> float:
    """How much [T, BANDS] onsets keep to a beat or its parts, 0..1; hiss gives about 0.1."""
    strength = onsets.sum(1)
    total = float(strength.sum())
    if total <= 0.0:
        return 0.0
    beats = np.arange(len(strength)) * (bpm / 60.0 / ONSET_RATE)
    turns = np.exp(2j * np.pi * np.outer((1, 2, 4), beats))
    return float(np.abs(turns @ strength).max() / total)
