"""Fit the chord and note estimators on pieces of the train split; again when the composer changes.

    python -m training.evaluation.fit_harmony --corpus data/corpus/train --pieces 120

In:  pieces on disk (mix.flac, labels.npz). Out: the chord's entry of `weights.json`, and
`notes.safetensors`; on stdout how often beats are named right in five-fold cross-validation, and
the F1 of notes on every fifth piece, which the network did not learn from.
Every second piece is worn: dull and noisy, as a small codec makes it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from safetensors.numpy import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from engine.errors import InputError
from engine.spec import FRAME_RATE, NOTE_ONSET, NOTE_SUSTAIN
from training.evaluation import chords, notes, weights
from training.evaluation.clips import read_opening, worn
from training.evaluation.fit import FOLDS, Choices, cross_validate, fit

SECONDS = 16.0  # of a piece's opening
RIDGE = 1e-3  # of the chord templates, chosen by cross-validation
HIDDEN = 64
STEPS, BATCH, RATE = 2500, 1024, 3e-3
EVERY = 7  # frames: neighbours say the same
THRESHOLDS = np.arange(-2.5, 1.0, 0.1)  # log-odds among which F1 chooses


class Piece(NamedTuple):
    """What one piece has to teach."""

    chord_features: NDArray[np.float32]  # [S, 24, F] of beats whose chord has a third
    chords: NDArray[np.int64]  # [S]
    note_features: NDArray[np.float32]  # [T, P, F]
    sounding: NDArray[np.bool_]  # [T, P]


def read_pieces(corpus: Path, count: int) -> Iterator[Piece]:
    """Features and truth of the openings of the first pieces of a split."""
    for number, path in enumerate(sorted(corpus.glob("*/piece.json"))[:count]):
        mono = read_opening(path.with_name("mix.flac"), SECONDS)
        if number % 2:
            mono = worn(mono, number)
        frames = round(SECONDS * FRAME_RATE)
        with np.load(path.with_name("labels.npz"), allow_pickle=False) as labels:
            beat, root, quality, note = (
                labels[name][:frames] for name in ("beat", "chord_root", "chord_quality", "notes")
            )
        asked = chords.asked_chords(beat, root, quality)
        has_third = (asked.third >= 0) & (asked.root >= 0)
        features = notes.note_features(mono)[: len(note) : EVERY]
        pitches = note[: len(mono) // notes.FRAME : EVERY, notes.LOWEST : notes.HIGHEST + 1]
        yield Piece(
            chords.chord_features(mono, asked.spans)[has_third].astype(np.float32),
            (asked.root + 12 * asked.third)[has_third],
            features,
            (pitches == NOTE_SUSTAIN) | (pitches == NOTE_ONSET),
        )


def fit_chords(pieces: list[Piece]) -> tuple[dict[str, float], float]:
    """Weights by the name of their feature, and the share of beats named right."""
    features = np.concatenate([piece.chord_features for piece in pieces])
    wanted = np.eye(24, dtype=np.float32)[np.concatenate([piece.chords for piece in pieces])]
    numbers = np.concatenate([np.full(len(p.chords), n) for n, p in enumerate(pieces)])
    choices = Choices(features, wanted)
    rate = cross_validate(choices, RIDGE, numbers)
    fitted = [round(float(weight), 4) for weight in fit(choices, RIDGE)]
    return dict(zip(chords.FEATURES, fitted, strict=True)), rate


def fit_notes(pieces: list[Piece]) -> tuple[dict[str, NDArray[np.float32]], float]:
    """The network's weights, and its F1 on every `FOLDS`th piece."""
    held = [index % FOLDS == 0 for index in range(len(pieces))]
    x, y = _pairs([p for p, is_held in zip(pieces, held, strict=True) if not is_held])
    mean, scale = x.mean(0), x.std(0) + 1e-3
    network = _train((x - mean) / scale, y)
    x, y = _pairs([p for p, is_held in zip(pieces, held, strict=True) if is_held])
    with torch.no_grad():
        logits = network((x - mean) / scale)[:, 0]
    threshold, f1 = _best_threshold(logits, y > 0)
    first, last = network[0], network[2]
    assert isinstance(first, nn.Linear), "two layers, see _train"
    assert isinstance(last, nn.Linear), "two layers, see _train"
    return {
        "mean": mean.numpy(),
        "scale": scale.numpy(),
        "in": first.weight.detach().numpy().T.copy(),
        "in_bias": first.bias.detach().numpy(),
        "out": last.weight.detach().numpy().T.copy(),
        "out_bias": last.bias.detach().numpy() - np.float32(threshold),
    }, f1


def _pairs(pieces: list[Piece]) -> tuple[Tensor, Tensor]:
    """[n, F] features and [n] truth of all pitches of all frames."""
    x = np.concatenate([piece.note_features.reshape(-1, notes.FEATURES) for piece in pieces])
    y = np.concatenate([piece.sounding.ravel() for piece in pieces])
    return torch.from_numpy(x), torch.from_numpy(y.astype(np.float32))


def _train(x: Tensor, y: Tensor) -> nn.Sequential:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(x.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS)
    for _ in range(STEPS):
        chosen = torch.randint(len(x), (BATCH,))
        loss = F.binary_cross_entropy_with_logits(network(x[chosen])[:, 0], y[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network


def _best_threshold(logits: Tensor, wanted: Tensor) -> tuple[float, float]:
    """The log-odds above which calling a pitch sounding makes most of F1, and that F1."""
    scores = []
    for threshold in THRESHOLDS:
        heard = logits > threshold
        right = int((heard & wanted).sum())
        scores.append(2 * right / max(int(heard.sum()) + int(wanted.sum()), 1))
    best = int(np.argmax(scores))
    return float(THRESHOLDS[best]), scores[best]


def main(
    corpus: Annotated[Path, typer.Option(help="pieces to learn from")] = Path("data/corpus/train"),
    pieces: Annotated[int, typer.Option(help="how many of them, at most", min=FOLDS)] = 120,
) -> None:
    """Fit both estimators and write their weights."""
    torch.set_num_threads(1)
    found = track(read_pieces(corpus, pieces), total=pieces, console=Console(stderr=True))
    read = list(found)
    if len(read) < FOLDS:
        raise InputError(
            f"{corpus} holds {len(read)} pieces, expected {FOLDS} or more. "
            "Make some: python -m training.corpus"
        )
    templates, chord_rate = fit_chords(read)
    network, note_f1 = fit_notes(read)
    rates = {"chord": round(chord_rate, 3), "notes_f1": round(note_f1, 3)}
    weights.store("chord", templates, pieces=len(read), cross_validated=rates["chord"])
    save_file(
        network, notes.FILE, metadata={"pieces": str(len(read)), "f1": str(rates["notes_f1"])}
    )
    print(json.dumps({"pieces": len(read), **rates}))


if __name__ == "__main__":
    typer.run(main)
