"""Measure the live trackers: tempo, beat and key of held-out music after seconds of listening.

    OMP_NUM_THREADS=1 python -m training.evaluation.trackers --corpus data/corpus/valid

In:  pieces on disk (mix.flac, labels.npz), heard frame by frame as the engine hears them, from
their beginning (after a pause) and from their middle (music is on already); and loops of
`patterns` that the trackers were not fitted on. Out: one line per row, and JSON as the last line.
A tempo at another metrical level is counted apart; the beat is compared where the tempo is right.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import soundfile
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from engine.listening import beat_tracker, key_tracker
from engine.spec import FRAME_RATE, AudioFormat
from training.evaluation.key import KeyMatch, compare_keys
from training.evaluation.onsets import ANALYSIS_RATE
from training.evaluation.patterns import Pattern
from training.evaluation.tempo import TempoMatch, compare_tempi

PAUSE_SECONDS = 2  # of silence before a piece that is heard from its beginning
MIDDLE_SECONDS = 15.0  # where a piece is entered otherwise
FIRST_PATTERN, PATTERNS = 100_000, 40  # seeds; far from those of `fit_trackers`

Audio = NDArray[np.float32]


class Clip(NamedTuple):
    """Audio with what is true at its end."""

    audio: Audio  # [C, N]
    rate: int  # Hz
    tempo_bpm: float
    beat: float  # beats at the end of the audio
    key: int  # index into engine.spec.KEYS


class Outcome(NamedTuple):
    """What the trackers believe at a clip's end, against the truth."""

    tempo: TempoMatch | None  # None: nothing was said
    tempo_error: float  # relative
    beat_ms: float  # size of the error; NaN where the tempo is no hit
    key: KeyMatch | None


def hear(clip: Clip) -> Outcome:
    """Let both trackers hear a clip."""
    audio, samples = AudioFormat(rate=clip.rate, channels=len(clip.audio)), clip.rate // FRAME_RATE
    beats, keys = beat_tracker.init_state(audio), key_tracker.init_state(audio)
    for start in range(0, clip.audio.shape[1] - samples + 1, samples):
        frame = clip.audio[:, start : start + samples]
        beats = beat_tracker.hear(frame, beats, clip.rate)
        keys = key_tracker.hear(frame, keys, clip.rate)
    beat, key = beat_tracker.read(beats), key_tracker.read(keys)
    found = None if key is None else compare_keys(key.key, clip.key)
    if beat is None:
        return Outcome(None, np.nan, np.nan, found)
    match = compare_tempi(beat.tempo_bpm, clip.tempo_bpm)
    off = (beat.beat_at(clip.audio.shape[1] / clip.rate) - clip.beat + 0.5) % 1.0 - 0.5
    return Outcome(
        tempo=match,
        tempo_error=abs(beat.tempo_bpm / clip.tempo_bpm - 1),
        beat_ms=abs(off) * 60_000 / clip.tempo_bpm if match is TempoMatch.HIT else np.nan,
        key=found,
    )


def figures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Shares of clips, and medians over those whose tempo is right."""
    hits = [o for o in outcomes if o.tempo is TempoMatch.HIT]
    beat_ms = np.array([o.beat_ms for o in hits])
    return {
        "clips": len(outcomes),
        "tempo_hit": _share(o.tempo is TempoMatch.HIT for o in outcomes),
        "tempo_other_level": _share(o.tempo is TempoMatch.OCTAVE for o in outcomes),
        "tempo_error_percent": 100 * float(np.median([o.tempo_error for o in hits])),
        "beat_ms_median": float(np.median(beat_ms)),
        "beat_off_by_60_ms": _share(beat_ms > 60),
        "key_hit": _share(o.key is KeyMatch.SAME for o in outcomes),
        "key_near": _share(
            o.key in (KeyMatch.RELATIVE, KeyMatch.PARALLEL, KeyMatch.FIFTH) for o in outcomes
        ),
    }


def _share(truths: Iterable[bool]) -> float:
    return float(np.mean([bool(truth) for truth in truths]))


# --- clips --------------------------------------------------------------------------------------


def piece_clip(folder: Path, start: float, seconds: float, pause: int = 0) -> Clip:
    """Some seconds of a piece on disk, after a pause."""
    rate = soundfile.info(folder / "mix.flac").samplerate
    audio, _ = soundfile.read(
        folder / "mix.flac",
        round(seconds * rate),
        round(start * rate),
        dtype="float32",
        always_2d=True,
    )
    end = start + len(audio) / rate
    with np.load(folder / "labels.npz", allow_pickle=False) as labels:
        last = min(int(end * FRAME_RATE), len(labels["key"])) - 1
        beat = np.interp(end * FRAME_RATE, np.arange(len(labels["beat"])), labels["beat"])
        tempo, key = float(labels["tempo_bpm"][last]), int(labels["key"][last])
    silence = np.zeros((audio.shape[1], pause * rate), np.float32)
    return Clip(np.concatenate([silence, audio.T], axis=1), rate, tempo, float(beat), key)


def pattern_clip(seed: int, seconds: float) -> Clip:
    """Some seconds of a loop, after a pause."""
    pattern, silence = Pattern(seed), np.zeros(PAUSE_SECONDS * ANALYSIS_RATE, np.float32)
    audio = np.concatenate([silence, pattern.audio(seconds)])[None]
    beat = pattern.beat_at(seconds)
    return Clip(audio, ANALYSIS_RATE, pattern.tempo_bpm, beat, pattern.key)


Maker = Callable[[], Clip]


def rows(folders: Sequence[Path], seconds: float) -> Iterator[tuple[str, list[Maker]]]:
    """Name and clips of each row of the table."""
    yield (
        f"pieces, {seconds:g} s from the beginning",
        [partial(piece_clip, folder, 0.0, seconds, PAUSE_SECONDS) for folder in folders],
    )
    yield (
        f"pieces, {seconds:g} s from the middle",
        [partial(piece_clip, folder, MIDDLE_SECONDS, seconds) for folder in folders],
    )
    yield (
        f"loops, {seconds:g} s",
        [partial(pattern_clip, FIRST_PATTERN + index, seconds) for index in range(PATTERNS)],
    )


def main(
    corpus: Annotated[Path, typer.Option(help="held-out pieces")] = Path("data/corpus/valid"),
    seconds: Annotated[float, typer.Option(help="heard of each", min=6, max=25)] = 10.0,
) -> None:
    """Measure the trackers."""
    folders = sorted(path.parent for path in corpus.glob("*/piece.json"))
    table: dict[str, dict[str, float]] = {}
    for name, makers in rows(folders, seconds):
        clips = track(makers, name, console=Console(stderr=True))
        table[name] = figures([hear(make()) for make in clips])
        print(name, *(f"{figure} {value:.3g}" for figure, value in table[name].items()), sep="  ")
    print(json.dumps(table))


if __name__ == "__main__":
    typer.run(main)
