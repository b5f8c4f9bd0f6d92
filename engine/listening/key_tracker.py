"""The key tracker: the key of what is heard, for when nobody says it.

In:  [C, F] samples of one frame. Out: a `Reading`, made anew about twice a second.
The last 12 s of chroma are studied and weighed against what was believed 12 s before, of which this
study has heard nothing; so a key holds until another has filled the window. Where music began after
silence its opening counts extra. Pure.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.listening import chroma as fronts
from engine.listening import tonality
from engine.listening.chroma import CHROMA_RATE, Chroma
from engine.spec import KEYS, AudioFormat

WINDOW: Final = round(12 * CHROMA_RATE)
LEAST: Final = round(4 * CHROMA_RATE)  # chroma with sound in them before anything is said
ROUND: Final = 6  # chroma from one study to the next
ROUNDS: Final = WINDOW // ROUND
CHANGES: Final = 0.05  # belief that the key has changed within the window
PAUSE: Final = round(CHROMA_RATE)  # silent chroma after which sound is a beginning
BEGINNING: Final = WINDOW + LEAST + ROUND  # chroma until a belief that knew the opening takes over

Array = NDArray[np.float64]


class Reading(NamedTuple):
    """What is believed."""

    key: int  # index into engine.spec.KEYS
    confidence: float  # 0..1


class Tracker(NamedTuple):
    """Everything the next frame depends on."""

    chroma: Chroma
    heard: NDArray[np.int64]  # [] chroma
    silent: NDArray[np.int64]  # [] in a row, up to PAUSE
    window: Array  # [WINDOW, 2, 12] the last ones; zero before the first
    begun: NDArray[np.int64]  # [] chroma since music began, up to BEGINNING
    opening: Array  # [12] summed over the first of them
    beliefs: Array  # [ROUNDS, 24] logarithms of belief after each of the last rounds, oldest first
    reading: Array  # [2] `Reading`; a confidence of 0 before the first


def init_state(audio: AudioFormat) -> Tracker:
    """Nothing heard; music may be on already, so what comes first is no beginning."""
    return Tracker(
        chroma=fronts.init_state(audio),
        heard=np.array(0, np.int64),
        silent=np.array(0, np.int64),
        window=np.zeros((WINDOW, 2, 12)),
        begun=np.array(BEGINNING, np.int64),
        opening=np.zeros(12),
        beliefs=np.full((ROUNDS, len(KEYS)), -np.log(len(KEYS))),
        reading=np.zeros(2),
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
    shares, front = fronts.step(audio, tracker.chroma, rate)
    tracker = tracker._replace(chroma=front)
    return tracker if shares is None else follow(shares, tracker)


def read(tracker: Tracker) -> Reading | None:
    """What is believed, or None before the first 4 s of pitched sound."""
    key, confidence = tracker.reading.tolist()
    return Reading(int(key), confidence) if confidence > 0.0 else None


def follow(shares: Array, tracker: Tracker) -> Tracker:
    """Take in one [2, 12] chroma and, every ROUND of them, study the window."""
    is_silent = not shares.any()
    begins = not is_silent and tracker.silent >= PAUSE
    begun = 0 if begins else min(int(tracker.begun) + 1, BEGINNING)
    opening = np.zeros(12) if begins else tracker.opening
    tracker = tracker._replace(
        heard=np.array(int(tracker.heard) + 1, np.int64),
        silent=np.array(min(int(tracker.silent) + 1, PAUSE) if is_silent else 0, np.int64),
        window=np.concatenate([tracker.window[1:], shares[None]]),
        begun=np.array(begun, np.int64),
        opening=opening + shares[0] if begun < tonality.OPENING else opening,
    )
    return _study(tracker) if tracker.heard % ROUND == 0 else tracker


def _study(tracker: Tracker) -> Tracker:
    has_begun = int(tracker.begun) < BEGINNING
    window = tracker.window[-1 - int(tracker.begun) :]
    if np.count_nonzero(window[:, 0].any(1)) < LEAST:
        return tracker
    score = tonality.score(window, tracker.opening if has_begun else None)
    share = np.exp(tracker.beliefs[0])
    belief = np.log((1 - CHANGES) * share + CHANGES / len(KEYS)) + score
    belief -= belief.max() + np.log(np.exp(belief - belief.max()).sum())
    best = int(np.argmax(belief))
    return tracker._replace(
        beliefs=np.concatenate([tracker.beliefs[1:], belief[None]]),
        reading=np.array([best, np.exp(belief[best])]),
    )
