"""The beat tracker: tempo and beat of what is heard, for when no host says them.

In:  [C, F] samples of one frame. Out: a `Reading`, made anew about twice a second.
The last 12 s of onsets are studied in steps, one per frame, so that no frame pays for all of it.
What a study finds is weighed against what was believed 12 s before, of which this study has heard
nothing: so octaves are chosen with inertia, and a new tempo wins once it has filled the window.
Beats are counted on; the count is moved, never started again. Pure.

Dimensions: G candidate tempi, K places in a beat, W onset values in the window.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.listening import onsets as fronts
from engine.listening import pulse
from engine.listening.onsets import BANDS, DELAY_SECONDS, ONSET_RATE, ONSETS_PER_FRAME, Onsets
from engine.spec import FRAME_RATE, AudioFormat

WINDOW: Final = 12 * ONSET_RATE  # W
LEAST: Final = 5 * ONSET_RATE  # onset values before anything is said
ROUND: Final = 12  # frames from one study to the next
ROUNDS: Final = WINDOW // (ROUND * ONSETS_PER_FRAME)  # studies until none of the window is left
CHANGES: Final = 0.05  # belief that a tempo has changed within the window
DRIFTS: Final = 0.1  # that it has moved to the next candidate, on either side
FOLLOWS: Final = 0.3  # how much of a small change of tempo or place is taken over by one study
SMALL: Final = 0.02  # relative, of tempo
PULSE: Final = (0.12, 0.25)  # coherence of no pulse at all and of a clear one
RECENT: Final = 3 * ONSET_RATE  # onset values in which something must have been played
LEAST_ONSETS: Final = 5.0  # their sum; soft strings have 15 and more

Curve = NDArray[np.float64]


class Reading(NamedTuple):
    """What is believed. Between readings, and in pauses, it goes on by itself."""

    tempo_bpm: float
    beat: float  # beats counted since some beat, at `second`
    second: float  # of the stream, counted from the tracker's first frame
    confidence: float  # 0..1

    def beat_at(self, second: float) -> float:
        """Beats counted at a second of the stream, past or to come."""
        return self.beat + (second - self.second) * self.tempo_bpm / 60.0

    def second_of(self, beat: float) -> float:
        """When a beat falls."""
        return self.second + (beat - self.beat) * 60.0 / self.tempo_bpm


class Tracker(NamedTuple):
    """Everything the next frame depends on."""

    onsets: Onsets
    frames: NDArray[np.int64]  # [] heard
    rises: NDArray[np.float32]  # [W, BANDS] the last ones; zero before the first
    studied: NDArray[np.float32]  # [W, BANDS] as the round began
    score: Curve  # [G] what the round's bands have said so far
    comb: Curve  # [NEAR_TEMPI] likewise, about the tempo that was chosen
    beliefs: Curve  # [ROUNDS, G] logarithms of belief after each of the last rounds, oldest first
    places: Curve  # [K] scores of the places round the counted beat
    reading: Curve  # [4] `Reading`; a tempo of 0 before the first


def init_state(audio: AudioFormat) -> Tracker:
    """Nothing heard."""
    grid = len(pulse.candidates())
    window = np.zeros((WINDOW, len(BANDS)), np.float32)
    return Tracker(
        onsets=fronts.init_state(audio),
        frames=np.array(0, np.int64),
        rises=window,
        studied=window,
        score=np.zeros(grid),
        comb=np.zeros(pulse.NEAR_TEMPI),
        beliefs=np.full((ROUNDS, grid), -np.log(grid)),
        places=np.zeros(pulse.PLACES),
        reading=np.zeros(4),
    )


def hear(audio: NDArray[np.float32], tracker: Tracker, rate: int) -> Tracker:
    """Take in one frame; under 1 ms.

    Args:
        audio: [C, F]; what is not finite counts as silence.
        tracker: as before. Not written to.
        rate: Hz.

    Raises:
        ShapeError: not one frame.
    """
    rises, front = fronts.step(audio, tracker.onsets, rate)
    return follow(rises, tracker._replace(onsets=front))


def read(tracker: Tracker) -> Reading | None:
    """What is believed, or None before the first 5 s with onsets in them."""
    return Reading(*tracker.reading.tolist()) if tracker.reading[0] > 0.0 else None


def follow(rises: NDArray[np.float32], tracker: Tracker) -> Tracker:
    """Take in one frame's [4, BANDS] rises and do this frame's step of the study."""
    frames = int(tracker.frames) + 1
    heard = np.concatenate([tracker.rises[ONSETS_PER_FRAME:], rises])
    tracker = tracker._replace(frames=np.array(frames, np.int64), rises=heard)
    step = _STEPS.get(frames % ROUND)
    return tracker if step is None else step(tracker)


# --- a round of study, one step per frame -------------------------------------------------------


def _begin(tracker: Tracker) -> Tracker:
    """Hold the window still and forget the round before."""
    return tracker._replace(
        studied=tracker.rises, score=pulse.prior_score(), comb=np.zeros(pulse.NEAR_TEMPI)
    )


def _score_band(band: int) -> Callable[[Tracker], Tracker]:
    def step(tracker: Tracker) -> Tracker:
        if (onsets := _onsets(tracker)) is None:
            return tracker
        return tracker._replace(score=tracker.score + pulse.band_score(onsets[:, band], band))

    return step


def _believe(tracker: Tracker) -> Tracker:
    """Weigh the study against what was believed a window ago."""
    if _onsets(tracker) is None:
        return tracker
    belief = _normal(_may_have_changed(tracker.beliefs[0]) + tracker.score)
    return tracker._replace(beliefs=np.concatenate([tracker.beliefs[1:], belief[None]]))


def _comb_band(band: int) -> Callable[[Tracker], Tracker]:
    def step(tracker: Tracker) -> Tracker:
        if (onsets := _onsets(tracker)) is None:
            return tracker
        teeth = pulse.comb(onsets[:, band], pulse.near(_chosen(tracker)))
        return tracker._replace(comb=tracker.comb + teeth)

    return step


def _conclude(tracker: Tracker) -> Tracker:
    """Place the tempo exactly and the beat in it, and move the count there."""
    onsets = _onsets(tracker)
    if onsets is None:
        return _doubt(tracker)
    second = (int(tracker.frames) - ROUND + 2) / FRAME_RATE - DELAY_SECONDS
    found = pulse.peak(pulse.near(_chosen(tracker)), tracker.comb)
    before = read(tracker) or Reading(found, 0.0, second, 0.0)
    is_new = abs(found / before.tempo_bpm - 1) > SMALL
    bpm = found if is_new else before.tempo_bpm + FOLLOWS * (found - before.tempo_bpm)
    beat = before.beat_at(second)
    score = pulse.beat_score(pulse.fold(onsets, bpm, beat))
    places = score if is_new else tracker.places + FOLLOWS * (score - tracker.places)
    shift = pulse.top_place(places)
    confidence = _share_near(tracker, found) * _clarity(pulse.coherence(onsets, bpm))
    return tracker._replace(
        places=pulse.rotate(places, shift),
        reading=np.array([bpm, beat - shift, second, confidence]),
    )


_STEPS: Final[dict[int, Callable[[Tracker], Tracker]]] = {
    0: _begin,
    **{1 + band: _score_band(band) for band in range(len(BANDS))},
    5: _believe,
    **{6 + band: _comb_band(band) for band in range(len(BANDS))},
    10: _conclude,
}


def _onsets(tracker: Tracker) -> Curve | None:
    """[T, BANDS] of the window that is studied, or None if it is short or playing has stopped."""
    began = (int(tracker.frames) // ROUND) * ROUND * ONSETS_PER_FRAME
    onsets = pulse.above_local_mean(tracker.studied[-began:])
    return onsets if began >= LEAST and onsets[-RECENT:].sum() >= LEAST_ONSETS else None


def _chosen(tracker: Tracker) -> float:
    return float(pulse.candidates()[np.argmax(tracker.beliefs[-1])])


def _may_have_changed(belief: Curve) -> Curve:
    """[G] logarithms of a belief, a window later."""
    share = np.exp(belief)
    drifted = np.convolve(share, [DRIFTS, 1 - 2 * DRIFTS, DRIFTS], "same")
    return np.asarray(np.log((1 - CHANGES) * drifted + CHANGES / len(share)))


def _normal(score: Curve) -> Curve:
    return np.asarray(score - score.max() - np.log(np.exp(score - score.max()).sum()))


def _share_near(tracker: Tracker, bpm: float) -> float:
    """Belief in the tempi within 4 %."""
    is_near = np.abs(np.log(pulse.candidates() / bpm)) < 0.04
    return float(np.exp(tracker.beliefs[-1][is_near]).sum())


def _clarity(coherence: float) -> float:
    """0 for no pulse, 1 for a clear one."""
    none, clear = PULSE
    return min(max((coherence - none) / (clear - none), 0.0), 1.0)


def _doubt(tracker: Tracker) -> Tracker:
    """Go on counting where there is nothing to hear, and be less and less sure."""
    return tracker._replace(reading=tracker.reading * [1.0, 1.0, 1.0, 0.95])
