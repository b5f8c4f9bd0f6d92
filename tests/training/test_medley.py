"""Medleys: what changes, changes on a bar line, and labels and words change with it."""

from collections import Counter

import numpy as np
import pytest

from engine.spec import FRAME_RATE, NO_CHORD, NOTE_OFF, NOTE_ONSET, QUALITY_NAMES
from training.corpus.captions import captions
from training.corpus.labels import label, label_scenes
from training.corpus.medley import FASTEST_BPM, SLOWEST_BPM, programme
from training.corpus.piece import FIRST_SEEDS, describe
from training.corpus.report import summarise
from training.corpus.score import Scene
from training.corpus.store import scenes as scenes_of

SEEDS = range(100)
Programme = tuple[Scene, ...]


@pytest.fixture(scope="module")
def programmes() -> list[Programme]:
    return [programme(seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def medleys(programmes) -> list[Programme]:
    return [scenes for scenes in programmes if len(scenes) > 1]


def changes(medleys: list[Programme]) -> list[tuple[str, Scene, Scene]]:
    """What changed, the scene before and the scene after."""
    pairs = [pair for scenes in medleys for pair in zip(scenes, scenes[1:])]
    return [(after.score.attributes["change"], before, after) for before, after in pairs]


def test_a_third_of_the_pieces_are_medleys_of_two_or_three_scenes(programmes):
    counts = Counter(len(scenes) for scenes in programmes)
    assert set(counts) == {1, 2, 3}
    assert 0.2 < (counts[2] + counts[3]) / len(programmes) < 0.5


def test_the_same_seed_gives_the_same_medley(medleys):
    assert programme(medleys[0][0].score.seed) == medleys[0]


def test_a_scene_begins_where_the_bars_before_it_end(medleys):
    for scenes in medleys:
        assert scenes[0].second == 0
        for before, after in zip(scenes, scenes[1:]):
            assert before.score.length % before.score.beats_per_bar == 0
            assert after.second == pytest.approx(before.second + before.score.duration)


def test_notes_stay_inside_their_scene(medleys):
    for score in (scene.score for scenes in medleys for scene in scenes):
        assert any(part.family != "drums" for part in score.parts)
        for note in (note for part in score.parts for note in part.notes):
            assert 0 <= note.start < score.length
            assert 0 < note.length <= score.length - note.start + 1e-3 or note.start > (
                score.length - score.beats_per_bar
            )


def test_every_kind_of_change_is_there_and_is_what_it_says(medleys):
    seen = Counter()
    for change, before, after in changes(medleys):
        seen[change] += 1
        same_genre = before.score.genre == after.score.genre
        same_bpm = before.score.tempos[-1][1] == after.score.tempos[0][1]
        same_key = before.score.keys[-1][1] == after.score.keys[0][1]
        assert same_genre == (not change.startswith("style")), change
        if change in ("key", "tempo"):
            assert (same_key, same_bpm) == (change == "tempo", change == "key")
        if change == "key and tempo":
            assert not same_bpm
        assert SLOWEST_BPM <= after.score.tempos[0][1] <= FASTEST_BPM
    assert set(seen) == {"style on the same grid", "style", "key", "tempo", "key and tempo"}


def test_a_style_on_the_same_grid_keeps_tempo_and_meter_mostly_the_key(medleys):
    """As when a player changes the prompt while the host's transport goes on."""
    pairs = [(b.score, a.score) for change, b, a in changes(medleys) if change.endswith("grid")]
    kept = [b.tempos[-1][1] == a.tempos[0][1] for b, a in pairs]
    keys = [b.keys[-1][1] % 12 == a.keys[0][1] % 12 for b, a in pairs]
    assert np.mean(kept) > 0.9
    assert np.mean(keys) > 0.9
    assert all(b.beats_per_bar == a.beats_per_bar for b, a in pairs)


def test_scenes_of_one_band_share_players_and_words(medleys):
    for change, before, after in changes(medleys):
        if change in ("key", "tempo"):
            assert before.score.seed == after.score.seed
            shared = {p.instrument for p in before.score.parts} & {
                p.instrument for p in after.score.parts
            }
            assert shared


# ---- labels


@pytest.fixture(scope="module")
def labelled(medleys):
    turning = [m for m in medleys if len({scene.score.beats_per_bar for scene in m}) > 1]
    assert turning, "no medley changes its meter: take more seeds"
    few = [*medleys[:8], *turning[:4]]
    return [(scenes, label_scenes(scenes, scenes[-1].end + 1.0)) for scenes in few]


def test_each_frame_is_labelled_as_the_scene_it_begins_in(labelled):
    """The slow twin: every tenth frame, looked up in its own scene's labels."""
    for scenes, labels in labelled:
        for frame in range(0, int(scenes[-1].end * FRAME_RATE), 10):
            scene = [s for s in scenes if s.second <= frame / FRAME_RATE + 1e-6][-1]
            score = scene.score
            beat = score.beat_at(frame / FRAME_RATE - scene.second) + 1e-4
            assert labels.tempo_bpm[frame] == np.float32(
                [bpm for at, bpm in score.tempos if at <= beat][-1]
            )
            assert labels.key[frame] == [key for at, key in score.keys if at <= beat][-1]
            assert labels.beats_per_bar[frame] == score.beats_per_bar
            bars = (labels.beat[frame] - (beat - 1e-4)) / score.beats_per_bar
            assert bars == pytest.approx(round(bars), abs=1e-6)
            if labels.chord_root[frame] != NO_CHORD:
                chord = [c for c in score.chords if c.beat <= beat][-1]
                assert labels.chord_root[frame] == chord.root
                assert QUALITY_NAMES[labels.chord_quality[frame]] == chord.quality


def test_beats_never_go_back(labelled):
    for _, labels in labelled:
        assert (np.diff(labels.beat) > 0).all()


def test_the_first_note_of_a_scene_begins_in_the_frame_that_contains_it(labelled):
    """That frame's first sample may still belong to the scene before."""
    for scenes, labels in labelled:
        for scene in scenes[1:]:
            pitched = [n for p in scene.score.parts if p.family != "drums" for n in p.notes]
            note = min(pitched, key=lambda n: n.start)
            onset = scene.second + scene.score.seconds(note.start)
            assert labels.notes[int(onset * FRAME_RATE + 1e-6), note.pitch] == NOTE_ONSET


def test_one_scene_is_labelled_as_its_score(programmes):
    score = next(scenes[0].score for scenes in programmes if len(scenes) == 1)
    alone, scene = label(score, 20.0), label_scenes((Scene(score),), 20.0)
    for name in ("beat", "key", "chord_root", "notes", "drums", "families", "density", "section"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(scene, name))


def test_a_bar_in_which_nobody_plays_has_no_chord_no_notes_and_no_drums(programmes):
    stopped = [scenes for scenes in programmes if scenes[0].score.attributes["stop"] == "silence"]
    assert len(stopped) > 5
    for scenes in stopped[:6]:
        labels = label_scenes(scenes, scenes[-1].end)
        silent = ~labels.drums.astype(bool) & ~labels.families.any(-1)
        assert silent.sum() >= 20
        assert (labels.chord_root[silent] == NO_CHORD).all()
        # the last onset before a stop may ring into its first frame, an early one come before it
        assert (labels.notes[silent] != NOTE_OFF).any(-1).mean() < 0.15


# ---- words


def test_every_scene_has_captions_of_its_own(medleys):
    for scenes in medleys[:10]:
        info = describe(scenes, "train", int(scenes[-1].end * FRAME_RATE) + 30)
        assert info["kind"] == "medley"
        assert len(info["scenes"]) == len(scenes)
        for told, scene in zip(info["scenes"], scenes, strict=True):
            assert len(set(told["captions"])) >= 10
            assert told["captions"] == captions(scene.score)
            assert told["genre"] == scene.score.genre
            assert told["tempo_bpm"] == scene.score.tempos[0][1]
        assert info["captions"] == info["scenes"][0]["captions"]


def test_scenes_cover_the_piece_frame_by_frame(medleys):
    for scenes in medleys:
        frames = int(scenes[-1].end * FRAME_RATE) + 30
        told = describe(scenes, "train", frames)["scenes"]
        starts = [scene["start_frame"] for scene in told]
        lengths = [scene["length_frames"] for scene in told]
        assert starts == [0, *np.cumsum(lengths[:-1])]
        assert sum(lengths) == frames


def test_a_plain_piece_is_its_own_one_scene(programmes):
    """Pieces of composer version 1 have no scenes either, and are read the same way."""
    scenes = next(scenes for scenes in programmes if len(scenes) == 1)
    info = describe(scenes, "train", 1_000)
    assert "scenes" not in info
    assert scenes_of(info) == [info]


def test_words_are_true_of_what_is_left_of_a_scene(programmes):
    for score in (scene.score for scenes in programmes for scene in scenes):
        has_kit = any(part.family == "drums" for part in score.parts)
        assert (score.attributes["drums"] == "yes") == has_kit
        assert score.attributes["melody"] in {"", *(part.name for part in score.parts)}
        assert has_kit or not score.attributes["groove"]


def test_the_report_counts_a_medley_by_its_scenes(medleys):
    infos = [describe(scenes, "train", int(scenes[-1].end * 25)) for scenes in medleys[:8]]
    summary = summarise(infos)
    assert summary["scenes"] == sum(len(scenes) for scenes in medleys[:8])
    assert summary["kinds"] == {"medley": 8}
    assert sum(summary["minutes_per_genre"].values()) == pytest.approx(summary["minutes"], abs=0.1)


def test_later_scenes_have_seeds_that_no_split_reaches(medleys):
    """Else a scene of a training medley could be a test piece."""
    most = max(FIRST_SEEDS.values()) + 10_000_000
    seeds = {scene.score.seed for scenes in medleys for scene in scenes}
    own = {scenes[0].score.seed for scenes in medleys}
    assert all(seed >= most for seed in seeds - own)


# ---- the whole corpus


def test_keys_meters_levels_and_tempos_come_out_over_their_whole_range(programmes):
    scores = [scene.score for scenes in programmes for scene in scenes]
    assert {score.keys[0][1] % 12 for score in scores} == set(range(12))
    assert {score.attributes["meter"] for score in scores} == {"4/4", "3/4", "6/8"}
    assert {s.attributes["level"] for s in scores} == {
        "beginner", "intermediate", "professional", "virtuoso",
    }  # fmt: skip
    assert min(score.tempos[0][1] for score in scores) < 62
    assert max(score.tempos[0][1] for score in scores) > 170


def test_what_fades_or_rings_out_is_not_counted_as_steady(programmes):
    """A model that learned the fade would fade by itself in the middle of a long piece."""
    for scenes in programmes:
        last = scenes[-1]
        steady = describe(scenes, "train", int((last.end + 1.2) * FRAME_RATE))["steady_frames"]
        fades = last.score.attributes["ending"] == "fade"
        left_s = last.end - steady / FRAME_RATE
        assert left_s == pytest.approx(min(7.0, last.score.duration) if fades else 0.0, abs=0.05)
