"""`antiphon bench`: how fast this machine plays the bundle, measured and reported without rounding
up.

Two parts. First a cold start: from the process's own start until the first frame is there, imports,
verification of the bundle and the text tower included. Then a run of whole seconds; every frame and
every second is timed. With --live it measures what a player feels instead: `bench_live`.
"""

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from engine.commands import bench_live, history, machine
from engine.commands import options as opt
from engine.commands.report import frame_ms, print_json
from engine.commands.take import open_bundle, styles_of
from engine.errors import OptionError
from engine.options import EngineOptions
from engine.spec import FRAME_MS, FRAME_RATE

if TYPE_CHECKING:
    from engine.bundle import Bundle
    from engine.offline import Rendering

PROMPT: Final = "house, 124 bpm, A minor, drums, bass and synth pads"


@dataclass(frozen=True)
class Run:
    """What was measured."""

    bundle: "Bundle"
    rendering: "Rendering"
    first_frame_seconds: float  # from the process's start
    second_factors: list[float]  # times real time, of each second of music


def bench(
    seconds: Annotated[int, typer.Option(help="How much music to make, 1 to 3600.")] = 60,
    threads: opt.Threads = EngineOptions.threads,
    bundle: opt.Bundle = None,
    backend: opt.BackendName = EngineOptions.backend,
    record: Annotated[
        Path | None, typer.Option(help="Append the result to this file, as one line of JSON.")
    ] = None,
    as_json: opt.Json = False,
    live: Annotated[
        bool, typer.Option("--live", help="Measure live playing on a paced null device instead.")
    ] = False,
    minutes: Annotated[
        float, typer.Option(help="Live: how long the soak is; 0 for none.")
    ] = bench_live.MINUTES,
    switches: Annotated[
        int, typer.Option(help="Live: prompts to switch to at each lead; 0 for none.")
    ] = bench_live.SWITCHES,
    seams: Annotated[
        int, typer.Option(help="Live: take-overs of what is heard; 0 for none.")
    ] = bench_live.SEAMS,
    lead: Annotated[
        list[float] | None,
        typer.Option(
            help="Live: a lead in ms to switch at; may be given again.", show_default="40, 80, 160"
        ),
    ] = None,
    soak_lead: Annotated[
        float, typer.Option(help="Live: the lead of the soak, in ms.")
    ] = bench_live.SOAK_LEAD_MS,
    block: Annotated[
        int, typer.Option(help="Live: samples a block of the device, at 48 kHz.")
    ] = bench_live.BLOCK,
    load: Annotated[
        int, typer.Option(help="Live: busy processes beside the middle third of the soak.")
    ] = 0,
    usual_priority: Annotated[
        bool,
        typer.Option("--usual-priority", help="Live: without the priority of real time."),
    ] = False,
) -> None:
    """Measure speed: times real time, frame times, memory, and the time to the first frame.

    With --live: from a request to the ear, late frames and memory over minutes.
    """
    if not 1 <= seconds <= 3600:
        raise OptionError.of("seconds", seconds, "a whole number from 1 to 3600")
    if record:
        history.require_appendable(record)
    options = EngineOptions(threads=threads, backend=backend)
    if live:
        plan = bench_live.Plan(
            minutes=minutes,
            switches=switches,
            seams=seams,
            leads_ms=tuple(lead or bench_live.LEADS_MS),
            soak_lead_ms=soak_lead,
            block=block,
            load=load,
            prefers=not usual_priority,
        )
        found = bench_live.measure(bundle, options, plan)
    else:
        found = _fields(_measure(seconds, bundle, options), options)
    if record:
        history.append(record, found)
    if as_json:
        print_json(found)
    else:
        (bench_live.show if live else _print)(found)


def _measure(seconds: int, folder: Path | None, options: EngineOptions) -> Run:
    from engine import offline
    from engine.commands.progress import progress_bar
    from engine.prompt_parser import parse
    from engine.session import Session
    from engine.story import single

    story = single(parse(PROMPT), float(seconds), said=PROMPT)
    bundle = open_bundle(folder, options)
    styles = styles_of(bundle, story)
    session = Session(bundle)
    session.step(story.controls(0, styles))
    first_frame_seconds = machine.seconds_since_start()
    session.reset()
    marks = [perf_counter()]
    with progress_bar("measuring", story.frames) as show:

        def progress(done: int, total: int) -> None:
            marks.append(perf_counter())
            show(done, total)

        rendering = offline.render(
            session,
            lambda frame: story.controls(frame, styles),
            frames=story.frames,
            block=FRAME_RATE,
            progress=progress,
        )
    factors = [1.0 / (after - before) for before, after in zip(marks, marks[1 : seconds + 1])]
    return Run(bundle, rendering, first_frame_seconds, factors)


def _fields(run: Run, options: EngineOptions) -> dict[str, Any]:
    made = run.rendering
    return {
        "seconds": round(made.seconds, 3),
        "frames": made.frames,
        "threads": options.threads,
        "realtime_factor": round(median(run.second_factors), 3),  # the median second of music
        "realtime_factor_overall": round(made.realtime_factor, 3),
        "realtime_factor_worst_second": round(min(run.second_factors), 3),
        "frame_ms": frame_ms(made.frame_times),
        "late_frames_possible": made.frame_times.worst > FRAME_MS,
        "first_frame_seconds": round(run.first_frame_seconds, 3),
        "peak_memory_mb": round(machine.peak_memory_bytes() / 1e6, 1),
        "sample_rate": made.rate,
        "channels": len(made.audio),
        "bundle": run.bundle.id,
        "bundle_name": run.bundle.manifest.name,
        "backend": run.bundle.backend.name,
        "backend_reason": run.bundle.backend.reason,
        "prompt": PROMPT,
        "machine": machine.describe(),
    }


def _print(found: dict[str, Any]) -> None:
    times, place = found["frame_ms"], found["machine"]
    print(
        f"{place['cpu']}, {place['cores']} cores, {found['threads']} threads, "
        f"{found['backend_reason']}"
    )
    print(
        f"{found['realtime_factor']:.1f} times real time in the median second, "
        f"{found['realtime_factor_worst_second']:.1f} in the worst"
    )
    print(
        f"a frame of {FRAME_MS:g} ms took {times['p50']:.2f} ms (p95 {times['p95']:.2f}, "
        f"p99 {times['p99']:.2f}, worst {times['worst']:.2f}) over {found['frames']:,} frames"
    )
    print(
        f"first frame {found['first_frame_seconds']:.2f} s after the start, "
        f"{found['peak_memory_mb']:.0f} MB at most"
    )
