"""Fixtures shared by all rooms: a toy bundle on disk, and one opened."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from engine.backends import open_backend
from engine.bundle import Bundle
from tests.fakes import write_toy_bundle

# The same examples every time, so that a change is judged by what it changed;
# HYPOTHESIS_PROFILE=explore draws others.
settings.register_profile("same", derandomize=True)
settings.register_profile("explore", max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(scope="session")
def toy_bundle_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed toy bundle; shared, do not write to it."""
    return write_toy_bundle(tmp_path_factory.mktemp("bundles") / "toy")


@pytest.fixture
def toy_copy(toy_bundle_path: Path, tmp_path: Path) -> Path:
    """A copy of the toy bundle, to damage."""
    return Path(shutil.copytree(toy_bundle_path, tmp_path / "copy"))


@pytest.fixture(scope="session")
def toy_bundle(toy_bundle_path: Path) -> Bundle:
    """The toy bundle on ONNX Runtime, one thread."""
    return Bundle.open(toy_bundle_path, open_backend("ort", threads=1))


@pytest.fixture
def rig(toy_bundle: Bundle, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Makes runners on stands, on the toy bundle; see `tests/engine/rig.py`."""
    from tests.engine.rig import Rig

    made: list[Rig] = []

    def make(**options: Any) -> Rig:
        made.append(Rig(toy_bundle, tmp_path / f"take{len(made)}.jsonl", **options))
        return made[-1]

    yield make
    for one in made:
        one.runner.stop()
