"""Fit the live trackers' weights; run again when the composer or the trackers' features change.

    python -m training.evaluation.fit_trackers --data data/prepared/train --cache out/trackers

In:  prepared pieces of the train split, and loops of `patterns`, whose sounds the corpus lacks.
Out: `engine/listening/weights.json`, and on stdout how often each choice is right in five-fold
cross-validation. Every choice (tempo, place of the beat, key) is one softmax over candidates, as in
`fit`; odd pieces are worn. What was heard of a piece is kept in the cache, so a run can be resumed.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from engine.listening import chroma, onsets, pulse, tonality, weights
from engine.spec import FRAME_RATE, KEYS, AudioFormat
from training import data as prepared_data
from training.evaluation.clips import worn
from training.evaluation.fit import Choices, cross_validate, fit
from training.evaluation.onsets import ANALYSIS_RATE
from training.evaluation.patterns import Pattern

RIDGE = {"tempo": 3e-3, "beat": 3e-3, "key": 1e-3, "key at a beginning": 1e-3}
FEATURES = {
    "tempo": pulse.TEMPO_FEATURES,
    "beat": pulse.BEAT_FEATURES,
    "key": tonality.KEY_FEATURES,
    "key at a beginning": tonality.BEGINNING_FEATURES,
}
PATTERNS, PATTERN_SECONDS = 400, 22.0
WINDOWS = 2  # heard of each piece by each tracker; the first is at its start
ONSET_WINDOWS = (600, 800, 1000, 1200, 1200)  # values; drawn from
CHROMA_WINDOWS = (62, 151)  # least, most and one

Array = NDArray[np.float64]


class Heard(NamedTuple):
    """A piece as the trackers hear it, with the truth."""

    rises: Array  # [4 T, BANDS]
    chroma: Array  # [T / 2, 2, 12]
    tempo_bpm: Array  # [T] per frame
    beat: Array  # [T]
    key: NDArray[np.int64]  # [T]

    def tempo_within(self, start: int, values: int) -> float:
        """Tempo in the middle of a window of onset values."""
        return float(self.tempo_bpm[(start + values // 2) // onsets.ONSETS_PER_FRAME])

    def beat_at_value(self, index: int) -> float:
        """Beats at the instant of an onset value."""
        second = (index + 1) / onsets.ONSET_RATE - onsets.DELAY_SECONDS
        return float(np.interp(second * FRAME_RATE, np.arange(len(self.beat)), self.beat))

    def key_within(self, start: int, count: int) -> int:
        """Most frequent key in a window of chroma."""
        frames = slice(start * chroma.HOP_FRAMES, (start + count) * chroma.HOP_FRAMES)
        return int(np.bincount(self.key[frames]).argmax())


def hear(mono: NDArray[np.float32], rate: int) -> tuple[Array, Array]:
    """Stream [N] mono through both front ends: rises [4 T, BANDS] and chroma [T / 2, 2, 12]."""
    audio, samples = AudioFormat(rate=rate, channels=1), rate // FRAME_RATE
    rising, folding = onsets.init_state(audio), chroma.init_state(audio)
    rises, classes = [], []
    for start in range(0, len(mono) - samples + 1, samples):
        frame = mono[None, start : start + samples]
        rise, rising = onsets.step(frame, rising, rate)
        shares, folding = chroma.step(frame, folding, rate)
        rises.append(rise)
        classes += [] if shares is None else [shares]
    return np.concatenate(rises).astype(np.float64), np.array(classes)


# --- what is heard ------------------------------------------------------------------------------

Maker = Callable[[], Heard]


def pieces(data: Path, count: int) -> Iterator[tuple[str, Maker]]:
    """Name and maker of the first pieces of a prepared split."""
    split = prepared_data.load(data)
    for number, piece in enumerate(split.pieces[:count]):

        def make(number: int = number, piece: prepared_data.Piece = piece) -> Heard:
            mono = split.audio(piece.start, piece.frames).mean(0)
            mono = worn(mono, number) if number % 2 else mono
            own, labels = slice(piece.start, piece.start + piece.frames), split.labels
            tempo = labels.tempo_bpm[own].astype(np.float64)
            return Heard(*hear(mono, split.format.rate), tempo, labels.beat[own], labels.key[own])

        yield piece.id, make


def loops(count: int) -> Iterator[tuple[str, Maker]]:
    """Name and maker of the first patterns."""
    for seed in range(count):

        def make(seed: int = seed) -> Heard:
            pattern = Pattern(seed)
            heard = hear(pattern.audio(PATTERN_SECONDS), ANALYSIS_RATE)
            frames = len(heard[0]) // onsets.ONSETS_PER_FRAME
            tempo, key = np.full(frames, pattern.tempo_bpm), np.full(frames, pattern.key)
            beat = pattern.beat_at(1.0) * np.arange(frames) / FRAME_RATE
            return Heard(*heard, tempo, beat, key)

        yield f"pattern-{seed:04d}", make


def remember(cache: Path, name: str, make: Maker) -> Heard:
    """Read what was heard of a piece, or hear it now and keep it."""
    path = cache / f"{name}.npz"
    if not path.exists():
        heard, part = make(), path.with_suffix(".part.npz")
        np.savez(part, **heard._asdict())
        part.replace(path)
    with np.load(path, allow_pickle=False) as arrays:
        return Heard(**{name: arrays[name] for name in Heard._fields})


# --- what is to be chosen -----------------------------------------------------------------------

Row = tuple[Array, Array]  # features [candidates, F], and the wanted distribution [candidates]


def onset_rows(heard: Heard, rng: np.random.Generator) -> Iterator[dict[str, Row]]:
    """What windows of a piece say about tempo and about the beat."""
    for index in range(WINDOWS):
        start, values = _window(len(heard.rises), int(rng.choice(ONSET_WINDOWS)), index, rng)
        found = pulse.above_local_mean(heard.rises[start : start + values])
        bpm = heard.tempo_within(start, values)
        bands = [pulse.band_features(band) for band in found.T]
        near = np.exp(-0.5 * (np.log2(pulse.candidates() / bpm) / 0.01) ** 2)
        tempi = pulse.near(bpm * rng.uniform(0.99, 1.01))
        exact = pulse.peak(tempi, np.sum([pulse.comb(band, tempi) for band in found.T], axis=0))
        place = -heard.beat_at_value(start + values - 1) % 1.0 * pulse.PLACES
        off = (np.arange(pulse.PLACES) - place + pulse.PLACES / 2) % pulse.PLACES - pulse.PLACES / 2
        yield {
            "tempo": (np.concatenate([*bands, pulse.prior_features()], 1), _share(near)),
            "beat": (
                pulse.beat_features(pulse.fold(found, exact, 0.0)),
                _share(np.exp(-0.5 * (off / 0.7) ** 2)),
            ),
        }


def chroma_rows(heard: Heard, rng: np.random.Generator) -> Iterator[dict[str, Row]]:
    """What windows of a piece say about its key, from its beginning and from anywhere."""
    opening = heard.chroma[: tonality.OPENING, 0].sum(0)
    for _ in range(WINDOWS):
        count = int(rng.integers(*CHROMA_WINDOWS))
        wanted = np.eye(len(KEYS))[heard.key_within(0, count)]
        first = tonality.key_features(heard.chroma[:count], opening), wanted
        start, count = _window(len(heard.chroma), int(rng.integers(*CHROMA_WINDOWS)), 1, rng)
        wanted = np.eye(len(KEYS))[heard.key_within(start, count)]
        later = tonality.key_features(heard.chroma[start : start + count], None), wanted
        yield {"key at a beginning": first, "key": later}


def _window(total: int, length: int, index: int, rng: np.random.Generator) -> tuple[int, int]:
    """Start and length of a window: the first at the start, the others anywhere."""
    length = min(length, total)
    return (0 if index == 0 else int(rng.integers(total - length + 1))), length


def _share(values: Array) -> Array:
    values = np.where(values < 0.01, 0.0, values)
    return values / values.sum()


def main(
    data: Annotated[Path, typer.Option(help="a prepared split")] = Path("data/prepared/train"),
    cache: Annotated[Path, typer.Option(help="keeps what was heard")] = Path("out/trackers"),
    count: Annotated[int, typer.Option("--pieces", help="how many at most")] = 2000,
) -> None:
    """Fit the trackers and write their weights."""
    cache.mkdir(parents=True, exist_ok=True)
    rows: dict[str, list[Row]] = {name: [] for name in FEATURES}
    numbers: dict[str, list[int]] = {name: [] for name in FEATURES}
    sources = [*pieces(data, count), *loops(PATTERNS)]
    for number, (name, make) in enumerate(track(sources, console=Console(stderr=True))):
        heard, rng = remember(cache, name, make), np.random.default_rng(number)
        for found in (*onset_rows(heard, rng), *chroma_rows(heard, rng)):
            for tracker, row in found.items():
                rows[tracker].append(row)
                numbers[tracker].append(number)
    fitted, rates = {}, {}
    for tracker, names in FEATURES.items():
        choices = Choices(*(np.array(column, np.float32) for column in zip(*rows.pop(tracker))))
        rates[tracker] = round(
            cross_validate(choices, RIDGE[tracker], np.array(numbers[tracker])), 3
        )
        weight = fit(choices, RIDGE[tracker])
        fitted[tracker] = dict(
            zip(names, (round(float(value), 4) for value in weight), strict=True)
        )
    about = {"pieces": len(sources) - PATTERNS, "patterns": PATTERNS, "cross_validated": rates}
    weights.FILE.write_text(json.dumps({"about": about, "weights": fitted}, indent=1) + "\n")
    print(json.dumps(about))


if __name__ == "__main__":
    typer.run(main)
