"""The options that commands share, as typer types; ranges and help of what a player turns are the
one table's.

typer checks only types here: ranges are checked by the engine, so that every message is the
engine's own.
"""

from pathlib import Path
from typing import Annotated

import typer

from engine.commands.where import VARIABLE
from engine.options import BACKENDS, MAX_THREADS
from engine.params import PARAMETERS


def help_of(name: str) -> str:
    """A parameter's help with its range, from the one table."""
    row = PARAMETERS[name]
    expected = "" if row.kind != "number" else f" {row.expected[0].upper()}{row.expected[1:]}."
    return row.help + expected


Output = Annotated[Path, typer.Option("--output", "-o", help="The WAV file to write.")]
Picture = Annotated[
    Path | None,
    typer.Option(help="Also write a spectrogram with the prompt changes marked, as PNG."),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")
]
Bundle = Annotated[
    Path | None,
    typer.Option(
        envvar=VARIABLE, help="The folder with the model.", show_default="bundles/default"
    ),
]
BackendName = Annotated[
    str, typer.Option("--backend", help=f"What runs the graphs: {', '.join(BACKENDS)}.")
]
Threads = Annotated[int, typer.Option(help=f"CPU threads, 1 to {MAX_THREADS}.")]
Block = Annotated[
    int, typer.Option(help="Frames between two looks at the progress; changes no sample.")
]
Guard = Annotated[
    bool,
    typer.Option(
        help="Check what is about to be written: cut samples to full scale, and refuse a take "
        "that is silent from end to end. Without it, the file holds 32-bit floats as the model "
        "made them. NaN is always refused."
    ),
]
Seconds = Annotated[float, typer.Option(help="Length, at most 3600.")]
Seed = Annotated[int, typer.Option(help=help_of("seed"))]
Tempo = Annotated[float | None, typer.Option(help=help_of("tempo"), show_default="the prompt's")]
Key = Annotated[
    str | None,
    typer.Option(
        help=f"{help_of('key')} Like 'D minor', 'Eb', 'F#m'.", show_default="the prompt's"
    ),
]
Drums = Annotated[
    bool | None,
    typer.Option("--drums/--no-drums", help=help_of("drums"), show_default="the prompt's"),
]
Harmony = Annotated[bool, typer.Option("--harmony/--no-harmony", help=help_of("harmony"))]
Density = Annotated[float | None, typer.Option(help=help_of("density"), show_default="the model's")]
Brightness = Annotated[
    float | None, typer.Option(help=help_of("brightness"), show_default="the model's")
]
Temperature = Annotated[float, typer.Option(help=help_of("temperature"))]
Guidance = Annotated[
    float | None, typer.Option(help=help_of("guidance"), show_default="the bundle's")
]

TEMPERATURE = (
    1.0 if PARAMETERS["temperature"].default is None else float(PARAMETERS["temperature"].default)
)
