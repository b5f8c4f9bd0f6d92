"""From piece folders to what training reads: nothing moves in time, nothing leaks between
pieces."""

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'antiphon[train]'")

from engine.spec import FAMILIES, PITCHES, AudioFormat
from models.codec import Codec, CodecConfig
from models.semantic import SemanticConfig, SemanticTokenizer
from training.data import load, prepare
from training.make_tokens import make_tokens

RATE = 8_000


def write_piece(folder, seconds, click_at):
    """A silent piece with one click, and a label that jumps at the click's frame."""
    folder.mkdir(parents=True)
    audio = np.zeros((int(48_000 * seconds), 2), np.float32)
    audio[int(48_000 * click_at) : int(48_000 * click_at) + 480] = 0.5
    soundfile.write(folder / "mix.flac", audio, 48_000)
    frames = int(seconds * 25)
    after = np.arange(frames) >= round(click_at * 25)
    ones, zeros = np.ones(frames, np.float32), np.zeros(frames, np.int64)
    np.savez(
        folder / "labels.npz",
        tempo_bpm=120 * ones,
        beat=np.arange(frames) / 12.5,
        beats_per_bar=zeros + 4,
        key=zeros,
        chord_root=zeros,
        chord_quality=zeros,
        notes=np.zeros((frames, PITCHES), np.uint8),
        drums=after.astype(np.uint8),
        families=np.zeros((frames, len(FAMILIES)), np.uint8),
        density=ones,
        brightness=ones,
        section=zeros,
    )
    (folder / "piece.json").write_text(json.dumps({"id": folder.name, "captions": ["a click"]}))


@pytest.fixture
def prepared(tmp_path):
    for index, (seconds, click_at) in enumerate([(2.0, 1.0), (3.0, 0.4), (2.5, 2.0)]):
        write_piece(tmp_path / "corpus" / f"{index:08d}", seconds, click_at)
    prepare(tmp_path / "corpus", tmp_path / "ready", AudioFormat(rate=RATE, channels=1), workers=1)
    return load(tmp_path / "ready")


def test_a_click_stays_in_its_frame(prepared):
    """Resampling must not shift audio against its labels."""
    for piece in prepared.pieces:
        audio = prepared.audio(piece.start, piece.frames)[0]
        first_loud = int(np.argmax(np.abs(audio) > 0.2)) // (RATE // 25)
        labels = prepared.labels.drums[piece.start : piece.start + piece.frames]
        assert first_loud == int(np.argmax(labels))


def test_pieces_lie_end_to_end(prepared):
    assert [piece.frames for piece in prepared.pieces] == [50, 75, 62]
    assert [piece.start for piece in prepared.pieces] == [0, 50, 125]
    assert len(prepared.samples) == prepared.frames * RATE // 25


def test_a_crop_never_spans_two_pieces(prepared):
    rng = np.random.default_rng(0)
    for _ in range(200):
        start = prepared.crop(rng, 40)
        assert any(p.start <= start and start + 40 <= p.start + p.frames for p in prepared.pieces)


def test_a_piece_has_the_same_tokens_in_any_company(prepared):
    """Pieces are padded and encoded side by side; each must come out as if it were alone."""
    torch.manual_seed(0)
    config = CodecConfig(
        rate=RATE, encoder_width=16, encoder_blocks=1, decoder_width=16, decoder_blocks=1, latent=8
    )
    codec = Codec(config).eval()
    semantic = SemanticTokenizer(SemanticConfig(rate=RATE, width=16, latent=8)).eval()
    together = make_tokens(prepared, codec, semantic)
    for piece in prepared.pieces:
        alone = make_tokens(replace(prepared, pieces=[piece]), codec, semantic)
        part = slice(piece.start, piece.start + piece.frames)
        assert (together[part] == alone[part]).mean() > 0.99  # sums in another order: near-ties
