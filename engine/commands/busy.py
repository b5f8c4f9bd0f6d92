"""Busy processes: what competes with the engine for the machine while it is measured.

Each turns on the spot at full speed, as `stress-ng --cpu` does, until it is told to end or whoever
started it is gone.
"""

import subprocess
import sys
from types import TracebackType
from typing import Final, Self

MAX_PROCESSES: Final = 256
_TURN: Final = """
import os
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""


class Busy:
    """So many busy processes, while entered."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        command = [sys.executable, "-I", "-c", _TURN]
        self._processes = [subprocess.Popen(command) for _ in range(self._count)]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
