"""`antiphon story`: a file of timed prompts, one piece."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.commands import options as opt
from engine.commands.report import (
    controls_fields,
    print_json,
    print_take,
    print_understood,
    prompt_fields,
    take_fields,
)
from engine.commands.take import Files, Setup, record
from engine.options import EngineOptions, SamplingOptions

if TYPE_CHECKING:
    from engine.timeline import Story


def story(
    file: Annotated[Path, typer.Argument(help="A story file; see examples/.", show_default=False)],
    output: opt.Output = Path("story.wav"),
    seed: Annotated[
        int | None, typer.Option(help="In place of the file's.", show_default="the file's")
    ] = None,
    temperature: opt.Temperature = opt.TEMPERATURE,
    guidance: opt.Guidance = None,
    picture: opt.Picture = None,
    threads: opt.Threads = EngineOptions.threads,
    block: opt.Block = 1,
    bundle: opt.Bundle = None,
    backend: opt.BackendName = EngineOptions.backend,
    guard: opt.Guard = True,
    as_json: opt.Json = False,
) -> None:
    """Play a story into a WAV file: prompts at seconds or bars, tempo and key held or gliding."""
    from engine.story import load

    piece = load(file)
    setup = Setup(
        bundle=bundle,
        engine=EngineOptions(threads=threads, backend=backend),
        sampling=SamplingOptions(temperature=temperature, guidance=guidance),
        seed=piece.seed if seed is None else seed,
        block=block,
        guard=guard,
    )
    take = record(
        piece, setup, Files(audio=output, picture=picture), title=file.stem.replace("_", " ")
    )
    if as_json:
        print_json(take_fields(take) | {"story": str(file), "cues": _cues(take.story)})
        return
    print_understood(take.story)
    print_take(take)


def _cues(piece: "Story") -> list[dict[str, Any]]:
    return [
        {
            "at_seconds": round(cue.second, 6),
            "frame": cue.frame,
            "said": cue.said,
            "prompt": prompt_fields(cue.prompt),
            "controls": controls_fields(piece, cue.frame),
        }
        for cue in piece.cues
    ]
