"""Torch to ONNX to int8: every step graph plays the same music, and one that does not is
refused."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="export needs torch: pip install 'antiphon[train]'")
onnx = pytest.importorskip("onnx", reason="export needs onnx: pip install 'antiphon[train]'")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime: '.[cpu]'")
pytest.importorskip("onnxscript", reason="export needs onnxscript: pip install 'antiphon[train]'")

from engine.backends import open_backend
from engine.errors import BundleError
from engine.row import ROW_WIDTH
from engine.spec import LEVELS, START_TOKEN
from export import pack, verify, wrap
from export.material import FRAMES, Material, Models, as_heard, cases
from export.to_onnx import share_equal_constants, to_onnx
from models.codec import Codec, CodecConfig
from models.hearing import FLOOR
from models.lm import LanguageConfig, LanguageModel
from models.semantic import SemanticConfig, SemanticTokenizer
from models.upmix import Upmix, UpmixConfig

RATE = 8_000


@pytest.fixture(scope="module")
def models(material) -> Models:
    torch.manual_seed(0)
    codec = Codec(
        CodecConfig(
            rate=RATE,
            encoder_width=32,
            encoder_blocks=1,
            decoder_width=32,
            decoder_blocks=1,
            latent=8,
            codebook=8,
        )
    )
    semantic = SemanticTokenizer(
        SemanticConfig(rate=RATE, width=16, dilations=(1, 2), latent=8, codebook=8)
    )
    frames = codec.frames(torch.from_numpy(material.audio)[None])
    with torch.no_grad():  # codebooks that stand where the latents are, as after training
        for quantizer, encoder in (
            (codec.quantizer, codec.encoder),
            (semantic.quantizer, semantic.encoder),
        ):
            quantizer.train()(encoder(frames))
    language = LanguageModel(
        LanguageConfig(
            width=32, layers=2, heads=2, window=6, embedding=16, depth_width=16, depth_heads=2
        )
    )
    return Models(codec.eval(), semantic.eval(), language.eval())


@pytest.fixture(scope="module")
def material() -> Material:
    rng = np.random.default_rng(0)
    pitch = np.repeat(110 * 2 ** rng.uniform(0, 4, FRAMES // 4), 4 * RATE // 25)
    loudness = np.repeat(10 ** rng.uniform(-2, 0, FRAMES // 4), 4 * RATE // 25)
    audio = loudness * np.sin(2 * np.pi * np.cumsum(pitch) / RATE)
    rows = rng.normal(size=(FRAMES, ROW_WIDTH)).astype(np.float32)
    return Material(audio[None].astype(np.float32), rows)


@pytest.fixture(scope="module")
def exported(models, tmp_path_factory):
    """Float32 files of every step graph, and the ones that ship."""
    folder = tmp_path_factory.mktemp("graphs")
    for name, build in pack.BUILDERS.items():
        graph = build(models)
        to_onnx(graph, folder / f"{name}.onnx")
        pack.compress(graph, folder / f"{name}.onnx", folder / f"{name}.small.onnx")
    return folder


@pytest.mark.parametrize("name", list(pack.BUILDERS))
def test_a_graph_plays_what_torch_plays(name, models, material, exported):
    """Whole, step by step, in ONNX, in int8: measured against each other, in that order."""
    graph = pack.BUILDERS[name](models)
    sequence, whole = cases(models, material)[name]()
    spec = pack.describe(graph, pack.INT8, {})
    full, final = exported / f"{name}.onnx", exported / f"{name}.small.onnx"
    measured = verify.parity(graph, spec, full, final, sequence, whole)
    assert measured["onnx_float"] <= measured["onnx"] + 1e-4
    assert ("torch_step" in measured) == (name not in ("compose", "brief"))


@pytest.fixture(scope="module")
def in_stereo(models) -> Models:
    """The same models behind an upmix that has something to say."""
    torch.manual_seed(0)
    codec = models.codec
    tones = codec.decoder.speaking.oscillators.size
    sizes = {"rate": 2 * RATE, "places": 6, "air": 3, "width": 16, "blocks": 1}
    return replace(
        models, upmix=Upmix(UpmixConfig(sheet=codec.config.sheet, tones=tones, **sizes)).eval()
    )


@pytest.mark.parametrize("name", ["encode", "listen", "decode"])
def test_a_stereo_graph_plays_what_torch_plays(name, in_stereo, material, tmp_path):
    graph = pack.BUILDERS[name](in_stereo)
    heard = as_heard(material.audio, RATE, in_stereo.audio)
    sequence, whole = cases(in_stereo, Material(heard, material.rows))[name]()
    full, final = tmp_path / f"{name}.onnx", tmp_path / f"{name}.small.onnx"
    to_onnx(graph, full)
    pack.compress(graph, full, final)
    measured = verify.parity(
        graph, pack.describe(graph, pack.INT8, {}), full, final, sequence, whole
    )
    assert "torch_step" in measured


def test_a_stereo_bundle_hears_the_tokens_of_a_mono_one(models, in_stereo, material):
    """What it hears goes through a filter first, so near-ties may fall the other way."""
    codes = [
        np.stack(
            cases(given, Material(as_heard(material.audio, RATE, given.audio), material.rows))[
                "encode"
            ]()[1]
        )
        for given in (models, in_stereo)
    ]
    assert (codes[0][..., 0] == codes[1][..., 0]).mean() > 0.6


def test_a_graph_that_strays_is_refused(models, material, exported):
    """The planted fault: the decoder's file is another decoder's."""
    graph = wrap.decode_graph(models)
    sequence, whole = cases(models, material)["decode"]()
    with torch.no_grad():
        models.codec.decoder.outlet.bias.add_(0.5)
    files = exported / "decode.onnx", exported / "decode.small.onnx"
    try:
        with pytest.raises(BundleError, match=r"decode: .* off, expected at most"):
            verify.parity(graph, pack.describe(graph, pack.INT8, {}), *files, sequence, whole)
    finally:
        with torch.no_grad():
            models.codec.decoder.outlet.bias.sub_(0.5)


def test_what_is_silent_is_heard_alike(models, material, tmp_path):
    """Between tones a sheet lies at its floor. A floor so small that the ONNX optimiser takes it
    for zero moved 3 to 7 % of the codec's first tokens in the first bundle."""
    ear = models.codec.encoder.hearing
    past = {"past": ear.init_state(1)["past"]}

    def step(inputs, state):
        sheet, state = ear.step(inputs["audio"], state)
        return (sheet,), state

    module = wrap.Wrapped(ear, step, ["audio"], ["past"]).eval()
    size = RATE // 25
    graph = wrap.StepGraph("hear", module, {"audio": torch.zeros(1, 1, size)}, past, ("sheet",))
    to_onnx(graph, tmp_path / "hear.onnx")
    blocks = [{"audio": material.audio[None, :, at * size : (at + 1) * size]} for at in range(5)]
    blocks += [{"audio": np.zeros((1, 1, size), np.float32)}] * 15
    spec = pack.describe(graph, "float32", {})
    heard = verify.onnx_steps(spec, tmp_path / "hear.onnx", graph, blocks)
    expected = verify.torch_steps(graph, blocks)
    np.testing.assert_allclose(heard, expected, atol=1e-3)
    assert expected.min() == pytest.approx(FLOOR, rel=1e-3)


def test_two_rows_of_conditioning_run_side_by_side(models, exported):
    """Guidance feeds a batch of two; each row must be what it would be alone."""
    graph = wrap.observe_graph(models.language)
    runner = open_backend("ort", threads=1).open(
        exported / "observe.onnx", pack.describe(graph, pack.INT8, {})
    )
    state = {name: tensor.numpy() for name, tensor in graph.state.items()}
    rows = np.random.default_rng(0).normal(size=(2, ROW_WIDTH)).astype(np.float32)
    tokens = np.full((1, LEVELS), START_TOKEN)
    both = runner.run(
        {"tokens": np.repeat(tokens, 2, 0), "row": rows}
        | {k: np.repeat(v, 2, 0) for k, v in state.items()}
    )
    for index in range(2):
        alone = runner.run({"tokens": tokens, "row": rows[index : index + 1], **state})
        np.testing.assert_allclose(both["hidden"][index], alone["hidden"][0], atol=1e-5)


def test_the_reference_backend_plays_the_same_int8(models, material, exported):
    """int8 is standard ONNX: a backend that shares no code with ONNX Runtime agrees."""
    graph = wrap.decode_graph(models)
    sequence, _ = cases(models, material)["decode"]()
    spec = pack.describe(graph, pack.INT8, {})
    inputs = {**sequence[0], **{name: tensor.numpy() for name, tensor in graph.state.items()}}
    runs = [
        open_backend(name, threads=1)
        .open(exported / "decode.small.onnx", spec)
        .run(inputs)["audio"]
        for name in ("reference", "ort")
    ]
    np.testing.assert_allclose(runs[0], runs[1], atol=2e-3)


def test_what_was_not_learned_stays_in_float(in_stereo, tmp_path):
    """An oscillator of seven bits is heard; a layer's weights are not."""
    graph = wrap.decode_graph(in_stereo)
    full, final = tmp_path / "full.onnx", tmp_path / "final.onnx"
    to_onnx(graph, full)
    pack.compress(graph, full, final)
    products = Counter(node.op_type for node in onnx.load(str(final)).graph.node)
    names = {tensor.name for tensor in onnx.load(str(full)).graph.initializer}
    assert any("oscillators.held" in name for name in names)
    assert not any("held_quantized" in t.name for t in onnx.load(str(final)).graph.initializer)
    assert products["MatMul"] >= 6  # two banks of oscillators, two noises: shapes and transforms
    assert products["MatMulInteger"] >= 6  # the networks


@pytest.mark.parametrize("name", ["observe", "compose"])
def test_a_norm_is_one_node_where_it_runs(name, exported, tmp_path):
    """ONNX Runtime knows a norm by its square root and quotient; seven nodes each are a fifth of a
    frame's time."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    onnxruntime.InferenceSession(exported / f"{name}.small.onnx", options)
    nodes = Counter(n.op_type for n in onnx.load(options.optimized_model_filepath).graph.node)
    assert nodes["SimplifiedLayerNormalization"] >= 5
    assert nodes["Pow"] + nodes["Sqrt"] + nodes["Reciprocal"] == 0


def test_int8_files_are_a_third_of_float_ones(exported):
    for name in ("observe", "decode"):
        small, large = (exported / f"{name}{kind}.onnx" for kind in (".small", ""))
        assert small.stat().st_size < 0.6 * large.stat().st_size


def test_equal_constants_are_stored_once():
    make, value = onnx.helper, np.ones((4, 4), np.float32)
    tensors = [onnx.numpy_helper.from_array(value, name) for name in ("a", "b", "unread")]
    nodes = [make.make_node("Add", ["x", "a"], ["y"]), make.make_node("Add", ["y", "b"], ["z"])]
    ports = [
        make.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [4, 4]) for name in ("x", "z")
    ]
    model = make.make_model(make.make_graph(nodes, "g", ports[:1], ports[1:], tensors))
    shared = share_equal_constants(model)
    assert [tensor.name for tensor in shared.graph.initializer] == ["a"]
    assert [list(node.input) for node in shared.graph.node] == [["x", "a"], ["y", "a"]]
