"""`antiphon match`: of some prompts, the one that a recording sounds most like.

The recording's style and each prompt's meet in the space of the MuLan towers (Huang et al., 2022,
arXiv:2208.12415); the cosine between them is what is printed.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from engine.commands import options as opt
from engine.commands.report import print_json
from engine.errors import InputError
from engine.options import EngineOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.bundle import Bundle

MOST_SECONDS: Final = 60  # of the middle of a recording, that its style is taken of
WINDOW_SECONDS: Final = 10  # as long as what the audio tower was trained on


def match(
    recording: Annotated[
        Path, typer.Argument(help="A WAV, FLAC, OGG, MP3 or AIFF file.", show_default=False)
    ],
    prompts: Annotated[list[str], typer.Argument(help="Two prompts or more.", show_default=False)],
    threads: opt.Threads = EngineOptions.threads,
    bundle: opt.Bundle = None,
    backend: opt.BackendName = EngineOptions.backend,
    as_json: opt.Json = False,
) -> None:
    """Say which of some prompts a recording sounds most like."""
    from engine import audio_file, prompt_parser
    from engine.commands.take import open_bundle

    if len(prompts) < 2:
        raise InputError(f"there is {len(prompts)} prompt, expected two or more to choose from.")
    texts = [prompt_parser.parse(prompt).text for prompt in prompts]
    opened = open_bundle(bundle, EngineOptions(threads=threads, backend=backend))
    cosines = _cosines(opened, audio_file.read(recording, opened.audio), texts)
    ranked = sorted(zip(cosines, prompts, strict=True), reverse=True)
    if as_json:
        matches = [{"prompt": prompt, "cosine": round(cosine, 4)} for cosine, prompt in ranked]
        print_json({"recording": str(recording), "bundle": opened.id, "matches": matches})
        return
    for cosine, prompt in ranked:
        print(f"{cosine:6.3f}  {prompt}")


def _cosines(bundle: "Bundle", audio: "NDArray[np.float32]", texts: list[str]) -> list[float]:
    """How near a recording, [C, N], is to each text: -1..1."""
    import numpy as np

    from engine.stages import prompt, style_audio
    from engine.unit import unit

    window, most = (seconds * bundle.audio.rate for seconds in (WINDOW_SECONDS, MOST_SECONDS))
    start = max(0, audio.shape[1] - most) // 2
    middle = audio[:, start : start + most]
    count = max(1, middle.shape[1] // window)
    styles = [style_audio.encode(bundle, part) for part in np.array_split(middle, count, axis=1)]
    heard = unit(np.sum(styles, axis=0))
    if heard is None:
        raise InputError("the recording's styles cancel out. Match a shorter part of it.")
    return [float(heard @ prompt.encode(bundle, text)) for text in texts]
