"""A toy bundle: all eight graphs at toy size, made with onnx.helper, random weights, no torch.

The state is genuine: what was heard some frames ago changes what is chosen now, and the decoder is
late by `LATENCY` samples, so a test that forgets a state or a trim fails. Sealed like a real one.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

from engine import seal
from engine.row import FIELDS, ROW_WIDTH
from engine.spec import (
    ACOUSTIC_LEVELS,
    COARSE_LEVELS,
    CODEBOOK_SIZE,
    LEVELS,
    SEMANTIC_LEVELS,
    START_TOKEN,
    STYLE_WIDTH,
)

RATE, CHANNELS, FRAME = 24_000, 1, 960
WIDTH = 16  # of the hidden vector
RING = 5  # frames that the toy transformer hears back
LATENCY = 240  # samples that the toy decoder is late
TEMPERATURE = [1.0] + [0.95] * 4 + [0.4] * 8
CUTOFF = [6.0] * LEVELS
OPSET = 20

_KINDS = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}


@dataclass
class Sketch:
    """One graph while it is drawn: ports, nodes and weights."""

    name: str
    seed: int
    inputs: dict[str, tuple[str, list[Any]]]
    outputs: dict[str, tuple[str, list[Any]]]
    state: dict[str, str] = field(default_factory=dict)
    latency: int = 0
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def node(self, kind: str, inputs: str, outputs: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(kind, inputs.split(), outputs.split(), **attributes))

    def constant(self, name: str, value: Any, dtype: Any = np.int64) -> None:
        self.weights.append(numpy_helper.from_array(np.asarray(value, dtype), name))

    def random(self, name: str, *shape: int, scale: float = 1.0) -> None:
        rng = np.random.default_rng([self.seed, len(self.weights)])
        self.constant(name, rng.standard_normal(shape) * scale, np.float32)

    def model(self) -> onnx.ModelProto:
        ports = [
            [helper.make_tensor_value_info(n, _KINDS[d], s) for n, (d, s) in side.items()]
            for side in (self.inputs, self.outputs)
        ]
        graph = helper.make_graph(self.nodes, self.name, *ports, self.weights)
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        onnx.checker.check_model(model)
        return model

    def entry(self) -> dict[str, Any]:
        return {
            "file": f"{self.name}.onnx",
            "opset": OPSET,
            "precision": "float32",
            "inputs": _ports(self.inputs),
            "outputs": _ports(self.outputs),
            "state": self.state,
            "block": 1,
            "latency_samples": self.latency,
            "context_frames": RING if self.state else 0,
            "parity": {},
        }


def _ports(side: dict[str, tuple[str, list[Any]]]) -> list[dict[str, Any]]:
    return [{"name": name, "dtype": dtype, "shape": shape} for name, (dtype, shape) in side.items()]


def text() -> Sketch:
    """Mean of letter embeddings, each weighted by where it stands, at unit norm."""
    ids = {"ids": ("int64", [1, "S"]), "mask": ("int64", [1, "S"])}
    g = Sketch("text", 1, ids, {"style": ("float32", [1, STYLE_WIDTH])})
    g.random("letters", 128, STYLE_WIDTH)
    g.constant("axes", [1])
    g.constant("last", [2])
    g.constant("one", 1, np.float32)
    g.node("Gather", "letters ids", "found")
    g.node("Cast", "mask", "kept", to=TensorProto.FLOAT)
    g.constant("along", 1)
    g.node("CumSum", "kept along", "places")
    g.node("Div", "kept places", "fading")
    g.node("Unsqueeze", "fading last", "share")
    g.node("Mul", "found share", "shared")
    g.node("ReduceSum", "shared axes", "sum", keepdims=0)
    g.node("LpNormalization", "sum", "style", axis=-1, p=2)
    return g


def style() -> Sketch:
    """Loudness and power of a clip, at unit norm."""
    clip = {"audio": ("float32", [1, CHANNELS, "N"])}
    g = Sketch("style", 2, clip, {"style": ("float32", [1, STYLE_WIDTH])})
    g.random("spread", 2, STYLE_WIDTH)
    g.random("bias", STYLE_WIDTH)
    g.constant("axes", [1, 2])
    g.node("ReduceL1", "audio axes", "loudness", keepdims=0)
    g.node("ReduceSumSquare", "audio axes", "power", keepdims=0)
    g.node("Concat", "loudness power", "pair", axis=0)
    g.constant("flat", [1, 2])
    g.node("Reshape", "pair flat", "row")
    g.node("MatMul", "row spread", "mixed")
    g.node("Add", "mixed bias", "shifted")
    g.node("LpNormalization", "shifted", "style", axis=-1, p=2)
    return g


def tokenizer_graph(name: str, levels: int, seed: int) -> Sketch:
    """The likeliest of 16 codes per level, from this frame and the one before."""
    audio = {"audio": ("float32", [1, CHANNELS, FRAME]), "tail": ("float32", [1, CHANNELS, FRAME])}
    heard = {"codes": ("int64", [1, levels]), "tail.next": ("float32", [1, CHANNELS, FRAME])}
    g = Sketch(name, seed, audio, heard, state={"tail": "tail.next"})
    g.random("now", FRAME, levels * 16)
    g.random("before", FRAME, levels * 16)
    g.constant("shape", [1, levels, 16])
    g.node("MatMul", "audio now", "a")
    g.node("MatMul", "tail before", "b")
    g.node("Add", "a b", "both")
    g.node("Reshape", "both shape", "scores")
    g.node("ArgMax", "scores", "codes", axis=-1, keepdims=0)
    g.node("Identity", "audio", "tail.next")
    return g


def observe() -> Sketch:
    """A recurrent vector and a ring of the last frames; both reach the hidden vector."""
    state: dict[str, tuple[str, list[Any]]] = {
        "memory": ("float32", ["B", WIDTH]),
        "ring": ("float32", ["B", RING, WIDTH]),
        "position": ("int64", ["B"]),
    }
    inputs = {"tokens": ("int64", ["B", LEVELS]), "row": ("float32", ["B", ROW_WIDTH]), **state}
    outputs = {"hidden": ("float32", ["B", WIDTH])}
    outputs |= {f"{name}.next": port for name, port in state.items()}
    g = Sketch("observe", 5, inputs, outputs, state={name: f"{name}.next" for name in state})
    g.random("tokens_in", CODEBOOK_SIZE + 1, WIDTH, scale=0.5)
    g.random("row_in", ROW_WIDTH, WIDTH, scale=0.3)
    g.random("memory_in", WIDTH, WIDTH, scale=0.2)
    g.constant("axis1", [1])
    g.constant("one", 1)
    g.constant("end", [RING + 1])
    g.node("Gather", "tokens_in tokens", "embedded")
    g.node("ReduceMean", "embedded axis1", "told", keepdims=0)
    g.node("MatMul", "row row_in", "asked")
    g.node("MatMul", "memory memory_in", "kept")
    g.node("Sum", "told asked kept", "all")
    g.node("Tanh", "all", "memory.next")
    g.node("Unsqueeze", "memory.next axis1", "newest")
    g.node("Concat", "ring newest", "longer", axis=1)
    g.node("Slice", "longer axis1 end axis1", "ring.next")
    g.node("ReduceMean", "ring axis1", "older", keepdims=0)
    g.node("Add", "memory.next older", "hidden")
    g.node("Add", "position one", "position.next")
    return g


def compose(name: str = "compose", levels: int = LEVELS) -> Sketch:
    """One linear head per level; guidance, min-p and Gumbel-max as in the real graph."""
    per_level = ("float32", [LEVELS])
    inputs = {
        "hidden": ("float32", ["B", WIDTH]),
        "weights": ("float32", ["B", 1]),
        "noise": ("float32", [LEVELS, CODEBOOK_SIZE]),
        "temperature": per_level,
        "cutoff": per_level,
    }
    g = Sketch(name, 6, inputs, {"tokens": ("int64", [1, LEVELS])})
    g.random("heads", WIDTH, LEVELS * CODEBOOK_SIZE)
    g.constant("axis0", [0])
    g.constant("axis1", [1])
    g.constant("shape", [LEVELS, CODEBOOK_SIZE])
    g.constant("never", -1e9, np.float32)
    g.node("MatMul", "hidden heads", "each")
    g.node("Mul", "each weights", "weighted")
    g.node("ReduceSum", "weighted axis0", "mixed", keepdims=0)
    g.node("Reshape", "mixed shape", "logits")
    g.node("ReduceMax", "logits axis1", "best", keepdims=1)
    g.node("Unsqueeze", "cutoff axis1", "cut")
    g.node("Sub", "best cut", "floor")
    g.node("Less", "logits floor", "unlikely")
    g.node("Unsqueeze", "temperature axis1", "heat")
    g.node("Mul", "noise heat", "jitter")
    g.node("Add", "logits jitter", "drawn")
    g.node("Where", "unlikely never drawn", "allowed")
    g.node("ArgMax", "allowed", "winners", axis=-1, keepdims=0)
    g.constant("zero", [0])
    g.constant("count", [levels])
    g.constant("start", [START_TOKEN] * (LEVELS - levels))
    g.node("Slice", "winners zero count zero", "first")
    g.node("Concat", "first start", "frame", axis=0)
    g.node("Unsqueeze", "frame axis0", "tokens")
    return g


def decode() -> Sketch:
    """Two frames of sound per token frame, overlapped, then `LATENCY` samples late."""
    state: dict[str, tuple[str, list[Any]]] = {
        "overlap": ("float32", [1, CHANNELS, FRAME]),
        "late": ("float32", [1, CHANNELS, LATENCY]),
    }
    inputs = {"codes": ("int64", [1, ACOUSTIC_LEVELS]), **state}
    outputs = {"audio": ("float32", [1, CHANNELS, FRAME])}
    outputs |= {f"{name}.next": port for name, port in state.items()}
    g = Sketch("decode", 7, inputs, outputs, {name: f"{name}.next" for name in state}, LATENCY)
    g.random("book", ACOUSTIC_LEVELS * CODEBOOK_SIZE, 8)
    g.random("waves", 8, 2 * FRAME, scale=0.008)
    g.constant("offsets", np.arange(ACOUSTIC_LEVELS)[None] * CODEBOOK_SIZE)
    g.constant("axis1", [1])
    g.constant("shape", [1, CHANNELS, 2 * FRAME])
    g.node("Add", "codes offsets", "rows")
    g.node("Gather", "book rows", "vectors")
    g.node("ReduceSum", "vectors axis1", "frame", keepdims=0)
    g.node("MatMul", "frame waves", "flat")
    g.node("Reshape", "flat shape", "long")
    g.node("Split", "long", "first overlap.next", axis=2, num_outputs=2)
    g.node("Add", "first overlap", "sound")
    g.node("Concat", "late sound", "shifted", axis=2)
    g.constant("zero", [0])
    g.constant("frame_end", [FRAME])
    g.constant("far", [FRAME + LATENCY])
    g.constant("axis2", [2])
    g.node("Slice", "shifted zero frame_end axis2", "audio")
    g.node("Slice", "shifted frame_end far axis2", "late.next")
    return g


def sketches() -> list[Sketch]:
    """All eight graphs."""
    codecs = [tokenizer_graph("encode", ACOUSTIC_LEVELS, 3), tokenizer_graph("listen", 1, 4)]
    composers = [compose(), compose("brief", SEMANTIC_LEVELS + COARSE_LEVELS)]
    return [text(), style(), *codecs, observe(), *composers, decode()]


def letters() -> Tokenizer:
    """A tokenizer with one token per ASCII character."""
    vocabulary = {"[UNK]": 0} | {chr(code): code for code in range(32, 127)}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Split(Regex("."), "isolated")
    return tokenizer


def manifest() -> dict[str, Any]:
    """The toy's bundle.json."""
    return {
        "format": 1,
        "family": "antiphon",
        "name": "toy",
        "audio": {"rate": RATE, "channels": CHANNELS},
        "tokens": {"semantic": 1, "coarse": 4, "fine": 8, "codebook": CODEBOOK_SIZE},
        "row": dict(FIELDS),
        "graphs": {sketch.name: sketch.entry() for sketch in sketches()},
        "sampling": {"temperature": TEMPERATURE, "cutoff": CUTOFF, "guidance": 2.0},
        "text": {"tokenizer": "tokenizer.json", "max_tokens": 64},
        "provenance": {"made_by": "tests/fakes.py"},
        "metrics": {},
        "licence": "Apache-2.0",
    }


def initial_state(without: tuple[str, ...] = ()) -> dict[str, NDArray[Any]]:
    """Every state port at B = 1, not all of it zero."""
    rng = np.random.default_rng(8)
    state: dict[str, NDArray[Any]] = {}
    for sketch in [sketch for sketch in sketches() if sketch.name not in without]:
        for name in sketch.state:
            dtype, dims = sketch.inputs[name]
            shape = [1 if size == "B" else size for size in dims]
            is_memory = name == "memory"
            values = rng.standard_normal(shape) if is_memory else np.zeros(shape)
            state[f"{sketch.name}/{name}"] = values.astype(dtype)
    return state


def two_idioms() -> dict[str, Any]:
    """A harmony.json of two styles that are opposite: ballads in four chords, drones in one."""
    ballad = [[[0, "maj"]], [[9, "min"]], [[5, "maj"]], [[2, "min7"], [7, "7"]]]
    lament = [[[0, "min"]], [[8, "maj"]], [[5, "min"]], [[7, "7"]]]
    drone = [[[0, "5"]]]
    first = np.eye(STYLE_WIDTH)[0]

    def idiom(name: str, style: Any, minor: float, major: Any, in_minor: Any) -> dict[str, Any]:
        modes = {
            mode: {"verse": [verse], "bridge": [verse[::-1]]}
            for mode, verse in (("major", major), ("minor", in_minor))
        }
        tempo = [60, 90]
        return {
            "name": name,
            "style": style.tolist(),
            "tempo": tempo,
            "minor": minor,
            "modes": modes,
        }

    ballads, drones = (
        idiom("ballad", first, 0.0, ballad, lament),
        idiom("drone", -first, 1.0, drone, drone),
    )
    return {"idioms": [ballads, drones]}


def write_toy_bundle(
    folder: Path,
    change: Callable[[dict[str, Any]], object] = lambda found: None,
    without: tuple[str, ...] = (),
    harmony: dict[str, Any] | None = None,
) -> Path:
    """Write and seal a toy bundle.

    Args:
        folder: made if missing.
        change: is given bundle.json's contents before they are written, to spoil them.
        without: graphs that it does not have.
        harmony: contents of its harmony.json, if it has one.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for sketch in sketches():
        (folder / f"{sketch.name}.onnx").write_bytes(sketch.model().SerializeToString())
    save_file(initial_state(without), folder / "state.safetensors")
    letters().save(str(folder / "tokenizer.json"))
    found = manifest()
    for name in without:
        del found["graphs"][name]
    change(found)
    (folder / "bundle.json").write_text(json.dumps(found, indent=1))
    if harmony is not None:
        (folder / "harmony.json").write_text(json.dumps(harmony))
    (folder / "LICENSE").write_text("Apache-2.0\n")
    seal.write(folder)
    return folder
