"""Fit the tempo and key estimators on pieces of the train split; again when the composer changes.

    python -m training.evaluation.fit --corpus data/corpus/train --pieces 1000

In:  pieces on disk, and the packed weights of a codec (`weights/codec.safetensors` of a bundle).
Out: `tempo.safetensors` and `key.safetensors`, and on stdout how often each estimator is right on
every fifth piece, which its network did not learn from: clean, and as the codec plays them.
Both estimators choose one of many candidates, so both are fitted as one softmax over candidates:
by a small network here, by weights alone (`fit`, a conditional logit) for chords and live trackers.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from scipy.optimize import minimize
from torch import Tensor, nn

from engine.errors import InputError
from models import codec as codecs
from training.evaluation import key, scorer, tempo
from training.evaluation.clips import read_clips
from training.evaluation.onsets import onset_strength
from training.evaluation.scorer import Scorer

FOLDS = 5
COARSER = 3  # every third tempo of the grid is learned from: neighbours say the same
NEAR = 0.008  # octaves: how sharp the wanted tempo is
SMOOTHING = 0.05  # of the wanted key

Array = NDArray[np.float64]


class Recipe(NamedTuple):
    """How a network is trained; chosen on pieces of the valid split."""

    hidden: int
    steps: int
    batch: int  # choices
    dropout: float
    decay: float
    rate: float = 3e-3


RECIPES = {
    "tempo": Recipe(hidden=48, steps=2000, batch=32, dropout=0.3, decay=1e-1),
    "key": Recipe(hidden=32, steps=800, batch=64, dropout=0.3, decay=1e-2),
}
FEATURES = {"tempo": tempo.FEATURES, "key": key.FEATURES}


class Choices(NamedTuple):
    """Many choices of one candidate each."""

    features: NDArray[np.float32]  # [n, candidates, F]
    wanted: NDArray[np.float32]  # [n, candidates] each a distribution

    def pick(self, index: Sequence[int] | NDArray[np.int64]) -> "Choices":
        """Some of the choices."""
        return Choices(self.features[index], self.wanted[index])


def fit(choices: Choices, ridge: float) -> Array:
    """[F] weights under which the wanted candidates are most likely."""
    scale = choices.features.std((0, 1)) + 1e-9
    features = choices.features / scale

    def loss(weight: Array) -> tuple[float, Array]:
        scores = (features @ weight.astype(np.float32)).astype(np.float64)
        scores -= scores.max(1, keepdims=True)
        log_share = scores - np.log(np.exp(scores).sum(1, keepdims=True))
        error = np.exp(log_share) - choices.wanted
        slope = np.tensordot(error.astype(np.float32), features, 2) / len(features)
        size = -float((choices.wanted * log_share).sum(1).mean()) + ridge * float(weight @ weight)
        return size, slope + 2 * ridge * weight

    start = np.zeros(features.shape[-1])
    return minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x / scale


def cross_validate(choices: Choices, ridge: float, pieces: NDArray[np.int64]) -> float:
    """Share of choices made right by weights that never saw their piece; pieces is [n]."""
    right = []
    for fold in range(FOLDS):
        held = pieces % FOLDS == fold
        weight = fit(choices.pick(~held), ridge)
        test = choices.pick(held)
        best = (test.features @ weight).argmax(1)
        right += list(test.wanted[np.arange(len(best)), best] > 0)
    return float(np.mean(right))


class Network(nn.Module):
    """A scorer that learns: features [n, G, F] to scores [n, G]."""

    def __init__(self, features: int, recipe: Recipe) -> None:
        super().__init__()
        self.inner = nn.Linear(features, recipe.hidden)
        self.outer = nn.Linear(recipe.hidden, 1, bias=False)
        self.direct = nn.Linear(features, 1, bias=False)
        self.dropout = nn.Dropout(recipe.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Score candidates, some features and hidden units left out in training."""
        hidden = self.dropout(torch.relu(self.inner(self.dropout(x))))
        return (self.outer(hidden) + self.direct(x))[..., 0]


def train(choices: Choices, recipe: Recipe) -> Scorer:
    """Learn to choose, the same for the same choices."""
    torch.manual_seed(0)
    start = _blank(choices.features)
    x, wanted = (
        torch.from_numpy(array)
        for array in (start.standardized(choices.features), choices.wanted.astype(np.float32))
    )
    network = Network(x.shape[-1], recipe)
    optimiser = torch.optim.AdamW(network.parameters(), recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=recipe.steps)
    for _ in range(recipe.steps):
        chosen = torch.randint(len(x), (recipe.batch,))
        loss = -(wanted[chosen] * torch.log_softmax(network(x[chosen]), 1)).sum(1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return start._replace(
        inner=network.inner.weight.detach().numpy().T,
        inner_bias=network.inner.bias.detach().numpy(),
        outer=network.outer.weight.detach().numpy()[0],
        direct=network.direct.weight.detach().numpy()[0],
    )


def _blank(features: NDArray[np.float32]) -> Scorer:
    """A scorer that knows how features are spread and nothing else."""
    mean, scale = features.mean((0, 1)), features.std((0, 1)) + 1e-6
    nothing = np.zeros(len(mean), np.float32)
    return Scorer(mean, scale, nothing[:, None], nothing[:1], nothing[:1], nothing)


class Rows(NamedTuple):
    """The clips that an estimator learns from."""

    choices: Choices
    piece: NDArray[np.int64]  # [n]
    is_coded: NDArray[np.bool_]  # [n]

    def pick(self, index: NDArray[np.bool_]) -> "Rows":
        """Some of the clips."""
        return Rows(self.choices.pick(index), self.piece[index], self.is_coded[index])


def gather(corpus: Path, pieces: int, codec: codecs.Codec) -> dict[str, Rows]:
    """Features and truth: of every clip for the tempo, of every beginning for the key."""
    grid = tempo.candidate_tempi()[::COARSER]
    found: dict[str, list[tuple[Array, Array, int, bool]]] = {"tempo": [], "key": []}
    for clip in track(read_clips(corpus, pieces, codec), console=Console(stderr=True)):
        near = np.exp(-0.5 * (np.log2(grid / clip.tempo_bpm) / NEAR) ** 2)
        near[near < 0.01] = 0.0
        heard = tempo.tempo_features(onset_strength(clip.mono), grid)
        found["tempo"].append((heard, near / near.sum(), clip.piece, clip.is_coded))
        if clip.is_beginning:
            wanted = (1 - SMOOTHING) * np.eye(24)[clip.key] + SMOOTHING / 24
            found["key"].append((key.key_features(clip.mono), wanted, clip.piece, clip.is_coded))
    return {name: _stacked(rows) for name, rows in found.items()}


def _stacked(rows: Sequence[tuple[Array, Array, int, bool]]) -> Rows:
    features, wanted, piece, is_coded = zip(*rows, strict=True)
    choices = Choices(np.array(features, np.float32), np.array(wanted, np.float32))
    return Rows(choices, np.array(piece), np.array(is_coded))


def validate(rows: Rows, recipe: Recipe) -> dict[str, float]:
    """Learn from four fifths of the pieces and choose for the others.

    Raises:
        InputError: too few pieces to leave some out.
    """
    held = rows.piece % FOLDS == 0
    if not held.any() or held.all():
        raise InputError(f"{len(set(rows.piece.tolist()))} pieces, expected {FOLDS} or more.")
    learned, test = train(rows.pick(~held).choices, recipe), rows.pick(held)
    best = learned.score(test.choices.features).argmax(1)
    chance = test.choices.wanted.min(1)  # the wanted ones are those above what all have
    right = test.choices.wanted[np.arange(len(best)), best] > chance
    return {
        "clean": round(float(right[~test.is_coded].mean()), 3),
        "coded": round(float(right[test.is_coded].mean()), 3),
    }


def main(
    codec: Annotated[Path, typer.Option(help="packed weights of a codec")] = Path(
        "bundles/default/weights/codec.safetensors"
    ),
    corpus: Annotated[Path, typer.Option(help="pieces to learn from")] = Path("data/corpus/train"),
    pieces: Annotated[int, typer.Option(help="how many of them, at most", min=FOLDS)] = 1000,
) -> None:
    """Fit both estimators and write their networks."""
    torch.set_num_threads(1)
    rates = {}
    for name, rows in gather(corpus, pieces, codecs.load_packed(codec)).items():
        recipe, learned_from = RECIPES[name], str(len(set(rows.piece.tolist())))
        rates[name] = validate(rows, recipe)
        about = {"pieces": learned_from, **{kind: str(r) for kind, r in rates[name].items()}}
        scorer.store(name, train(rows.choices, recipe), about)
    print(json.dumps({"validated": rates}))


if __name__ == "__main__":
    typer.run(main)
