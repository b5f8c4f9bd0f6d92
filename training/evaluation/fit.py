"""Fit the estimators' weights on pieces of the train split; run again when the composer changes.

    python -m training.evaluation.fit --corpus data/corpus/train --pieces 500

In:  pieces on disk (mix.flac, piece.json, labels.npz). Out: `weights.json`, and on stdout how often
each estimator is right in five-fold cross-validation.
Both estimators choose one of many candidates, so both are fitted as one softmax over candidates
(conditional logit). Half of the clips are worn: dull and noisy, as a small codec makes them.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import soundfile
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from scipy.optimize import minimize
from scipy.signal import butter, sosfilt

from engine.spec import FRAME_RATE
from training.evaluation import key, tempo, weights
from training.evaluation.onsets import ANALYSIS_RATE, onset_strength, to_mono

SECONDS = 16.0
RIDGE = {"tempo": 3e-3, "key": 1e-4}  # chosen by cross-validation
FOLDS = 5
DULL_HZ, NOISE_DB = 5000.0, -32.0  # of a worn clip: low-pass, and hiss against its own RMS

Array = NDArray[np.float64]


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


def read_clips(corpus: Path, pieces: int) -> Iterator[tuple[int, NDArray[np.float32], float, int]]:
    """Piece number, opening as mono audio, tempo and key of the first pieces of a split."""
    for number, path in enumerate(sorted(corpus.glob("*/piece.json"))[:pieces]):
        with np.load(path.with_name("labels.npz"), allow_pickle=False) as labels:
            keys = labels["key"][: round(SECONDS * FRAME_RATE)]
        mono = read_opening(path.with_name("mix.flac"))
        truth = json.loads(path.read_text())["tempo_bpm"], int(np.bincount(keys).argmax())
        yield number, mono, *truth
        yield number, worn(mono, number), *truth


def read_opening(path: Path) -> NDArray[np.float32]:
    """The first SECONDS of a file as mono at ANALYSIS_RATE."""
    rate = soundfile.info(path).samplerate
    audio, _ = soundfile.read(path, round(SECONDS * rate), dtype="float32", always_2d=True)
    return to_mono(audio.T, rate)


def worn(mono: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Take treble away and add hiss."""
    dull = sosfilt(butter(4, DULL_HZ, fs=ANALYSIS_RATE, output="sos"), mono)
    hiss = np.random.default_rng(seed).standard_normal(len(mono))
    return (dull + hiss * mono.std() * 10 ** (NOISE_DB / 20)).astype(np.float32)


def gather(corpus: Path, pieces: int) -> tuple[dict[str, Choices], NDArray[np.int64]]:
    """Features and truth of every clip for both estimators, and the piece each clip is of."""
    grid = tempo.candidate_tempi()[::2]  # coarser than in use: neighbours say the same
    numbers: list[int] = []
    rows: dict[str, list[tuple[Array, Array]]] = {"tempo": [], "key": []}
    clips = track(read_clips(corpus, pieces), total=2 * pieces, console=Console(stderr=True))
    for number, mono, bpm, key_index in clips:
        numbers.append(number)
        near = np.exp(-0.5 * (np.log2(grid / bpm) / 0.008) ** 2)
        near[near < 0.01] = 0.0
        rows["tempo"].append((tempo.tempo_features(onset_strength(mono), grid), near / near.sum()))
        rows["key"].append((key.key_features(mono), np.eye(24)[key_index]))
    choices = {
        name: Choices(*(np.array(column, np.float32) for column in zip(*found)))
        for name, found in rows.items()
    }
    return choices, np.array(numbers)


def main(
    corpus: Annotated[Path, typer.Option(help="pieces to learn from")] = Path("data/corpus/train"),
    pieces: Annotated[int, typer.Option(help="how many of them, at most")] = 500,
) -> None:
    """Fit both estimators and write their weights."""
    choices, numbers = gather(corpus, pieces)
    names = {"tempo": tempo.FEATURES, "key": key.FEATURES}
    rates, learned_from = {}, len(set(numbers.tolist()))
    for estimator, found in choices.items():
        rates[estimator] = round(cross_validate(found, RIDGE[estimator], numbers), 3)
        rounded = [round(float(value), 4) for value in fit(found, RIDGE[estimator])]
        weights.store(
            estimator,
            dict(zip(names[estimator], rounded, strict=True)),
            pieces=learned_from,
            cross_validated=rates[estimator],
        )
    print(json.dumps({"pieces": learned_from, "cross_validated": rates}))


if __name__ == "__main__":
    typer.run(main)
