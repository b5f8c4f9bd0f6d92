"""The rung of the window: the editor in a host's own window, with a prompt typed by hand.

In:  a stage. Out: a picture of it, and what the engine was told. The display is Xvfb, the host
jalv.gtk3 with the LV2 plugin; keys and clicks are xdotool's.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from plugin_host import rung
from plugin_host.hosts import jack, lv2_state, preset
from plugin_host.hosts.engine import Engine
from plugin_host.hosts.jack import Jack
from plugin_host.hosts.stage import Stage
from plugin_host.places import NAME
from plugin_host.rung import Experiment, Failed, Figures, Finding, Rung, expect

if TYPE_CHECKING:
    from plugin_host.ladder import Plan

HOST: Final = "jalv.gtk3"
PROGRAMS: Final = {
    "Xvfb": "xvfb",
    "openbox": "openbox",
    "xdotool": "xdotool",
    "import": "imagemagick",
    "jalv.gtk3": "jalv",
}
SCREEN: Final = "1280x900x24"
DISPLAYS: Final = range(90, 120)
TYPED: Final = "dub techno 124 bpm"  # spaces must stay in the field
FIELD: Final = (0.275, 0.12)  # of the first prompt, as parts of the editor's width and height
WAIT_SECONDS: Final = 40.0


def climb(stage: Stage, plan: "Plan", told: Callable[[Finding], None]) -> Rung:
    """Try it, if it is here."""
    if packages := missing():
        return rung.skip(HOST, f"not here: apt-get install {' '.join(packages)}")
    made = [Experiment("takes a typed prompt", lambda: takes_typing(stage))]
    return rung.climb(HOST, "Xvfb", made, told)


def missing() -> list[str]:
    """Name the Debian packages without which this rung cannot be climbed."""
    gone = {package for name, package in PROGRAMS.items() if shutil.which(name) is None}
    return sorted({*gone, *jack.missing()})


def takes_typing(stage: Stage) -> Figures:
    """A prompt typed into the editor reaches the engine whole; a picture is in the stage."""
    picture = stage.folder / "editor.png"
    with _display(stage) as environment, stage.engine() as engine:
        with (
            Jack(stage.folder, environment, rate=48_000, period=1024) as server,
            _host(stage, server.environment),
        ):
            window = _wait_for_window(environment)
            _type(environment, window)
            _wait_for(lambda: TYPED in _prompts(engine), f"the prompt {TYPED!r} at the engine")
            time.sleep(1.0)  # for the editor to show it
            _run(environment, "import", "-window", "root", str(picture))
        engine.end()
    expect(picture.is_file(), "the picture", "not there", "there")
    return {"typed": TYPED, "prompts_told": len(_prompts(engine)), "picture": str(picture)}


def _type(environment: Mapping[str, str], window: str) -> None:
    said = _run(environment, "xdotool", "getwindowgeometry", "--shell", window)
    size = dict(line.split("=") for line in said.split() if "=" in line)
    place = [str(round(part * int(size[name]))) for part, name in zip(FIELD, ("WIDTH", "HEIGHT"))]
    _run(environment, "xdotool", "mousemove", "--window", window, *place, "click", "1")
    time.sleep(0.5)
    _run(environment, "xdotool", "type", "--delay", "60", TYPED)
    _run(environment, "xdotool", "key", "Return")


def _prompts(engine: Engine) -> list[str]:
    """All prompts that the engine's takes name so far."""
    found = []
    for log in sorted(engine.takes.glob("*.jsonl")):
        for line in log.read_text().splitlines(keepends=True):
            command = json.loads(line).get("ask", {}).get("command", {}) if line[-1] == "\n" else {}
            if command.get("kind") == "prompt":
                found.append(command["text"])
    return found


def _wait_for_window(environment: Mapping[str, str]) -> str:
    found: list[str] = []

    def is_there() -> bool:
        said = _run(environment, "xdotool", "search", "--onlyvisible", "--name", f"^{NAME}$")
        found[:] = said.split()
        return bool(found)

    _wait_for(is_there, "the editor's window")
    time.sleep(2.0)  # until it is drawn and takes keys
    return found[0]


def _wait_for(is_so: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while not is_so():
        if time.monotonic() > until:
            raise Failed(f"{what} did not come within {WAIT_SECONDS:.0f} s.")
        time.sleep(0.2)


def _run(environment: Mapping[str, str], *command: str) -> str:
    done = subprocess.run(
        command, env={**environment}, capture_output=True, text=True, timeout=60.0, check=False
    )
    return done.stdout


@contextmanager
def _display(stage: Stage) -> Iterator[dict[str, str]]:
    """A screen that nobody sees, with a window manager; the environment of its clients."""
    number = next(n for n in DISPLAYS if not Path(f"/tmp/.X11-unix/X{n}").exists())
    environment = stage.environment(DISPLAY=f":{number}", LIBGL_ALWAYS_SOFTWARE="1")
    command = ["Xvfb", f":{number}", "-screen", "0", SCREEN]
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=nowhere, stderr=nowhere) as screen:
        _wait_for(Path(f"/tmp/.X11-unix/X{number}").exists, "the display")
        with subprocess.Popen(
            ["openbox"], env=environment, stdout=nowhere, stderr=nowhere
        ) as manager:
            try:
                yield environment
            finally:
                manager.kill()
                screen.kill()


@contextmanager
def _host(stage: Stage, environment: Mapping[str, str]) -> Iterator[None]:
    state = lv2_state.write(stage.fresh("state"), preset.changed(preset.EMPTY, seed=5))
    command = ["jalv.gtk3", "-x", "-n", "antiphon", "-s", "-l", str(state), lv2_state.URI]
    with (
        (stage.folder / "jalv.log").open("w") as log,
        subprocess.Popen(
            command, env={**environment}, stdin=subprocess.PIPE, stdout=log, stderr=log
        ) as host,
    ):
        try:
            yield
        finally:
            host.kill()
