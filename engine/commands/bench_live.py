"""`antiphon bench --live`: how soon a change is heard, and how long nothing goes wrong.

Two parts, each in real time on a paced null device: prompt-to-ear over many switches at several
leads (`bench_switches`), and a soak of minutes (`bench_soak`). Between them the seams of take-overs
(`bench_seams`), which need no device. Percentiles are of what occurred,
never interpolated; the worst is always beside them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from engine.commands import machine
from engine.commands.report import frame_ms
from engine.errors import OptionError
from engine.options import EngineOptions
from engine.spec import FRAME_RATE

if TYPE_CHECKING:
    from pathlib import Path

    from engine.bundle import Bundle
    from engine.commands.bench_seams import Seams
    from engine.commands.bench_soak import Soak
    from engine.commands.bench_switches import Switches

LEADS_MS: Final = (40.0, 80.0, 160.0)
SWITCHES: Final = 200
SEAMS: Final = 12
MINUTES: Final = 10.0
BLOCK: Final = 512
SOAK_LEAD_MS: Final = 80.0
MAX_LOAD: Final = 256


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to measure. Making one checks it."""

    minutes: float = MINUTES  # of the soak; 0 for none
    switches: int = SWITCHES  # at each lead; 0 for none
    seams: int = SEAMS  # take-overs, at the soak's lead; 0 for none
    leads_ms: tuple[float, ...] = LEADS_MS
    soak_lead_ms: float = SOAK_LEAD_MS
    block: int = BLOCK  # samples, at 48 kHz
    load: int = 0  # busy processes, beside the middle third of the soak
    prefers: bool = True  # let the threads that keep time go first, where the system allows it

    def __post_init__(self) -> None:
        from engine.runner import LEAD_MS

        for name, value, low, high in (
            ("minutes", self.minutes, 0.0, 24 * 60.0),
            ("switches", self.switches, 0, 10_000),
            ("seams", self.seams, 0, 1_000),
            ("block", self.block, 1, 8192),
            ("load", self.load, 0, MAX_LOAD),
            *(("lead_ms", lead_ms, *LEAD_MS) for lead_ms in (*self.leads_ms, self.soak_lead_ms)),
        ):
            if not low <= value <= high:
                raise OptionError.of(name, value, f"{low:g} to {high:g}")


def measure(folder: "Path | None", options: EngineOptions, plan: Plan) -> dict[str, Any]:
    """Measure both parts."""
    from engine.commands.take import open_bundle

    bundle = open_bundle(folder, options)
    leads = plan.leads_ms if plan.switches else ()
    found = [_switch(bundle, lead_ms, plan) for lead_ms in leads]
    seams = _take_over(bundle, plan) if plan.seams else None
    soak = _soak(bundle, plan) if plan.minutes else None
    return {
        "live": True,
        "block": plan.block,
        "threads": options.threads,
        "switches": [_switch_fields(one) for one in found],
        "seams": _seam_fields(seams) if seams else None,
        "soak": _soak_fields(soak, plan.load) if soak else None,
        "bundle": bundle.id,
        "bundle_name": bundle.manifest.name,
        "backend": bundle.backend.name,
        "backend_reason": bundle.backend.reason,
        "machine": machine.describe(),
    }


def _switch(bundle: "Bundle", lead_ms: float, plan: Plan) -> "Switches":
    from engine.commands import bench_switches

    seconds = plan.switches * bench_switches.MEAN_GAP_SECONDS
    with _progress(f"{plan.switches} switches at {lead_ms:g} ms", seconds) as show:
        return bench_switches.measure(
            bundle,
            lead_ms=lead_ms,
            switches=plan.switches,
            block=plan.block,
            prefers=plan.prefers,
            progress=show,
        )


def _take_over(bundle: "Bundle", plan: Plan) -> "Seams":
    from engine.commands import bench_seams

    seconds = plan.seams * 30.0  # of music, heard or made
    with _progress(f"{plan.seams} take-overs", seconds) as show:
        return bench_seams.measure(
            bundle, lead_ms=plan.soak_lead_ms, seams=plan.seams, progress=show
        )


def _soak(bundle: "Bundle", plan: Plan) -> "Soak":
    from engine.commands import bench_soak

    with _progress("soak", 60 * plan.minutes) as show:
        return bench_soak.measure(
            bundle,
            seconds=60 * plan.minutes,
            lead_ms=plan.soak_lead_ms,
            block=plan.block,
            load=plan.load,
            prefers=plan.prefers,
            progress=show,
        )


@contextmanager
def _progress(what: str, seconds: float) -> Iterator[Callable[[float], None]]:
    """Show how much music there was; yields a function of the part, 0..1."""
    from engine.commands.progress import progress_bar

    frames = round(seconds * FRAME_RATE)
    with progress_bar(what, frames) as show:
        yield lambda part: show(round(part * frames), frames)


def _switch_fields(found: "Switches") -> dict[str, Any]:
    return {
        "lead_ms": found.lead_ms,
        "priority": found.priority,
        "asked": found.asked,
        "heard": len(found.ear_ms),
        "prompt_to_ear_ms": _percentiles(found.ear_ms),
        "prompt_to_frame_ms": _percentiles(found.frame_ms),
        "late_frames": found.late_frames,
        "underruns": found.underruns,
        "overtaken": found.overtaken,
        "skipped_frames": found.skipped_frames,
        "wrong_samples": found.wrong_samples,
    }


def _percentiles(times: list[float]) -> dict[str, float] | None:
    if not times:
        return None
    times = sorted(times)
    p50, p95 = (times[ceil(share * (len(times) - 1))] for share in (0.5, 0.95))
    return {"p50": round(p50, 1), "p95": round(p95, 1), "worst": round(times[-1], 1)}


def _seam_fields(found: "Seams") -> dict[str, Any]:
    return {
        "lead_ms": found.lead_ms,
        "take_overs": len(found.step_db),
        "step_db": _percentiles([abs(step) for step in found.step_db]),
        "own_step_db": _percentiles([abs(step) for step in found.own_step_db]),
        "click_over_own_lines_db": _percentiles(found.click_db),
    }


def _soak_fields(soak: "Soak", load: int) -> dict[str, Any]:
    assert soak.status is not None, "a soak ends with a status"
    return {
        "seconds": round(soak.seconds, 1),
        "lead_ms": soak.lead_ms,
        "load": load,
        "priority": soak.status.priority,
        "start_seconds": round(soak.start_seconds, 3),
        "late_frames": soak.status.late_frames,
        "underruns": soak.status.underruns,
        "overtaken": soak.status.overtaken,
        "skipped_frames": soak.status.skipped_frames,
        "frames": soak.status.frame_ms.frames,
        "frame_ms": frame_ms(soak.status.frame_ms),
        "memory_mb": round(soak.memory_mb, 1),
        "memory_growth_mb": round(soak.memory_growth_mb, 2),
        "recovered_seconds": None
        if soak.recovered_seconds is None
        else round(soak.recovered_seconds, 1),
        "parts": [
            {
                "name": part.name,
                "seconds": round(part.seconds, 1),
                "late_frames": part.late_frames,
                "underruns": part.underruns,
                "skipped_frames": part.skipped_frames,
                "shed_max": part.shed_max,
                "shed_end": part.shed_end,
            }
            for part in soak.parts
        ],
        "remarks": soak.remarks[-20:],
    }


def show(found: dict[str, Any]) -> None:
    """Print what was measured, for people."""
    place = found["machine"]
    print(
        f"{place['cpu']}, {place['cores']} cores, {found['threads']} threads, "
        f"{found['backend_reason']}; blocks of {found['block']} at 48 kHz"
    )
    if found["switches"]:
        print("prompt to ear:")
        print("    lead     heard      p50      p95    worst   late  unlike the log")
    for one in found["switches"]:
        ear = one["prompt_to_ear_ms"] or dict.fromkeys(("p50", "p95", "worst"), float("nan"))
        print(
            f"{one['lead_ms']:5.0f} ms {one['heard']:4}/{one['asked']:4} {ear['p50']:5.0f} ms "
            f"{ear['p95']:5.0f} ms {ear['worst']:5.0f} ms {one['late_frames']:6} "
            f"{one['wrong_samples']} samples"
        )
    if seams := found["seams"]:
        _show_seams(seams)
    if soak := found["soak"]:
        _show_soak(soak)


def _show_seams(seams: dict[str, Any]) -> None:
    print(f"{seams['take_overs']} take-overs at {seams['lead_ms']:g} ms:    p50    p95  worst")
    for name, title in (
        ("step_db", "loudness step, dB"),
        ("own_step_db", "the same between bars of what was heard"),
        ("click_over_own_lines_db", "click over the take's own bar lines, dB"),
    ):
        one = seams[name]
        print(f"  {title:40} {one['p50']:6.1f} {one['p95']:6.1f} {one['worst']:6.1f}")


def _show_soak(soak: dict[str, Any]) -> None:
    times = soak["frame_ms"]
    print(
        f"{soak['seconds']:.0f} s at {soak['lead_ms']:g} ms: {soak['late_frames']} late frames of "
        f"{soak['frames']:,}, {soak['underruns']} breaks; a frame took {times['p50']:.1f} ms "
        f"(p95 {times['p95']:.1f}, p99 {times['p99']:.1f}, worst {times['worst']:.1f})"
    )
    for part in soak["parts"]:
        given_up = ("nothing", "guidance", "guidance and fine levels")[part["shed_max"]]
        print(
            f"  {part['name']:>6} {part['seconds']:5.0f} s: {part['late_frames']} late, "
            f"{part['underruns']} breaks, {part['skipped_frames']} left out, gave up {given_up}"
        )
    if soak["recovered_seconds"] is not None:
        print(f"  in full again {soak['recovered_seconds']:.1f} s after the load")
    print(f"memory {soak['memory_mb']:.0f} MB, grew by {soak['memory_growth_mb']:.1f} MB")
