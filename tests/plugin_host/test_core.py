"""The native core: its own tests, built plainly, with AddressSanitizer and with ThreadSanitizer.

The plain build holds the trap: a thread that calls `process` allocates nothing, locks nothing and
makes no system call. Builds are kept in build/, so that a second run compiles only what changed.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.gates.tree import ROOT

CORE = ROOT / "plugin_host" / "core"
NEEDED = {"cmake": "cmake", "ninja": "ninja-build", "g++": "g++"}
HEADERS = {
    "zmq.h": "libzmq3-dev",
    "nlohmann/json.hpp": "nlohmann-json3-dev",
    "doctest/doctest.h": "doctest-dev",
}
INCLUDES = (Path("/usr/include"), Path("/usr/local/include"))
BLOCKS = {"": "2000", "address": "150", "thread": "150"}  # of random sizes


def missing() -> list[str]:
    """Name the Debian packages without which the core cannot be built."""
    programs = [package for program, package in NEEDED.items() if shutil.which(program) is None]
    headers = [
        package
        for header, package in HEADERS.items()
        if not any((folder / header).is_file() for folder in INCLUDES)
    ]
    return programs + headers


@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason=f"not built: apt-get install {' '.join(missing())}")
@pytest.mark.parametrize("sanitizer", ["", "address", "thread"], ids=["plain", "address", "thread"])
def test_the_core_passes_its_own_tests(sanitizer):
    folder = ROOT / "build" / f"core-{sanitizer or 'plain'}"
    configure = [
        "cmake", "-S", str(CORE), "-B", str(folder), "-G", "Ninja", "-DANTIPHON_TESTS=ON",
        f"-DSANITIZE={sanitizer}", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS=-O1",
    ]  # fmt: skip
    _run(configure)
    _run(["cmake", "--build", str(folder)])
    printed = _run([str(folder / "core_tests")], blocks=BLOCKS[sanitizer])
    assert "Status: SUCCESS!" in printed


def test_every_source_file_has_a_place_in_the_build():
    """A file that CMake does not know is a file that no test sees."""
    listed = (CORE / "CMakeLists.txt").read_text()
    files = [*(CORE / "src").glob("*.cpp"), *(CORE / "tests").glob("*.cpp")]
    assert [path.name for path in files if f"{path.parent.name}/{path.name}" not in listed] == []


def _run(command: list[str], blocks: str = "") -> str:
    environment = {
        **os.environ,
        "ANTIPHON_BLOCKS": blocks,
        "ASAN_OPTIONS": "detect_leaks=1",
        # libzmq is not instrumented, so what it does between threads cannot be judged.
        "TSAN_OPTIONS": "ignore_noninstrumented_modules=1 halt_on_error=1",
    }
    done = subprocess.run(
        ["nice", *command], env=environment, capture_output=True, text=True, check=False
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-6000:]
    return printed
