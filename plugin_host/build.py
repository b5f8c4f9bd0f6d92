"""Build the plugin with CMake, and say what came out.

In:  a build folder. Out: the products in it. Whatever is missing is named before anything runs;
what CMake or the compiler say goes to a log beside the build, and its end into the error.
"""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from plugin_host.errors import Missing, PluginError
from plugin_host.needs import advice, missing
from plugin_host.places import SOURCES, Product, products

LOG: Final = "build.log"
SHOWN_LINES: Final = 30


@dataclass(frozen=True)
class Built:
    """What a build came to."""

    folder: Path
    seconds: float
    products: tuple[Product, ...]

    def path(self, kind: str) -> Path:
        """Where a product was put."""
        return next(self.folder / one.built for one in self.products if one.kind == kind)


def build(folder: Path, *, jobs: int | None = None) -> Built:
    """Configure and build.

    Args:
        folder: made if missing; a second build in it is short.
        jobs: compilers at one time; None: one for each core.

    Raises:
        Missing: a package; the message says what to type.
        PluginError: CMake or the compiler failed.
    """
    if packages := missing():
        raise Missing(f"the plugin cannot be built yet. Type: {advice(packages)}")
    folder.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    configure = ["cmake", "-S", str(SOURCES), "-B", str(folder), "-G", "Ninja"]
    jobs = jobs or os.cpu_count() or 1
    with (folder / LOG).open("w") as log:
        _run([*configure, "-DCMAKE_BUILD_TYPE=Release"], folder, log.fileno())
        _run(["cmake", "--build", str(folder), "--parallel", str(jobs)], folder, log.fileno())
    return find(folder, time.monotonic() - begin)


def find(folder: Path, seconds: float = 0.0) -> Built:
    """Look at what was built.

    Raises:
        Missing: there is no complete build.
    """
    made = products()
    gone = [one.kind for one in made if not (folder / one.built).exists()]
    if gone:
        raise Missing(f"{folder} has no {', '.join(gone)}. Build first: antiphon plugin build.")
    return Built(folder, seconds, made)


def _run(command: list[str], folder: Path, log: int) -> None:
    done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        path = folder / LOG
        end = "\n".join(path.read_text(errors="replace").splitlines()[-SHOWN_LINES:])
        raise PluginError(f"{command[0]} failed; {path} has all of it. Its end:\n{end}")
