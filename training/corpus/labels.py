"""Labels: what a score means for every frame of 40 ms.

In:  a score, or the scenes of a piece, and the length of the rendering in seconds.
Out: `engine.row.Labels`, T = floor(seconds * 25) frames, each at the frame's first sample.

After the last bar (the tail of the reverberation) there is no chord, nobody plays, and the section
is the outro. Brightness is measured by the renderer; it is one half until then.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.row import Labels
from engine.spec import (
    FAMILIES,
    FRAME_RATE,
    NO_CHORD,
    NOTE_ONSET,
    NOTE_SUSTAIN,
    PITCHES,
    QUALITY_NAMES,
    SECTIONS,
)
from training.corpus.score import Scene, Score

FULL_DENSITY = 16.0  # note onsets per second that count as density 1
DENSITY_SECONDS = 1.0  # width of the smoothing window
EDGE = 1e-6  # seconds; a frame that starts this little before an event still belongs to it


def label(score: Score, duration_seconds: float) -> Labels:
    """Lay out a score's labels frame by frame.

    Raises:
        ValueError: a duration shorter than one frame.
    """
    return label_scenes((Scene(score),), duration_seconds)


def label_scenes(scenes: Sequence[Scene], duration_seconds: float) -> Labels:
    """Lay out the labels of scores that follow each other; a frame is its first sample's.

    `beat` goes on from scene to scene; where the meter changes it jumps to the next even bar of the
    new one, so that its phases are right.

    Raises:
        ValueError: a duration shorter than one frame.
    """
    frames = int(duration_seconds * FRAME_RATE + EDGE)
    if frames < 1:
        raise ValueError(f"duration is {duration_seconds} s, expected at least one frame of 0.04 s")
    parts, first_beat = [], 0.0
    for index, scene in enumerate(scenes):
        first = first_frame(scene)
        end = first_frame(scenes[index + 1]) if index + 1 < len(scenes) else frames
        if index and scenes[index - 1].score.beats_per_bar != scene.score.beats_per_bar:
            first_beat += -first_beat % (2 * scene.score.beats_per_bar)
        seconds = np.arange(first, min(end, frames)) / FRAME_RATE - scene.second
        parts.append(_grid(scene.score, seconds, first_beat))
        first_beat += scene.score.length
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Labels(
        **joined,
        notes=_notes(scenes, frames),
        density=_density(scenes, frames),
        brightness=np.full(frames, 0.5, np.float32),
    )


def first_frame(scene: Scene) -> int:
    """Index of the first frame that is a scene's own."""
    return int(np.ceil(scene.second * FRAME_RATE - EDGE))


def _grid(
    score: Score, seconds: NDArray[np.float64], first_beat: float
) -> dict[str, NDArray[np.generic]]:
    """Every label that is in force for a while, at `seconds` of a score: [T] or [T, families]."""
    beat = np.array([score.beat_at(second) for second in seconds])
    played = seconds < score.duration - EDGE
    chord = _steps([c.beat for c in score.chords], score, seconds)
    roots = np.array([c.root for c in score.chords])
    qualities = np.array([QUALITY_NAMES.index(c.quality) for c in score.chords])
    sections = np.array([SECTIONS.index(s.name) for s in score.sections])
    keys = np.array([key for _, key in score.keys])
    families = np.stack([_in_bars(score, beat, played, name) for name in FAMILIES], -1)
    pitched = families.any(-1)  # in a bar of silence, or of drums alone, there is no chord
    section = sections[_steps([s.beat for s in score.sections], score, seconds)]
    return {
        "tempo_bpm": _tempos(score, seconds),
        "beat": beat + first_beat,
        "beats_per_bar": np.full(len(seconds), score.beats_per_bar, np.int64),
        "key": keys[_steps([beat for beat, _ in score.keys], score, seconds)],
        "chord_root": np.where(pitched, roots[chord], NO_CHORD),
        "chord_quality": np.where(pitched, qualities[chord], 0),
        "drums": _in_bars(score, beat, played, "drums"),
        "families": families,
        "section": np.where(played, section, SECTIONS.index("outro")),
    }


def _steps(beats: list[float], score: Score, seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of the latest event at or before each frame: [T]."""
    times = np.array([score.seconds(beat) for beat in beats])
    return np.maximum(np.searchsorted(times, seconds + EDGE, "right") - 1, 0)


def _tempos(score: Score, seconds: NDArray[np.float64]) -> NDArray[np.float32]:
    bpm = np.array([bpm for _, bpm in score.tempos], np.float32)
    return bpm[_steps([beat for beat, _ in score.tempos], score, seconds)]


def _notes(scenes: Sequence[Scene], frames: int) -> NDArray[np.uint8]:
    """States of all pitched notes: [T, PITCHES]; an onset is the frame that contains the start."""
    states = np.zeros((frames, PITCHES), np.uint8)
    onsets: list[tuple[int, int]] = []
    for scene in scenes:
        for part in (part for part in scene.score.parts if part.family != "drums"):
            for note in part.notes:
                first = _frame(scene, note.start)
                end = (scene.second + scene.score.seconds(note.start + note.length)) * FRAME_RATE
                states[first : max(first + 1, int(np.ceil(end - EDGE))), note.pitch] = NOTE_SUSTAIN
                onsets.append((first, note.pitch))
    for first, pitch in onsets:
        if first < frames:
            states[first, pitch] = NOTE_ONSET
    return states


def _frame(scene: Scene, beat: float) -> int:
    """The frame that contains a beat of a scene."""
    return int((scene.second + scene.score.seconds(beat)) * FRAME_RATE + EDGE)


def _in_bars(
    score: Score, beat: NDArray[np.float64], played: NDArray[np.bool_], family: str
) -> NDArray[np.uint8]:
    """Mark each frame of a bar in which a note of the family begins or still sounds: [T]."""
    bars = np.zeros(int(score.length // score.beats_per_bar) + 1, np.uint8)
    for part in score.parts:
        if part.family != family:
            continue
        for note in part.notes:
            first = int((note.start + 0.05) // score.beats_per_bar)
            last = int((note.start + max(note.length - 0.1, 0.05)) // score.beats_per_bar)
            bars[first : last + 1] = 1
    index = np.clip((beat + EDGE) // score.beats_per_bar, 0, len(bars) - 1).astype(np.int64)
    return np.where(played, bars[index], 0).astype(np.uint8)


def _density(scenes: Sequence[Scene], frames: int) -> NDArray[np.float32]:
    """Onsets of all parts per second (a chord is one), smoothed, on a scale of 0 to 1: [T]."""
    counts = np.zeros(frames)
    for scene in scenes:
        for part in scene.score.parts:
            starts = {_frame(scene, note.start) for note in part.notes}
            counts[[start for start in starts if start < frames]] += 1
    window = np.hanning(round(2 * DENSITY_SECONDS * FRAME_RATE) + 1)
    smooth = np.convolve(counts, window / window.sum(), "same") if frames >= len(window) else counts
    return np.clip(smooth * FRAME_RATE / FULL_DENSITY, 0, 1).astype(np.float32)
