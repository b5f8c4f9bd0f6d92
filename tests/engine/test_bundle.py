"""A bundle is proven before a note of it is played."""

import os
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from engine import seal
from engine.backends import open_backend
from engine.bundle import Bundle
from engine.errors import BundleError
from engine.graph import PORTS
from tests.fakes import write_toy_bundle

FILES = (
    *(f"{name}.onnx" for name in PORTS),
    "state.safetensors",
    "tokenizer.json",
    "bundle.json",
    "LICENSE",
)


def open_bundle(folder, **options):
    return Bundle.open(folder, open_backend("ort", threads=1), **options)


def test_the_list_of_files_is_all_of_them(toy_bundle_path):
    assert {path.name for path in toy_bundle_path.iterdir()} == {*FILES, seal.SEAL}


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_byte_in_any_file_is_refused_by_its_name(toy_copy, name):
    data = bytearray((toy_copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (toy_copy / name).write_bytes(data)
    with pytest.raises(BundleError, match=f"{name} in bundle .* is damaged"):
        open_bundle(toy_copy)


@pytest.mark.parametrize("name", [*FILES, seal.SEAL])
def test_a_missing_file_is_refused_by_its_name(toy_copy, name):
    (toy_copy / name).unlink()
    with pytest.raises(BundleError, match=f"{name} in bundle .* is missing"):
        open_bundle(toy_copy)


def test_a_file_that_nobody_sealed_is_refused_by_its_name(toy_copy):
    (toy_copy / "extra.bin").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"extra\.bin in bundle .* is not listed"):
        open_bundle(toy_copy)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BundleError, match=r"does not exist, expected a folder with bundle\.json"):
        open_bundle(tmp_path / "nowhere")


def test_a_file_is_no_bundle(toy_bundle_path):
    with pytest.raises(BundleError, match="is a file, expected a folder"):
        open_bundle(toy_bundle_path / "bundle.json")


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(BundleError, match=r"SHA256SUMS in bundle .* is missing"):
        open_bundle(tmp_path)


@pytest.mark.parametrize("name", ["../outside.onnx", "/etc/passwd", "graphs/../../outside.onnx"])
@pytest.mark.parametrize("verify", [True, False])
def test_a_manifest_cannot_name_a_file_outside_the_folder(tmp_path, name, verify):
    (tmp_path / "outside.onnx").write_bytes(b"not yours")

    def lead_outside(found):
        found["graphs"]["observe"]["file"] = name

    folder = write_toy_bundle(tmp_path / "toy", lead_outside)
    with pytest.raises(BundleError, match="is no file name"):
        open_bundle(folder, verify=verify)


@pytest.mark.parametrize("verify", [True, False])
def test_a_graph_cannot_be_a_link_out_of_the_folder(toy_copy, tmp_path, verify):
    shutil.move(toy_copy / "decode.onnx", tmp_path / "decode.onnx")
    os.symlink(tmp_path / "decode.onnx", toy_copy / "decode.onnx")
    with pytest.raises(BundleError, match=r"decode\.onnx in bundle .* leads outside the folder"):
        open_bundle(toy_copy, verify=verify)


def test_a_bundle_of_another_version_is_refused_even_if_whole(tmp_path):
    folder = write_toy_bundle(tmp_path / "toy", lambda found: found.update(format=9))
    with pytest.raises(BundleError, match=r"bundle\.json in bundle .* has format 9, expected 1"):
        open_bundle(folder)


def test_a_bundle_with_other_conditioning_fields_is_refused_even_if_whole(tmp_path):
    folder = write_toy_bundle(tmp_path / "toy", lambda found: found["row"].update(tempo=1))
    with pytest.raises(BundleError, match="field tempo has width 1, expected 4"):
        open_bundle(folder)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda s: s.pop("observe/ring"), "observe/ring is None, expected"),
        (lambda s: s.update({"observe/more": np.zeros(1)}), "observe/more is .* expected None"),
        (
            lambda s: s.update({"observe/memory": np.zeros((2, 16), np.float32)}),
            "observe/memory is",
        ),
        (lambda s: s.update({"observe/memory": np.zeros((1, 16))}), "observe/memory is .'float64'"),
    ],
)
def test_an_initial_state_of_another_shape_is_refused_by_name(toy_copy, change, match):
    state = load_file(toy_copy / "state.safetensors")
    change(state)
    save_file(state, toy_copy / "state.safetensors")
    seal.write(toy_copy)
    with pytest.raises(BundleError, match=match):
        open_bundle(toy_copy)


def test_a_state_file_with_a_length_that_lies_is_refused(toy_copy):
    (toy_copy / "state.safetensors").write_bytes(b"\xff" * 7 + b"\x00" + b"{}")
    seal.write(toy_copy)
    with pytest.raises(BundleError, match=r"state\.safetensors in bundle .* cannot be read"):
        open_bundle(toy_copy)


@pytest.mark.parametrize("backend", ["ort", "reference"])
def test_a_graph_that_is_no_graph_is_refused_by_name(toy_copy, backend):
    (toy_copy / "decode.onnx").write_bytes(b"\xffmusic")
    seal.write(toy_copy)
    bundle = Bundle.open(toy_copy, open_backend(backend, threads=1))
    with pytest.raises(BundleError, match=r"decode\.onnx cannot be opened"):
        bundle.graph("decode")


@pytest.mark.parametrize("backend", ["ort", "reference"])
def test_a_graph_with_other_inputs_than_its_manifest_says_is_refused(toy_copy, backend):
    shutil.copy(toy_copy / "encode.onnx", toy_copy / "listen.onnx")
    shutil.copy(toy_copy / "style.onnx", toy_copy / "decode.onnx")
    seal.write(toy_copy)
    bundle = Bundle.open(toy_copy, open_backend(backend, threads=1))
    with pytest.raises(
        BundleError, match=r"decode\.onnx has inputs \['audio'\], expected \['codes'"
    ):
        bundle.graph("decode")


def test_a_graph_that_the_bundle_lacks_is_named(tmp_path):
    folder = write_toy_bundle(tmp_path / "toy", lambda found: found["graphs"].pop("style"))
    with pytest.raises(BundleError, match="has no graph style; it has text, encode"):
        open_bundle(folder).graph("style")


def test_the_id_is_of_every_byte(toy_bundle, toy_copy):
    assert open_bundle(toy_copy).id == toy_bundle.id
    (toy_copy / "LICENSE").write_text("another\n")
    seal.write(toy_copy)
    assert open_bundle(toy_copy).id != toy_bundle.id


def test_initial_state_is_fresh_every_time_and_as_wide_as_asked(toy_bundle):
    one, two = toy_bundle.initial_state("observe"), toy_bundle.initial_state("observe", batch=2)
    assert one["memory"].shape == (1, 16)
    np.testing.assert_array_equal(two["memory"], np.concatenate([one["memory"]] * 2))
    one["memory"][:] = np.nan
    two["ring"][:] = np.nan
    for array in toy_bundle.initial_state("decode", batch=2).values():
        assert len(array) == 1  # the decoder plays one stream, guided or not
        array[:] = np.nan
    for name in ("observe", "decode"):
        again = toy_bundle.initial_state(name)
        assert all(np.isfinite(array).all() for array in again.values())


def test_a_graph_is_opened_once(toy_bundle):
    assert toy_bundle.graph("decode") is toy_bundle.graph("decode")
