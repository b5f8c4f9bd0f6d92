"""The seal: one id stands for every byte of a bundle."""

import os
import subprocess

import pytest

from engine import seal
from engine.errors import BundleError


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "sealed"
    (folder / "weights").mkdir(parents=True)
    (folder / "a.onnx").write_bytes(b"one graph")
    (folder / "weights" / "b.safetensors").write_bytes(b"some weights")
    seal.write(folder)
    return folder


def test_a_sealed_folder_is_whole(folder):
    assert set(seal.check(folder)) == {"a.onnx", "weights/b.safetensors"}


def test_the_seal_is_one_that_sha256sum_understands(folder):
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def test_sealing_twice_gives_the_same_id_and_another_byte_gives_another(folder):
    first = seal.identity(folder)
    assert seal.write(folder) == first
    (folder / "a.onnx").write_bytes(b"another graph")
    assert seal.write(folder) != first


def test_every_byte_of_the_seal_itself_counts(folder):
    """No flipped bit in SHA256SUMS passes as another way to write the same."""
    whole = (folder / seal.SEAL).read_bytes()
    for place in range(len(whole)):
        for bit in (0x01, 0x20):
            flipped = bytes([*whole[:place], whole[place] ^ bit, *whole[place + 1 :]])
            (folder / seal.SEAL).write_bytes(flipped)
            with pytest.raises(BundleError):
                seal.check(folder)


@pytest.mark.parametrize(
    "text", ["", "\n", "abc  a.onnx\n", "no seal at all", "0" * 64 + "  a.onnx"]
)
def test_a_seal_that_is_no_list_of_files_is_refused(folder, text):
    (folder / seal.SEAL).write_text(text)
    with pytest.raises(BundleError, match=r"SHA256SUMS in bundle .* is malformed"):
        seal.check(folder)


def test_a_file_listed_twice_is_refused(folder):
    text = (folder / seal.SEAL).read_text()
    (folder / seal.SEAL).write_text(text + text)
    with pytest.raises(BundleError, match="each name once"):
        seal.check(folder)


def test_a_seal_without_end_is_not_read_to_its_end(folder):
    (folder / seal.SEAL).write_bytes(b"a" * (seal.MAX_SEAL_BYTES + 1))
    with pytest.raises(BundleError, match="too large"):
        seal.check(folder)


@pytest.mark.parametrize(
    "name",
    ["../secret", "weights/../../secret", "/etc/passwd", "", ".", "a//b", "./a.onnx", "a\\b", "C:x",
     "a\nb", "a\0b", "x" * 256],
)  # fmt: skip
def test_a_name_that_leads_outside_is_refused(folder, name):
    (folder.parent / "secret").write_text("not yours")
    with pytest.raises(BundleError, match="is no file name"):
        seal.inside(folder, name)


def test_a_link_that_leads_outside_is_refused(folder):
    secret = folder.parent / "secret"
    secret.write_text("not yours")
    os.symlink(secret, folder / "c.onnx")
    with pytest.raises(BundleError, match=r"c\.onnx in bundle .* leads outside the folder"):
        seal.write(folder)


def test_a_linked_folder_that_leads_outside_is_refused(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    os.symlink(tmp_path / "elsewhere", folder / "more")
    with pytest.raises(BundleError, match=r"more in bundle .* is not listed"):
        seal.check(folder)


def test_what_a_file_manager_leaves_behind_does_no_harm(folder):
    (folder / ".DS_Store").write_bytes(b"window places")
    seal.check(folder)


def test_too_many_files_are_refused(folder, monkeypatch):
    monkeypatch.setattr(seal, "MAX_FILES", 1)
    with pytest.raises(BundleError):
        seal.check(folder)
