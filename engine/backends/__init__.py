"""Choose an inference library: `open_backend` imports only the one it opens, and says why.

A backend is one file with one class that satisfies `engine.graph.Backend`.
"""

from engine.graph import Backend
from engine.options import EngineOptions

__all__ = ["open_backend"]


def open_backend(name: str = "auto", threads: int = 2) -> Backend:
    """Open a backend.

    Args:
        name: one of `options.BACKENDS`. "auto" is ONNX Runtime, on CUDA where CUDA really starts
            and on the CPU elsewhere; TensorRT only when asked for, because it builds for minutes.
        threads: of all graphs together, 1..64. The reference backend takes one, whatever this says.

    Raises:
        OptionError: an unknown name, or too few or too many threads.
        BackendMissing: the library is not installed; the message names the extra that brings it.
        BackendError: the library is there but cannot use what was asked for.
    """
    EngineOptions(backend=name, threads=threads)
    if name == "reference":
        from engine.backends.reference import ReferenceBackend

        return ReferenceBackend()
    from engine.backends.ort import OrtBackend

    return OrtBackend.choose(name, threads)
