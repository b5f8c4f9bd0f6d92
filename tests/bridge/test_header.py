"""The C++ header is what the table says, and reads what Python writes and the other way round."""

import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bridge import wire
from bridge.errors import WireError
from bridge.header import PLACE, cpp_header, offsets
from bridge.wire import Flag, Frame, Kind, pack, unpack
from tests.bridge.test_wire import KEY, message
from tests.gates.tree import ROOT

COMPILER = shutil.which("g++") or shutil.which("clang++")

# Reads one message from stdin; prints the fault's number, and where there is none writes the
# message again, every sample doubled, and one sequence further.
ECHO = """
#include "antiphon/wire.h"
#include <cstdio>
#include <vector>

using namespace antiphon::wire;

int main() {
    static std::vector<std::uint8_t> in(kMaxMessageBytes + 1), out(kMaxMessageBytes);
    const std::size_t size = std::fread(in.data(), 1, in.size(), stdin);
    Header header;
    const Fault fault = read(in.data(), size, header);
    std::fputc(static_cast<int>(fault), stdout);
    if (fault != Fault::none) return 0;
    header.sequence += 1;
    if (write(header, out.data(), out.size()) != Fault::none) return 1;
    std::vector<float> samples(header.samples);
    for (std::uint16_t c = 0; c < header.channels; ++c) {
        const std::size_t bytes = sizeof(float) * header.samples;
        std::memcpy(samples.data(), in.data() + channel_offset(header, c), bytes);
        for (float& sample : samples) sample *= 2.0f;
        std::memcpy(out.data() + channel_offset(header, c), samples.data(), bytes);
    }
    std::fwrite(out.data(), 1, header.message_bytes(), stdout);
    return 0;
}
"""
FAULTS = ["none", "size", *(row.name for row in wire.FIELDS)]


def test_the_header_in_the_tree_is_the_one_that_the_table_gives():
    """If this fails, run `python -m bridge.docs`."""
    assert (ROOT / PLACE).read_text() == cpp_header()


def test_the_offsets_are_those_of_the_layout():
    places = dict(offsets())
    assert places["reserved"] + 4 == wire.HEADER_BYTES
    sent = message(sample=0x1122334455667788 % wire.MAX_POSITION)
    assert struct.unpack_from("<Q", sent, places["sample"])[0] == unpack(sent).sample


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory):
    """Run one message through the C++ side; the fault's name and what came back."""
    if COMPILER is None:
        pytest.skip("no g++ or clang++ on this machine, so the C++ header is not compiled")
    folder = tmp_path_factory.mktemp("wire")
    (folder / "echo.cpp").write_text(ECHO)
    program = folder / "echo"
    flags = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-pedantic"]
    include = ["-I", str(Path(PLACE).parent.parent)]
    command = [COMPILER, *flags, *include, str(folder / "echo.cpp"), "-o", str(program)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    def run(sent: bytes) -> tuple[str, bytes]:
        back = subprocess.run([program], input=sent, capture_output=True, check=True).stdout
        return FAULTS[back[0]], back[1:]

    return run


def test_what_python_writes_cpp_reads_and_the_other_way_round(echo):
    audio = np.random.default_rng(1).standard_normal((2, 777)).astype(np.float32)
    frame = Frame(
        kind=Kind.SOUND, key=KEY, sequence=2**63 - 2, sample=2**40, credit=2**41, frame=5,
        seed=2**63 - 1, change=17, rate=44_100, flags=Flag.GAP | Flag.REDUCED, audio=audio,
    )  # fmt: skip
    fault, back = echo(pack(frame))
    assert fault == "none"
    arrived = unpack(back)
    np.testing.assert_array_equal(arrived.audio, 2 * audio)
    same = {**vars(arrived), "audio": None, "sequence": None}
    assert same == {**vars(frame), "audio": None, "sequence": None}
    assert arrived.sequence == frame.sequence + 1


@pytest.mark.parametrize(
    "sent",
    [
        b"", message()[:87], message()[:-1], message() + b"\0", message(magic=b"RIFF"),
        message(version=2), message(kind=0), message(kind=4), message(kind=3),
        message(sample=wire.MAX_COUNT), message(credit=wire.MAX_COUNT), message(seed=2**63),
        message(rate=0), message(rate=48_001), message(samples=2**32 - 1), message(samples=2),
        message(channels=0), message(channels=3), message(flags=8), message(reserved=1),
    ],
    ids=lambda sent: str(len(sent)),
)  # fmt: skip
def test_both_sides_refuse_the_same_messages_for_the_same_reason(echo, sent):
    fault, _ = echo(sent)
    with pytest.raises(WireError, match=f"^{fault} of an audio message"):
        unpack(sent)
