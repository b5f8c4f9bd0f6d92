"""The conditioning row: one frame's musical instructions as one float vector.

In:  a `Controls` (what is asked for one frame), or label arrays in training.
Out: `[ROW_WIDTH]` float32, laid out as `FIELDS` says.

Every field has a "not given" value, all zeros, so that a field can be dropped in training and left
unsaid by a player. Pure functions of numpy; called once per frame by `stages.steer`, and on whole
pieces by training. Knows nothing about text, clocks or models.
"""

from dataclasses import dataclass, field
from math import log2, tau
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import OptionError, ShapeError
from engine.spec import (
    FAMILIES,
    KEYS,
    MAX_BEATS_PER_BAR,
    NO_CHORD,
    NO_KEY,
    NOTE_FREE,
    NOTE_ONSET,
    NOTE_SUSTAIN,
    PITCH_CLASSES,
    PITCHES,
    QUALITIES,
    QUALITY_NAMES,
    SECTIONS,
    STYLE_WIDTH,
)

Vector = NDArray[np.float32]

# name -> width. The order is the row's order; a bundle stores this table and refuses another one.
FIELDS: dict[str, int] = {
    "style": STYLE_WIDTH + 1,  # MuLan vector, then 1 if given
    "tempo": 4,  # given, log2(bpm / 120), and its sine and cosine per octave
    "meter": 8
    + MAX_BEATS_PER_BAR,  # beat, half-beat, bar and double-bar phase (sin, cos); beats per bar
    "key": 12 + 2,  # tonic, mode
    "chord": 12 + 12 + 1,  # root, pitch classes, given
    "notes": 3 * PITCHES + 1,  # sounding, onset, free; given, so that no note is not no wish
    "drums": 2,  # asked for, asked not to
    "families": 2 * len(FAMILIES),  # asked for, asked not to
    "density": 2,  # value, given
    "brightness": 2,  # value, given
    "section": len(SECTIONS),
}
ROW_WIDTH = sum(FIELDS.values())

# What training leaves out of the unconditioned rows of guidance (Ho 2022). Tempo and meter stay, so
# that guidance pushes towards the prompt and never against the grid. Notes stay or go by chance.
UNGUIDED = ("style", "key", "chord", "drums", "families", "density", "brightness", "section")


def _slices() -> dict[str, slice]:
    edges = np.cumsum([0, *FIELDS.values()])
    return {
        name: slice(int(a), int(b)) for name, a, b in zip(FIELDS, edges, edges[1:], strict=False)
    }


SLICES = _slices()


# Who says the chords: whoever plays; or else the engine, where a key is asked for; or else the
# engine, in a key of its own if need be.
Harmony = Literal["played", "in key", "planned"]


@dataclass(frozen=True, kw_only=True)
class Controls:
    """What is asked for one frame. None, or -1 where an index, means "not given"."""

    style: Vector | None = None  # [STYLE_WIDTH] unit norm
    tempo_bpm: float | None = None
    beat: float | None = (
        None  # position in beats since the start of the bar grid; needs beats_per_bar
    )
    beats_per_bar: int = 4  # 1..MAX_BEATS_PER_BAR
    key: int = NO_KEY  # index into spec.KEYS
    chord_root: int = NO_CHORD  # pitch class
    chord_quality: int = 0  # index into spec.QUALITY_NAMES, read when a root is given
    notes: NDArray[np.uint8] | None = (
        None  # [PITCHES] of NOTE_OFF, NOTE_SUSTAIN, NOTE_ONSET, NOTE_FREE
    )
    drums: bool | None = None
    families: tuple[str, ...] = ()  # asked for
    without: tuple[str, ...] = ()  # asked not to sound
    density: float | None = None  # 0..1
    brightness: float | None = None  # 0..1
    section: int = -1  # index into spec.SECTIONS
    harmony: Harmony = "played"

    def __post_init__(self) -> None:
        for name in (*self.families, *self.without):
            if name not in FAMILIES:
                raise OptionError.of("instrument family", name, f"one of {', '.join(FAMILIES)}")


@dataclass
class Labels:
    """A stretch of frames, each array over T; the same words as `Controls`.

    Used by training for what a piece is, and by `encode_labels` to lay out all rows at once.
    """

    tempo_bpm: Vector  # [T]
    beat: NDArray[
        np.float64
    ]  # [T] beats since the start of the bar grid, at the frame's first sample
    beats_per_bar: NDArray[np.int64]  # [T]
    key: NDArray[np.int64]  # [T] index into spec.KEYS or NO_KEY
    chord_root: NDArray[np.int64]  # [T] pitch class or NO_CHORD
    chord_quality: NDArray[np.int64]  # [T]
    notes: NDArray[np.uint8]  # [T, PITCHES]
    drums: NDArray[np.uint8]  # [T] 1 where a kit plays in this bar
    families: NDArray[np.uint8]  # [T, F] 1 where the family plays in this bar
    density: Vector  # [T] 0..1
    brightness: Vector  # [T] 0..1
    section: NDArray[np.int64]  # [T] index into spec.SECTIONS
    extra: dict[str, object] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.tempo_bpm)


def tempo_features(bpm: NDArray[np.floating]) -> Vector:
    """Lay out tempo: [..., 4] = given, octaves above 120 bpm, and sine and cosine within the
    octave."""
    octave = np.log2(np.asarray(bpm, np.float64) / 120.0)
    parts = (np.ones_like(octave), octave, np.sin(tau * octave), np.cos(tau * octave))
    return np.stack(parts, -1).astype(np.float32)


def meter_features(beat: NDArray[np.floating], beats_per_bar: NDArray[np.integer]) -> Vector:
    """Lay out position: [..., 8 + MAX_BEATS_PER_BAR], phases of beat, half-beat, bar and two
    bars."""
    beat, per_bar = np.asarray(beat, np.float64), np.asarray(beats_per_bar)
    cycles = (beat, 2 * beat, beat / per_bar, beat / (2 * per_bar))
    phases = [trig(tau * (cycle % 1.0)) for cycle in cycles for trig in (np.sin, np.cos)]
    one_hot = np.eye(MAX_BEATS_PER_BAR)[np.clip(per_bar, 1, MAX_BEATS_PER_BAR) - 1]
    return np.concatenate([np.stack(phases, -1), one_hot], -1).astype(np.float32)


def key_features(key: NDArray[np.integer]) -> Vector:
    """Lay out keys: [..., 14]; NO_KEY gives zeros."""
    key = np.asarray(key)
    given = (key >= 0)[..., None]
    tonic, mode = np.eye(12)[key % 12], np.eye(2)[(key // 12) % 2]
    return (np.concatenate([tonic, mode], -1) * given).astype(np.float32)


def key_name(key: int) -> str | None:
    """ "D minor"; None for NO_KEY."""
    return None if key == NO_KEY else KEYS[key]


def chord_name(root: int, quality: int) -> str | None:
    """ "D min7"; None for NO_CHORD."""
    return None if root == NO_CHORD else f"{PITCH_CLASSES[root]} {QUALITY_NAMES[quality]}"


_CHORD_SETS = np.zeros((len(QUALITIES), 12))
for _index, _intervals in enumerate(QUALITIES.values()):
    _CHORD_SETS[_index, list(_intervals)] = 1


def chord_features(root: NDArray[np.integer], quality: NDArray[np.integer]) -> Vector:
    """Lay out chords: [..., 25] = root, pitch classes, given; NO_CHORD gives zeros."""
    root, quality = np.asarray(root), np.asarray(quality)
    given = (root >= 0)[..., None]
    shift = (np.arange(12) - root[..., None]) % 12
    classes = np.take_along_axis(_CHORD_SETS[quality], shift, -1)
    return (np.concatenate([np.eye(12)[root % 12], classes, given], -1) * given).astype(np.float32)


def note_features(notes: NDArray[np.uint8]) -> Vector:
    """Lay out note states: [..., 3 * PITCHES + 1] = sounding, onset, free, given."""
    sounding = (notes == NOTE_SUSTAIN) | (notes == NOTE_ONSET)
    given = np.ones((*notes.shape[:-1], 1))
    states = (sounding, notes == NOTE_ONSET, notes == NOTE_FREE, given)
    return np.concatenate(states, -1).astype(np.float32)


def encode_row(controls: Controls) -> Vector:
    """Lay out one frame's row.

    Returns:
        [ROW_WIDTH] float32.

    Raises:
        ShapeError: style or notes of another width.
    """
    row = np.zeros(ROW_WIDTH, np.float32)
    if controls.style is not None:
        if controls.style.shape != (STYLE_WIDTH,):
            raise ShapeError.of("style", controls.style.shape, f"({STYLE_WIDTH},)")
        row[SLICES["style"]] = [*controls.style, 1.0]
    if controls.tempo_bpm is not None:
        row[SLICES["tempo"]] = tempo_features(np.asarray(controls.tempo_bpm, np.float64))
    if controls.beat is not None:
        row[SLICES["meter"]] = meter_features(
            np.asarray(controls.beat, np.float64), np.asarray(controls.beats_per_bar, np.int64)
        )
    row[SLICES["key"]] = key_features(np.asarray(controls.key, np.int64))
    row[SLICES["chord"]] = chord_features(
        np.asarray(controls.chord_root, np.int64), np.asarray(controls.chord_quality, np.int64)
    )
    row[SLICES["notes"]] = _notes_or_free(controls.notes)
    if controls.drums is not None:
        row[SLICES["drums"]] = [controls.drums, not controls.drums]
    asked = [name in controls.families for name in FAMILIES]
    refused = [name in controls.without for name in FAMILIES]
    row[SLICES["families"]] = asked + refused
    for name in ("density", "brightness"):
        value = getattr(controls, name)
        if value is not None:
            row[SLICES[name]] = [value, 1.0]
    if controls.section >= 0:
        row[SLICES["section"]] = np.eye(len(SECTIONS))[controls.section]
    return row


def _notes_or_free(notes: NDArray[np.uint8] | None) -> Vector:
    if notes is None:
        return np.zeros(FIELDS["notes"], np.float32)  # the whole field not given
    if notes.shape != (PITCHES,):
        raise ShapeError.of("notes", notes.shape, f"({PITCHES},)")
    return note_features(notes)


def encode_labels(labels: Labels) -> Vector:
    """Lay out all rows of a labelled stretch, every field given but style: [T, ROW_WIDTH]."""
    rows = np.zeros((len(labels), ROW_WIDTH), np.float32)
    rows[:, SLICES["tempo"]] = tempo_features(labels.tempo_bpm)
    rows[:, SLICES["meter"]] = meter_features(labels.beat, labels.beats_per_bar)
    rows[:, SLICES["key"]] = key_features(labels.key)
    rows[:, SLICES["chord"]] = chord_features(labels.chord_root, labels.chord_quality)
    rows[:, SLICES["notes"]] = note_features(labels.notes)
    drums = labels.drums.astype(bool)
    rows[:, SLICES["drums"]] = np.stack([drums, ~drums], -1)
    playing = labels.families.astype(bool)
    rows[:, SLICES["families"]] = np.concatenate([playing, ~playing], -1)
    ones = np.ones(len(labels), np.float32)
    rows[:, SLICES["density"]] = np.stack([labels.density, ones], -1)
    rows[:, SLICES["brightness"]] = np.stack([labels.brightness, ones], -1)
    rows[:, SLICES["section"]] = np.eye(len(SECTIONS))[labels.section]
    return rows


def tempo_octaves(bpm: float) -> float:
    """Octaves above 120 bpm, the unit in which tempo glides sound even."""
    return log2(bpm / 120.0)
