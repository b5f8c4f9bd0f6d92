"""FluidSynth: acoustic instruments from the FluidR3 sound font (MIT), one part at a time.

In:  `Events`, a General MIDI program (bank 128 for drums), a length in samples.
Out: [2, N] float32 at 48 kHz, dry. A fresh synthesiser per part (about 20 ms; a
reset one did not give the same samples again) with its own reverberation and chorus off, so that
a part sounds the same whatever was rendered before. Onsets fall on FluidSynth's own grid of
64 samples (1.3 ms).
"""

import ctypes
import os
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.errors import AntiphonError
from training.corpus.timing import RATE, Audio, Events

BLOCK = 64
DRUM_BANK = 128
CHANNEL = 0
GAIN = 0.5
PLACES = (
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/sounds/sf3/FluidR3_GM.sf3",
    "/usr/share/sounds/sf3/FluidR3Mono_GM.sf3",
    "/usr/share/sounds/sf3/fluidr3mono_gm.sf3",
    "/usr/share/sounds/sf2/fluidr3mono_gm.sf2",
)
HOW_TO_GET = (
    "Run `apt-get install fluid-soundfont-gm fluidsynth`, or set ANTIPHON_SOUNDFONT to a "
    "General MIDI .sf2 or .sf3 file."
)


class SoundFontMissing(AntiphonError):
    """FluidSynth or its sound font is not installed."""


class _Action(NamedTuple):
    """A key goes down or up; within a block, keys are let go before others are struck."""

    block: int
    is_on: int
    pitch: int
    velocity: int


@cache
def sound_font() -> Path:
    """Find the sound font.

    Raises:
        SoundFontMissing: nowhere; says what to install.
    """
    asked = os.environ.get("ANTIPHON_SOUNDFONT")
    if asked:
        if not Path(asked).is_file():
            raise SoundFontMissing(
                f"ANTIPHON_SOUNDFONT is {asked!r}, expected a file. {HOW_TO_GET}"
            )
        return Path(asked)
    for place in map(Path, PLACES):
        if place.is_file():
            return place
    raise SoundFontMissing(f"no FluidR3 sound font in {', '.join(PLACES)}. {HOW_TO_GET}")


@cache
def _library() -> Any:
    try:
        import fluidsynth
    except ImportError as exc:  # pyfluidsynth raises it too when the shared library is not found
        raise SoundFontMissing(f"FluidSynth cannot be loaded ({exc}). {HOW_TO_GET}") from exc
    return fluidsynth


def require() -> None:
    """Find FluidSynth and its sound font before any work begins.

    Raises:
        SoundFontMissing: one of the two is not there; says what to install.
    """
    _library()
    sound_font()


@cache
def _write_float() -> Any:
    """The float writer, which pyfluidsynth leaves out; its 16-bit one dithers."""
    pointer, number = ctypes.c_void_p, ctypes.c_int
    return _library().cfunc(
        "fluid_synth_write_float",
        number,
        ("synth", pointer, 1),
        ("len", number, 1),
        ("left", pointer, 1),
        ("left_offset", number, 1),
        ("left_step", number, 1),
        ("right", pointer, 1),
        ("right_offset", number, 1),
        ("right_step", number, 1),
    )


def play(program: int, events: Events, samples: int, *, drums: bool) -> Audio:
    """Render a part on the sound font: [2, samples].

    Raises:
        SoundFontMissing: nothing to play on.
        AntiphonError: the sound font has no such program.
    """
    synth = _open(program, drums)
    try:
        return _perform(synth, _actions(events), samples)
    finally:
        synth.delete()


def _open(program: int, drums: bool) -> Any:
    settings = {
        "synth.reverb.active": 0,
        "synth.chorus.active": 0,
        "synth.dynamic-sample-loading": 1,
        "synth.cpu-cores": 1,
    }
    synth = _library().Synth(gain=GAIN, samplerate=RATE, channels=16, **settings)
    bank = DRUM_BANK if drums else 0
    font = synth.sfload(str(sound_font()))
    if font < 0 or synth.program_select(CHANNEL, font, bank, program) != 0:
        synth.delete()
        raise AntiphonError(f"{sound_font().name} has no program {program} in bank {bank}.")
    return synth


def _actions(events: Events) -> list[_Action]:
    """Key presses in order; a key struck again is first let go."""
    actions: list[_Action] = []
    struck_again: dict[int, int] = {}  # pitch -> block of the next onset, walking backwards
    starts = np.round(events.start / BLOCK).astype(np.int64)
    ends = np.maximum(np.round((events.start + events.length) / BLOCK).astype(np.int64), starts + 1)
    for start, end, pitch, velocity in sorted(
        zip(starts.tolist(), ends.tolist(), events.pitch.tolist(), events.velocity.tolist()),
        reverse=True,
    ):
        end = min(end, struck_again.get(pitch, end))
        actions += [_Action(start, 1, pitch, velocity), _Action(end, 0, pitch, 0)]
        struck_again[pitch] = start
    return sorted(actions)


def _perform(synth: Any, actions: list[_Action], samples: int) -> Audio:
    """Walk through the actions; stretches without a sounding voice are skipped, not rendered."""
    out = np.zeros((2, samples), np.float32)
    position = 0
    for action in actions:
        position = _advance(synth, out, position, min(action.block * BLOCK, samples))
        if action.is_on:
            synth.noteon(CHANNEL, action.pitch, action.velocity)
        else:
            synth.noteoff(CHANNEL, action.pitch)
    synth.all_notes_off(CHANNEL)
    _advance(synth, out, position, samples)
    return out


def _advance(synth: Any, out: Audio, start: int, end: int) -> int:
    """Render from `start` to `end` in stretches of a quarter second, as long as a voice sounds."""
    stretch = RATE // 4 // BLOCK * BLOCK
    while start < end:
        if synth.get_active_voice_count() == 0:
            return end
        count = min(stretch, end - start)
        left, right = out[0].ctypes.data, out[1].ctypes.data
        _write_float()(synth.synth, count, left, start, 1, right, start, 1)
        start += count
    return end
