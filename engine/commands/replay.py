"""`antiphon replay`: a performance, from its control log, into a file."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.commands import options as opt
from engine.commands.report import JsonObject, print_json
from engine.options import EngineOptions

if TYPE_CHECKING:
    from engine.bundle import Bundle
    from engine.replay import Replayed


def replay(
    log: Annotated[
        Path, typer.Argument(help="A control log, like take.jsonl.", show_default=False)
    ],
    output: opt.Output = Path("replay.wav"),
    threads: opt.Threads = EngineOptions.threads,
    bundle: opt.Bundle = None,
    backend: opt.BackendName = EngineOptions.backend,
    as_json: opt.Json = False,
) -> None:
    """Play a recorded performance again, bit for bit, into a WAV file of 32-bit floats.

    What was heard while it was played is read from beside the log: take.input.wav.
    """
    from engine import control_log
    from engine import output as files
    from engine.commands.progress import progress_bar
    from engine.commands.take import open_bundle
    from engine.replay import replay as play_again

    take = control_log.read(log)
    with files.reserve(output, ".wav") as part:
        opened = open_bundle(bundle, EngineOptions(threads=threads, backend=backend))
        frames = max((operation.frame for operation in take.operations), default=0)
        with progress_bar("replaying", frames) as progress:
            replayed = play_again(opened, take, progress=progress)
        digest = files.write_wav(part, replayed.audio, replayed.rate, "FLOAT")
    fields = _fields(log, output, replayed, opened, digest)
    if as_json:
        print_json(fields)
        return
    _print(fields)


def _fields(
    log: Path, output: Path, replayed: "Replayed", bundle: "Bundle", digest: str
) -> JsonObject:
    return {
        "log": str(log),
        "output": str(output),
        "seconds": round(replayed.seconds, 6),
        "sample_rate": replayed.rate,
        "channels": len(replayed.audio),
        "sample_format": "FLOAT",
        "frames": replayed.frames,
        "frames_made": replayed.made,
        "realtime_factor": round(replayed.realtime_factor, 3),
        "answers": dict(Counter(ack.what for ack in replayed.acks)),
        "marks": [{"frame": frame, "text": text} for frame, text in replayed.marks],
        "remarks": list(replayed.remarks),
        "sha256": digest,
        "bundle": bundle.id,
        "backend": bundle.backend.name,
    }


def _print(fields: JsonObject) -> None:
    answers = ", ".join(f"{count} {what}" for what, count in fields["answers"].items())
    print(f"{fields['output']}: {fields['seconds']:.2f} s of {fields['log']}")
    print(f"{fields['realtime_factor']:.1f} times real time; requests: {answers or 'none'}")
    for remark in fields["remarks"]:
        print(f"note: {remark}")
