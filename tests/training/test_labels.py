"""The labels of a piece, against a slow and obvious reading of its score."""

import numpy as np
import pytest

from engine.spec import FAMILIES, FRAME_RATE, NO_CHORD, QUALITY_NAMES, SECTIONS
from training.corpus.compose import compose
from training.corpus.labels import label
from training.corpus.score import Score

TAIL_SECONDS = 1.5
PIECES = ((0, "reggae"), (1, "jazz_swing"), (2, "string_quartet"), (5, "scottish_folk"))


@pytest.fixture(scope="module", params=PIECES, ids=lambda p: p[1])
def score(request) -> Score:
    return compose(*request.param)


@pytest.fixture(scope="module")
def labels(score):
    return label(score, score.duration + TAIL_SECONDS)


def test_there_is_one_label_per_whole_frame(score, labels):
    assert len(labels) == int((score.duration + TAIL_SECONDS) * FRAME_RATE)
    for name in ("beat", "key", "chord_root", "drums", "density", "section"):
        assert len(getattr(labels, name)) == len(labels)
    assert labels.notes.shape == (len(labels), 128)
    assert labels.families.shape == (len(labels), len(FAMILIES))


def test_beats_count_from_the_first_bar_line(score, labels):
    bpm = score.tempos[0][1]
    np.testing.assert_allclose(labels.beat, np.arange(len(labels)) / FRAME_RATE * bpm / 60)
    assert set(labels.tempo_bpm) == {np.float32(bpm)}
    assert set(labels.beats_per_bar) == {score.beats_per_bar}


def test_chords_keys_and_sections_are_those_that_sound(score, labels):
    """The slow twin: for each tenth frame, the last event that is not later."""
    for frame in range(0, len(labels), 10):
        second = frame / FRAME_RATE
        if second > score.duration - 1e-6:
            continue
        beat = second * score.tempos[0][1] / 60 + 1e-4
        chord = [c for c in score.chords if c.beat <= beat][-1]
        assert labels.chord_root[frame] == chord.root
        assert QUALITY_NAMES[labels.chord_quality[frame]] == chord.quality
        assert labels.key[frame] == [key for at, key in score.keys if at <= beat][-1]
        section = [s.name for s in score.sections if s.beat <= beat][-1]
        assert SECTIONS[labels.section[frame]] == section


def test_note_states_are_those_of_the_pitched_parts(score, labels):
    """The slow twin: paint each note frame by frame, onsets last."""
    states = np.zeros((len(labels), 128), int)
    pitched = [n for p in score.parts if p.family != "drums" for n in p.notes]
    for onset in (False, True):
        for note in pitched:
            start, end = score.seconds(note.start), score.seconds(note.start + note.length)
            first = int(start * FRAME_RATE + 1e-6)
            if onset:
                states[first, note.pitch] = 2
                continue
            for frame in range(first, len(labels)):
                if frame > first and frame / FRAME_RATE >= end - 1e-7:
                    break
                states[frame, note.pitch] = 1
    np.testing.assert_array_equal(labels.notes, states)


def test_families_and_drums_are_marked_by_bars(score, labels):
    """Wherever a part sounds, its family's bar is marked; where none has a note, it is not."""
    per_bar = score.beats_per_bar
    bars = np.minimum((labels.beat + 1e-6) // per_bar, score.length // per_bar - 1).astype(int)
    for name in (*FAMILIES, "drums"):
        marked = labels.drums if name == "drums" else labels.families[:, FAMILIES.index(name)]
        notes = [n for p in score.parts if p.family == name for n in p.notes]
        sounding = {int((n.start + 0.06) // per_bar) for n in notes}
        touched = {
            bar
            for n in notes
            for bar in range(int(n.start // per_bar), int((n.start + n.length) // per_bar) + 1)
        }
        played = np.arange(len(labels)) / FRAME_RATE < score.duration - 1e-6
        on = {int(b) for b in np.unique(bars[(marked == 1) & played])}
        assert sounding <= on | {int(score.length // per_bar)}
        assert on <= touched


def test_the_tail_is_silent_in_the_labels(score, labels):
    tail = np.arange(len(labels)) / FRAME_RATE > score.duration
    assert tail.any()
    assert (labels.chord_root[tail] == NO_CHORD).all()
    assert not labels.drums[tail].any()
    assert not labels.families[tail].any()
    assert (labels.section[tail] == SECTIONS.index("outro")).all()


def test_density_is_between_0_and_1_and_follows_the_music(score, labels):
    assert labels.density.min() >= 0
    assert labels.density.max() <= 1
    onsets = sum(len({round(n.start, 3) for n in p.notes}) for p in score.parts) / score.duration
    assert labels.density.mean() == pytest.approx(min(1, onsets / 16), rel=0.35)
    assert labels.brightness.mean() == 0.5


def test_a_piece_shorter_than_a_frame_is_refused(score):
    with pytest.raises(ValueError, match="at least one frame"):
        label(score, 0.01)
