"""Material for export: a little held-out music in every form, so that export needs no corpus.

    python -m training.material --data data/prepared --out data/runs/material

Writes `material.npz` (audio [C, N] and rows [T, ROW_WIDTH] of one stretch, `clip0` ... of several
lengths), `material.json` (captions to measure the text tower on, and what the training corpus
holds), `harmony.json` (how each genre moves harmonically) and `odds.safetensors` (which codes a kit
makes likelier).
"""

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from safetensors.numpy import save_file

from engine.row import encode_labels
from training.code_odds import kit_odds
from training.corpus.vocabulary import load_vocabulary
from training.data import Prepared, load
from training.idioms import idioms
from training.train_semantic import slice_labels

FRAMES = 100  # of the stretch
LEAD = 50  # frames into the piece: past a count-in
CLIP_FRAMES = (25, 60, 125, 250)
CAPTIONS = 200


def corpus_record(data: Prepared) -> dict[str, Any]:
    """How much music, and of what."""
    hours: dict[str, float] = {}
    for scene in data.scenes:
        genre = scene.meta["genre"]
        hours[genre] = hours.get(genre, 0.0) + scene.frames / 90_000
    versions = sorted({piece.meta["composer_version"] for piece in data.pieces})
    return {
        "hours": round(data.frames / 90_000, 2),
        "pieces": len(data.pieces),
        "composer_versions": versions,
        "hours_by_genre": {genre: round(value, 2) for genre, value in sorted(hours.items())},
    }


def music_words() -> list[str]:
    """Every word and phrase of the caption banks: what the text tower must know, however rare."""
    banks = [load_vocabulary(name).words for name in ("training", "held_out")]
    return sorted(
        {
            phrase
            for bank in banks
            for values in bank.values()
            for phrases in values.values()
            for phrase in phrases
        }
    )


def main(
    data: Annotated[Path, typer.Option(help="folder of prepared splits train/ and valid/")] = Path(
        "data/prepared"
    ),
    out: Annotated[Path, typer.Option(help="folder to write")] = Path("data/runs/material"),
) -> None:
    """Write what export measures parity on."""
    train, valid = load(data / "train"), load(data / "valid")
    start = valid.pieces[0].start + LEAD
    clips = {
        f"clip{index}": valid.audio(piece.start, frames)
        for index, (piece, frames) in enumerate(zip(valid.pieces, CLIP_FRAMES, strict=False))
    }
    rows = encode_labels(slice_labels(valid.labels, start, FRAMES))
    out.mkdir(parents=True, exist_ok=True)
    np.savez(out / "material.npz", audio=valid.audio(start, FRAMES), rows=rows, **clips)
    captions = [text for scene in valid.scenes for text in scene.meta["captions"]][:CAPTIONS]
    with np.load(data / "train" / "styles.npz", allow_pickle=False) as styles:
        book = {"idioms": idioms(train, dict(styles))}
    (out / "harmony.json").write_text(json.dumps(book))
    tokens = np.load(data / "train" / "tokens.npy", mmap_mode="r")
    save_file({"drums": kit_odds(train, tokens)}, out / "odds.safetensors")
    record = {"captions": captions, "words": music_words(), "corpus": corpus_record(train)}
    (out / "material.json").write_text(json.dumps(record, indent=1))
    typer.echo(json.dumps(record["corpus"]))


if __name__ == "__main__":
    typer.run(main)
