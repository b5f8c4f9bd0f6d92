"""What must be installed before the plugin can be built, in words that can be typed.

In:  the machine. Out: names of Debian packages that are missing; none means that a build can begin.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Final

PROGRAMS: Final = {
    "cmake": "cmake",
    "ninja": "ninja-build",
    "g++": "g++",
    "pkg-config": "pkg-config",
}
HEADERS: Final = {"zmq.h": "libzmq3-dev", "nlohmann/json.hpp": "nlohmann-json3-dev"}
FOLDERS: Final = (Path("/usr/include"), Path("/usr/local/include"))
JUCE: Final = "juce-modules-source"


def missing() -> list[str]:
    """Name the packages without which the plugin cannot be built."""
    found = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    found += [
        package
        for header, package in HEADERS.items()
        if not any((folder / header).is_file() for folder in FOLDERS)
    ]
    return found if _has_juce() else [*found, JUCE]


def advice(packages: list[str]) -> str:
    """What to type."""
    return f"apt-get install --no-install-recommends {' '.join(packages)}"


def _has_juce() -> bool:
    if any(Path("/usr/lib").glob("*/cmake/JUCE-*/JUCEConfig.cmake")):
        return True
    if shutil.which("cmake") is None:
        return False
    command = [
        "cmake",
        "--find-package",
        "-DNAME=JUCE",
        "-DCOMPILER_ID=GNU",
        "-DLANGUAGE=CXX",
        "-DMODE=EXIST",
    ]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
