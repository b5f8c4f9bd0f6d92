"""Each model learns: one batch by heart, gradients where they must be, guards that can fail, runs
that resume."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'antiphon[train]'")

from engine.errors import OptionError
from engine.row import UNGUIDED, Labels, encode_labels
from engine.spec import CODEBOOK_SIZE, FAMILIES, PITCHES, AudioFormat
from models.codec import Codec, CodecConfig
from models.lm import LanguageConfig
from models.quantizer import BYPASS, ResidualQuantizer
from models.semantic import SemanticConfig, label_targets
from training.data import Piece, Prepared
from training.loop import Loop, LoopOptions, TrainingFailed, prefers_bfloat16
from training.losses import MelDistance, snr_db
from training.train_codec import CodecTask
from training.train_lm import DRUMLESS, KEEP, LanguageTask, drop_fields, drumless_shares
from training.train_semantic import SemanticTask, head_losses

SMALL = CodecConfig(
    rate=8_000,
    encoder_width=48,
    encoder_blocks=2,
    decoder_width=64,
    decoder_blocks=2,
    latent=16,
    levels=4,
    codebook=32,
)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture
def music(tmp_path) -> Prepared:
    """Twelve seconds of arpeggios at 8 kHz with labels that are true."""
    rng = np.random.default_rng(0)
    frames, rate = 300, 8_000
    pitch = np.repeat(rng.choice([48, 52, 55, 60, 64], frames // 10), 10)
    phase = np.cumsum(np.repeat(440 * 2 ** ((pitch - 69) / 12), rate // 25)) / rate
    audio = (0.3 * np.sin(2 * np.pi * phase) * 32767).astype(np.int16)[:, None]
    notes = np.zeros((frames, PITCHES), np.uint8)
    notes[np.arange(frames), pitch] = 1
    zeros, ones = np.zeros(frames, np.int64), np.ones(frames, np.float32)
    labels = Labels(
        tempo_bpm=120 * ones,
        beat=np.arange(frames) / 12.5,
        beats_per_bar=zeros + 4,
        key=zeros,
        chord_root=zeros,
        chord_quality=zeros,
        notes=notes,
        drums=np.zeros(frames, np.uint8),
        families=np.zeros((frames, len(FAMILIES)), np.uint8),
        density=0.5 * ones,
        brightness=0.5 * ones,
        section=zeros,
    )
    piece = Piece("one", 0, frames, {"captions": ["a sine"]})
    return Prepared(tmp_path, AudioFormat(rate=rate, channels=1), [piece], audio, labels)


def train(task, tmp_path, steps, **options):
    quick = {
        "budget_minutes": 60,
        "max_steps": steps,
        "warmup": 1e-9,
        "threads": 1,
        "average": 0.9,
        "log_every": 1000,
    }
    return Loop(task, LoopOptions(out=tmp_path / "run", **(quick | options))).run()


@pytest.mark.parametrize("has_tiles", [False, True])
def test_on_a_processor_bfloat16_is_for_tile_units(monkeypatch, has_tiles):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": has_tiles}, False)
    assert prefers_bfloat16(torch.device("cpu")) == has_tiles
    assert prefers_bfloat16(torch.device("cuda"))


class TestCodec:
    def test_it_learns_one_second_by_heart(self, music, tmp_path):
        task = CodecTask(SMALL, music, music, batch=2, frames=25)
        fixed = task.batch(np.random.default_rng(0))
        task.batch = lambda rng: fixed
        first = task.loss(fixed)[1]["mel"]
        task.guard = lambda figures: None  # two seconds do not fill a codebook
        train(task, tmp_path, 100, lr=3e-3)
        task.model.eval()
        assert task.loss(fixed)[1]["mel"] < 0.6 * first

    def test_gradients_reach_the_encoder_through_the_codes(self, music):
        """The straight-through copy: without it every code collapses to one."""
        task = CodecTask(SMALL, music, music, batch=2, frames=25)
        audio, _ = task.batch(np.random.default_rng(0))
        task.loss((audio, torch.full((2,), 4)))[0].backward()
        assert task.model.encoder.inlet.weight.grad.abs().sum() > 0

    def test_a_collapsed_codebook_fails_the_run(self, music):
        task = CodecTask(SMALL, music, music, batch=2, frames=25)
        with pytest.raises(TrainingFailed, match="collapsed"):
            task.guard({"use_min": 0.05})

    def test_silence_is_measured_as_silence(self):
        """A reconstruction of nothing is -inf-free and worth 0 dB against noise."""
        noise = torch.randn(1, 8_000)
        assert snr_db(torch.zeros_like(noise), noise).item() == pytest.approx(0.0, abs=1e-4)
        assert MelDistance(8_000, (512,))(noise, noise).item() == 0.0


class TestQuantizer:
    def test_unused_codes_come_back_to_life(self):
        quantizer = ResidualQuantizer(1, 4, 16, decay=0.5)
        quantizer(torch.randn(1, 64, 4))
        quantizer.codebooks[0, 3:] = 100.0  # nobody will ever choose these
        quantizer.sums[0, 3:] = 100.0
        for _ in range(12):
            quantizer(torch.randn(1, 64, 4))
        assert quantizer.codebooks.abs().max() < 50

    def test_each_level_improves_on_the_ones_before(self):
        quantizer = ResidualQuantizer(4, 4, 16)
        latents = torch.randn(8, 64, 4)
        for _ in range(50):
            quantizer(latents)
        quantizer.eval()
        errors = [
            (quantizer(latents, torch.full((8,), keep)).latents - latents).square().mean().item()
            for keep in (1, 2, 4)
        ]
        assert errors[0] > errors[1] > errors[2]

    def test_a_bypass_leaves_latents_as_they_are(self):
        quantizer = ResidualQuantizer(2, 4, 16).eval()
        latents = torch.randn(2, 5, 4)
        kept = quantizer(latents, torch.tensor([BYPASS, 2])).latents
        assert torch.equal(kept[0], latents[0])
        assert not torch.equal(kept[1], latents[1])


class TestSemantic:
    def test_it_learns_which_notes_sound(self, music, tmp_path):
        config = SemanticConfig(rate=8_000, width=48, latent=8, codebook=64, targets=16)
        task = SemanticTask(config, music, music, batch=2, frames=50)
        fixed = task.batch(np.random.default_rng(0))
        task.batch = lambda rng: fixed

        def loss():
            read, upcoming, _ = task.model(fixed["frames"])
            return head_losses(read, upcoming, label_targets(fixed["rows"], fixed))[
                "sounding"
            ].item()

        first = loss()
        task.guard = lambda figures: None  # sixty notes do not fill a codebook
        train(task, tmp_path, 80, lr=3e-3)
        task.model.eval()
        assert loss() < 0.1 * first


class FakeSplit:
    """A split of random tokens with true shapes."""

    def __init__(self, music):
        self.rng = np.random.default_rng(0)
        self.rows = encode_labels(music.labels)

    def stretch(self, rng, frames, *, dropout):
        return self.rng.integers(0, 30, (frames, 13)), self.rows[:frames].copy()


class TestLanguage:
    def test_pieces_without_a_kit_are_drawn_more_often_where_kits_are_usual(self):
        pieces = [
            {"genre": "house", "drums": True},
            {"genre": "house", "drums": False},
            {"genre": "quartet", "drums": False},
            {"genre": "quartet", "drums": True, "scenes": []},  # a medley that goes on to house
            {"genre": "house", "drums": False, "scenes": []},
            {},  # a clip
        ]
        assert drumless_shares(pieces).tolist() == [1, DRUMLESS, 1, 1, 1, 1]

    def test_it_learns_one_batch_by_heart(self, music, tmp_path):
        """The floor of every recipe: cross-entropy well under a tenth of chance on sixteen
        frames."""
        config = LanguageConfig(
            width=64, layers=1, heads=2, window=8, depth_width=64, depth_heads=2
        )
        split = FakeSplit(music)
        task = LanguageTask(config, split, split, batch=1, frames=16, depth_share=1.0)
        fixed = task.batch(np.random.default_rng(0))
        task.batch = lambda rng: fixed
        task.validate = dict
        task.guard = lambda figures: None
        train(task, tmp_path, 250, lr=1e-2)
        task.model.eval()
        assert task.loss(fixed)[0].item() < 0.1 * np.log(CODEBOOK_SIZE)

    def test_a_model_that_guesses_fails_the_run(self, music):
        split = FakeSplit(music)
        config = LanguageConfig(
            width=16, layers=1, heads=2, window=4, depth_width=16, depth_heads=2
        )
        task = LanguageTask(config, split, split, batch=1, frames=8, depth_share=1.0)
        with pytest.raises(TrainingFailed, match="nothing was learned"):
            task.guard({"ce0": 6.9})

    def test_guidance_drops_in_training_what_it_drops_in_playing(self, music):
        """Some examples must lose every field that the unconditioned row loses, and keep the
        grid."""
        from engine.row import SLICES

        rng, seen = np.random.default_rng(0), False
        for _ in range(200):
            rows = encode_labels(music.labels)
            rows[:, SLICES["style"]] = 1
            drop_fields(rows, rng)
            bare = all(not rows[:, SLICES[name]].any() for name in UNGUIDED)
            seen = seen or (bare and bool(rows[:, SLICES["tempo"]].any()))
        assert seen
        assert set(KEEP) >= set(UNGUIDED) - {"families"}


def test_a_run_does_not_go_on_as_another(music, tmp_path, monkeypatch):
    """Weights do not show whether semantic tokens spoke: the run's record does."""
    monkeypatch.setattr(CodecTask, "guard", lambda *_: None)  # two steps teach nothing

    def steps(count, **options):
        task = CodecTask(SMALL, music, music, batch=1, frames=25)
        return train(task, tmp_path, count, **options)["steps"]

    steps(1, told={"semantic": False})
    with pytest.raises(OptionError, match=r"what to train.*'semantic': False"):
        steps(2)
    assert steps(2, told={"semantic": False}) == 2


def test_a_run_goes_on_where_it_stopped(music, tmp_path):
    """Ten steps at once equal six and then four, to the bit: weights, optimiser and random
    draws."""

    def weights(parts):
        out = tmp_path / f"run{len(parts)}"
        for steps in parts:
            torch.manual_seed(0)
            task = CodecTask(SMALL, music, music, batch=2, frames=25)
            task.guard = lambda figures: None
            task.model.quantizer.stale = -1.0  # restarts draw from torch's own generator
            options = {"budget_minutes": 1e9, "warmup": 1e-30, "max_steps": steps, "threads": 1}
            Loop(task, LoopOptions(out=out, **options)).run()
        return torch.cat([p.flatten() for p in task.model.parameters()])

    assert torch.equal(weights([10]), weights([6, 10]))


def test_the_last_line_of_a_run_is_its_summary(music, tmp_path, capsys):
    task = CodecTask(SMALL, music, music, batch=2, frames=25)
    task.guard = lambda figures: None
    train(task, tmp_path, 2)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["steps"] == 2
    assert isinstance(task.model, Codec)


def test_a_machine_that_slept_spends_nothing_of_the_budget(music, tmp_path, monkeypatch):
    """A stopped process sees the clock jump; the processor worked no longer for it."""
    clock = iter(range(0, 10**6, 3600))
    monkeypatch.setattr("training.loop.time.monotonic", lambda: next(clock))
    task = CodecTask(SMALL, music, music, batch=2, frames=25)
    task.guard = lambda figures: None
    summary = train(task, tmp_path, 3, device="cpu")
    assert summary["steps"] == 3
    assert summary["minutes"] < 60
