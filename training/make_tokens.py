"""Turn prepared audio into tokens for the language model.

    python -m training.make_tokens --data data/prepared/train

Writes `tokens.npy` [frames, 13] uint16 (semantic first, then acoustic) beside a prepared split.
"""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.progress import Progress

from models import codec as codecs
from models import semantic as semantics
from training.data import Piece, Prepared, load

GROUP = 8  # pieces encoded side by side


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


def main(
    data: Annotated[Path, typer.Option(help="one prepared split")],
    codec: Annotated[Path, typer.Option(help="trained codec")] = Path("data/runs/codec"),
    semantic: Annotated[Path, typer.Option(help="trained semantic tokenizer")] = Path(
        "data/runs/semantic"
    ),
    threads: int = 2,
) -> None:
    """Tokenise one prepared split."""
    torch.set_num_threads(threads)
    prepared = load(data)
    tokens = make_tokens(prepared, codecs.load(codec), semantics.load(semantic))
    np.save(data / "tokens.npy", tokens)
    use = [len(np.unique(tokens[:, level])) for level in range(tokens.shape[1])]
    typer.echo(json.dumps({"frames": len(tokens), "codes_in_use": use}))


if __name__ == "__main__":
    typer.run(main)
