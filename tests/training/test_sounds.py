"""Sounds that are no music: varied, clean, deterministic, and for the codec only."""

import json
from collections import Counter

import numpy as np
import pytest
from scipy.signal import find_peaks

from engine.spec import NO_CHORD, NO_KEY, AudioFormat
from training.corpus import store
from training.corpus.piece import FIRST_SEEDS, make
from training.corpus.sounds.clip import FRAMES, MAKERS, clip
from training.corpus.sounds.hits import hits
from training.corpus.sounds.noises import KINDS
from training.corpus.sounds.speech import speech
from training.corpus.timing import FRAME_SAMPLES, RATE

FIRST = FIRST_SEEDS["sounds"]


@pytest.fixture(scope="module")
def clips():
    return [clip(seed) for seed in range(FIRST, FIRST + 16)]


def test_clips_are_whole_frames_of_clean_audio_at_many_levels(clips):
    levels = []
    for audio, _ in clips:
        frames, left = divmod(audio.shape[1], FRAME_SAMPLES)
        assert left == 0
        assert FRAMES[0] <= frames < FRAMES[1]
        assert audio.dtype == np.float32
        assert np.isfinite(audio).all()
        levels.append(20 * np.log10(np.abs(audio).max()))
    assert max(levels) <= -1.0 + 1e-3
    assert max(levels) - min(levels) > 15


def test_every_kind_of_layer_comes_and_clips_differ(clips):
    layers = Counter(name for _, names in clips for name in names)
    assert set(layers) == set(MAKERS)
    assert len({audio.tobytes() for audio, _ in clips}) == len(clips)


def test_the_same_seed_gives_the_same_clip(clips):
    np.testing.assert_array_equal(clip(FIRST)[0], clips[0][0])


@pytest.mark.parametrize("name", MAKERS)
def test_every_maker_fills_its_length_at_full_scale(name):
    for seed in range(6):
        sound = MAKERS[name](np.random.default_rng(seed), 3 * RATE)
        assert sound.shape[-1] == 3 * RATE
        assert np.isfinite(sound).all()
        assert np.abs(sound).max() == pytest.approx(1.0, abs=1e-4)


def test_babble_has_a_voice_and_syllables():
    """A pitch of speech in most voices, and a level that moves a few times a second."""
    voiced = 0
    for seed in range(8):
        sound = speech(np.random.default_rng(seed), 4 * RATE).astype(float)
        level = np.abs(sound).reshape(-1, RATE // 50).max(1)
        assert 4 < len(find_peaks(np.convolve(level, np.ones(3)), prominence=0.1)[0]) < 80
        spectrum = np.abs(np.fft.rfft(sound)) ** 2
        voiced += np.fft.irfft(spectrum)[RATE // 400 : RATE // 70].max() > 0.1 * spectrum.mean()
        share = spectrum[: 4 * 5_000].sum() / spectrum.sum()
        assert share > 0.5  # speech lies below 5 kHz
    assert voiced >= 6


def test_hits_are_short_and_silent_between():
    crests = []
    for seed in range(12):
        sound = hits(np.random.default_rng(seed), 4 * RATE)
        crests.append(1 / max(float(sound.std()), 1e-9))
    assert np.median(crests) > 5


def test_noises_are_of_different_colours():
    centroids = []
    for seed in range(4):
        for kind in KINDS:
            sound = kind(np.random.default_rng(seed), RATE)
            magnitude = np.abs(np.fft.rfft(sound))
            hertz = np.fft.rfftfreq(RATE, 1 / RATE)
            centroids.append(float((magnitude * hertz).sum() / magnitude.sum()))
    assert min(centroids) < 600
    assert max(centroids) > 6_000


def test_a_clip_is_stored_without_labels_or_words(tmp_path):
    info = make(FIRST + 1, "sounds", tmp_path, with_stems=True)
    folder = store.folder_of(tmp_path, "sounds", FIRST + 1)
    assert {path.name for path in folder.iterdir()} == {"mix.flac", "piece.json"}
    assert json.loads((folder / "piece.json").read_text()) == info
    assert info["kind"] == "clip"
    assert not {"captions", "genre", "key"} & set(info)
    assert store.infos(tmp_path, "sounds") == [info]


def test_clips_are_prepared_with_labels_that_say_nothing(tmp_path):
    pytest.importorskip("torch", reason="training needs torch: pip install 'antiphon[train]'")
    from training.data import load, prepare

    lengths = [
        make(FIRST + i, "sounds", tmp_path, with_stems=False)["length_frames"] for i in (0, 1)
    ]
    frames = prepare(tmp_path / "sounds", tmp_path / "out", AudioFormat(rate=24_000, channels=1), 1)
    prepared = load(tmp_path / "out")
    assert frames == prepared.frames == sum(lengths)
    assert (prepared.labels.key == NO_KEY).all()
    assert (prepared.labels.chord_root == NO_CHORD).all()
    assert not prepared.labels.notes.any()
