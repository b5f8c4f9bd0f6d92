"""Sources: audio that plays from a bar line on, at one tempo, with its key; to be listened to.

In:  a folder of a corpus piece, or the seed of a pattern. Out: `Source`, in a bundle's format.
"""

from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from engine.spec import FRAME_RATE, AudioFormat
from training.evaluation.onsets import ANALYSIS_RATE
from training.evaluation.patterns import BEATS_PER_BAR, Pattern

Audio = NDArray[np.float32]


class Source(NamedTuple):
    """Audio that plays, at one tempo from a bar line at its first sample on."""

    audio: Audio  # [C, N]
    rate: int  # Hz
    tempo_bpm: float  # beats of the meter
    beats_per_bar: int
    key: int  # at the cut, index into engine.spec.KEYS

    @property
    def bar_samples(self) -> float:
        """Length of a bar, exact."""
        return self.beats_per_bar * 60.0 / self.tempo_bpm * self.rate

    def bar_after(self, seconds: float) -> int:
        """The first bar whose line comes at or after a time."""
        return ceil(seconds * self.rate / self.bar_samples)


class Piece(NamedTuple):
    """A piece of a corpus, by its folder."""

    folder: Path

    def open(self, cut_seconds: float, bars: int, wanted: AudioFormat) -> Source:
        """Read all of it; the key is the one at the cut."""
        audio, rate = soundfile.read(self.folder / "mix.flac", dtype="float32", always_2d=True)
        with np.load(self.folder / "labels.npz", allow_pickle=False) as labels:
            tempo, bar = float(labels["tempo_bpm"][0]), int(labels["beats_per_bar"][0])
            key = int(labels["key"][int(cut_seconds * FRAME_RATE)])
        if audio.shape[1] != wanted.channels:
            audio = np.repeat(audio.mean(1, keepdims=True), wanted.channels, axis=1)
        resampled = soxr.resample(audio, rate, wanted.rate).T.astype(np.float32)
        return Source(np.ascontiguousarray(resampled), wanted.rate, tempo, bar, key)


class Loop(NamedTuple):
    """A pattern, by its seed."""

    seed: int

    def open(self, cut_seconds: float, bars: int, wanted: AudioFormat) -> Source:
        """Play it as far as so many bars behind the cut, and a little more."""
        pattern = Pattern(self.seed)
        bar_seconds = BEATS_PER_BAR * 60.0 / pattern.tempo_bpm
        mono = pattern.audio(cut_seconds + (bars + 2) * bar_seconds)
        resampled = soxr.resample(mono, ANALYSIS_RATE, wanted.rate).astype(np.float32)
        audio = np.repeat(resampled[None], wanted.channels, axis=0)
        return Source(audio, wanted.rate, pattern.tempo_bpm, BEATS_PER_BAR, pattern.key)


Playable = Piece | Loop
