"""The rung of the scanner: a plugin that is only looked at does nothing.

In:  a stage. Out: what instances that never play open, and what they leave behind.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from plugin_host import rung
from plugin_host.hosts.child import Child
from plugin_host.hosts.stage import Stage
from plugin_host.places import NAME
from plugin_host.rung import Experiment, Figures, Finding, Rung, expect

if TYPE_CHECKING:
    from plugin_host.ladder import Plan

HOST: Final = "scanner"
MODULE: Final = "plugin_host.hosts.scan_child"
LOOKS: Final = 200
QUICK_LOOKS: Final = 40
# JUCE has one thread and a pipe to it (two sockets of the process' own) for all instances together.
JUCE_THREADS: Final = 1
JUCE_SOCKETS: Final = 2
LEAK_KILOBYTES: Final = 16.0  # an instance has 1.5 MB while it is there


def climb(stage: Stage, plan: "Plan", told: Callable[[Finding], None]) -> Rung:
    """Always here: it is this Python."""
    looks = QUICK_LOOKS if plan.is_quick else LOOKS
    made = [Experiment("is looked at and leaves nothing", lambda: is_looked_at(stage, looks))]
    return rung.climb(HOST, "VST3, ctypes", made, told)


def is_looked_at(stage: Stage, count: int) -> Figures:
    """Instances that never play open no socket, start no thread, are quick, and leave nothing."""
    with Child(MODULE, stage.environment(), stage.folder / "scan.log") as child:
        found = child.do("look", plugin=str(stage.vst3), count=count)
    expect(found["name"] == NAME, "the plugin's name", found["name"], NAME)
    for what, allowed in (("threads", JUCE_THREADS), ("sockets", JUCE_SOCKETS)):
        got = found[f"{what}_meanwhile"]
        expect(got <= allowed, f"{what} of all that were there", got, f"{allowed}, JUCE's own")
    for what in ("files", "threads", "sockets"):
        expect(found[f"more_{what}"] == 0, f"{what} left behind", found[f"more_{what}"], "none")
    leak = found["more_kilobytes"] / (count / 4)
    expect(leak < LEAK_KILOBYTES, "kB left behind by each", f"{leak:.0f}", f"{LEAK_KILOBYTES:.0f}")
    expect(found["seconds_each"] < 1.0, "a look took", found["seconds_each"], "under 1 s")
    left = sorted(path.name for path in stage.runtime.iterdir())
    expect(not left, "files in the runtime folder", left, "none")
    return found
