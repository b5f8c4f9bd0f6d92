"""The ladder: every host that can be had without money, one rung each, from the core up to a DAW.

In:  a build, the command that starts an engine, and how much to try. Out: a `Rung` for each host,
in order; one that is absent is skipped and says what to install. Nothing of the user's is touched.
"""

import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import cpu_count, getloadavg
from pathlib import Path
from typing import Any, Final

from plugin_host.build import Built
from plugin_host.hosts import (
    ardour_rung,
    core,
    in_dawdreamer,
    in_pedalboard,
    jalv_rung,
    scan_rung,
    window_rung,
)
from plugin_host.hosts.stage import Stage
from plugin_host.rung import Finding, Rung

Tell = Callable[[str], None]
CLIMBERS: Final[dict[str, Callable[[Stage, "Plan", Callable[[Finding], None]], Rung]]] = {
    "core": core.climb,
    "scanner": scan_rung.climb,
    "pedalboard": in_pedalboard.climb,
    "dawdreamer": in_dawdreamer.climb,
    "ardour": ardour_rung.climb,
    "jalv": jalv_rung.climb,
    "jalv.gtk3": window_rung.climb,
}
HOSTS: Final = tuple(CLIMBERS)


@dataclass(frozen=True)
class Plan:
    """What to try, and how much."""

    built: Built
    serve: tuple[str, ...]
    other: tuple[str, ...]
    hosts: tuple[str, ...]
    minutes: float  # of rolling in real time
    is_quick: bool
    keep: Path | None  # where what was made stays


def climb_all(plan: Plan, tell: Tell) -> list[Rung]:
    """Climb the rungs that were asked for, in the ladder's order."""
    rungs = []
    for host in (name for name in HOSTS if name in plan.hosts):
        with _stage(plan, host) as stage:
            tell(f"{host}:")
            rungs.append(CLIMBERS[host](stage, plan, _teller(tell)))
            if rungs[-1].outcome == "skipped":
                tell(f"  skipped: {rungs[-1].why}")
    return rungs


def summary(rungs: Sequence[Rung]) -> dict[str, Any]:
    """What became of all, as one JSON object."""
    return {
        "passed": all(rung.outcome != "failed" for rung in rungs),
        "machine": {
            "system": platform.platform(),
            "processor": _processor(),
            "cores": cpu_count(),
            "load": [round(load, 1) for load in getloadavg()],
        },
        "rungs": [rung.to_json() for rung in rungs],
    }


def table(rungs: Sequence[Rung]) -> str:
    """The same for the eye: a line a host, a line a finding."""
    lines = []
    for rung in rungs:
        version = f" {rung.version}" if rung.version else ""
        lines.append(f"{rung.host}{version}: {rung.outcome}{f' ({rung.why})' if rung.why else ''}")
        lines += [f"  {_line(finding)}" for finding in rung.findings]
    return "\n".join(lines)


def _teller(tell: Tell) -> Callable[[Finding], None]:
    return lambda finding: tell(f"  {_line(finding)}")


def _line(finding: Finding) -> str:
    if finding.why:
        return f"{finding.outcome}: {finding.name}: {finding.why}"
    figures = ", ".join(f"{name} {_short(value)}" for name, value in finding.figures.items())
    return f"{finding.outcome}: {finding.name} ({finding.seconds:.1f} s) {figures}"


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@contextmanager
def _stage(plan: Plan, host: str) -> Iterator[Stage]:
    products = [plan.built.path("VST3"), plan.built.path("LV2")]
    if plan.keep is not None:
        folder = plan.keep / host
        shutil.rmtree(folder, ignore_errors=True)
        yield Stage.build(folder.resolve(), products, plan.serve, plan.other)
        return
    # A short path: sockets of JACK lie below it.
    with tempfile.TemporaryDirectory(prefix="antiphon-") as name:
        yield Stage.build(Path(name), products, plan.serve, plan.other)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
