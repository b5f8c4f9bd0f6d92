"""Turn prepared audio into what the language model learns from: tokens and style vectors.

Writes beside a prepared split: `tokens.npy` [frames, 13] uint16 (semantic first, then acoustic) and
`styles.npz` (per piece: `audio` [pieces, 128] mean MuLan embedding of 5 s clips; `text` [captions,
128] with `text_piece` [captions] saying whose caption each row is).

    python -m training.make_tokens --data data/prepared/train --codec data/runs/codec \\
        --semantic data/runs/semantic --mulan data/runs/mulan
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
from models import codec as codecs
from models import mulan as mulans
from models import semantic as semantics
from training.captions_cache import cached
from training.data import Piece, Prepared, load

GROUP = 8  # pieces encoded side by side
CLIPS, CLIP_FRAMES = 6, 125  # per piece, of 5 s, for its audio style


def piece_frames(data: Prepared, group: list[Piece]) -> torch.Tensor:
    """Frames of some pieces [B, T, C * F], zero-padded to the longest."""
    longest = max(piece.frames for piece in group)
    channels, size = data.format.channels, data.format.frame_samples
    frames = np.zeros((len(group), longest, channels * size), np.float32)
    for row, piece in enumerate(group):
        audio = data.audio(piece.start, piece.frames).reshape(channels, piece.frames, size)
        frames[row, : piece.frames] = audio.transpose(1, 0, 2).reshape(piece.frames, -1)
    return torch.from_numpy(frames)


def make_tokens(
    data: Prepared, codec: codecs.Codec, semantic: semantics.SemanticTokenizer
) -> NDArray[np.uint16]:
    """Encode a whole split, each piece from silence: [frames, 13]."""
    tokens = np.zeros((data.frames, 1 + codec.config.levels), np.uint16)
    order = sorted(data.pieces, key=lambda piece: piece.frames)
    with Progress() as progress, torch.no_grad():
        bar = progress.add_task("tokens", total=len(order))
        for first in range(0, len(order), GROUP):
            group = order[first : first + GROUP]
            frames = piece_frames(data, group)
            codes = codec.quantizer.encode(codec.encoder(frames))
            both = torch.cat([semantic.encode(frames), codes], -1).numpy()
            for piece, part in zip(group, both, strict=True):
                tokens[piece.start : piece.start + piece.frames] = part[: piece.frames]
            progress.advance(bar, len(group))
    return tokens


def make_styles(data: Prepared, mulan: mulans.Mulan) -> dict[str, NDArray[Any]]:
    """Embed every piece's audio and captions with a trained MuLan."""
    audio = np.zeros((len(data.pieces), STYLE_WIDTH), np.float32)
    with torch.no_grad(), Progress() as progress:
        for row, piece in enumerate(progress.track(data.pieces, description="audio styles")):
            span = min(CLIP_FRAMES, piece.frames)
            starts = np.linspace(0, piece.frames - span, CLIPS).astype(int)
            clips = np.stack([data.audio(piece.start + start, span) for start in starts])
            mean = mulan.audio(torch.from_numpy(clips)).mean(0)
            audio[row] = torch.nn.functional.normalize(mean, dim=-1).numpy()
        captions = cached([piece.meta for piece in data.pieces], data.root)
        text = mulan.text(torch.from_numpy(captions.vectors.astype(np.float32))).numpy()
    rows = np.concatenate([np.array(list(views)) for views in captions.views])
    owners = np.concatenate([np.full(len(views), i) for i, views in enumerate(captions.views)])
    return {"audio": audio, "text": text[rows], "text_piece": owners}


def main(
    data: Annotated[Path, typer.Option(help="one prepared split")],
    codec: Annotated[Path, typer.Option(help="trained codec")] = Path("data/runs/codec"),
    semantic: Annotated[Path, typer.Option(help="trained semantic tokenizer")] = Path(
        "data/runs/semantic"
    ),
    mulan: Annotated[Path, typer.Option(help="trained MuLan")] = Path("data/runs/mulan"),
    threads: int = 2,
) -> None:
    """Tokenise one prepared split."""
    torch.set_num_threads(threads)
    prepared = load(data)
    tokens = make_tokens(prepared, codecs.load(codec), semantics.load(semantic))
    np.save(data / "tokens.npy", tokens)
    np.savez(data / "styles.npz", **make_styles(prepared, mulans.load(mulan)))
    use = [len(np.unique(tokens[:, level])) for level in range(tokens.shape[1])]
    typer.echo(json.dumps({"frames": len(tokens), "codes_in_use": use}))


if __name__ == "__main__":
    typer.run(main)
