"""ONNX Runtime: the backend that plays, on a CPU, on CUDA or through TensorRT.

Arrays go in without a copy and come out freshly allocated. What a session really runs on is what
`session.get_providers()` says after it opened, and nothing else: ONNX Runtime falls back to the
CPU with a line on stderr when a provider cannot start.

One thread policy for every graph: `threads` threads that never spin. Measured on 2 cores with three
graphs per frame of the default sizes, int8 and float32, 2 threads (ms, median / p99 of 300 frames):

                                        quiet machine   load average 3 to 6, three runs
    waiting threads spin (the default)  10.7 / 24.5     26..41 / 55..94
    `session.force_spinning_stop`        6.4 / 13.2     16..23 / 35..47
    one global pool                      6.8 / 15.6     11..15 / 21..33
    no spinning                          2.5 /  3.0     3.6..4.7 / 8..12
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from engine.errors import BackendError, BackendMissing, BundleError
from engine.graph import Array, Graph, GraphSpec, check_ports

_Kinds = tuple[type[Exception], ...]

CPU: Final = "CPUExecutionProvider"
_PROVIDERS: Final = {
    "ort": (CPU,),
    "ort-cuda": ("CUDAExecutionProvider", CPU),
    "ort-tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider", CPU),
}
_WORDS: Final = {"ort": "the CPU", "ort-cuda": "CUDA", "ort-tensorrt": "TensorRT"}

# A graph of one Identity node on one number, to ask a provider whether it starts:
# onnx.helper.make_model(make_graph([make_node("Identity", ["x"], ["y"])], "p", [x], [y]),
#                        opset_imports=[make_opsetid("", 13)], ir_version=8)
PROBE: Final = bytes.fromhex(
    "08083a370a100a017812017922084964656e746974791201705a0f0a0178120a"
    "0a08080112040a020801620f0a0179120a0a08080112040a02080142040a00100d"
)


class OrtBackend:
    """Opens graphs with ONNX Runtime on one kind of device. Make it with `choose`."""

    def __init__(self, name: str, threads: int, reason: str) -> None:
        self.name: Final = name
        self.threads: Final = threads
        self.reason: Final = reason

    @classmethod
    def choose(cls, name: str, threads: int) -> "OrtBackend":
        """Settle what to run on, by starting it once.

        Args:
            name: "auto", "ort", "ort-cuda" or "ort-tensorrt".
            threads: CPU threads, for all graphs together.

        Raises:
            BackendMissing: onnxruntime, or the build of it with the provider, is not installed.
            BackendError: the provider is there but does not start.
        """
        ort = _library()
        version = f"onnxruntime {ort.__version__}"
        if name != "auto":
            _start(ort, name)
            return cls(name, threads, f"{version} on {_WORDS[name]}, as asked")
        try:
            _start(ort, "ort-cuda")
        except BackendError as exc:
            return cls("ort", threads, f"{version} on the CPU ({str(exc).partition('.')[0]})")
        return cls("ort-cuda", threads, f"{version} on CUDA (it starts on this machine)")

    def open(self, path: Path, spec: GraphSpec) -> Graph:
        """See `engine.graph.Backend.open`."""
        ort = _library()
        try:
            session = _session(ort, str(path), self.name, self.threads)
        except _failures(ort) as exc:
            raise BundleError(f"{path.name} cannot be opened by {self.name}: {_line(exc)}") from exc
        _require_provider(session, self.name)
        inputs = [port.name for port in session.get_inputs()]
        check_ports(path, spec, inputs, [port.name for port in session.get_outputs()])
        return _OrtGraph(spec, session, _failures(ort))


class _OrtGraph:
    def __init__(self, spec: GraphSpec, session: Any, failures: _Kinds) -> None:
        self.spec: Final = spec
        self._session = session
        self._failures: Final = failures
        self._outputs = [port.name for port in spec.outputs]

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """See `engine.graph.Graph.run`."""
        try:
            arrays = self._session.run(self._outputs, dict(inputs))
        except self._failures as exc:
            raise BackendError(f"{self.spec.file} failed: {_line(exc)}") from exc
        return dict(zip(self._outputs, arrays, strict=True))


def _library() -> Any:
    try:
        import onnxruntime
    except ModuleNotFoundError as exc:
        raise BackendMissing(
            "onnxruntime is not installed. Install one of: pip install 'antiphon[cpu]' "
            "(any machine), pip install 'antiphon[cuda]' (NVIDIA GPU)"
        ) from exc
    except ImportError as exc:
        if isinstance(exc.__cause__, (KeyboardInterrupt, SystemExit)):
            raise exc.__cause__ from None  # stopped while its C part was loading, which hides that
        raise BackendError(f"onnxruntime is installed but does not load: {_line(exc)}") from exc
    return onnxruntime


def _failures(ort: Any) -> _Kinds:
    """What ONNX Runtime raises: a family without a common base, and three from its Python side."""
    found = vars(ort.capi.onnxruntime_pybind11_state).values()
    own = [kind for kind in found if isinstance(kind, type) and issubclass(kind, Exception)]
    return (*own, ValueError, RuntimeError, TypeError)


def _session(ort: Any, model: str | bytes, name: str, threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1  # nodes of one graph in order; they depend on each other
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors; a provider that did not start is found out below
    return ort.InferenceSession(model, options, providers=list(_PROVIDERS[name]))


def _start(ort: Any, name: str) -> None:
    """Refuse a provider that is not in this build, or does not start."""
    wanted = _PROVIDERS[name][0]
    if wanted not in ort.get_available_providers():
        extra = "tensorrt" if name == "ort-tensorrt" else "cuda"
        raise BackendMissing(
            f"this onnxruntime has no {wanted}. It is in another build of it: "
            f"pip uninstall onnxruntime, then pip install 'antiphon[{extra}]'"
        )
    try:
        session = _session(ort, PROBE, name, 1)
    except _failures(ort) as exc:
        raise BackendError(f"{wanted} does not start: {_line(exc)}") from exc
    _require_provider(session, name)


def _require_provider(session: Any, name: str) -> None:
    wanted, got = _PROVIDERS[name][0], session.get_providers()
    if wanted not in got:
        raise BackendError(
            f"{wanted} does not start (ONNX Runtime fell back to {', '.join(got)}). "
            "Check the driver and CUDA libraries, or use --backend ort."
        )


def _line(exc: Exception) -> str:
    """The first line of a library's message, kept to a length that fits a terminal."""
    return str(exc).strip().partition("\n")[0][:300]
