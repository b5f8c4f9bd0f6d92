"""Render: a score becomes a stereo mix and its stems.

In:  a `Score`, or the scenes of a piece. Out: `Rendering`, [2, N] float32 at 48 kHz, N whole frames
covering the bars and about 1.2 s of tail. A pure function of the score: sound font or synthesiser,
effects, level, place, room, master.
"""

from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

import numpy as np
import pedalboard as pb
from numpy.typing import NDArray

from engine.errors import OptionError
from training.corpus import effects, fluid, master, synth
from training.corpus.loudness import FLOOR_LUFS, loudness
from training.corpus.score import Part, Scene, Score
from training.corpus.timing import (
    RATE,
    TAIL_S,
    Audio,
    Events,
    events_of,
    seconds_of,
    total_samples,
    whole_frames,
)

KICKS = (35, 36)
PART_LUFS = -20.0  # every part is brought here before its own gain
MAX_CORRECTION_DB = 24.0
VELOCITY_DB = 12.0  # quieter by this much for a part played at velocity 0 instead of 127
# Sparse, high or steady sounds read differently on a loudness meter than in a mix.
FAMILY_DB = {
    "drums": 1.0,
    "bass": 0.5,
    "percussion": -4.0,
    "mallets": -2.0,
    "pad": -1.0,
    "strings": -1.0,
    "plucked": -2.0,
    "keys": -1.5,
    "distortion": -1.5,
}
FAMILY_LOW_CUT_HZ = {"drums": 25.0, "bass": 28.0}
LOW_CUT_HZ = 75.0  # everyone else leaves the cellar to bass and kick


class Rendering(NamedTuple):
    """A rendered piece at 48 kHz."""

    mix: Audio  # [2, N] mastered
    stems: dict[
        str, Audio
    ]  # part name -> [2, N], after effects, level and place, before room and master


def render(score: Score) -> Rendering:
    """Play, mix and master a score.

    Raises:
        OptionError: a part names a source, patch or effect that does not exist.
        SoundFontMissing: a part needs the sound font and there is none.
    """
    samples = total_samples(score)
    around = _surroundings(score)
    stems: dict[str, Audio] = {}
    dry, send = np.zeros((2, samples), np.float32), np.zeros((2, samples), np.float32)
    for part in score.parts:
        stem = _stem(score, part, samples, around)
        stems[part.name] = stem
        dry += stem
        send += np.float32(part.reverb) * stem
    wet = master.reverberate(
        send, master.room_of(score.seed, score.genre, score.attributes.get("place", ""))
    )
    mix = master.finish(dry + wet, score.master)
    if score.fade_from is not None:
        mix *= master.fade_out(samples, score.seconds(score.fade_from), score.duration)
    return Rendering(mix, stems)


def render_scenes(scenes: Sequence[Scene]) -> Rendering:
    """Play the scenes of a piece; each rings on into the next. Stems are named "<scene> <part>".

    Raises:
        OptionError, SoundFontMissing: as `render`.
    """
    if len(scenes) == 1:
        return render(scenes[0].score)
    last = scenes[-1]
    samples = whole_frames(last.end + TAIL_S)
    mix, stems = np.zeros((2, samples), np.float32), {}
    for number, scene in enumerate(scenes, 1):
        played = render(scene.score)
        start = round(scene.second * RATE)
        _lay(played.mix, mix, start)
        for name, stem in played.stems.items():
            placed = np.zeros_like(mix)
            _lay(stem, placed, start)
            stems[f"{number} {name}"] = placed
    return Rendering(master.limit(mix), stems)


def _lay(sound: Audio, onto: Audio, start: int) -> None:
    end = min(onto.shape[1], start + sound.shape[1])
    onto[:, start:end] += sound[:, : end - start]


def _stem(score: Score, part: Part, samples: int, around: effects.Surroundings) -> Audio:
    events = events_of(score, part)
    sound = _perform(score, part, events, samples)
    sound = effects.apply(part.effects, sound, around)
    return _place(_level(sound, part, events), part.pan)


def _perform(score: Score, part: Part, events: Events, samples: int) -> Audio:
    if part.source == "soundfont":
        return fluid.play(part.program, events, samples, drums=part.family == "drums")
    if part.source == "synth":
        return synth.play(part.patch, events, samples, seed=score.seed ^ crc32(part.name.encode()))
    raise OptionError.of(f"source of part {part.name!r}", part.source, "soundfont or synth")


def _level(sound: Audio, part: Part, events: Events) -> Audio:
    """Bring a part to its place in the balance: the same loudness for all, then its own gain."""
    low_cut = pb.HighpassFilter(FAMILY_LOW_CUT_HZ.get(part.family, LOW_CUT_HZ))
    sound = pb.Pedalboard([low_cut])(sound, RATE)
    level = loudness(sound)
    if level <= FLOOR_LUFS:
        return sound
    correction = float(np.clip(PART_LUFS - level, -MAX_CORRECTION_DB, MAX_CORRECTION_DB))
    touch = VELOCITY_DB * (float(events.velocity.mean()) / 127 - 0.75)
    gain_db = correction + FAMILY_DB.get(part.family, 0.0) + touch + part.gain_db
    return sound * np.float32(10 ** (gain_db / 20))


def _place(sound: Audio, pan: float) -> Audio:
    """Balance towards a side at equal power, unity in the middle."""
    angle = (np.clip(pan, -1, 1) + 1) * np.pi / 4
    gains = np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)], np.float32)
    return sound * gains[:, None].astype(np.float32)


def _surroundings(score: Score) -> effects.Surroundings:
    rng = np.random.default_rng([score.seed, 0xEFF])
    beat_s = 60.0 / score.tempos[0][1]
    return effects.Surroundings(
        beat_s=beat_s, kicks=_kicks(score), colour=float(rng.uniform(-1, 1))
    )


def _kicks(score: Score) -> NDArray[np.int64]:
    """Onsets of the kick in samples; every beat where no kit has one."""
    kits = [events_of(score, part) for part in score.parts if part.family == "drums"]
    hits = [events.start[np.isin(events.pitch, KICKS)] for events in kits]
    found = np.unique(np.concatenate(hits)) if hits else np.zeros(0, np.int64)
    if len(found):
        return found
    beats = seconds_of(score, np.arange(0.0, score.length))
    return np.round(beats * RATE).astype(np.int64)
