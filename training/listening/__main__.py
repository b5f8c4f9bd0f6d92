"""Make the page to listen to.

    python -m training.listening --bundle bundles/default --corpus data/corpus/valid

Side by side, for one held-out piece of each of a few genres: the original, what the codec keeps of
it at 1, 4, 8 and 12 levels, and what the bundle plays for the same words; each with its spectrogram
and what was measured. The same bundle, corpus and seed give the same files.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from engine.backends import open_backend
from engine.bundle import Bundle
from engine.errors import AntiphonError
from training.evaluation.judge import Judge, MulanJudge
from training.evaluation.studio import progress
from training.listening.clips import clips_of
from training.listening.excerpts import excerpts
from training.listening.page import Row, write


def make_page(
    bundle: Bundle,
    judge: Judge,
    corpus: Path,
    out: Path,
    *,
    genres: int,
    seconds: float,
    seed: int,
) -> int:
    """Make the page; return its size in bytes.

    Raises:
        InputError: the corpus has too few pieces.
        OptionError: the page would be too large.
    """
    found = excerpts(corpus, bundle.audio, genres, seconds)
    rows = [
        Row(excerpt, clips_of(excerpt, bundle, judge, seconds, seed))
        for excerpt in progress(found, len(found), "making clips")
    ]
    return write(out, rows, about(bundle, seconds, seed), bundle.audio.rate)


def about(bundle: Bundle, seconds: float, seed: int) -> list[str]:
    """What the page says at its top."""
    said: dict[str, Any] = dict(bundle.manifest.provenance)
    steps = said.get("runs", {}).get("lm", {}).get("steps")
    trained = f", language model of {steps} steps" if steps else ""
    return [
        f"Bundle {bundle.manifest.name} {bundle.id[:12]}{trained}, {bundle.audio.rate} Hz. Each "
        f"sound lasts {seconds:g} s. The originals are held-out pieces of the corpus: no model has "
        "learned from them. What is generated was asked for with the words above it and seed "
        f"{seed}, and with nothing else; the first take is shown, none was chosen. The words are "
        "captions of the corpus, with the misspellings that it has on purpose.",
        "Tempo and key are what our estimators hear, genre and cosine what the judge hears (a "
        "model trained apart for this): they err on originals too. A codec level is one token of "
        "10 bits per 40 ms. Spectrograms: 30 Hz to half the rate, logarithmic, down to 60 dB under "
        "each sound's loudest point.",
    ]


def main(
    bundle: Annotated[Path, typer.Option(help="what plays")] = Path("bundles/default"),
    corpus: Annotated[Path, typer.Option(help="held-out pieces")] = Path("data/corpus/valid"),
    out: Annotated[Path, typer.Option(help="folder to write")] = Path("docs/listening"),
    genres: Annotated[int, typer.Option(help="one piece of each", min=1)] = 6,
    seconds: Annotated[float, typer.Option(help="of each sound", min=5, max=30)] = 6.0,
    seed: Annotated[int, typer.Option(help="of what is generated")] = 7,
    threads: Annotated[int, typer.Option(help="of each inference", min=1)] = 1,
) -> None:
    """Make the page to listen to."""
    torch.set_num_threads(threads)
    try:
        opened = Bundle.open(bundle, open_backend(threads=threads))
        judge = MulanJudge.open(bundle)
        size = make_page(opened, judge, corpus, out, genres=genres, seconds=seconds, seed=seed)
    except AntiphonError as exc:
        print(f"listening: {exc}", file=sys.stderr)
        raise typer.Exit(2) from exc
    typer.echo(json.dumps({"page": str(out / "index.html"), "bytes": size}))


if __name__ == "__main__":
    typer.run(main)
