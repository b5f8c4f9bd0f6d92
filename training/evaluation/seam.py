"""The seam: how what comes after a bar line fits what came before it.

In:  [C, N] audio, the sample at which other audio takes over, and the grid it should keep.
Out: the step in loudness over the seam, how much of a click it is against the bar lines of the
take itself, and how far the beat has moved. Knows nothing of how the audio was made.
"""

from collections.abc import Sequence
from math import log10

import numpy as np
from numpy.typing import NDArray

from engine.listening import level
from engine.spec import FRAME_RATE, AudioFormat
from training.evaluation.beat import beat_phase
from training.evaluation.onsets import ONSET_RATE, Onsets

CLICK_SECONDS = 0.003  # on both sides of a line, in which a click would be
NEAR_SECONDS = 0.1  # on both sides of that, what it is compared with
BASELINE = 95.0  # percentile of the take's own lines that a seam may reach
PARTS = 4  # that a continuation's phase is measured in

Audio = NDArray[np.float32]


def loudness_step_db(audio: Audio, seam: int, span: int, rate: int) -> float:
    """K-weighted level of `span` samples after the seam less that of as many before it.

    Raises:
        ShapeError: less than a frame on one side.
    """
    return _level_db(audio[:, seam : seam + span], rate) - _level_db(
        audio[:, max(0, seam - span) : seam], rate
    )


def _level_db(audio: Audio, rate: int) -> float:
    form = AudioFormat(rate=rate, channels=len(audio))
    state, samples = level.init_state(form), rate // FRAME_RATE
    powers = []
    for start in range(0, audio.shape[1] - samples + 1, samples):
        state = level.step(audio[:, start : start + samples], state, rate)
        powers.append(float(state.powers[-1]))
    heard = powers[1:] or powers  # the first window is half before the audio
    return max(level.FLOOR_DB, 10 * log10(max(float(np.mean(heard)), 1e-12)))


def click_db(audio: Audio, line: int, rate: int) -> float:
    """How much the sharpest corner about a line stands out of the corners around it, in dB.

    A corner is a sample's second difference: small in music, large where waves are broken off.
    """
    reach, near = round(CLICK_SECONDS * rate), round(NEAR_SECONDS * rate)
    part = audio[:, max(0, line - reach - near) : line + reach + near].astype(np.float64)
    corners = np.abs(np.diff(part, n=2, axis=1)).max(0)
    middle = min(line, reach + near) - 1  # of the second differences
    here = slice(max(0, middle - reach), middle + reach)
    around = np.delete(corners, np.r_[here])
    floor = 1e-6  # -120 dB of full scale: silence has no corners
    usual = float(np.sqrt(np.mean(around**2))) if around.size else 0.0
    return float(20 * np.log10((corners[here].max() + floor) / (usual + floor)))


def click_over_baseline_db(audio: Audio, seam: int, lines: Sequence[int], rate: int) -> float:
    """A seam's click less the `BASELINE` percentile of those on the take's own bar lines."""
    own = [click_db(audio, line, rate) for line in lines if line != seam]
    return click_db(audio, seam, rate) - float(np.percentile(own, BASELINE))


def phase_moved_ms(onsets: Onsets, bpm: float, seam_second: float) -> float:
    """How far the beat is from where it was before the seam, in the worst quarter of what follows.

    Args:
        onsets: of the whole take, whose beat 0 is its first instant.
        bpm: tempo of the grid.
        seam_second: where the continuation begins.

    Returns:
        ms, at most a quarter of a beat: onsets are compared with beats and half-beats.
    """
    seam = round(seam_second * ONSET_RATE)
    edges = np.linspace(seam, len(onsets.strength), PARTS + 1).astype(int)
    before = _offset_ms(onsets, 0, seam, bpm)
    half_beat = 30_000.0 / bpm
    moved = [
        (_offset_ms(onsets, a, b, bpm) - before + half_beat / 2) % half_beat - half_beat / 2
        for a, b in zip(edges, edges[1:], strict=False)
    ]
    return float(np.abs(moved).max())


def _offset_ms(onsets: Onsets, start: int, end: int, bpm: float) -> float:
    part = Onsets(*(values[start:end] for values in onsets))
    beats = np.arange(start, end) / ONSET_RATE * bpm / 60.0
    return beat_phase(part, beats, bpm).offset_ms
