"""pedalboard, while engines come and go: dead, hung, of another bundle.

In:  a stage. Out: how long a bounce took without its engine, and how long the plugin took to leave.
"""

import time
from collections.abc import Callable
from typing import Final

from plugin_host.hosts import preset, sound
from plugin_host.hosts.child import Child
from plugin_host.hosts.engine import Engine
from plugin_host.hosts.pedalboard_host import MUSIC_RATE, PROMPT, host, tell, whole
from plugin_host.hosts.stage import Stage
from plugin_host.rung import Figures, Skipped, expect

DROP_SECONDS: Final = 0.5
OFFLINE_SECONDS: Final = 20.0  # that a bounce waits for an engine that may yet come
SLACK: Final = 5.0  # of a busy machine


def survives_death(stage: Stage) -> Figures:
    """A killed engine is silence of the right length, in bounded time; the next one plays."""

    def die(engine: Engine) -> None:
        engine.kill()

    return _survives(stage, die)


def survives_hanging(stage: Stage) -> Figures:
    """An engine that answers nothing (SIGSTOP) is the same, and so is letting go of it."""

    def hang(engine: Engine) -> None:
        engine.hang()

    return _survives(stage, hang)


def plays_with_another(stage: Stage) -> Figures:
    """Another bundle takes over, and the project says afterwards with what it was made."""
    if not stage.other:
        raise Skipped("there is no second bundle; name one with --other-bundle.")
    saved = stage.fresh("made", ".vstpreset")
    names = []
    with host(stage) as child:
        child.do("load", plugin=str(stage.vst3))
        tell(stage, child, [PROMPT])
        for is_other in (False, True):
            with stage.engine(is_other=is_other) as engine:
                _plays(stage, child)
                child.do("save", path=str(saved))
                made_with = preset.read(saved.read_bytes())["made_with"]
                announced = engine.announced["bundle"]
                expect(made_with["bundle"] == announced, "made_with", made_with, announced)
                names.append(announced)
    expect(names[0] != names[1], "the other bundle", "the same", "another one")
    return {"bundles": [name[:12] for name in names]}


def _survives(stage: Stage, fail: Callable[[Engine], None]) -> Figures:
    with host(stage) as child:
        for name in ("stays", "goes"):
            child.do("load", plugin=str(stage.vst3), name=name)
            tell(stage, child, [PROMPT], name=name)
        with stage.engine() as engine:
            for name in ("stays", "goes"):
                _plays(stage, child, name)
            fail(engine)
            lost = child.do(
                "render",
                rate=MUSIC_RATE,
                seconds=2.0,
                name="stays",
                within=2 * OFFLINE_SECONDS + SLACK,
            )
            dropped = child.do("drop", name="goes")["seconds"]
        with stage.engine() as _:
            begin = time.monotonic()
            _plays(stage, child, "stays")
            back = time.monotonic() - begin
    expect(lost["frames"] == 2 * MUSIC_RATE, "the bounce", lost["frames"], 2 * MUSIC_RATE)
    bound = OFFLINE_SECONDS + SLACK
    expect(lost["seconds"] < bound, "a bounce without an engine took", lost["seconds"], bound)
    expect(dropped < DROP_SECONDS, "removing it took", f"{dropped:.2f} s", f"{DROP_SECONDS} s")
    return {
        "bounce_seconds": lost["seconds"],
        "drop_seconds": dropped,
        "first_bounce_with_next_seconds": back,
    }


def _plays(stage: Stage, child: Child, name: str = "it") -> None:
    path = stage.fresh("plays", ".wav")
    child.do("render", rate=MUSIC_RATE, seconds=1.0, output=str(path), name=name)
    whole(sound.load(path)[0], MUSIC_RATE, 1.0)
