"""The score: what the composer hands to the renderer and to the labeller.

Time is in beats (quarter notes; in 6/8 a beat is the dotted quarter and `beats_per_bar` is 2)
counted from the first bar line. Humanised timing is already in the notes. Plain frozen data, no
behaviour beyond time conversion; knows nothing about audio.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Note:
    """One note of one part."""

    start: float  # beats, >= 0
    length: float  # beats, > 0
    pitch: int  # MIDI note; in a drum part the General MIDI drum
    velocity: int  # 1..127


@dataclass(frozen=True, kw_only=True)
class Part:
    """One player."""

    name: str  # unique within a score: "bass", "lead 2"
    instrument: str  # a musician's word: "fretless bass", "808 kit"
    family: str  # one of engine.spec.FAMILIES, or "drums"
    source: str  # "soundfont" (program) or "synth" (patch)
    program: int = 0  # General MIDI program 0..127; for drums: the kit, in bank 128
    patch: str = ""  # name of one of our synthesisers' patches, for source "synth"
    notes: tuple[Note, ...] = ()
    gain_db: float = 0.0
    pan: float = 0.0  # -1 left .. 1 right
    reverb: float = 0.15  # send, 0..1
    effects: tuple[str, ...] = ()  # names in effects.py: "chorus", "distortion", "delay"


@dataclass(frozen=True)
class Chord:
    """A chord from a beat on."""

    beat: float
    root: int  # pitch class
    quality: str  # a key of engine.spec.QUALITIES
    bass: int  # pitch class


@dataclass(frozen=True)
class Section:
    """A stretch of the form from a beat on."""

    beat: float
    name: str  # one of engine.spec.SECTIONS
    energy: float  # 0..1


@dataclass(frozen=True, kw_only=True)
class Score:
    """A whole piece."""

    seed: int
    genre: str  # the template's name: "reggae"
    tempos: tuple[tuple[float, float], ...]  # (beat, bpm) steps, first at beat 0
    beats_per_bar: int
    keys: tuple[tuple[float, int], ...]  # (beat, index into engine.spec.KEYS), first at beat 0
    chords: tuple[Chord, ...]
    sections: tuple[Section, ...]
    parts: tuple[Part, ...]
    length: float  # beats, whole bars
    attributes: dict[str, str] = field(default_factory=dict)  # mood, era, place, level, energy, ...
    master: tuple[str, ...] = ()  # effects of the master bus by name, beside the standard limiter
    fade_from: float | None = None  # beat from which the mix fades to silence; None: it does not

    def seconds(self, beat: float) -> float:
        """When a beat sounds, in seconds."""
        elapsed = 0.0
        for (start, bpm), (end, _) in zip(self.tempos, (*self.tempos[1:], (float("inf"), 0.0))):
            if beat <= end:
                return elapsed + (beat - start) * 60.0 / bpm
            elapsed += (end - start) * 60.0 / bpm
        raise AssertionError("tempos start at beat 0")

    def beat_at(self, seconds: float) -> float:
        """Which beat sounds at a time; the inverse of `seconds`."""
        edges = [self.seconds(beat) for beat, _ in self.tempos]
        index = max(0, bisect_right(edges, seconds) - 1)
        beat, bpm = self.tempos[index]
        return beat + (seconds - edges[index]) * bpm / 60.0

    @property
    def duration(self) -> float:
        """Length in seconds, without the last reverberation."""
        return self.seconds(self.length)


@dataclass(frozen=True)
class Scene:
    """A score at its place within a piece: most pieces are one scene, a medley is several."""

    score: Score
    second: float = 0.0  # when its beat 0, a bar line, sounds

    @property
    def end(self) -> float:
        """The second of its last bar line, where the next scene begins."""
        return self.second + self.score.duration


def in_a_row(scores: Iterable[Score]) -> tuple[Scene, ...]:
    """Let scores follow each other bar line to bar line."""
    scenes: list[Scene] = []
    for score in scores:
        scenes.append(Scene(score, scenes[-1].end if scenes else 0.0))
    return tuple(scenes)
