"""The lowest rung: the core's own tests, plainly, with AddressSanitizer and with ThreadSanitizer.

In:  a compiler. Out: how many cases and assertions passed under each. The plain build holds the
trap: a thread that processes audio allocates nothing, locks nothing and makes no system call.
10,000 blocks of random sizes from 1 to 8,192 at random rates are among them, also under
AddressSanitizer, which finds leaks too.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from plugin_host import rung
from plugin_host.needs import advice
from plugin_host.places import CORE
from plugin_host.rung import Experiment, Failed, Figures, Finding, Rung

if TYPE_CHECKING:
    from plugin_host.hosts.stage import Stage
    from plugin_host.ladder import Plan

HOST: Final = "core"
PROGRAMS: Final = {"cmake": "cmake", "ninja": "ninja-build", "g++": "g++"}
HEADERS: Final = {
    "zmq.h": "libzmq3-dev",
    "nlohmann/json.hpp": "nlohmann-json3-dev",
    "doctest/doctest.h": "doctest-dev",
}
INCLUDES: Final = (Path("/usr/include"), Path("/usr/local/include"))
SANITIZERS: Final = {"plain": "", "address": "address", "thread": "thread"}
BLOCKS: Final = {"plain": 10_000, "address": 10_000, "thread": 1_000}  # of random sizes
QUICK_BLOCKS: Final = 200
OPTIONS: Final = (
    "-DANTIPHON_TESTS=ON",
    "-DCMAKE_BUILD_TYPE=Debug",
    "-DCMAKE_CXX_FLAGS=-O1",
)
TEST_SECONDS: Final = 900.0
ENVIRONMENT: Final = {
    "ASAN_OPTIONS": "detect_leaks=1",
    # libzmq is not instrumented, so what it does between threads cannot be judged.
    "TSAN_OPTIONS": "ignore_noninstrumented_modules=1 halt_on_error=1",
}


def climb(stage: "Stage", plan: "Plan", told: Callable[[Finding], None]) -> Rung:
    """Build and run all three, if there is a compiler."""
    if packages := missing():
        return rung.skip(HOST, f"its tests cannot be built: {advice(packages)}")
    folder = plan.built.folder.parent
    blocks = {name: QUICK_BLOCKS if plan.is_quick else many for name, many in BLOCKS.items()}
    experiments = [
        Experiment(f"passes its own tests ({name})", partial(passes, folder, name, blocks[name]))
        for name in SANITIZERS
    ]
    return rung.climb(HOST, _version(), experiments, told)


def missing() -> list[str]:
    """Name the Debian packages without which the core's tests cannot be built."""
    programs = [package for name, package in PROGRAMS.items() if shutil.which(name) is None]
    headers = [
        package
        for header, package in HEADERS.items()
        if not any((folder / header).is_file() for folder in INCLUDES)
    ]
    return programs + headers


def passes(folder: Path, sanitizer: str, blocks: int) -> Figures:
    """Build and run one.

    Args:
        folder: where builds are kept, so that the next one is short.
        sanitizer: "plain", "address" or "thread".
        blocks: of random sizes.

    Raises:
        Failed: it was not built, or a test failed; with the end of what it said.
    """
    build, sanitize = folder / f"core-{sanitizer}", f"-DSANITIZE={SANITIZERS[sanitizer]}"
    _run(["cmake", "-S", str(CORE), "-B", str(build), "-G", "Ninja", *OPTIONS, sanitize])
    _run(["cmake", "--build", str(build)])
    said = _run([str(build / "core_tests")], ANTIPHON_BLOCKS=str(blocks))
    cases = re.search(r"test cases:\s*(\d+)\s*\|\s*(\d+) passed", said)
    assertions = re.search(r"assertions:\s*(\d+)\s*\|\s*(\d+) passed", said)
    if cases is None or assertions is None or "Status: SUCCESS!" not in said:
        raise Failed(f"the tests end with: {said[-600:]}")
    return {"cases": int(cases[2]), "assertions": int(assertions[2]), "blocks": blocks}


def _run(command: list[str], **environment: str) -> str:
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **ENVIRONMENT, **environment},
            capture_output=True,
            text=True,
            timeout=TEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{command[0]} was not done in {TEST_SECONDS:.0f} s.") from error
    said = done.stdout + done.stderr
    if done.returncode:
        raise Failed(f"{Path(command[0]).name} ended with {done.returncode}: {said[-1500:]}")
    return said


def _version() -> str:
    said = _run(["g++", "-dumpfullversion"]).strip()
    return f"g++ {said}"
