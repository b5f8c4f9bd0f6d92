"""`antiphon live`: play through a sound card, with keys, MIDI and Link, until the player quits."""

from pathlib import Path
from typing import Annotated

import typer

from engine.commands import options as opt
from engine.options import KEEP_AS, KEEP_BARS, EngineOptions

GLIDE_SECONDS = 1.0  # between prompts; the parameter itself begins at 0
LEAD_MS = 80.0  # the runner's default


def live(
    prompts: Annotated[
        list[str] | None,
        typer.Argument(help="What is in slots 1 to 8; slot 1 plays.", show_default=False),
    ] = None,
    slots: Annotated[
        Path | None, typer.Option(help="A TOML file of prompts, tempo, key and seed.")
    ] = None,
    tempo: opt.Tempo = None,
    key: opt.Key = None,
    seed: Annotated[int | None, typer.Option(help=opt.help_of("seed"), show_default="0")] = None,
    temperature: opt.Temperature = opt.TEMPERATURE,
    guidance: opt.Guidance = None,
    glide: Annotated[float, typer.Option(help=opt.help_of("glide"))] = GLIDE_SECONDS,
    mode: Annotated[str, typer.Option(help="play, listen, continue or answer.")] = "play",
    prime: Annotated[
        Path | None,
        typer.Option(help="An audio file to go on from, in its tempo, key and style."),
    ] = None,
    lead: Annotated[
        float,
        typer.Option(help="Milliseconds of sound kept ready, 20 to 500: less is quicker to turn."),
    ] = LEAD_MS,
    device: Annotated[
        str | None,
        typer.Option(help="What plays: a number or part of a name.", show_default="the system's"),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            "--input",
            help="What is listened to, likewise; 'default' for the system's. With --null: an "
            "audio file.",
            show_default="nothing",
        ),
    ] = None,
    rate: Annotated[
        int | None, typer.Option(help="Hz of the sound card.", show_default="its own")
    ] = None,
    block: Annotated[int, typer.Option(help="Samples a callback; 0 as the card likes.")] = 0,
    list_devices: Annotated[
        bool, typer.Option("--list-devices", help="Show sound cards and MIDI inputs, and end.")
    ] = False,
    null: Annotated[
        bool, typer.Option("--null", help="Play without a sound card, in real time.")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option(help="End after so much music.", show_default="never")
    ] = None,
    midi: Annotated[
        list[str] | None,
        typer.Option(help="A MIDI input, by part of its name, or 'all'; may be repeated."),
    ] = None,
    midi_channel: Annotated[
        int | None, typer.Option(help="Listen to this channel, 1 to 16.", show_default="all")
    ] = None,
    programs: Annotated[
        str, typer.Option(help="When a program change takes effect: now, beat, bar or phrase.")
    ] = "now",
    link: Annotated[bool, typer.Option("--link", help="Share tempo over Ableton Link.")] = False,
    take: Annotated[
        Path | None,
        typer.Option(
            help="The folder that the take and kept bars go to.", show_default="takes/<date-time>"
        ),
    ] = None,
    keep_as: Annotated[
        str, typer.Option(help=f"Format of kept bars: {', '.join(KEEP_AS)}.")
    ] = KEEP_AS[0],
    keep_bars: Annotated[int, typer.Option(help="How many bars the key k keeps.")] = KEEP_BARS,
    threads: opt.Threads = EngineOptions.threads,
    bundle: opt.Bundle = None,
    backend: opt.BackendName = EngineOptions.backend,
    as_json: opt.Json = False,
) -> None:
    """Play live: type, pick and mix prompts while the music goes on. ? shows the keys.

    Everything is recorded: `antiphon replay` plays a take again, bit for bit.
    """
    if list_devices:
        from engine.commands.devices import print_devices

        print_devices(as_json=as_json)
        return
    from engine.commands.live_set import play
    from engine.live.choices import Choices

    choices = Choices(
        prompts=tuple(prompts or ()),
        slots=slots,
        tempo=tempo,
        key=key,
        seed=seed,
        temperature=temperature,
        guidance=guidance,
        glide=glide,
        mode=mode,
        prime=prime,
        lead_ms=lead,
        device=device,
        listen=listen,
        rate=rate,
        block=block,
        is_null=null,
        seconds=seconds,
        midi=tuple(midi or ()),
        midi_channel=midi_channel,
        programs=programs,
        has_link=link,
        take=take,
        keep_as=keep_as,
        keep_bars=keep_bars,
        engine=EngineOptions(threads=threads, backend=backend),
        bundle=bundle,
    )
    play(choices, as_json=as_json)
