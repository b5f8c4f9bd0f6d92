"""Genre templates and the little languages they are written in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.spec import QUALITIES
from training.corpus.harmony import read_numeral, read_progression
from training.corpus.patterns import check_pattern, read_pattern
from training.corpus.templates import Genre, genre_names, load_genre
from training.corpus.theory import (
    chord_classes,
    close_voicing,
    lead_chord,
    lead_four_parts,
    nearest,
    step_within,
)

RANGES = ((36, 52), (48, 65), (55, 74), (62, 82))


def test_there_are_at_least_sixteen_genres():
    assert len(genre_names()) >= 16


def test_an_unknown_key_in_a_template_is_refused():
    data = load_genre("reggae").model_dump()
    with pytest.raises(ValidationError, match="extra"):
        Genre(**data, groovyness=11)


def test_an_unknown_instrument_is_refused():
    data = load_genre("reggae").model_dump()
    part = {**data["parts"][0], "sounds": ("kazoo",)}
    with pytest.raises(ValidationError, match="kazoo"):
        Genre(**{**data, "parts": (part,)})


@pytest.mark.parametrize(
    ("numeral", "root", "quality", "bass"),
    [
        ("I", 0, "maj", 0),
        ("bVII", 10, "maj", 0),
        ("ii7", 2, "min7", 0),
        ("V7", 7, "7", 0),
        ("viiø", 11, "m7b5", 0),
        ("I/3", 0, "maj", 4),
        ("i/3", 0, "min", 3),
        ("bII5", 1, "5", 0),
        ("Vsus4", 7, "sus4", 0),
    ],
)
def test_numerals_read_as_a_musician_reads_them(numeral, root, quality, bass):
    assert read_numeral(numeral) == (root, quality, bass)


@pytest.mark.parametrize("text", ["", "H", "iX", "V13", "I |  | V"])
def test_nonsense_is_not_a_progression(text):
    with pytest.raises(ValueError, match=r"chord numeral|empty bar"):
        read_progression(text)


def test_a_pattern_reads_into_strokes_with_lengths():
    (bar,) = read_pattern("x-.x", 4)
    assert [(s.start, s.length, s.letter) for s in bar] == [(0, 2, "x"), (3, 1, "x")]


def test_a_bar_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="15 steps"):
        check_pattern("x" * 15, "4/4")


@settings(max_examples=60, deadline=None)
@given(
    root=st.integers(0, 11), quality=st.sampled_from(sorted(QUALITIES)), voices=st.integers(1, 5)
)
def test_voicings_hold_only_chord_tones_in_order(root, quality, voices):
    classes = chord_classes(root, quality)
    voicing = lead_chord((), classes, voices, 50, 72)
    assert len(voicing) == voices
    assert list(voicing) == sorted(set(voicing))
    assert {p % 12 for p in voicing} <= set(classes)
    assert close_voicing(voicing[0], classes, voices) == voicing


@settings(max_examples=60, deadline=None)
@given(
    roots=st.lists(st.integers(0, 11), min_size=2, max_size=6),
    quality=st.sampled_from(("maj", "min", "7", "dim")),
)
def test_four_parts_stay_in_their_registers_and_move_little(roots, quality):
    """No voice leaps more than an octave, and every triad is complete."""
    previous: tuple[int, ...] = ()
    for root in roots:
        classes = chord_classes(root, quality)
        voices = lead_four_parts(previous, classes, root, RANGES)
        assert all(low <= p <= high for p, (low, high) in zip(voices, RANGES))
        assert list(voices) == sorted(voices)
        assert voices[0] % 12 == root
        assert {p % 12 for p in voices} == set(classes)
        if previous:
            assert max(abs(a - b) for a, b in zip(previous[1:], voices[1:])) <= 12
        previous = voices


@given(pitch=st.integers(30, 90), steps=st.integers(-9, 9))
def test_scale_steps_up_and_down_return(pitch, steps):
    scale = frozenset((0, 2, 4, 5, 7, 9, 11))
    home = nearest(scale, pitch)
    assert step_within(scale, step_within(scale, home, steps), -steps) == home
