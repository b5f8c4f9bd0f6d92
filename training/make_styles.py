"""Turn prepared audio and captions into style vectors for the language model.

    python -m training.make_styles --data data/prepared/train --mulan data/runs/mulan

Writes `styles.npz` beside a prepared split: `audio` [scenes, 128] mean MuLan embedding of 5 s
clips; `text` [captions, 128] with `text_piece` [captions] saying whose caption each row is. A scene
is a piece, or one of a medley's.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.progress import Progress

from engine.spec import STYLE_WIDTH
from models import mulan as mulans
from training.captions_cache import cached
from training.data import Prepared, load

CLIPS, CLIP_FRAMES = 6, 125  # per piece, of 5 s, for its audio style


def make_styles(data: Prepared, mulan: mulans.Mulan) -> dict[str, NDArray[Any]]:
    """Embed every piece's audio and captions with a trained MuLan."""
    audio = np.zeros((len(data.scenes), STYLE_WIDTH), np.float32)
    with torch.no_grad(), Progress() as progress:
        for row, piece in enumerate(progress.track(data.scenes, description="audio styles")):
            span = min(CLIP_FRAMES, piece.frames)
            starts = np.linspace(0, piece.frames - span, CLIPS).astype(int)
            clips = np.stack([data.audio(piece.start + start, span) for start in starts])
            mean = mulan.audio(torch.from_numpy(clips)).mean(0)
            audio[row] = torch.nn.functional.normalize(mean, dim=-1).numpy()
        captions = cached([scene.meta for scene in data.scenes], data.root)
        text = mulan.text(torch.from_numpy(captions.vectors.astype(np.float32))).numpy()
    rows = np.concatenate([np.array(list(views)) for views in captions.views])
    owners = np.concatenate([np.full(len(views), i) for i, views in enumerate(captions.views)])
    return {"audio": audio, "text": text[rows], "text_piece": owners}


def main(
    data: Annotated[Path, typer.Option(help="one prepared split")],
    mulan: Annotated[Path, typer.Option(help="trained MuLan")] = Path("data/runs/mulan"),
    threads: int = 2,
) -> None:
    """Embed one prepared split."""
    torch.set_num_threads(threads)
    styles = make_styles(load(data), mulans.load(mulan))
    np.savez(data / "styles.npz", **styles)
    typer.echo(json.dumps({name: list(array.shape) for name, array in styles.items()}))


if __name__ == "__main__":
    typer.run(main)
