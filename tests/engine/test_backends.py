"""Backends: the same graph sounds the same everywhere, and nothing pretends."""

import sys

import numpy as np
import onnx
import pytest

from engine.backends import open_backend, ort
from engine.bundle import Bundle
from engine.errors import BackendError, BackendMissing, OptionError
from tests.fakes import sketches

# float32 sums of up to 960 products of order one, added in another order
TOLERANCE = 1e-5

SEVEN = [sketch.name for sketch in sketches()]


@pytest.fixture(scope="module")
def reference_bundle(toy_bundle_path):
    return Bundle.open(toy_bundle_path, open_backend("reference"))


def some_inputs(bundle, name, batch):
    """Random values for every input of a graph, in range."""
    rng = np.random.default_rng(3)
    inputs = bundle.initial_state(name, batch)
    for port in bundle.manifest.graphs[name].inputs:
        shape = [
            batch if n == "B" else 2_000 if n == "N" else 7 if n == "S" else n for n in port.shape
        ]
        if port.dtype == "float32":
            inputs[port.name] = rng.standard_normal(shape).astype(np.float32)
        elif port.name != "position":
            high = 2 if port.name == "mask" else 100
            inputs[port.name] = rng.integers(1, high, shape)
    return inputs


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("name", SEVEN)
def test_onnx_runtime_agrees_with_the_reference(toy_bundle, reference_bundle, name, batch):
    inputs = some_inputs(toy_bundle, name, batch)
    if name == "compose":
        inputs["cutoff"] = np.full(13, 6, np.float32)
    slow, fast = (bundle.graph(name).run(inputs) for bundle in (reference_bundle, toy_bundle))
    assert set(slow) == {port.name for port in toy_bundle.manifest.graphs[name].outputs}
    for port in slow:
        assert slow[port].dtype == fast[port].dtype
        np.testing.assert_allclose(fast[port], slow[port], atol=TOLERANCE, err_msg=port)


@pytest.mark.parametrize("name", SEVEN)
def test_running_a_graph_leaves_its_inputs_alone_and_remembers_nothing(toy_bundle, name):
    inputs = some_inputs(toy_bundle, name, batch=1)
    before = {port: array.copy() for port, array in inputs.items()}
    first = toy_bundle.graph(name).run(inputs)
    second = toy_bundle.graph(name).run(inputs)
    for port in inputs:
        np.testing.assert_array_equal(inputs[port], before[port])
    for port in first:
        np.testing.assert_array_equal(first[port], second[port])
        assert not np.shares_memory(first[port], second[port])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda inputs: inputs.pop("hidden"),
        lambda inputs: inputs.update(hidden=np.zeros((1, 3), np.float32)),
        lambda inputs: inputs.update(hidden=np.zeros((1, 16), np.int64)),
        lambda inputs: inputs.update(surprise=np.zeros(1, np.float32)),
        lambda inputs: inputs.update(hidden="loud"),
    ],
)
def test_a_wrong_input_is_a_backend_error_that_names_the_graph(toy_bundle, spoil):
    inputs = some_inputs(toy_bundle, "compose", batch=1)
    spoil(inputs)
    with pytest.raises(BackendError, match=r"compose\.onnx failed"):
        toy_bundle.graph("compose").run(inputs)


def test_the_reference_maps_its_failures_too(reference_bundle):
    with pytest.raises(BackendError, match=r"compose\.onnx failed on the reference backend"):
        reference_bundle.graph("compose").run({})


def test_auto_says_what_it_took_and_why():
    backend = open_backend("auto")
    assert backend.name in ("ort", "ort-cuda")
    assert "onnxruntime" in backend.reason


def test_an_unknown_backend_or_thread_count_is_refused():
    with pytest.raises(OptionError, match="backend is 'abacus'"):
        open_backend("abacus")
    with pytest.raises(OptionError, match="threads is 0"):
        open_backend("ort", threads=0)


@pytest.mark.parametrize("name", ["auto", "ort", "ort-cuda", "ort-tensorrt"])
def test_without_onnxruntime_the_extra_is_named(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(BackendMissing, match=r"pip install 'antiphon\[cpu\]'"):
        open_backend(name)


def test_without_onnx_the_reference_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(BackendMissing, match=r"pip install 'antiphon\[train\]'"):
        open_backend("reference")


class FakeLibrary:
    """onnxruntime that lists CUDA, and gives what it is told to."""

    class SessionOptions:
        def add_session_config_entry(self, key, value):
            pass

    class capi:  # noqa: N801
        class onnxruntime_pybind11_state:  # noqa: N801
            class Fail(Exception):
                pass

    __version__ = "9.9"

    def __init__(self, given):
        self.given = given

    def get_available_providers(self):
        return ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]

    def InferenceSession(self, model, options, providers):  # noqa: N802
        if not self.given:
            raise self.capi.onnxruntime_pybind11_state.Fail("no driver\nand more")
        return self

    def get_providers(self):
        return self.given


def test_a_gpu_that_is_listed_but_does_not_start_is_not_believed(monkeypatch):
    """ONNX Runtime lists CUDA without a driver; only an opened session tells the truth."""
    monkeypatch.setitem(sys.modules, "onnxruntime", FakeLibrary(["CPUExecutionProvider"]))
    backend = open_backend("auto")
    assert backend.name == "ort"
    assert "CUDAExecutionProvider does not start" in backend.reason
    with pytest.raises(BackendError, match="fell back to CPUExecutionProvider"):
        open_backend("ort-cuda")


def test_a_gpu_that_starts_is_taken(monkeypatch):
    given = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setitem(sys.modules, "onnxruntime", FakeLibrary(given))
    assert open_backend("auto").name == "ort-cuda"
    with pytest.raises(BackendError, match="TensorrtExecutionProvider does not start"):
        open_backend("ort-tensorrt")


def test_a_gpu_that_fails_aloud_is_an_error_of_ours(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", FakeLibrary([]))
    with pytest.raises(BackendError, match=r"CUDAExecutionProvider does not start: no driver$"):
        open_backend("ort-cuda")


def test_a_build_without_the_provider_names_the_extra(monkeypatch):
    library = FakeLibrary([])
    library.get_available_providers = lambda: ["CPUExecutionProvider"]
    monkeypatch.setitem(sys.modules, "onnxruntime", library)
    with pytest.raises(BackendMissing, match=r"no CUDAExecutionProvider.*antiphon\[cuda\]"):
        open_backend("ort-cuda")


def test_the_probe_is_the_graph_that_it_says_it_is():
    onnx.checker.check_model(onnx.load_from_string(ort.PROBE))
    assert [node.op_type for node in onnx.load_from_string(ort.PROBE).graph.node] == ["Identity"]
