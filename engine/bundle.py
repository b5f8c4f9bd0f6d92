"""A bundle: the folder that holds one model, proven before any of it is used.

In:  a folder (bundle.json, SHA256SUMS, graphs, initial state, tokenizer) and a backend.
Out: the manifest, graphs opened on first use, fresh initial state.
Everything that can be wrong with the folder is a `BundleError` that names the file. Used by one
thread at a time.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors

from engine import harmony as harmonies
from engine import manifest as manifests
from engine import odds as counted
from engine import seal
from engine.errors import BundleError
from engine.graph import BATCH, Array, Backend, Graph, State
from engine.harmony import HarmonyBook
from engine.manifest import Manifest
from engine.odds import Odds
from engine.spec import AudioFormat

MANIFEST: Final = "bundle.json"
STATE: Final = "state.safetensors"
MAX_STATE_BYTES: Final = 256 << 20
MAX_TOKENIZER_BYTES: Final = 64 << 20


class Bundle:
    """One opened bundle. Make it with `Bundle.open`."""

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        backend: Backend,
        state: State,
        harmony: HarmonyBook | None = None,
        odds: Odds | None = None,
    ) -> None:
        self.path = folder
        self.harmony = harmony  # None: the bundle plans no chords
        self.odds = odds  # None: nothing was counted
        self.manifest = manifest
        self.backend = backend
        self.id = seal.identity(folder)  # 64 hexadecimal digits; 12 are enough to show
        self.audio = AudioFormat(rate=manifest.audio.rate, channels=manifest.audio.channels)
        self._state = state  # "<graph>/<state name>" -> array with B = 1
        self._graphs: dict[str, Graph] = {}

    @classmethod
    def open(cls, path: Path | str, backend: Backend, verify: bool = True) -> "Bundle":
        """Prove a folder and read its manifest and initial state; graphs wait for their first use.

        Args:
            path: the folder.
            backend: what will run the graphs.
            verify: compare the SHA-256 of every file. Without it a damaged graph may play noise.

        Raises:
            BundleError: the folder is missing, damaged, or made for another version.
        """
        folder = Path(path)
        if not folder.is_dir():
            what = "is a file" if folder.exists() else "does not exist"
            raise BundleError(f"bundle {folder} {what}, expected a folder with {MANIFEST} in it.")
        listed = seal.check(folder) if verify else seal.read(folder)
        data = seal.read_bytes(folder, MANIFEST, manifests.MAX_BYTES)
        manifest = manifests.parse(data, f"{MANIFEST} in bundle {folder}")
        _require_listed(folder, listed, manifest)
        harmony = _read_harmony(folder) if harmonies.FILE in listed else None
        odds = _read_odds(folder) if counted.FILE in listed else None
        return cls(folder, manifest, backend, _read_state(folder, manifest), harmony, odds)

    def graph(self, name: str) -> Graph:
        """Open a graph, once.

        Raises:
            BundleError: the bundle has none of that name, or its file is not what was described.
            BackendError: the backend failed.
        """
        if name not in self._graphs:
            spec = self.manifest.graphs.get(name)
            if spec is None:
                has = ", ".join(self.manifest.graphs)
                raise BundleError(f"bundle {self.path} has no graph {name}; it has {has}.")
            self._graphs[name] = self.backend.open(seal.inside(self.path, spec.file), spec)
        return self._graphs[name]

    def initial_state(self, name: str, batch: int = 1) -> State:
        """State of a graph before its first block, fresh arrays; B rows alike."""
        ports = self.manifest.graphs[name].state_inputs
        return {
            port.name: _widen(self._state[f"{name}/{port.name}"], port.shape, batch)
            for port in ports
        }

    def tokenizer_json(self) -> bytes:
        """The text tokenizer, for the `tokenizers` package.

        Raises:
            BundleError: missing or too large.
        """
        return seal.read_bytes(self.path, self.manifest.text.tokenizer, MAX_TOKENIZER_BYTES)


def _widen(array: Array, shape: tuple[int | str, ...], batch: int) -> Array:
    is_batched = bool(shape) and shape[0] == BATCH
    return np.repeat(array, batch, axis=0) if is_batched else array.copy()


def _require_listed(folder: Path, listed: Mapping[str, str], manifest: Manifest) -> None:
    """Nothing that is played may lie outside the seal."""
    files = [graph.file for graph in manifest.graphs.values()]
    for name in (MANIFEST, STATE, manifest.text.tokenizer, *files):
        seal.inside(folder, name)
        if name not in listed:
            raise BundleError(f"{name} in bundle {folder} is not in {seal.SEAL}. Seal it again.")


def _read_harmony(folder: Path) -> HarmonyBook:
    data = seal.read_bytes(folder, harmonies.FILE, harmonies.MAX_BYTES)
    return harmonies.parse(data, f"{harmonies.FILE} in bundle {folder}")


def _read_odds(folder: Path) -> Odds:
    data = seal.read_bytes(folder, counted.FILE, counted.MAX_BYTES)
    return counted.parse(data, f"{counted.FILE} in bundle {folder}")


def _read_state(folder: Path, manifest: Manifest) -> State:
    data = seal.read_bytes(folder, STATE, MAX_STATE_BYTES)
    try:
        found: State = load_safetensors(data)
    except (SafetensorError, KeyError, ValueError) as exc:  # KeyError: a dtype that numpy lacks
        raise BundleError(f"{STATE} in bundle {folder} cannot be read ({exc}).") from exc
    expected = {
        f"{name}/{port.name}": (port.dtype, port.shape_for(batch=1))
        for name, spec in manifest.graphs.items()
        for port in spec.state_inputs
    }
    for name in sorted({*found, *expected}):
        array = found.get(name)
        got = None if array is None else (str(array.dtype), array.shape)
        if got != expected.get(name):
            raise BundleError(
                f"{STATE} in bundle {folder}: {name} is {got}, expected {expected.get(name)} "
                f"as {MANIFEST} says. Export the bundle again."
            )
    return found
