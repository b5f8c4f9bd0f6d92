"""The plan: everything that is decided about a piece before a single note is written.

In:  a seed and a template.
Out: a frozen `Plan` that the players (melody, accompaniment, groove) read.

Knows harmony and form, but no instrument and no note.
"""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from training.corpus.chance import pick, pick_weighted, stream
from training.corpus.form import Stretch, modulate, plan_form
from training.corpus.harmony import merge_repeats, place_bar, read_progression
from training.corpus.patterns import METERS, MeterName
from training.corpus.score import Chord
from training.corpus.templates import Genre, Mode
from training.corpus.theory import chord_classes, is_minor, lead_four_parts, scale_classes

MODULATION_CHANCE = 0.15
CADENCE_CHANCE = 0.6
FOUR_PART_RANGES = ((36, 52), (48, 65), (55, 74), (62, 82))  # cello, viola, second and first violin


@dataclass(frozen=True)
class Level:
    """How well the players play."""

    name: str
    tempo: float  # factor on the tempo drawn, within the genre's range
    jitter_ms: float  # standard deviation of the timing of human players
    keep: float  # chance that an unaccented melody note is played at all
    wrong: float  # chance of a wrong note
    run: float  # chance that a melody gap is filled with a run
    ghosts: bool  # plays ghost notes


LEVELS = {
    "beginner": Level("beginner", 0.88, 24.0, 0.65, 0.04, 0.0, False),
    "intermediate": Level("intermediate", 0.97, 11.0, 0.92, 0.008, 0.0, True),
    "professional": Level("professional", 1.0, 5.0, 1.0, 0.0, 0.08, True),
    "virtuoso": Level("virtuoso", 1.06, 3.0, 1.0, 0.0, 0.45, True),
}


@dataclass(frozen=True, kw_only=True)
class Given:
    """What is settled before a piece is planned; None is left to chance.

    A piece of which anything is settled stays in its key.
    """

    bpm: float | None = None  # may lie outside the genre's range
    meter: MeterName | None = None  # one that the genre has
    is_minor: bool | None = None  # heeded where the genre has such a mode


FREE = Given()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The skeleton of a piece. Times in beats."""

    seed: int
    genre: Genre
    meter: MeterName
    bpm: float
    mode_name: str
    level: Level
    drive: float  # 0..1
    swing: float  # 0.5 is straight
    stretches: tuple[Stretch, ...]
    chords: tuple[Chord, ...]

    @property
    def beats_per_bar(self) -> int:
        """Beats in one bar."""
        return METERS[self.meter]

    @property
    def mode(self) -> Mode:
        """Scale and progressions in use."""
        return self.genre.modes[self.mode_name]

    @property
    def bars(self) -> int:
        """Bars of the piece, with the ending bar."""
        return self.stretches[-1].end_bar

    @property
    def length(self) -> float:
        """Beats of the piece."""
        return float(self.bars * self.beats_per_bar)

    @property
    def ending(self) -> float:
        """Beat at which the ending bar begins."""
        return float((self.bars - 1) * self.beats_per_bar)

    @cached_property
    def chord_beats(self) -> list[float]:
        """Beats at which the chords begin."""
        return [chord.beat for chord in self.chords]

    def chord_index(self, beat: float) -> int:
        """Index of the chord that sounds at a beat."""
        return max(0, bisect_right(self.chord_beats, beat + 1e-6) - 1)

    def chord_end(self, beat: float) -> float:
        """Beat at which the chord that sounds at `beat` ends."""
        after = self.chord_index(beat) + 1
        return self.chord_beats[after] if after < len(self.chords) else self.length

    def stretch_at(self, beat: float) -> Stretch:
        """The section that contains a beat."""
        bar = int((beat + 1e-6) // self.beats_per_bar)
        return next((s for s in self.stretches if bar < s.end_bar), self.stretches[-1])

    def scale_at(self, beat: float, *, melody: bool = False) -> frozenset[int]:
        """Pitch classes in use at a beat; those of melodies may be fewer."""
        name = (melody and self.mode.melody) or self.mode.scale
        return scale_classes(self.stretch_at(beat).tonic, name)

    def key_of(self, stretch: Stretch) -> int:
        """Index into engine.spec.KEYS of a section's key."""
        return stretch.tonic + 12 * is_minor(self.mode.scale)

    @cached_property
    def four_parts(self) -> tuple[tuple[int, int, int, int], ...]:
        """Voice leading of every chord in four parts, lowest first."""
        voices: list[tuple[int, int, int, int]] = []
        for chord in self.chords:
            classes = chord_classes(chord.root, chord.quality)
            before = voices[-1] if voices else ()
            voices.append(lead_four_parts(before, classes, chord.bass, FOUR_PART_RANGES))
        return tuple(voices)


def make_plan(seed: int, genre: Genre, tonic: int, given: Given = FREE) -> Plan:
    """Decide tempo, meter, mode, level, form and harmony of a piece.

    Args:
        tonic: pitch class of the first key; chosen by the caller so that keys come out even.
        given: what is settled beforehand; the rest comes out as it would without.
    """
    rng = stream(seed, "plan")
    meter = pick_weighted(rng, genre.meters)
    mode_name = pick_weighted(rng, {name: mode.weight for name, mode in genre.modes.items()})
    level = LEVELS[pick_weighted(rng, genre.levels)]
    low, high = genre.tempo
    bpm = float(np.clip(round(rng.uniform(low, high) * level.tempo), low, high))
    drive = float(rng.uniform(*genre.drive))
    swing = float(round(rng.uniform(*genre.swing), 3))
    meter, bpm = given.meter or meter, given.bpm or bpm
    mode_name = _mode_given(seed, genre, mode_name, given.is_minor)
    bar_seconds = METERS[meter] * 60.0 / bpm
    stretches = plan_form(genre, bar_seconds, drive, tonic, rng)
    if given == FREE and rng.random() < MODULATION_CHANCE:
        stretches = modulate(stretches, rng)
    chords = _harmonise(seed, genre.modes[mode_name], stretches, METERS[meter])
    return Plan(
        seed=seed, genre=genre, meter=meter, bpm=bpm, mode_name=mode_name, level=level, drive=drive,
        swing=swing, stretches=stretches, chords=chords,
    )  # fmt: skip


def _mode_given(seed: int, genre: Genre, drawn: str, minor: bool | None) -> str:
    fitting = {
        name: mode.weight for name, mode in genre.modes.items() if is_minor(mode.scale) == minor
    }
    if minor is None or drawn in fitting or not fitting:
        return drawn
    return pick_weighted(stream(seed, "mode given"), fitting)


def _harmonise(
    seed: int, mode: Mode, stretches: tuple[Stretch, ...], beats_per_bar: int
) -> tuple[Chord, ...]:
    """Give every bar its chords; sections of one name share a progression."""
    chords: list[Chord] = []
    for index, stretch in enumerate(stretches):
        rng = stream(seed, "harmony", stretch.name)
        bars = read_progression(pick(rng, mode.progressions(stretch.name)))
        wanted = [bars[i % len(bars)] for i in range(stretch.bars)]
        last = index == len(stretches) - 1
        if mode.cadence and stretch.bars > 2 and (last or rng.random() < CADENCE_CHANCE):
            wanted[-2 if last else -1] = read_progression(pick(rng, mode.cadence))[0]
        if last:
            wanted[-1] = read_progression(mode.final)[0]
        for offset, numerals in enumerate(wanted):
            beat = float((stretch.first_bar + offset) * beats_per_bar)
            chords += place_bar(numerals, stretch.tonic, beat, beats_per_bar)
    return merge_repeats(chords)
