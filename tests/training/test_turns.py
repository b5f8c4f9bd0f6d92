"""Turns: count-ins, stops and endings, and the cutting of scores that they are made with."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from engine.spec import TEMPO_MIN_BPM
from training.corpus.compose import compose
from training.corpus.cutting import EARLY, rest, shifted, window
from training.corpus.score import Note, Score
from training.corpus.turns import COUNT_IN_CHANCE, counted_in, ended, stopped, take_turns


@pytest.fixture(scope="module")
def plain() -> list[Score]:
    return [compose(seed) for seed in range(130)]


def onsets(score: Score) -> list[float]:
    return sorted(note.start for part in score.parts for note in part.notes)


def done(scores: list[Score], word: str, value: str) -> list[Score]:
    return [score for score in scores if score.attributes[word] == value]


def before_and_after(plain: list[Score], turn, word: str, value: str) -> list[tuple[Score, Score]]:
    pairs = [(score, turn(score)) for score in plain]
    return [(before, after) for before, after in pairs if after.attributes[word] == value]


def test_a_count_in_is_clicks_on_the_beats_then_the_piece_as_it_was(plain):
    counted = before_and_after(plain, counted_in, "count_in", "yes")
    with_kit = [s for s in plain if any(p.family == "drums" for p in s.parts)]
    assert 0.4 * COUNT_IN_CHANCE < len(counted) / len(with_kit) < 2 * COUNT_IN_CHANCE
    for before, after in counted:
        beats = after.length - before.length
        assert beats % before.beats_per_bar == 0
        assert [s for s in onsets(after) if s < beats - EARLY] == list(np.arange(beats))
        assert np.allclose(onsets(after)[int(beats) :], np.array(onsets(before)) + beats)
        assert after.chords[1].beat == before.chords[1].beat + beats
        assert after.keys[0][0] == after.sections[0].beat == after.tempos[0][0] == 0


def test_a_stop_is_silent_for_whole_bars_before_a_new_section(plain):
    pairs = before_and_after(plain, stopped, "stop", "silence")
    assert len(pairs) > 12
    for before, after in pairs:
        bars = np.arange(0, before.length, before.beats_per_bar)
        played = np.array(onsets(after)) + EARLY
        sounding = [((played >= bar) & (played < bar + before.beats_per_bar)).any() for bar in bars]
        was = np.array(onsets(before)) + EARLY
        sounded = [((was >= bar) & (was < bar + before.beats_per_bar)).any() for bar in bars]
        gone = bars[np.array(sounded) & ~np.array(sounding)]
        assert 1 <= len(gone) <= 2
        assert gone[-1] + before.beats_per_bar in [section.beat for section in before.sections]
        start = gone[0]
        ringing = [
            n for p in after.parts for n in p.notes if n.start < start - EARLY < n.start + n.length
        ]
        assert all(n.start + n.length <= start + 1e-4 for n in ringing)


def test_in_a_break_only_one_part_plays_on(plain):
    for kind in ("drums alone", "one alone"):
        for before, after in before_and_after(plain, stopped, "stop", kind):
            changed = [
                part.name
                for part in before.parts
                if part.notes not in [p.notes for p in after.parts if p.name == part.name]
            ]
            assert len(changed) < len(before.parts)


def test_all_endings_are_there(plain):
    endings = Counter(ended(score).attributes["ending"] for score in plain)
    assert set(endings) == {"held", "stab", "fade", "slowing"}
    assert min(endings.values()) > 8


def test_a_stab_is_short_and_a_held_chord_is_long(plain):
    for kind, low, high in (("stab", 0.0, 0.5), ("held", 1.0, 99.0)):
        for score in done([ended(score) for score in plain], "ending", kind):
            last_bar = score.length - score.beats_per_bar
            pitched = [p for p in score.parts if p.family != "drums"]
            final = [n.length for p in pitched for n in p.notes if n.start >= last_bar - EARLY]
            assert low < max(final) <= high


def test_a_slowing_piece_slows_beat_by_beat_and_only_at_its_end(plain):
    for before, after in before_and_after(plain, ended, "ending", "slowing"):
        bpms = [bpm for _, bpm in after.tempos]
        assert bpms == sorted(bpms, reverse=True)
        assert bpms[0] == before.tempos[0][1]
        assert bpms[-1] < 0.9 * bpms[0]
        assert bpms[-1] >= TEMPO_MIN_BPM
        assert after.tempos[1][0] == before.length - 2 * before.beats_per_bar


def test_a_fade_begins_seven_seconds_before_the_end(plain):
    for score in done([ended(score) for score in plain], "ending", "fade"):
        assert score.duration - score.seconds(score.fade_from) == pytest.approx(7.0)


def test_turns_are_a_function_of_the_seed(plain):
    assert take_turns(plain[3]) == take_turns(compose(3))


# ---- cutting


def test_a_window_is_the_same_music_from_beat_0():
    score = compose(5)
    start, end = (score.sections[i].beat for i in (1, 3))
    cut = window(score, start, end)
    assert cut.length == end - start
    assert cut.duration == pytest.approx(score.seconds(end) - score.seconds(start))
    assert [s.name for s in cut.sections] == [s.name for s in score.sections[1:3]]
    inside = [n for n in onsets(score) if start - EARLY <= n < end - EARLY]
    assert np.allclose(onsets(cut), np.maximum(0, np.array(inside) - start), atol=1e-4)
    for beat in np.arange(0, cut.length, 0.5):
        chord = [c for c in cut.chords if c.beat <= beat][-1]
        whole = [c for c in score.chords if c.beat <= beat + start][-1]
        assert (chord.root, chord.quality) == (whole.root, whole.quality)


def test_a_note_played_early_belongs_to_the_bar_it_is_meant_for():
    score = compose(5)
    part = replace(score.parts[0], notes=(Note(7.95, 1.0, 60, 90), Note(15.95, 1.0, 62, 90)))
    cut = window(replace(score, parts=(part,)), 8.0, 16.0)
    assert cut.parts[0].notes == (Note(0.0, 1.0, 60, 90),)


def test_windows_put_together_are_the_piece():
    score = compose(9)
    edge = score.sections[2].beat
    first, second = window(score, 0, edge), window(score, edge, score.length)
    count = sum(len(part.notes) for part in score.parts)
    assert sum(len(p.notes) for s in (first, second) for p in s.parts) == count


def test_an_empty_window_is_refused():
    with pytest.raises(ValueError, match=r"window is 8\.\.8, expected a part of 0\.\."):
        window(compose(5), 8, 8)


def test_shifting_back_and_forth_changes_nothing():
    score = compose(5)
    assert onsets(shifted(shifted(score, 4.0), -4.0)) == pytest.approx(onsets(score))


def test_a_rest_spares_whom_it_names():
    score = compose(1)
    spared = score.parts[0].name
    after = rest(score, 8.0, 16.0, but=frozenset({spared}))
    assert next(p for p in after.parts if p.name == spared).notes == score.parts[0].notes
    for part in (p for p in after.parts if p.name != spared):
        assert not [n for n in part.notes if 8.0 - EARLY <= n.start < 16.0 - EARLY]
