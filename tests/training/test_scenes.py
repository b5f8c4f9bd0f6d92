"""Medleys on their way into training: captions and styles by scene, stretches across the change."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'antiphon[train]'")

from engine.errors import OptionError
from engine.row import SLICES, Labels
from engine.spec import LEVELS, SEMANTIC_LEVELS, STYLE_WIDTH, AudioFormat
from models.codec import CodecConfig
from training.captions_cache import cached
from training.data import Piece, Prepared, unsaid
from training.material import corpus_record
from training.train_codec import CodecTask
from training.train_lm import TAIL, Split

LENGTHS = ((100, 150), (200,), (120, 80, 100))  # frames of each piece's scenes


def piece_of(number: int, start: int, lengths: tuple[int, ...]) -> Piece:
    starts = [0, *np.cumsum(lengths)[:-1].tolist()]
    told = [
        {"genre": f"genre {number}.{i}", "captions": [f"caption {number}.{i}"], "seed": number}
        | {"start_frame": at, "length_frames": n, "instruments": [], "attributes": {}}
        for i, (at, n) in enumerate(zip(starts, lengths, strict=True))
    ]
    meta = {**told[0], "id": f"piece {number}", "composer_version": 2}
    return Piece(
        meta["id"], start, sum(lengths), meta | ({"scenes": told} if len(told) > 1 else {})
    )


@pytest.fixture
def prepared(tmp_path) -> Prepared:
    starts = np.cumsum([0, *map(sum, LENGTHS)])
    pieces = [piece_of(n, int(starts[n]), lengths) for n, lengths in enumerate(LENGTHS)]
    frames = int(starts[-1])
    audio = np.zeros((frames * 320, 1), np.int16)
    return Prepared(
        tmp_path, AudioFormat(rate=8_000, channels=1), pieces, audio, Labels(**unsaid(frames))
    )


@pytest.fixture
def split(prepared, monkeypatch) -> Split:
    """A split whose scene k has the style of axis k, in sound and in words."""
    count = len(prepared.scenes)
    np.save(prepared.root / "tokens.npy", np.zeros((prepared.frames, LEVELS), np.uint16))
    axes = np.eye(count, STYLE_WIDTH, dtype=np.float32)
    np.savez(prepared.root / "styles.npz", audio=axes, text=axes, text_piece=np.arange(count))
    monkeypatch.setattr("training.train_lm.load", lambda root: prepared)
    return Split(prepared.root)


def test_scenes_are_the_stretches_with_words_of_their_own(prepared):
    scenes = prepared.scenes
    assert [scene.frames for scene in scenes] == [n for piece in LENGTHS for n in piece]
    assert [scene.start for scene in scenes] == [0, 100, 250, 450, 570, 650]
    assert [scene.meta["genre"] for scene in scenes][:3] == ["genre 0.0", "genre 0.1", "genre 1.0"]
    assert all("scenes" not in scene.meta for scene in scenes if scene not in prepared.pieces)


def test_a_piece_of_composer_version_1_is_its_own_scene():
    piece = Piece("old", 40, 300, {"genre": "dub", "captions": ["dub"], "composer_version": 1})
    assert piece.scenes == [piece]


def test_a_scene_ends_with_the_audio(prepared):
    """A mix a frame shorter than its labels shortens the last scene."""
    piece = prepared.pieces[0]
    cut = Piece(piece.id, piece.start, piece.frames - 3, piece.meta)
    assert [scene.frames for scene in cut.scenes] == [100, 147]


def test_a_stretch_across_a_change_turns_its_style_on_the_frame(split):
    seen = set()
    for seed in range(60):
        _, rows = split.stretch(np.random.default_rng(seed), 90, dropout=False)
        axes = rows[:, SLICES["style"]][:, :-1].argmax(1)
        changes = np.flatnonzero(np.diff(axes)) + 1
        seen.add((*axes[:1].tolist(), *axes[changes].tolist()))
        assert (rows[:, SLICES["style"]][:, -1] == 1).all()
    assert (0, 1) in seen
    assert any(len(styles) == 2 and styles[0] >= 3 for styles in seen)
    assert not any({0, 1} & set(styles) and max(styles) > 1 for styles in seen)


def test_which_scenes_a_stretch_goes_through(split):
    assert list(split.scenes_in(0, 100)) == [0]
    assert list(split.scenes_in(99, 2)) == [0, 1]
    assert list(split.scenes_in(450, 300)) == [3, 4, 5]


def test_a_stretch_stops_before_a_fade(prepared, split):
    assert split.playing.tolist() == [sum(lengths) - TAIL for lengths in LENGTHS]
    prepared.pieces[1].meta["steady_frames"] = 60
    assert Split(prepared.root).playing[1] == 60


@pytest.mark.usefixtures("split")
def test_without_semantic_tokens_only_they_fall_silent(prepared):
    tokens = 1 + np.arange(prepared.frames * LEVELS, dtype=np.uint16).reshape(-1, LEVELS) % 1000
    np.save(prepared.root / "tokens.npy", tokens)
    spoken, silent = (Split(prepared.root, has_semantic=has) for has in (True, False))
    heard, _ = spoken.stretch(np.random.default_rng(3), 90, dropout=True)
    without, _ = silent.stretch(np.random.default_rng(3), 90, dropout=True)
    assert (heard[:, :SEMANTIC_LEVELS] > 0).all()
    assert (without[:, :SEMANTIC_LEVELS] == 0).all()
    assert np.array_equal(heard[:, SEMANTIC_LEVELS:], without[:, SEMANTIC_LEVELS:])


def test_captions_are_kept_by_scene_and_can_be_narrowed(prepared):
    def embed(texts):
        return np.array([[len(text), 1.0] for text in texts], np.float32)

    captions = cached([scene.meta for scene in prepared.scenes], prepared.root, embed)
    assert len(captions.views) == len(prepared.scenes)
    few = captions.of([2, 4])
    assert few.views == [captions.views[2], captions.views[4]]


def test_hours_are_counted_in_the_genre_of_their_scene(prepared):
    record = corpus_record(prepared)
    assert record["pieces"] == 3
    assert len(record["hours_by_genre"]) == 6


def test_the_codec_now_and_then_hears_what_is_no_music(prepared, tmp_path):
    loud = np.full_like(prepared.samples, 16_384)
    sounds = Prepared(tmp_path, prepared.format, prepared.pieces, loud, prepared.labels)
    config = CodecConfig(
        rate=8_000, encoder_width=16, encoder_blocks=1, decoder_width=16, decoder_blocks=1, latent=8
    )
    task = CodecTask(config, prepared, prepared, batch=1, frames=10, sounds=sounds)
    rng = np.random.default_rng(0)
    heard = [bool(task._crop(rng).any()) for _ in range(300)]
    assert 0.08 < np.mean(heard) < 0.22
    other = Prepared(
        tmp_path, AudioFormat(rate=8_000, channels=2), sounds.pieces, loud, sounds.labels
    )
    with pytest.raises(OptionError, match="format of the sounds"):
        CodecTask(config, prepared, prepared, batch=1, frames=10, sounds=other)
