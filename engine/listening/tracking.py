"""Tracking: the tempo, the beat and the key of what is heard, held until others are certain.

In:  [C, F] per frame of music. Out: what is held, as `Pulse` and a key: the trackers' readings with
hysteresis. A reading is taken over once so many in a row agree on it; while it is held, a tempo
follows readings near to it, and doubt or silence change nothing. Music that was not heard at all
lets the trackers begin anew; what is held stays held. Pure; about 1 ms per frame.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.listening import beat_tracker, key_tracker
from engine.listening import pulse as pulse_of
from engine.spec import FRAME_RATE, KEYS, AudioFormat

SURE_TEMPO: Final = 0.3  # confidence that a reading needs to count
SURE_KEY: Final = 0.5
STEADY_ROUNDS: Final = 4  # readings in a row, about half a second each, that must agree
NEAR: Final = 0.02  # relative: readings so near are one tempo
_NO_KEY: Final = -1


class Pulse(NamedTuple):
    """A tempo and its beats, on the axis of frames of music."""

    tempo_bpm: float
    beat: float  # beats counted since some beat, at `frame`
    frame: float  # of music; not whole
    began: int  # the frame of music with which sound began, as far as it was heard

    def beat_at(self, frame: float) -> float:
        """Beats counted at a frame of music, past or to come."""
        return self.beat + (frame - self.frame) * self.tempo_bpm / (60.0 * FRAME_RATE)


class Tracking(NamedTuple):
    """Everything the next frame depends on."""

    beats: beat_tracker.Tracker
    keys: key_tracker.Tracker
    start: NDArray[np.int64]  # [] the frame of music that the trackers heard first
    began: NDArray[np.int64]  # [] the frame with which sound began
    pulse: NDArray[np.float64]  # [3] tempo, beat and frame that are held; a tempo of 0 before
    tempo_rounds: NDArray[np.float64]  # [2] the tempo read last, and how often in a row
    key: NDArray[np.int64]  # [3] the key that is held or -1; the one read last; how often in a row


def init_state(audio: AudioFormat) -> Tracking:
    """Nothing heard, nothing held."""
    return Tracking(
        beats=beat_tracker.init_state(audio),
        keys=key_tracker.init_state(audio),
        start=np.array(0, np.int64),
        began=np.array(0, np.int64),
        pulse=np.zeros(3),
        tempo_rounds=np.zeros(2),
        key=np.array([_NO_KEY, _NO_KEY, 0], np.int64),
    )


def hear(
    audio: NDArray[np.float32], tracking: Tracking, rate: int, frame: int, *, begins: bool = False
) -> Tracking:
    """Take in one frame.

    Args:
        audio: [C, F]; what is not finite counts as silence.
        tracking: as before. Not written to.
        rate: Hz.
        frame: of music, one more than the last.
        begins: whether it is the first with sound in it after silence.

    Raises:
        ShapeError: not one frame.
    """
    beats = beat_tracker.hear(audio, tracking.beats, rate)
    keys = key_tracker.hear(audio, tracking.keys, rate)
    has_tempo = beats.reading is not tracking.beats.reading
    has_key = keys.reading is not tracking.keys.reading
    tracking = tracking._replace(
        beats=beats,
        keys=keys,
        began=np.array(frame, np.int64) if begins else tracking.began,
    )
    tracking = _hold_tempo(tracking) if has_tempo else tracking
    return _hold_key(tracking) if has_key else tracking


def miss(tracking: Tracking, audio: AudioFormat, frame: int) -> Tracking:
    """Begin anew at a frame of music, what came before it being unheard; hold what was held."""
    return init_state(audio)._replace(
        start=np.array(frame, np.int64),
        began=np.array(frame, np.int64),
        pulse=tracking.pulse,
        key=np.array([tracking.key[0], _NO_KEY, 0], np.int64),
    )


def pulse(tracking: Tracking) -> Pulse | None:
    """The tempo and the beats that are held, or None before any are."""
    bpm, beat, frame = tracking.pulse.tolist()
    return Pulse(bpm, beat, frame, int(tracking.began)) if bpm > 0.0 else None


def key(tracking: Tracking) -> str | None:
    """The key that is held, one of spec.KEYS, or None before any is."""
    held = int(tracking.key[0])
    return None if held == _NO_KEY else KEYS[held]


def makes_sense(tracking: Tracking) -> bool:
    """Tell whether what is held can be: for states that come from a file."""
    low, high = pulse_of.candidates()[[0, -1]]
    tempi = (tracking.pulse[0], tracking.beats.reading[0])
    keys = (*tracking.key[:2], int(tracking.keys.reading[0]))
    is_tempo = all(bpm == 0.0 or low / 2 <= bpm <= 2 * high for bpm in tempi)
    return is_tempo and all(_NO_KEY <= index < len(KEYS) for index in keys)


def _hold_tempo(tracking: Tracking) -> Tracking:
    """Take a new reading of tempo and beat into account."""
    reading = beat_tracker.read(tracking.beats)
    if reading is None or reading.confidence < SURE_TEMPO:
        return tracking._replace(tempo_rounds=np.zeros(2))
    last, count = tracking.tempo_rounds
    rounds = count + 1.0 if _is_near(reading.tempo_bpm, last) else 1.0
    tracking = tracking._replace(tempo_rounds=np.array([reading.tempo_bpm, rounds]))
    if rounds < STEADY_ROUNDS and not _is_near(reading.tempo_bpm, float(tracking.pulse[0])):
        return tracking
    frame = reading.second * FRAME_RATE + int(tracking.start)
    return tracking._replace(pulse=np.array([reading.tempo_bpm, reading.beat, frame]))


def _is_near(bpm: float, other: float) -> bool:
    return abs(bpm - other) <= NEAR * bpm


def _hold_key(tracking: Tracking) -> Tracking:
    """Take a new reading of the key into account."""
    reading = key_tracker.read(tracking.keys)
    held, last, count = tracking.key.tolist()
    if reading is None or reading.confidence < SURE_KEY:
        return tracking._replace(key=np.array([held, _NO_KEY, 0], np.int64))
    count = count + 1 if reading.key == last else 1
    held = reading.key if count >= STEADY_ROUNDS else held
    return tracking._replace(key=np.array([held, reading.key, count], np.int64))
