"""A screen that nobody sees, and a hand that types into the plugin's editor on it.

In:  a stage. Out: Xvfb with a window manager, the editor's window once it is there, keys and clicks
in it, pictures of it.
"""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from plugin_host.hosts.stage import Stage
from plugin_host.rung import Failed

PROGRAMS: Final = {
    "Xvfb": "xvfb",
    "openbox": "openbox",
    "xdotool": "xdotool",
    "import": "imagemagick",
}
SIZE: Final = "1280x900x24"
DISPLAYS: Final = range(90, 120)
FIELD: Final = (0.275, 0.12)  # of the first prompt, as parts of the editor's width and height
WAIT_SECONDS: Final = 40.0


def missing() -> set[str]:
    """Name the Debian packages without which there is no screen."""
    return {package for name, package in PROGRAMS.items() if shutil.which(name) is None}


class Screen:
    """One display; see `screen`."""

    def __init__(self, environment: dict[str, str]) -> None:
        """Act on a display.

        Args:
            environment: of its clients.
        """
        self.environment = environment

    def window(self, title: str) -> str:
        """Wait for a window, and until it is drawn and takes keys; its number.

        Args:
            title: a regular expression.

        Raises:
            Failed: it did not come.
        """
        before: list[str] = []

        def is_there() -> bool:
            """There since a second: some hosts show one that they put another in place of."""
            found = self._run("xdotool", "search", "--onlyvisible", "--name", title).split()
            is_same = bool(found) and found == before
            before[:] = found
            time.sleep(1.0 if found else 0.0)
            return is_same

        wait_for(is_there, "the editor's window")
        time.sleep(1.0)
        return before[0]

    def type_prompt(self, window: str, text: str) -> None:
        """Replace what is in the editor's first prompt."""
        said = self._run("xdotool", "getwindowgeometry", "--shell", window)
        size = dict(line.split("=") for line in said.split() if "=" in line)
        sides = zip(FIELD, ("WIDTH", "HEIGHT"), strict=True)
        place = [str(round(part * int(size[name]))) for part, name in sides]
        self._run("xdotool", "mousemove", "--window", window, *place, "click", "1")
        time.sleep(0.5)
        self._run("xdotool", "key", "ctrl+a")
        self._run("xdotool", "type", "--delay", "60", text)
        self._run("xdotool", "key", "Return")
        time.sleep(1.0)  # for the editor to show it

    def close(self, window: str) -> None:
        """Close a window as a hand does."""
        self._run("xdotool", "windowfocus", "--sync", window, "key", "alt+F4")

    def picture(self, path: Path) -> None:
        """Write all of the screen as PNG."""
        self._run("import", "-window", "root", str(path))

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60.0,
            check=False,
        )
        return done.stdout


@contextmanager
def screen(stage: Stage) -> Iterator[Screen]:
    """A display with a window manager, gone when the `with` block ends."""
    number = next(n for n in DISPLAYS if not Path(f"/tmp/.X11-unix/X{n}").exists())
    environment = stage.environment(DISPLAY=f":{number}", LIBGL_ALWAYS_SOFTWARE="1")
    command = ["Xvfb", f":{number}", "-screen", "0", SIZE]
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=nowhere, stderr=nowhere) as display:
        wait_for(Path(f"/tmp/.X11-unix/X{number}").exists, "the display")
        with subprocess.Popen(
            ["openbox"], env=environment, stdout=nowhere, stderr=nowhere
        ) as manager:
            try:
                yield Screen(environment)
            finally:
                manager.kill()
                display.kill()


def wait_for(is_so: Callable[[], bool], what: str) -> None:
    """Wait until something is so.

    Raises:
        Failed: it did not become so in time.
    """
    until = time.monotonic() + WAIT_SECONDS
    while not is_so():
        if time.monotonic() > until:
            raise Failed(f"{what} did not come within {WAIT_SECONDS:.0f} s.")
        time.sleep(0.2)
