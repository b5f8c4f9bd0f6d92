"""The reference backend: the onnx package's own evaluator, node by node in numpy.

Slow and obviously right: what every other backend is compared with. It knows standard operators
only, so a quantised graph with a library's own operators is refused.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.errors import BackendError, BackendMissing, BundleError
from engine.graph import Array, Graph, GraphSpec, check_ports

if TYPE_CHECKING:
    from onnx.reference import ReferenceEvaluator


class ReferenceBackend:
    """Opens graphs with `onnx.reference`."""

    name: Final = "reference"

    def __init__(self) -> None:
        try:
            import onnx
        except ModuleNotFoundError as exc:
            raise BackendMissing(
                "the reference backend needs the onnx package: pip install 'antiphon[train]'"
            ) from exc
        self.reason: Final = f"onnx {onnx.__version__} reference evaluator, as asked (slow)"

    def open(self, path: Path, spec: GraphSpec) -> Graph:
        """See `engine.graph.Backend.open`."""
        from onnx.reference import ReferenceEvaluator

        try:
            evaluator = ReferenceEvaluator(str(path))
        # The evaluator and protobuf raise whatever their internals raise; this is their edge.
        except Exception as exc:
            raise BundleError(f"{path.name} cannot be opened as a graph: {exc}") from exc
        check_ports(path, spec, evaluator.input_names, evaluator.output_names)
        return _ReferenceGraph(spec, evaluator)


class _ReferenceGraph:
    def __init__(self, spec: GraphSpec, evaluator: "ReferenceEvaluator") -> None:
        self.spec: Final = spec
        self._evaluator = evaluator
        self._outputs = [port.name for port in spec.outputs]

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """See `engine.graph.Graph.run`."""
        try:
            arrays = self._evaluator.run(self._outputs, dict(inputs))
        except Exception as exc:  # as above
            raise BackendError(f"{self.spec.file} failed on the reference backend: {exc}") from exc
        return {name: np.asarray(array) for name, array in zip(self._outputs, arrays, strict=True)}
