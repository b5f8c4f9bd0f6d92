"""Build the plugin, and bring the hosts that its tests try it in; run by `make plugin`.

Debian's packages are installed only by root and where apt-get exists. What is missing all the same
is named, and the tests that need it skip. Exit status 1 if there is no plugin at the end.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from setup import VENV, apt_install, say

ROOT = Path(__file__).resolve().parents[1]
BUILD = (
    "juce-modules-source",
    "libzmq3-dev",
    "nlohmann-json3-dev",
    "doctest-dev",
    "cmake",
    "ninja-build",
    "g++",
    "pkg-config",
)
HOSTS = ("ardour", "jackd2", "jalv", "xvfb", "xdotool", "openbox", "imagemagick")


def main() -> int:
    """Install, then build."""
    missing = [package for package in (*BUILD, *HOSTS) if not is_installed(package)]
    apt_install(missing)
    for package in missing:
        if not is_installed(package):
            say(f"{package} is missing: tests of the plugin that need it skip")
    built = subprocess.run(
        [VENV / "bin" / "antiphon", "plugin", "build"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return 1 if built.returncode else 0


def is_installed(package: str) -> bool:
    """Ask dpkg; True where there is no dpkg to ask, and none to install with."""
    if shutil.which("dpkg-query") is None:
        return True
    asked = ["dpkg-query", "-W", "-f", "${db:Status-Status}", package]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)
    return found.stdout == "installed"


if __name__ == "__main__":
    sys.exit(main())
