"""MuLan's trainer: the caches, the soft targets, overfitting one batch, and the guard."""

import json
import os
import re
from dataclasses import asdict, replace
from math import log
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("soxr", reason="the audio libraries are not installed")

from engine.spec import FAMILIES
from models import mulan
from models.mulan import LogMel, MulanConfig
from training import captions_cache, mulan_data
from training.data import LABEL_FIELDS, Prepared, load
from training.loop import Loop, LoopOptions, TrainingFailed
from training.mulan_data import ClipSource
from training.train_mulan import MulanTask, retrieval

RATE, FRAME = 8000, 320
FRAMES = 60  # per piece
GENRES = {"drone": "pad", "beeps": "chip", "rumble": "bass"}
MOODS = ("calm", "nervous", "bright", "dark")
TINY = MulanConfig(rate=RATE, mels=32, stem=16, width=64, hidden=96, blocks=1, text_hidden=96)


def piece(index: int) -> dict:
    """Describe one synthetic piece; pitch follows the genre, pulse the mood."""
    genre, mood = list(GENRES)[index % 3], MOODS[index // 3 % 4]
    return {
        "id": f"{index:08d}",
        "seed": index,
        "genre": genre,
        "attributes": {"mood": mood},
        "instruments": [f"{genre} machine", *(["snare"] if index % 2 else [])],
        "families": [GENRES[genre]],
        "drums": bool(index % 2),
        "captions": [f"{mood} {genre}", f"A {mood} piece, {genre} music, number {index}."],
    }


def sound(meta: dict) -> np.ndarray:
    """Synthesise a piece: [FRAMES * FRAME] int16."""
    rng = np.random.default_rng(meta["seed"])
    time = np.arange(FRAMES * FRAME) / RATE
    pitch = {"drone": 220, "beeps": 1200, "rumble": 60}[meta["genre"]] * 2 ** rng.uniform(-0.2, 0.2)
    pulse = {"calm": 0.5, "nervous": 8, "bright": 4, "dark": 2}[meta["attributes"]["mood"]]
    wave = np.sin(2 * np.pi * pitch * time) * (0.5 + 0.5 * np.sin(2 * np.pi * pulse * time))
    if meta["drums"]:
        wave += rng.standard_normal(len(time)) * np.exp(-20 * (2 * time % 1))
    return (8000 * wave / np.abs(wave).max()).astype(np.int16)


def prepare(root: Path, first: int, count: int) -> Prepared:
    """Write a prepared split as `training.data` does, without rendering a corpus."""
    root.mkdir(parents=True)
    metas = [piece(index) for index in range(first, first + count)]
    np.concatenate([sound(meta) for meta in metas]).tofile(root / "audio.i16")
    frames = count * FRAMES
    labels = {name: np.zeros(frames, np.float32) for name in LABEL_FIELDS}
    labels["drums"] = np.repeat([meta["drums"] for meta in metas], FRAMES).astype(np.uint8)
    rows = [[name in meta["families"] for name in FAMILIES] for meta in metas]
    labels["families"] = np.repeat(rows, FRAMES, axis=0).astype(np.uint8)
    np.savez(root / "labels.npz", **labels)
    pieces = [
        {"id": meta["id"], "start": FRAMES * i, "frames": FRAMES, "meta": meta}
        for i, meta in enumerate(metas)
    ]
    (root / "index.json").write_text(json.dumps({"rate": RATE, "channels": 1, "pieces": pieces}))
    return load(root)


def bag_of_words(texts) -> np.ndarray:
    """Stand in for MiniLM: every word a fixed random direction."""
    rows = []
    for text in texts:
        words = re.findall(r"\w+", text.lower())
        seeds = [[ord(letter) for letter in word] for word in words]
        row = np.sum([np.random.default_rng(seed).standard_normal(384) for seed in seeds], 0)
        rows.append(row / np.linalg.norm(row))
    return np.array(rows, np.float32)


@pytest.fixture(scope="module")
def splits(tmp_path_factory) -> tuple[Prepared, Prepared]:
    root = tmp_path_factory.mktemp("prepared")
    return prepare(root / "train", 0, 24), prepare(root / "valid", 24, 12)


def task_on(splits, config: MulanConfig = TINY, batch: int = 24) -> MulanTask:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return MulanTask(config, *splits, batch=batch, seconds=2.0, embed=bag_of_words)


def train(task: MulanTask, out: Path, *, steps: int, lr: float = 3e-3) -> dict:
    options = LoopOptions(
        out=out, budget_minutes=5, lr=lr, warmup=1e-6, max_steps=steps, log_every=1000, threads=1
    )
    return Loop(task, options).run()


def test_one_batch_is_learned_by_heart(splits):
    """The towers, the loss and its gradients work: far below ln(batch) on the same 24 clips."""
    task = task_on(splits)
    batch = task.train.draw(np.random.default_rng(0), 24)
    # Every piece its own answer, so that the loss can go to zero.
    batch = replace(batch, alike=torch.eye(24))
    optimizer = torch.optim.AdamW(task.model.parameters(), lr=3e-3)
    for _ in range(150):
        loss, figures = task.loss(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert figures["contrast"] < 0.5  # ln(24) is 3.18


def test_a_run_that_guesses_fails(splits, tmp_path):
    """Without learning, the loss stays at ln(batch), and the run must not look finished."""
    with pytest.raises(TrainingFailed, match=r"expected under ln\(24\) - 1 = 2\.178"):
        train(task_on(splits), tmp_path, steps=2, lr=0.0)


def test_a_run_that_learned_by_heart_fails(splits):
    task = task_on(splits)
    figures = {"contrast": 0.1, "valid": 3.0, "valid_chance": log(12)}
    with pytest.raises(TrainingFailed, match="by heart"):
        task.guard(figures)


def test_a_judge_learns_and_goes_on_where_it_stopped(splits, tmp_path):
    """A short run passes the guard, hears what it was trained on, resumes, and opens again."""
    config = replace(TINY, genres=tuple(GENRES))
    (tmp_path / "config.json").write_text(json.dumps(asdict(config)))
    train(task_on(splits, config), tmp_path, steps=30)
    summary = train(task_on(splits, config), tmp_path, steps=60)
    assert summary["steps"] == 60
    assert summary["contrast"] < summary["chance"] - 1
    assert summary["genre_accuracy"] > 0.9
    assert summary["drums_accuracy"] > 0.9
    assert summary["family_f1"] > 0.9
    judge = mulan.load(tmp_path)
    assert judge.config == config
    assert judge.tags is not None


def test_a_crop_of_the_cache_is_the_mel_of_the_crop(splits):
    """The split's log-mels are computed in blocks; no seam may show."""
    source = task_on(splits).train
    start = splits[0].pieces[3].start + 7
    audio = splits[0].audio(start, source.frames)
    direct = LogMel(RATE, TINY.mels)(torch.from_numpy(audio)[None])[0]
    np.testing.assert_allclose(source._crop(start), direct, atol=1e-3)  # float16


def test_blocks_of_the_mel_cache_join(splits, monkeypatch):
    """A split longer than one block gives the same log-mels as in one go."""
    whole = np.array(mulan_data.cached_mel(splits[0], TINY.mels))
    path = splits[0].root / "joined.npy"
    monkeypatch.setattr(mulan_data, "BLOCK_SECONDS", 5)
    mulan_data._write_mel(splits[0], path, whole.shape)
    np.testing.assert_array_equal(np.load(path), whole)


def test_captions_are_embedded_once(tmp_path):
    calls = []

    def embed(texts):
        calls.append(len(texts))
        return bag_of_words(texts)

    metas = [piece(index) for index in range(4)]
    first = captions_cache.cached(metas, tmp_path, embed)
    again = captions_cache.cached(metas, tmp_path, embed)
    assert len(calls) == 1
    np.testing.assert_array_equal(first.vectors, again.vectors)
    changed = [*metas[:3], {**metas[3], "captions": ["something else"]}]
    captions_cache.cached(changed, tmp_path, embed)
    assert len(calls) == 2


def test_a_piece_keeps_its_own_captions(tmp_path):
    metas = [piece(index) for index in range(6)]
    found = captions_cache.cached(metas, tmp_path, bag_of_words)
    for meta, views in zip(metas, found.views, strict=True):
        wanted = bag_of_words(captions_cache.caption_views(meta))
        np.testing.assert_allclose(found.vectors[list(views)], wanted, atol=1e-3)


def test_a_swap_comes_with_the_caption_that_it_was_made_from(tmp_path):
    """Otherwise a poor but right caption would be compared with a rich and nearly right one."""
    metas = [
        {**piece(index), "genre": "ambient", "captions": ["drums", "slow ambient"]}
        for index in (0, 1)
    ]
    found = captions_cache.cached(metas, tmp_path, bag_of_words)
    right = bag_of_words(["slow ambient"])[0]
    for seed in range(8):
        view, swap = found.draw(1, np.random.default_rng(seed), 1.0)
        np.testing.assert_allclose(view, right, atol=1e-3)
        assert 0.1 < float(view.astype(float) @ swap) < 0.9  # "slow" stayed
        assert not found.draw(1, np.random.default_rng(seed), 0.0)[1].any()


def test_a_swap_is_wrong_in_one_attribute():
    bank = {
        "genre": {genre: (genre, f"{genre} music") for genre in GENRES},
        "mood": {mood: (mood,) for mood in MOODS},
    }
    meta = piece(0)
    swaps = captions_cache.caption_swaps(meta, bank)
    assert swaps
    own = {"drone", "drone music", "calm"}
    foreign = {w for values in bank.values() for words in values.values() for w in words} - own
    for index, swap in swaps:
        assert len(swap.split()) - len(meta["captions"][index].split()) in (-1, 0, 1)
        wrong = [word for word in foreign if re.search(rf"\b{word}\b", swap)]
        longest = max(wrong, key=len)
        assert all(word in longest for word in wrong)
        assert swap not in meta["captions"]


def test_the_same_piece_is_fully_alike_and_a_stranger_is_not():
    first, twin, stranger = piece(0), piece(0), piece(4)
    alike = mulan_data.alikeness([first, twin, stranger])
    assert alike[0, 1] == pytest.approx(1.0)
    assert alike[0, 2] == pytest.approx(0.0)
    np.testing.assert_allclose(alike, alike.T)
    np.testing.assert_allclose(np.diag(alike), 1.0)


def test_colouring_touches_its_share_of_clips_only():
    mel = torch.rand(64, 40, 32) * 0.5
    rng = np.random.default_rng(0)
    assert torch.equal(mulan_data.colour(mel, rng, 0.0), mel)
    coloured = mulan_data.colour(mel, rng, 0.5)
    touched = int((coloured != mel).any(-1).any(-1).sum())
    assert 20 < touched < 44
    assert torch.isfinite(coloured).all()


def test_retrieval_ranks():
    scores = torch.eye(12)
    assert retrieval(scores, ["a"] * 12) == {"r1": 1.0, "r10": 1.0, "genre1": 1.0}
    assert retrieval(-scores, list("abcdefghijkl")) == {"r1": 0.0, "r10": 0.0, "genre1": 0.0}


def test_a_split_without_long_enough_pieces_is_refused(splits):
    with pytest.raises(ValueError, match=r"0 pieces of at least 60\.0 s, expected 2"):
        ClipSource(splits[0], seconds=60.0, mels=32, embed=bag_of_words)
