"""A take, understood: what there is to know of recorded audio in order to go on from its end.

In:  [C, N] at the bundle's rate. Out: `command.Prime`: the tokens of its last seconds, how loud it
is, and tempo, beat, key and style where they are certain. Its last sample is the end of its last
frame; what does not fill a frame is left out at its beginning. Takes some milliseconds per frame,
so it belongs on a worker or before the music begins. Pure.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.bundle import Bundle
from engine.command import MAX_PRIME_FRAMES, Prime
from engine.errors import InputError
from engine.listening import beat_tracker, key_tracker, level, style
from engine.listening.ear import Ear, fit
from engine.listening.tracking import SURE_KEY, SURE_TEMPO
from engine.spec import FRAME_RATE, KEYS, AudioFormat

LEAST_SECONDS: Final = 1.0
MOST_SECONDS: Final = 30.0  # of its end that are listened to, for tempo, key and style

Audio = NDArray[np.float32]


def understand(bundle: Bundle, audio: Audio, said: str) -> Prime:
    """Listen to a take.

    Args:
        bundle: what is to go on from it.
        audio: [1 or 2, N] at the bundle's rate.
        said: what to call it.

    Raises:
        InputError: under 1 s, or its last half second is silent: nothing goes on from silence.
        BundleError: the bundle cannot listen.
        BackendError: a graph failed.
    """
    frames = _frames(audio, bundle.audio)
    tokens, loudness = _tokens(bundle, frames)
    if level.is_silent(loudness):
        raise InputError(f"{said} ends in silence, expected sound to go on from. Trim its end.")
    tempo, beat = _beat(frames, bundle.audio)
    return Prime(
        said=said,
        tokens=tokens[-MAX_PRIME_FRAMES:],
        loudness_db=level.loudness_db(loudness),
        tempo_bpm=tempo,
        beat=beat,
        key=_key(frames, bundle.audio),
        style=_style(bundle, frames),
    )


def _frames(audio: Audio, wanted: AudioFormat) -> list[Audio]:
    """The last whole frames, as the graphs want them."""
    size = wanted.frame_samples
    count = min(audio.shape[1] // size, round(MOST_SECONDS * FRAME_RATE))
    if count < LEAST_SECONDS * FRAME_RATE:
        seconds = audio.shape[1] / wanted.rate
        raise InputError(f"the take is {seconds:.2f} s long, expected {LEAST_SECONDS:g} s or more.")
    last = audio[:, audio.shape[1] - count * size :]
    return [fit(last[:, n * size : (n + 1) * size], wanted).audio for n in range(count)]


def _tokens(bundle: Bundle, frames: list[Audio]) -> tuple[tuple[tuple[int, ...], ...], level.Level]:
    """What the ear hears, and how loud the end is."""
    ear, loudness = Ear(bundle), level.init_state(bundle.audio)
    state, heard = ear.init_state(), []
    for frame in frames:
        tokens, state = ear.hear(frame, state)
        loudness = level.step(frame, loudness, bundle.audio.rate)
        heard.append(tuple(tokens.tolist()))
    return tuple(heard), loudness


def _beat(frames: list[Audio], audio: AudioFormat) -> tuple[float | None, float]:
    """Tempo, and beats at the end counted from the first; or None and 0."""
    tracker = beat_tracker.init_state(audio)
    for frame in frames:
        tracker = beat_tracker.hear(frame, tracker, audio.rate)
    reading = beat_tracker.read(tracker)
    if reading is None or reading.confidence < SURE_TEMPO:
        return None, 0.0
    end = reading.beat_at(len(frames) / FRAME_RATE)
    return reading.tempo_bpm, end - round(reading.beat_at(0.0))


def _key(frames: list[Audio], audio: AudioFormat) -> str | None:
    tracker = key_tracker.init_state(audio)
    for frame in frames:
        tracker = key_tracker.hear(frame, tracker, audio.rate)
    reading = key_tracker.read(tracker)
    if reading is None or reading.confidence < SURE_KEY:
        return None
    return KEYS[reading.key]


def _style(bundle: Bundle, frames: list[Audio]) -> NDArray[np.float32] | None:
    window = style.Window(tuple(frames[-style.WINDOW_FRAMES :]))
    if "style" not in bundle.manifest.graphs or not window.is_enough:
        return None
    return style.encode(bundle, window)
