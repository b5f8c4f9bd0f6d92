"""The rung of the window: the editor in a host's own window, with a prompt typed by hand.

In:  a stage. Out: pictures of it, what the engine was told, and whether what was typed is heard.
The hosts are jalv.gtk3 with the LV2 plugin, which plays on, and dawdreamer with the VST3, which
exports when the window is closed, and opens it again.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from plugin_host import rung
from plugin_host.hosts import in_dawdreamer, jack, lv2_state, preset, screen, sound
from plugin_host.hosts.child import Child, Died
from plugin_host.hosts.engine import Engine
from plugin_host.hosts.jack import Jack
from plugin_host.hosts.nearest import is_nearest
from plugin_host.hosts.pedalboard_host import MUSIC_RATE, whole
from plugin_host.hosts.screen import wait_for
from plugin_host.hosts.stage import Stage
from plugin_host.places import NAME
from plugin_host.rung import Experiment, Figures, Finding, Rung, expect

if TYPE_CHECKING:
    from plugin_host.ladder import Plan

HOST: Final = "jalv.gtk3"
TYPED: Final = "dub techno 124 bpm"  # spaces must stay in the field
HEARD: Final = "deep house 122 bpm with bass and warm pads"
EXPORT_SECONDS: Final = 12.0
DAWDREAMER: Final = f"^DawDreamer: {NAME}$"
X_ERROR: Final = "BadWindow"
TRIES: Final = 3
TOY: Final = "toy"  # a bundle that makes noise, whatever was typed


def climb(stage: Stage, plan: "Plan", told: Callable[[Finding], None]) -> Rung:
    """Try it, if it is here."""
    if packages := missing():
        return rung.skip(HOST, f"not here: apt-get install {' '.join(packages)}")
    made = [
        Experiment("takes a typed prompt", lambda: takes_typing(stage)),
        Experiment("exports what was typed, and opens again", lambda: exports_typing(stage)),
    ]
    return rung.climb(HOST, "Xvfb", made, told)


def missing() -> list[str]:
    """Name the Debian packages without which this rung cannot be climbed."""
    gone = {"jalv"} if shutil.which(HOST) is None else set()
    return sorted({*gone, *screen.missing(), *jack.missing()})


def takes_typing(stage: Stage) -> Figures:
    """A prompt typed into the editor reaches the engine whole; a picture is in the stage."""
    picture = stage.folder / "editor.png"
    with screen.screen(stage) as seen, stage.engine() as engine:
        with (
            Jack(stage.folder, seen.environment, rate=MUSIC_RATE, period=1024) as server,
            _jalv(stage, server.environment),
        ):
            seen.type_prompt(seen.window(f"^{NAME}$"), TYPED)
            wait_for(lambda: TYPED in _prompts(engine), f"the prompt {TYPED!r} at the engine")
            seen.picture(picture)
        engine.end()
    expect(picture.is_file(), "the picture", "not there", "there")
    return {"typed": TYPED, "prompts_told": len(_prompts(engine)), "picture": str(picture)}


def exports_typing(stage: Stage) -> Figures:
    """What was typed is heard in an export; the editor, opened again, changes nothing.

    JUCE hosts ask the display for the window that their own lies in. If the window manager has
    taken that away a moment ago, X ends the host, whatever plugin it has; then all begins anew.
    """
    for ended in range(TRIES - 1):
        log = stage.fresh("dawdreamer", ".log")
        with spared_x_error(log):
            return {**_exports_typing(stage, log), "hosts_ended_by_x": ended}
    log = stage.fresh("dawdreamer", ".log")
    return {**_exports_typing(stage, log), "hosts_ended_by_x": TRIES - 1}


@contextmanager
def spared_x_error(log: Path) -> Iterator[None]:
    """Let a host go whose last words in its log are those of X about a window that is gone."""
    try:
        yield
    except Died:
        if X_ERROR not in log.read_text(errors="replace"):
            raise


def _exports_typing(stage: Stage, log: Path) -> Figures:
    picture, output = stage.folder / "editor-again.png", stage.fresh("typed", ".wav")
    typed, again = stage.fresh("typed", ".state"), stage.fresh("again", ".state")
    with (
        screen.screen(stage) as seen,
        stage.engine() as engine,
        Child(in_dawdreamer.MODULE, seen.environment, log) as child,
    ):
        files = {"output": output, "typed": typed, "again": again}
        child.begin(
            "edit",
            plugin=str(stage.vst3),
            rate=MUSIC_RATE,
            seconds=EXPORT_SECONDS,
            **{name: str(path) for name, path in files.items()},
        )
        window = seen.window(DAWDREAMER)
        seen.type_prompt(window, HEARD)
        seen.close(window)
        wait_for(lambda: child.has_made(output, "edit"), "the export")
        window = seen.window(DAWDREAMER)
        seen.picture(picture)
        seen.close(window)
        child.finish("edit")
        engine.end()
    expect(HEARD in _prompts(engine), "the prompts told", _prompts(engine), HEARD)
    is_same = typed.read_bytes() == again.read_bytes()
    expect(is_same, "the state after the editor was open again", "another", "the same")
    made, _ = sound.load(output)
    whole(made, MUSIC_RATE, EXPORT_SECONDS)
    is_trained = engine.announced["bundle_name"] != TOY
    nearest = is_nearest(stage, made, MUSIC_RATE, HEARD) if is_trained else {}
    return {"typed": HEARD, "picture": str(picture), **nearest}


def _prompts(engine: Engine) -> list[str]:
    """All prompts that the engine's takes name so far."""
    found = []
    for log in sorted(engine.takes.glob("*.jsonl")):
        for line in log.read_text().splitlines(keepends=True):
            command = json.loads(line).get("ask", {}).get("command", {}) if line[-1] == "\n" else {}
            if command.get("kind") == "prompt":
                found.append(command["text"])
    return found


@contextmanager
def _jalv(stage: Stage, environment: Mapping[str, str]) -> Iterator[None]:
    state = lv2_state.write(stage.fresh("state"), preset.changed(preset.EMPTY, seed=5))
    command = [HOST, "-x", "-n", "antiphon", "-s", "-l", str(state), lv2_state.URI]
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
