"""Chord and note estimators against sounds whose truth we know, and the table that uses them."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="the judge needs torch: pip install 'antiphon[train]'")

from engine.spec import NOTE_FREE, NOTE_OFF, NOTE_ONSET, NOTE_SUSTAIN, PITCHES, QUALITY_NAMES
from training.evaluation.chords import AskedChords, asked_chords, compare_chords, estimate_chords
from training.evaluation.given import f1
from training.evaluation.notes import LOWEST, by_class, compare_notes, estimate_notes
from training.evaluation.onsets import ANALYSIS_RATE

RATE = ANALYSIS_RATE


def tones(pitches: tuple[int, ...], seconds: float) -> np.ndarray:
    """Plucked tones with eight overtones."""
    t = np.arange(round(seconds * RATE)) / RATE
    out = np.zeros(len(t))
    for pitch in pitches:
        hz = 440.0 * 2 ** ((pitch - 69) / 12)
        out += sum(np.sin(2 * np.pi * hz * h * t) / h**1.5 for h in range(1, 9))
    return 0.1 * out * np.exp(-0.7 * t) * np.minimum(1.0, t / 0.005)


def progression(chords: list[tuple[int, int]], seconds: float = 0.6) -> np.ndarray:
    """A bass and a triad per (root, third) in close position; 0 is a major third, 1 a minor one."""
    hiss = np.random.default_rng(0).standard_normal(round(seconds * RATE) * len(chords))
    played = [
        tones((36 + root, 60 + root, 64 + root - third, 67 + root), seconds)
        for root, third in chords
    ]
    return (np.concatenate(played) + 0.002 * hiss).astype(np.float32)


def spans_of(count: int, seconds: float = 0.6) -> np.ndarray:
    """[S, 2] beats of a length."""
    return np.stack([np.arange(count), np.arange(1, count + 1)], 1) * seconds


ALL_CHORDS = [(root, third) for third in (0, 1) for root in range(12)]


def test_every_chord_is_named():
    """Major and minor on every root, two beats of 100 bpm each, in mixed order."""
    order = [ALL_CHORDS[index] for index in np.random.default_rng(1).permutation(24)]
    heard = estimate_chords(progression(order, 1.2), spans_of(48)).reshape(24, 2)
    wanted = np.array([[root + 12 * third] * 2 for root, third in order])
    assert np.mean(heard == wanted) > 0.9


def test_chords_held_against_others_miss():
    """The figure falls when the truth is moved by a semitone, and by its third alone."""
    heard = np.array([0, 5, 7, 12 + 9])
    asked = AskedChords(spans_of(4), np.array([0, 5, 7, 9]), np.array([0, 0, 0, 1]))
    assert compare_chords(heard, asked) == (1.0, 1.0)
    assert compare_chords(heard, asked._replace(root=asked.root + 1)) == (0.0, 0.0)
    assert compare_chords(heard, asked._replace(third=1 - asked.third)) == (1.0, 0.0)


def test_power_chords_have_no_third_to_miss():
    """Only their root counts; where nothing else is asked there is no figure."""
    asked = AskedChords(spans_of(2), np.array([0, 5]), np.array([-1, 0]))
    assert compare_chords(np.array([12, 5]), asked) == (1.0, 1.0)
    assert compare_chords(np.array([0, 5]), asked._replace(third=np.array([-1, -1]))) is None
    silent = asked._replace(root=np.array([-1, 5]))
    assert compare_chords(np.array([3, 5]), silent) == (1.0, 1.0)


def test_frames_are_gathered_into_beats():
    """120 bpm is 12.5 frames a beat; a last beat of a few frames is left out."""
    beat = np.arange(54) / 12.5
    quality = np.where(np.arange(54) < 25, QUALITY_NAMES.index("min7"), QUALITY_NAMES.index("5"))
    asked = asked_chords(beat, np.where(np.arange(54) < 25, 9, 2), quality)
    assert asked.spans[:, 0].tolist() == pytest.approx([0.0, 0.52, 1.0, 1.52])
    assert asked.root.tolist() == [9, 9, 2, 2]
    assert asked.third.tolist() == [1, 1, -1, -1]


def test_a_scale_is_heard_note_by_note():
    """Single notes of 0.4 s over two octaves: most frames, and few that are not there."""
    pitches = range(48, 73, 2)
    mono = np.concatenate([tones((pitch,), 0.4) for pitch in pitches]).astype(np.float32)
    asked = np.zeros((10 * len(pitches), PITCHES), np.uint8)
    for index, pitch in enumerate(pitches):
        asked[10 * index : 10 * (index + 1), pitch] = NOTE_SUSTAIN
    heard = estimate_notes(mono)
    assert heard.shape == asked.shape
    assert f1(np.array([by_class(heard, asked)])) > 0.7
    assert f1(np.array([compare_notes(heard, asked)])) > 0.6
    moved = np.roll(asked, 1, axis=1)
    assert f1(np.array([compare_notes(heard, moved)])) < 0.2


def test_silence_holds_no_notes():
    """A network without anything to hear must not make notes up."""
    assert not estimate_notes(np.zeros(RATE, np.float32)).any()


def test_pairs_are_counted_as_they_say():
    """Two asked of which one is heard, one heard too much; a free pitch is nobody's fault."""
    asked = np.full((2, PITCHES), NOTE_OFF, np.uint8)
    asked[0, 60], asked[1, 60], asked[0, 64] = NOTE_ONSET, NOTE_SUSTAIN, NOTE_FREE
    heard = np.zeros((3, PITCHES), bool)
    heard[0, [60, 64, 67]] = True
    assert compare_notes(heard, asked) == (1, 2, 2)
    assert f1(np.array([compare_notes(heard, asked)])) == pytest.approx(2 * 1 / (2 + 2))
    octave = np.zeros_like(heard)
    octave[0, 72] = True
    assert compare_notes(octave, asked).right == 0
    assert by_class(octave, asked).right == 1
    low = np.zeros_like(heard)
    low[0, LOWEST - 1] = True
    assert compare_notes(low, asked).heard == 0
