"""Patterns: plain loops that are not of the corpus, for whoever must cope with any player's audio.

In:  a seed. Out: `Pattern`: mono audio that begins on a bar, with its tempo and key.
Drums, bass and chords from a handful of sine, noise and harmonic sounds whose colour, groove,
progression and tempo are drawn from the seed: nothing of the composer, its sound font or its
effects. Always 4/4. Deterministic.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from training.evaluation.onsets import ANALYSIS_RATE as RATE

Audio = NDArray[np.float64]

GROOVES: dict[str, dict[str, tuple[float, ...]]] = {  # beats of a bar on which each drum plays
    "four on the floor": {"kick": (0, 1, 2, 3), "snare": (1, 3), "hat": (0.5, 1.5, 2.5, 3.5)},
    "kick and hat": {"kick": (0, 1, 2, 3), "hat": (0.5, 1.5, 2.5, 3.5)},
    "backbeat": {"kick": (0, 2, 2.5), "snare": (1, 3), "hat": tuple(i / 2 for i in range(8))},
    "sparse": {"kick": (0, 2), "snare": (1, 3)},
    "busy": {"kick": (0, 0.75, 2.25), "snare": (1, 3), "hat": tuple(i / 4 for i in range(16))},
    "rim": {"kick": (0, 1.5, 2, 3.5), "hat": (0, 1, 2, 3)},
    "no drums": {},
}
BASS = {"roots": (0, 2), "beats": (0, 1, 2, 3), "off": (0.5, 1.5, 2.5, 3.5), "none": ()}
CHORDS = {
    "pad": ((0,), 4.0),
    "strum": ((0, 1, 2, 2.5, 3), 0.8),
    "stabs": ((0.5, 1.5, 2.5, 3.5), 0.25),
    "arpeggio": (tuple(i / 2 for i in range(8)), 0.5),
}
PROGRESSIONS = {  # degrees of the scale, a bar each
    "major": ((0, 4, 5, 3), (0, 3, 4, 0), (0, 5, 3, 4), (0, 0, 3, 4)),
    "minor": ((0, 5, 2, 6), (0, 3, 4, 0), (0, 6, 5, 6), (0, 0, 5, 6)),
}
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
BEATS_PER_BAR = 4


@dataclass(frozen=True)
class Pattern:
    """What a seed stands for."""

    seed: int

    @cached_property
    def plan(self) -> dict[str, str]:
        """Which groove, bass, chords, mode and progression."""
        rng = np.random.default_rng([self.seed, 0])
        mode, groove = str(rng.choice(list(SCALES))), str(rng.choice(list(GROOVES)))
        # What plays off the beat needs a drum on it, or nobody could say where the beat is.
        bass = [name for name in BASS if name != "off" or groove == "four on the floor"]
        chords = [name for name in CHORDS if name != "stabs" or groove != "no drums"]
        return {
            "groove": groove,
            "bass": str(rng.choice(bass)),
            "chords": str(rng.choice(chords)),
            "mode": mode,
            "progression": str(rng.integers(len(PROGRESSIONS[mode]))),
        }

    @cached_property
    def tempo_bpm(self) -> float:
        """72 to 172, even in octaves."""
        return float(72 * 2 ** np.random.default_rng([self.seed, 1]).uniform(0, np.log2(172 / 72)))

    @cached_property
    def key(self) -> int:
        """Index into engine.spec.KEYS."""
        tonic = int(np.random.default_rng([self.seed, 2]).integers(12))
        return tonic + 12 * (self.plan["mode"] == "minor")

    def beat_at(self, second: float) -> float:
        """Beats since the start, which is a bar line."""
        return second * self.tempo_bpm / 60.0

    def audio(self, seconds: float) -> NDArray[np.float32]:
        """[N] mono at ANALYSIS_RATE, peak 0.5."""
        out = np.zeros(round(seconds * RATE))
        bars = int(self.beat_at(seconds) / BEATS_PER_BAR) + 1
        for part in (self._drums, self._bass, self._chords):
            part(out, bars)
        return (out * 0.5 / max(float(np.abs(out).max()), 1e-9)).astype(np.float32)

    # --- parts ----------------------------------------------------------------------------------

    def _drums(self, out: Audio, bars: int) -> None:
        rng = np.random.default_rng([self.seed, 3])
        sounds = {"kick": _kick(rng), "snare": _snare(rng), "hat": _hat(rng)}
        for name, beats in GROOVES[self.plan["groove"]].items():
            loudness = rng.uniform(0.5, 1.0)
            for bar in range(bars):
                for beat in beats:
                    self._place(out, bar, beat, loudness * sounds[name])

    def _bass(self, out: Audio, bars: int) -> None:
        rng = np.random.default_rng([self.seed, 4])
        decay, harmonics, loudness = (
            rng.uniform(2, 8),
            int(rng.integers(2, 9)),
            rng.uniform(0.3, 0.7),
        )
        for bar in range(bars):
            root = _hertz(36 + self._pitches(bar)[0] % 12)
            note = loudness * _tone(root, 0.9 * 60 / self.tempo_bpm, decay, harmonics)
            for beat in BASS[self.plan["bass"]]:
                self._place(out, bar, beat, note)

    def _chords(self, out: Audio, bars: int) -> None:
        rng = np.random.default_rng([self.seed, 5])
        decay, harmonics, loudness = (
            rng.uniform(0, 6),
            int(rng.integers(1, 8)),
            rng.uniform(0.1, 0.3),
        )
        beats, length = CHORDS[self.plan["chords"]]
        for bar in range(bars):
            notes = [
                loudness * _tone(_hertz(60 + pitch), length * 60 / self.tempo_bpm, decay, harmonics)
                for pitch in self._pitches(bar)
            ]
            for index, beat in enumerate(beats):
                is_broken = self.plan["chords"] == "arpeggio"
                for note in [notes[index % len(notes)]] if is_broken else notes:
                    self._place(out, bar, beat, note)

    def _pitches(self, bar: int) -> list[int]:
        """Semitones above C of the bar's triad."""
        mode = self.plan["mode"]
        progression = PROGRESSIONS[mode][int(self.plan["progression"])]
        degree, scale = progression[bar % len(progression)], SCALES[mode]
        steps = (degree, degree + 2, degree + 4)
        return [self.key % 12 + scale[step % 7] + 12 * (step // 7) for step in steps]

    def _place(self, out: Audio, bar: int, beat: float, sound: Audio) -> None:
        start = round((bar * BEATS_PER_BAR + beat) * 60 / self.tempo_bpm * RATE)
        part = out[start : start + len(sound)]
        part += sound[: len(part)]


# --- sounds -------------------------------------------------------------------------------------


def _kick(rng: np.random.Generator) -> Audio:
    t = np.arange(RATE // 4) / RATE
    low, sweep, speed = rng.uniform(42, 60), rng.uniform(30, 150), rng.uniform(20, 60)
    body = np.sin(2 * np.pi * (low * t + sweep * (1 - np.exp(-speed * t)) / speed))
    click = rng.uniform(0, 0.6) * rng.standard_normal(len(t)) * np.exp(-t * 800)
    return body * np.exp(-t * rng.uniform(8, 25)) + click


def _snare(rng: np.random.Generator) -> Audio:
    t = np.arange(RATE // 4) / RATE
    skin = rng.uniform(0, 0.7) * np.sin(2 * np.pi * rng.uniform(170, 240) * t)
    return (0.5 * rng.standard_normal(len(t)) + skin) * np.exp(-t * rng.uniform(15, 40))


def _hat(rng: np.random.Generator) -> Audio:
    t = np.arange(RATE // 8) / RATE
    hiss = np.diff(rng.standard_normal(len(t) + 1))
    return 0.3 * hiss * np.exp(-t * rng.uniform(20, 120))


def _tone(hertz: float, seconds: float, decay: float, harmonics: int) -> Audio:
    t = np.arange(round(seconds * RATE)) / RATE
    orders = [k for k in range(1, harmonics + 1) if k * hertz < 0.45 * RATE]
    wave = np.sum([np.sin(2 * np.pi * k * hertz * t) / k**1.3 for k in orders], axis=0)
    edges = np.minimum(np.minimum(1.0, t * 150), np.maximum(seconds - t, 0) * 50)
    return wave * np.exp(-decay * t) * np.minimum(edges, 1.0)


def _hertz(pitch: float) -> float:
    """Of a MIDI note."""
    return float(440.0 * 2 ** ((pitch - 69) / 12))
