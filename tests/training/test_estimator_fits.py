"""The small networks of the estimators, how they learn, and the clips they learn from."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch", reason="networks are fitted with torch: 'antiphon[train]'")

from safetensors.torch import save_file

from engine.errors import BundleError, InputError, OptionError
from models import codec as codecs
from models import packed
from training.corpus.compose import compose
from training.corpus.render import Rendering
from training.corpus.timing import total_samples
from training.evaluation import clips, fit, fit_drums, scorer
from training.evaluation.drums import STEP, DrumNetwork, estimate_drums, mel_of
from training.evaluation.onsets import ANALYSIS_RATE, log_mel

RATE = ANALYSIS_RATE
RECIPE = fit.Recipe(hidden=16, steps=150, batch=16, dropout=0.0, decay=1e-3, rate=2e-2)
SMALL = codecs.CodecConfig(encoder_width=16, decoder_width=16, latent=8, codebook=16)


@pytest.fixture(autouse=True)
def one_thread():
    """Threads that wait for each other take longer than networks this small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def kit(seconds: float, bpm: float = 100.0) -> np.ndarray:
    """Kick, snare and hats in eighths."""
    rng, t = np.random.default_rng(0), np.arange(RATE // 4) / RATE
    kick = 0.8 * np.sin(2 * np.pi * (50 * t + 3 * (1 - np.exp(-40 * t)))) * np.exp(-15 * t)
    snare = 0.4 * rng.standard_normal(len(t)) * np.exp(-25 * t)
    hat = 0.2 * np.diff(rng.standard_normal(len(t) + 1)) * np.exp(-80 * t)
    out = np.zeros(round(seconds * RATE) + len(t))
    for eighth in range(int(seconds * bpm / 30)):
        at = round(eighth * 30 / bpm * RATE)
        out[at : at + len(t)] += hat + (kick, 0.0, snare, 0.0)[eighth % 4]
    return out[: round(seconds * RATE)].astype(np.float32)


def organ(seconds: float) -> np.ndarray:
    """Chords without any stroke, changing every two seconds."""
    t = np.arange(round(seconds * RATE)) / RATE
    out = 0.002 * np.random.default_rng(1).standard_normal(len(t))
    for pitch in (48, 60, 64, 67):
        step = np.array([0, 5, 7, 0])[(t // 2).astype(int) % 4]
        phase = np.cumsum(440.0 * 2 ** ((pitch + step - 69) / 12)) / RATE
        out += sum(np.sin(2 * np.pi * h * phase) / h for h in (1, 2, 3, 4)) * 0.05
    return out.astype(np.float32)


@pytest.mark.parametrize("gain_db", [-12.0, 0.0, 6.0])
def test_a_kit_is_heard_and_an_organ_is_none(gain_db):
    """Alone or under chords, soft or loud; chords alone have no drums."""
    gain = np.float32(10 ** (gain_db / 20))
    assert estimate_drums(gain * kit(10.0)).plays
    assert estimate_drums(gain * (kit(10.0) + organ(10.0))).plays
    assert not estimate_drums(gain * organ(10.0)).plays


def test_silence_has_no_drums():
    """A dead clip must not count as obeying "with drums"."""
    assert estimate_drums(np.zeros(6 * RATE, np.float32)) == (0.0, False)


def test_a_kit_that_stops_is_heard_as_long_as_it_plays():
    """The share follows the music, so a last fill does not make a clip one with drums."""
    music = organ(12.0)
    half = music + kit(12.0) * (np.arange(len(music)) < 6 * RATE)
    assert 0.3 < estimate_drums(half).share < 0.75
    assert estimate_drums(half).plays


def test_the_network_sees_whole_steps():
    """Any length is heard; what is left of a step at the end is not."""
    for samples in (RATE // 2, 30_001, 6 * RATE):
        mel = mel_of(organ(samples / RATE))
        assert len(mel) % STEP == 0
        assert DrumNetwork()(mel[None]).shape == (1, len(mel) // STEP)


def test_a_network_learns_what_no_weights_alone_can():
    """One of eight is wanted where two features have the same sign: no sum of them tells."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((400, 8, 2)).astype(np.float32)
    wanted = np.eye(8, dtype=np.float32)[features.prod(2).argmax(1)]
    choices = fit.Choices(features, wanted)
    network = fit.train(choices, RECIPE)
    by_network = network.score(features).argmax(1) == wanted.argmax(1)
    by_weights = (features @ fit.fit(choices, 1e-3)).argmax(1) == wanted.argmax(1)
    assert by_network.mean() > 0.8 > 0.5 > by_weights.mean()
    again = fit.train(choices, RECIPE)
    assert all(np.array_equal(*pair) for pair in zip(network, again, strict=True))


def test_validation_counts_pieces_that_were_not_learned_from():
    """A truth that is noise is right by chance, however often its clips are there."""
    rng = np.random.default_rng(1)
    features = np.repeat(rng.standard_normal((60, 8, 4)), 2, 0).astype(np.float32)
    wanted = np.repeat(np.eye(8)[rng.integers(8, size=60)], 2, 0).astype(np.float32)
    rows = fit.Rows(
        fit.Choices(features, wanted), np.repeat(np.arange(60), 2), np.arange(120) % 2 > 0
    )
    rates = fit.validate(rows, RECIPE)
    assert max(rates.values()) < 0.5
    with pytest.raises(InputError, match="1 pieces"):
        fit.validate(rows.pick(rows.piece == 0), RECIPE)


def test_a_scorer_is_kept_and_refuses_other_features(tmp_path, monkeypatch):
    """The code and its weights can only change together; far features count as far, not more."""
    monkeypatch.setattr(scorer, "path_of", lambda name: tmp_path / f"{name}.safetensors")
    rng = np.random.default_rng(2)
    made = scorer.Scorer(
        *(
            rng.standard_normal(shape).astype(np.float32)
            for shape in ((3,), (3,), (3, 5), (5,), (5,), (3,))
        )
    )
    scorer.store("toy", made, {"pieces": "1"})
    found = scorer.load("toy", 3)
    x = rng.standard_normal((2, 4, 3))
    assert np.array_equal(found.score(x), made.score(x))
    assert np.array_equal(found.score(x + 1e6), found.score(x + 2e6))
    with pytest.raises(ValueError, match="fitted for 3 features"):
        scorer.load.__wrapped__("toy", 4)


def test_no_clip_has_two_scenes():
    """Clips begin where scenes do and end before the next; short rests of scenes are left out."""
    assert list(clips.stretches([0], 700)) == [(0, 300), (300, 600)]
    assert list(clips.stretches([0, 250, 400], 750)) == [(0, 250), (400, 700)]


def test_clips_are_there_clean_and_coded(tmp_path):
    """With the labels of their own frames; a codec of another rate is refused."""
    folder, frames = tmp_path / "0", 600
    folder.mkdir()
    soundfile.write(folder / "mix.flac", organ(frames / 25), RATE)
    (folder / "piece.json").write_text(json.dumps({"steady_frames": frames}))
    drums = (np.arange(frames) >= 300).astype(np.uint8)
    key = np.where(np.arange(frames) < 400, 3, 5)
    np.savez(folder / "labels.npz", tempo_bpm=np.full(frames, 90.0), key=key, drums=drums)
    found = list(clips.read_clips(tmp_path, 5, codecs.Codec(SMALL)))
    assert [(clip.is_beginning, clip.is_coded) for clip in found] == [
        (True, False),
        (True, True),
        (False, False),
        (False, True),
    ]
    assert [(clip.key, float(clip.drums.mean())) for clip in found[::2]] == [(3, 0.0), (5, 1.0)]
    assert all(len(clip.mono) == 12 * RATE for clip in found)
    assert not np.array_equal(found[0].mono, found[1].mono)
    with pytest.raises(OptionError, match="24000 Hz, 1 channel"):
        next(clips.read_clips(tmp_path, 5, codecs.Codec(codecs.CodecConfig(rate=48_000))))
    with pytest.raises(InputError, match="holds no piece"):
        next(clips.read_clips(tmp_path / "0", 5, codecs.Codec(SMALL)))


def test_a_packed_codec_is_the_codec(tmp_path):
    """Bundles leave training's statistics out; whatever else is missing is refused."""
    codec = codecs.Codec(SMALL).eval()
    kept = {n: t for n, t in codec.state_dict().items() if n not in packed.AVERAGES}
    config = {"config": json.dumps(asdict(SMALL))}
    save_file(kept, tmp_path / "codec.safetensors", metadata=config)
    opened = codecs.load_packed(tmp_path / "codec.safetensors")
    x = torch.from_numpy(organ(0.4))[None, None]
    assert torch.equal(opened.encode(x), codec.encode(x))
    kept.popitem()
    save_file(kept, tmp_path / "less.safetensors", metadata=config)
    with pytest.raises(BundleError, match="lacks"):
        codecs.load_packed(tmp_path / "less.safetensors")
    save_file(kept, tmp_path / "bare.safetensors")
    with pytest.raises(BundleError, match="has no config"):
        codecs.load_packed(tmp_path / "bare.safetensors")


def test_colours_change_the_mix_and_not_the_strokes():
    """What is loud stays loud: bands before and after rise and fall together."""
    torch.manual_seed(0)
    mel = mel_of(kit(6.0))[None].repeat(8, 1, 1)
    changed = fit_drums.coloured(mel)
    assert float((changed - mel).abs().mean()) > 0.1
    level, was = changed.mean(2), mel.mean(2)
    assert all(np.corrcoef(a, b)[0, 1] > 0.8 for a, b in zip(level, was, strict=True))


def test_a_kit_laid_under_music_is_what_plays():
    """The truth is the kit's, the music goes on, and nothing counts after either's end."""
    torch.manual_seed(0)
    music, beat = mel_of(organ(6.0))[None], mel_of(kit(6.0))[None]
    steps = music.shape[1] // STEP
    ends = torch.ones(1, steps), torch.cat([torch.ones(1, 9), torch.zeros(1, steps - 9)], 1)
    bare = fit_drums.Batch(music, torch.zeros(1, steps), ends[0])
    strokes = fit_drums.Batch(beat, torch.ones(1, steps), ends[1])
    both = fit_drums.under(bare, strokes)
    assert torch.all(both.mel >= music - 1e-4)
    assert float((both.mel - music).max()) > 0.5
    assert torch.equal(both.plays, strokes.plays)
    assert torch.equal(both.is_heard, ends[1])


def test_dull_kits_keep_their_kick_and_their_loudness():
    """Some are as they were; the others have little treble left, and bass in its place."""
    torch.manual_seed(0)
    mel = mel_of(kit(6.0))[None].repeat(24, 1, 1)
    kits = torch.expm1(mel)
    change = (fit_drums.dulled(kits).mean(1) / kits.mean(1)).log()  # [24, MELS]
    is_dull = change.abs().amax(1) > 1e-6
    assert 3 < int(is_dull.sum()) < 15
    assert torch.all(change[is_dull, :4] >= 0.0)
    assert torch.all(change[is_dull, -4:] < np.log(0.5))


def test_a_window_is_cut_alike_from_sound_and_truth():
    """Frames and steps go on belonging together."""
    steps = torch.arange(75.0)[None]
    frames = steps.repeat_interleave(STEP, 1)[:, :, None].repeat(1, 1, 40)
    part = fit_drums.Batch(frames, steps, steps).window(7)
    assert torch.equal(part.mel[:, ::STEP, 0], part.plays)
    assert part.plays[0, 0] == 7.0
    assert part.plays.shape == part.is_heard.shape == (1, fit_drums.WINDOW)


def test_a_piece_comes_in_two_halves(monkeypatch):
    """All but the kit, then the kit alone, each with the labels of what is heard."""
    played = []

    def render(score):
        played.append({part.family for part in score.parts})
        return Rendering(np.zeros((2, total_samples(score)), np.float32), {})

    monkeypatch.setattr(clips, "render", render)
    seed = next(seed for seed in range(1, 50) if compose(seed).attributes["drums"] == "yes")
    rest, alone = clips.halves(seed)
    assert "drums" not in played[0]
    assert played[1] == {"drums"}
    assert not rest.drums.any()
    assert alone.drums.any()
    assert len(rest.mono) == len(rest.drums) * clips.FRAME


def test_a_fit_needs_kits_and_music_without():
    """Nothing can be laid under anything else."""
    mel = mel_of(organ(2.0))[None]
    ones = torch.ones(1, mel.shape[1] // STEP)
    no = torch.zeros(1, dtype=torch.bool)
    with pytest.raises(InputError, match="0 kits, 0 clips"):
        fit_drums.fit(fit_drums.Read(fit_drums.Batch(mel, ones, ones), no.long(), no, no, no))


def test_steps_average_their_frames():
    """A step is four frames of labels, and the mel of it as long."""
    drums = np.repeat(np.array([0, 1, 1, 0], np.uint8), [4, 4, 2, 2])
    assert fit_drums.step_shares(drums, 3).tolist() == [0.0, 1.0, 0.5]
    mono = organ(4.0)
    assert len(mel_of(mono)) == len(log_mel(mono)) // 16 * 8
