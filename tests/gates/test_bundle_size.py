"""The committed bundle stays small: at most 60 MB of graphs, at most 100 MB in all."""

from pathlib import Path

import pytest

from tests.gates.tree import ROOT

BUNDLE = ROOT / "bundles" / "default"
MB = 1_000_000
GRAPHS_MB, TOTAL_MB = 60, 100


def problems(bundle: Path) -> list[str]:
    """Weigh a bundle's folder."""
    sizes = {path: path.stat().st_size / MB for path in bundle.rglob("*") if path.is_file()}
    graphs = sum(size for path, size in sizes.items() if path.suffix in (".onnx", ".data"))
    total = sum(sizes.values())
    found = []
    if graphs > GRAPHS_MB:
        found.append(f"the graphs weigh {graphs:.1f} MB, expected at most {GRAPHS_MB}")
    if total > TOTAL_MB:
        found.append(f"the bundle weighs {total:.1f} MB, expected at most {TOTAL_MB}")
    return found


@pytest.mark.weights
@pytest.mark.skipif(not BUNDLE.is_dir(), reason="bundles/default is not there")
def test_the_default_bundle_is_small_enough():
    assert problems(BUNDLE) == []


@pytest.mark.parametrize(("name", "mb"), [("lm.onnx", 61), ("weights/lm.safetensors", 101)])
def test_a_bundle_too_heavy_is_found(tmp_path, name, mb):
    """The files are sparse: they have the size without taking the room."""
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    with file.open("wb") as empty:
        empty.truncate(mb * MB)
    assert len(problems(tmp_path)) == 1


def test_a_bundle_at_the_limit_passes(tmp_path):
    for name, mb in (("lm.onnx", GRAPHS_MB), ("rest.bin", TOTAL_MB - GRAPHS_MB)):
        with (tmp_path / name).open("wb") as empty:
            empty.truncate(mb * MB)
    assert problems(tmp_path) == []
