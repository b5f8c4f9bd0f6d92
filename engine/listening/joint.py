"""A joint: how what comes after a line fits what came before it, as an ear would notice.

In:  [C, N] audio and the sample at which other audio takes over. Out: the step in loudness over the
joint, and how much of a click it is against the lines of the take itself. Knows nothing of how the
audio was made. Pure.
"""

from collections.abc import Sequence
from math import log10
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.listening import level
from engine.spec import FRAME_RATE, AudioFormat

CLICK_SECONDS: Final = 0.003  # on both sides of a line, in which a click would be
NEAR_SECONDS: Final = 0.1  # on both sides of that, what it is compared with
BASELINE: Final = 95.0  # percentile of the take's own lines that a joint may reach

Audio = NDArray[np.float32]


def loudness_step_db(audio: Audio, joint: int, span: int, rate: int) -> float:
    """K-weighted level of `span` samples after the joint less that of as many before it.

    Raises:
        ShapeError: less than a frame on one side.
    """
    return _level_db(audio[:, joint : joint + span], rate) - _level_db(
        audio[:, max(0, joint - span) : joint], rate
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


def click_over_baseline_db(audio: Audio, joint: int, lines: Sequence[int], rate: int) -> float:
    """A joint's click less the `BASELINE` percentile of those on the take's own bar lines."""
    own = [click_db(audio, line, rate) for line in lines if line != joint]
    return click_db(audio, joint, rate) - float(np.percentile(own, BASELINE))
