"""A bundle is trained on: what comes out of it is what went in, and training goes on from there."""

import json
import shutil
from dataclasses import asdict

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'antiphon[train]'")
pytest.importorskip("onnx", reason="export needs onnx: pip install 'antiphon[train]'")

from engine import seal
from engine.errors import BundleError, OptionError
from engine.row import ROW_WIDTH
from engine.spec import LEVELS
from export import pack, verify
from export.__main__ import run_record
from export.material import FRAMES, Material, Models, cases
from models import codec, lm, mulan, semantic
from models.codec import Codec, CodecConfig
from models.lm import LanguageConfig, LanguageModel
from models.mulan import Mulan, MulanConfig
from models.semantic import SemanticConfig, SemanticTokenizer
from tests.fakes import write_toy_bundle
from training.checkpoint import read_record, settle_sizes
from training.loop import Loop, LoopOptions
from training.train_lm import LanguageTask
from training.unpack import main, unpack

RATE, BATCH = 8_000, 2
STEPS, MINUTES = 60, 2.5  # that the old language model was trained for
LANGUAGE = LanguageConfig(
    width=32, layers=1, heads=2, window=6, embedding=16, depth_width=16, depth_heads=2
)
LOADED = {"codec": codec, "semantic": semantic, "lm": lm}
STATISTICS = ("quantizer.usage", "quantizer.sums")


class OneStretch:
    """A split of a single stretch, so that a little training shows."""

    def stretch(self, rng, frames, *, dropout):
        fixed = np.random.default_rng(0)
        rows = fixed.normal(size=(frames, ROW_WIDTH)).astype(np.float32)
        return fixed.integers(0, 30, (frames, LEVELS)), rows


def language_task() -> LanguageTask:
    torch.manual_seed(1)
    split = OneStretch()
    task = LanguageTask(LANGUAGE, split, split, batch=BATCH, frames=16, depth_share=1.0)
    task.guard = lambda figures: None
    return task


@pytest.fixture(scope="module")
def material() -> Material:
    rng = np.random.default_rng(0)
    pitch = np.repeat(110 * 2 ** rng.uniform(0, 4, FRAMES // 4), 4 * RATE // 25)
    audio = 0.3 * np.sin(2 * np.pi * np.cumsum(pitch) / RATE)
    rows = rng.normal(size=(FRAMES, ROW_WIDTH)).astype(np.float32)
    return Material(audio[None].astype(np.float32), rows)


@pytest.fixture(scope="module")
def models(material, tmp_path_factory) -> Models:
    """Small models; the language model has learned its one stretch."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    small = {"encoder_width": 32, "encoder_blocks": 1, "decoder_width": 32, "decoder_blocks": 1}
    sound = Codec(CodecConfig(rate=RATE, latent=8, codebook=8, **small))
    meaning = SemanticTokenizer(
        SemanticConfig(rate=RATE, width=16, dilations=(1, 2), latent=8, codebook=8)
    )
    frames = sound.frames(torch.from_numpy(material.audio)[None])
    with torch.no_grad():  # codebooks that stand where the latents are, as after training
        for model in (sound, meaning):
            model.quantizer.train()(model.encoder(frames))
    task = language_task()
    out = tmp_path_factory.mktemp("old") / "lm"
    options = {"budget_minutes": 1e9, "max_steps": STEPS, "warmup": 1e-30, "average": 0.5}
    Loop(task, LoopOptions(out=out, lr=1e-2, threads=1, **options)).run()
    return Models(sound.eval(), meaning.eval(), task.model.eval())


@pytest.fixture(scope="module")
def sealed(models, tmp_path_factory):
    """A bundle with the weights of `models`, and of a small MuLan and judge."""
    torch.manual_seed(0)

    def say(found):
        runs = {"lm": {"steps": STEPS, "minutes": MINUTES, "ce0": 1.5}}
        found["provenance"] |= {"commit": "abc", "corpus": {"hours": 3.0}, "runs": runs}

    folder = write_toy_bundle(tmp_path_factory.mktemp("bundle") / "small", say)
    (folder / "weights").mkdir()
    for name, model in (("codec", models.codec), ("semantic", models.semantic)):
        file = folder / "weights" / f"{name}.safetensors"
        pack.save_weights(model, asdict(model.config), file, drop=STATISTICS)
    file = folder / "weights" / "lm.safetensors"
    pack.save_weights(models.language, asdict(models.language.config), file)
    tiny = {"mels": 32, "stem": 16, "width": 64, "hidden": 96, "blocks": 1, "text_hidden": 96}
    mulan.pack(Mulan(MulanConfig(rate=RATE, **tiny)), folder / "weights" / "mulan.safetensors")
    judge = Mulan(MulanConfig(rate=RATE, genres=("dub", "house"), **tiny))
    mulan.pack(judge, folder / "judge.safetensors")
    seal.write(folder)
    return folder


@pytest.fixture
def bundle(sealed, tmp_path):
    """A copy of the bundle, to damage."""
    return shutil.copytree(sealed, tmp_path / "bundle")


@pytest.fixture
def runs(sealed, tmp_path):
    """The bundle, unpacked."""
    unpack(sealed, tmp_path / "runs")
    return tmp_path / "runs"


def test_what_is_packed_again_is_the_same_to_the_bit(sealed, runs, tmp_path):
    """Half precision widens and narrows without a loss: the exporter finds what it once wrote."""
    for name, module in LOADED.items():
        model, again = module.load(runs / name), tmp_path / f"{name}.safetensors"
        pack.save_weights(model, asdict(model.config), again, drop=STATISTICS)
        assert again.read_bytes() == (sealed / "weights" / again.name).read_bytes()
    for name, file in (("mulan", "weights/mulan.safetensors"), ("judge", "judge.safetensors")):
        mulan.pack(mulan.load(runs / name), tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == (sealed / file).read_bytes()


@pytest.mark.parametrize("name", list(pack.BUILDERS))
def test_every_graph_made_from_it_plays_the_same(name, models, material, runs):
    """Within the rounding of weights to half precision, 2^-11, which adds up over the layers; of
    codes a few stand on an edge."""
    again = Models(*(module.load(runs / part) for part, module in LOADED.items()))
    sequence, _ = cases(models, material)[name]()
    old, new = (verify.torch_steps(pack.BUILDERS[name](made), sequence) for made in (models, again))
    assert verify.error(old, new) < (0.05 if old.dtype.kind == "i" else 0.01)


def test_training_goes_on_where_the_bundle_was(models, runs):
    """The first loss is the old model's, not a fresh one's; steps and minutes add up."""
    task = language_task()
    batch = task.batch(np.random.default_rng(0))
    fresh, old = task.loss(batch)[0].item(), _loss(models.language, task, batch)
    assert old < fresh - 1.0
    drawn, losses = task.loss, []

    def loss(batch):
        value, figures = drawn(batch)
        losses.append(value.item())
        return value, figures

    task.loss, task.batch = loss, lambda rng: batch
    options = {"budget_minutes": 60, "max_steps": STEPS + 40, "restart_warmup": 20}
    summary = Loop(task, LoopOptions(out=runs / "lm", lr=3e-3, threads=1, **options)).run()
    assert losses[0] == pytest.approx(old, abs=0.05)
    assert max(losses) < old + 0.2  # nothing was forgotten on the way
    assert losses[-1] < losses[0]
    assert summary["steps"] == STEPS + 40
    assert summary["minutes"] >= MINUTES


def _loss(model: LanguageModel, task: LanguageTask, batch) -> float:
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        own, task.model = task.model, model
        value = task.loss(batch)[0].item()
    task.model = own
    return value


def test_it_is_measured_before_it_learns(runs, capsys):
    """Weights that do not belong to the data show before a minute is spent."""
    options = {"budget_minutes": 60, "max_steps": STEPS + 1}
    Loop(language_task(), LoopOptions(out=runs / "lm", threads=1, **options)).run()
    assert f"valid {STEPS} ce0" in capsys.readouterr().err


def test_the_learning_rate_warms_up_and_the_budget_is_its_own(runs):
    """Adam's averages are empty: the first steps must be small. What the bundle was trained for is
    not taken off the budget, and after a break the same schedule goes on."""
    rates = []

    class Watched(Loop):
        def _set_lr(self, spent):
            super()._set_lr(spent)
            rates.append((spent, self.optimizer.param_groups[0]["lr"]))

    for steps in (5, 12):
        options = {"budget_minutes": 1e3, "max_steps": STEPS + steps, "warmup": 1e-9}
        options |= {"lr": 1.0, "restart_warmup": 10, "threads": 1}
        Watched(language_task(), LoopOptions(out=runs / "lm", **options)).run()
    assert all(spent < 0.01 for spent, _ in rates)
    wanted = [*np.arange(0.1, 1.05, 0.1), 1.0, 1.0]
    assert [rate for _, rate in rates] == pytest.approx(wanted, rel=1e-3)


def test_codebooks_are_not_drawn_anew(models, runs, material):
    """A bundle has no averages of its codebooks: the first batch must move them, not replace
    them."""
    for name in ("codec", "semantic"):
        model = LOADED[name].load(runs / name).train()
        before = model.quantizer.codebooks.clone()
        with torch.no_grad():
            frames = models.codec.frames(torch.from_numpy(material.audio)[None])
            model.quantizer(model.encoder(frames)[:, :8])  # a frame a code, as in training
        moved = (model.quantizer.codebooks - before).norm() / before.norm()
        assert 0 < moved < 0.2


def test_the_next_export_says_where_it_came_from(sealed, runs):
    options = {"budget_minutes": 60, "max_steps": STEPS + 3}
    Loop(language_task(), LoopOptions(out=runs / "lm", threads=1, **options)).run()
    record = run_record(runs)
    assert record["lm"]["steps"] == STEPS + 3
    assert record["lm"]["minutes"] >= MINUTES
    base = record["lm"]["base"]
    assert (base["bundle"], base["commit"]) == (seal.identity(sealed), "abc")
    assert (base["steps"], base["corpus"]) == (STEPS, {"hours": 3.0})


def test_weights_that_nobody_trained_keep_their_origin(bundle, runs, tmp_path):
    """Unpacked, exported untouched and unpacked again, a model still names its first bundle."""
    manifest = json.loads((bundle / "bundle.json").read_text())
    manifest["provenance"]["runs"] = run_record(runs)
    (bundle / "bundle.json").write_text(json.dumps(manifest))
    seal.write(bundle)
    unpack(bundle, tmp_path / "again")
    assert read_record(tmp_path / "again" / "lm").base == read_record(runs / "lm").base


def test_a_damaged_bundle_is_refused(bundle, tmp_path):
    file = bundle / "weights" / "lm.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(BundleError, match=r"lm\.safetensors .* is damaged"):
        unpack(bundle, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_weights_of_other_sizes_are_refused(bundle, tmp_path):
    """Sealed anew, but the file holds another model: nothing is written at all."""
    shutil.copy(bundle / "weights" / "semantic.safetensors", bundle / "weights" / "lm.safetensors")
    seal.write(bundle)
    with pytest.raises(BundleError, match=r"lm\.safetensors .* fits no model"):
        unpack(bundle, tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_bundle_without_weights_says_so(toy_bundle_path, tmp_path):
    with pytest.raises(BundleError, match="can be played, not trained on"):
        unpack(toy_bundle_path, tmp_path / "runs")


def test_runs_that_exist_are_not_written_over(sealed, runs, capsys):
    before = (runs / "lm" / "run.json").read_bytes()
    with pytest.raises(OptionError, match="without codec, semantic, mulan, lm, judge"):
        unpack(sealed, runs)
    with pytest.raises(BaseException, match="2"):
        main(sealed, runs)
    assert "Runs are not written over" in capsys.readouterr().err
    assert (runs / "lm" / "run.json").read_bytes() == before


def test_a_run_is_not_gone_on_with_in_another_size(runs):
    settle_sizes(runs / "lm", asdict(LANGUAGE))
    with pytest.raises(OptionError, match="layers of the model to train is 2, expected 1"):
        settle_sizes(runs / "lm", asdict(LANGUAGE) | {"layers": 2})
