"""`antiphon render`: one prompt, one file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from engine.commands.take import Files, Setup, StyleOf, record
from engine.options import EngineOptions, SamplingOptions

if TYPE_CHECKING:
    from engine.bundle import Bundle
    from engine.row import Vector


def render(
    prompt: Annotated[
        str, typer.Argument(help="What to play, in words. May be left out with --style-audio.")
    ] = "",
    output: opt.Output = Path("antiphon.wav"),
    seconds: opt.Seconds = 20.0,
    seed: opt.Seed = 0,
    tempo: opt.Tempo = None,
    key: opt.Key = None,
    drums: opt.Drums = None,
    density: opt.Density = None,
    brightness: opt.Brightness = None,
    harmony: opt.Harmony = True,
    style_audio: Annotated[
        Path | None,
        typer.Option(
            help="An audio file whose style takes the place of the prompt's words; what the "
            "prompt says of tempo, key, meter and instruments still counts."
        ),
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
    """Play one prompt into a WAV file. The same options give the same samples."""
    from engine.prompt_parser import ParsedPrompt, parse
    from engine.reading.keys import read_key
    from engine.story import single

    is_wordless = style_audio is not None and not prompt
    story = single(
        ParsedPrompt(text="") if is_wordless else parse(prompt),
        seconds,
        said=prompt or f"in the style of {style_audio.name if style_audio else ''}",
        seed=seed,
        tempo_bpm=tempo,
        key=None if key is None else read_key(key),
        drums=drums,
        density=density,
        brightness=brightness,
        harmony=harmony,
    )
    setup = Setup(
        bundle=bundle,
        engine=EngineOptions(threads=threads, backend=backend),
        sampling=SamplingOptions(temperature=temperature, guidance=guidance),
        seed=seed,
        block=block,
        guard=guard,
    )
    style_of = _style_of(style_audio) if style_audio else None
    take = record(
        story,
        setup,
        Files(audio=output, picture=picture),
        title=story.cues[0].said,
        style_of=style_of,
    )
    if not as_json:
        print_understood(take.story)
        print_take(take)
        return
    heard = {
        "prompt": prompt_fields(story.cues[0].prompt),
        "controls": controls_fields(take.story, 0),
    }
    print_json(
        take_fields(take) | heard | {"style_audio": str(style_audio) if style_audio else None}
    )


def _style_of(path: Path) -> StyleOf:
    """How to get the style of an audio file, once the bundle is open."""

    def read(bundle: "Bundle") -> "Vector":
        from engine import audio_file
        from engine.stages import style_audio

        return style_audio.encode(bundle, audio_file.read(path, bundle.audio))

    return read
