"""The timeline of a piece: timed prompts, tempo, bars and keys, as controls for every frame.

In:  cues, tempo map, bar grids and keys, as `engine.story` lays them out. Out: `controls(frame,
styles)`. Time origin: frame t asks for what holds at t / 25 s, so a cue at any moment is obeyed by
the first frame that starts at or after it. A cue's style arrives there (or over its `style_glide`);
tempo and key hold from cue to cue, and change there at once or over its `glide`; drums,
instruments, density and brightness are the cue's own. Pure; the styles are made elsewhere, from
`Cue.prompt.text`.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Final, TypeVar

from engine.prompt_parser import ParsedPrompt
from engine.row import Controls, Harmony, Vector
from engine.spec import FRAME_RATE
from engine.tempo import TempoMap
from engine.unit import unit

_NEAR_FRAMES: Final = 1e-6  # a mark this close to a frame's start is at it


@dataclass(frozen=True, kw_only=True)
class Cue:
    """One prompt and when it starts."""

    second: float
    said: str  # the prompt as written
    prompt: ParsedPrompt
    drums: bool | None = None
    density: float | None = None  # 0..1
    brightness: float | None = None  # 0..1
    style_glide: float = 0.0  # seconds

    @property
    def frame(self) -> int:
        """The first frame that obeys it."""
        return ceil(self.second * FRAME_RATE - _NEAR_FRAMES)


@dataclass(frozen=True)
class Meter:
    """A bar grid from a second on."""

    second: float
    beat: float  # where its first bar line is, in beats of the tempo map
    bars: float  # bars of the story before it
    beats_per_bar: int


@dataclass(frozen=True)
class KeyChange:
    """A key from a second on."""

    second: float
    key: int  # index into spec.KEYS or NO_KEY


Timed = TypeVar("Timed", Meter, KeyChange)


@dataclass(frozen=True, kw_only=True)
class Story:
    """A piece: cues in order of time, the first at 0, and what tempo, meter and key do."""

    seed: int
    seconds: float
    cues: tuple[Cue, ...]
    tempo: TempoMap
    meters: tuple[Meter, ...]  # in order of time, the first at 0
    keys: tuple[KeyChange, ...]  # in order of time, the first at 0
    harmony: Harmony = "planned"

    @property
    def frames(self) -> int:
        """How many frames cover it."""
        return ceil(self.seconds * FRAME_RATE - _NEAR_FRAMES)

    @property
    def has_tempo(self) -> bool:
        """Whether anything ever said how fast it goes."""
        return self.tempo.bpm_at(self.seconds) is not None

    def at_tempo(self, bpm: float) -> "Story":
        """The same at one tempo all along, for a story that has none."""
        tempo = TempoMap()
        tempo.change(0.0, bpm)
        meters = tuple(
            replace(meter, beat=tempo.beat_at(meter.second) or 0.0) for meter in self.meters
        )
        return replace(self, tempo=tempo, meters=meters)

    def cue_at(self, frame: int) -> int:
        """Index of the cue that a frame obeys."""
        return max(0, bisect_right(self.cues, frame, key=lambda cue: cue.frame) - 1)

    def controls(self, frame: int, styles: Sequence[Vector | None]) -> Controls:
        """What is asked for one frame.

        Args:
            frame: 0 .. `frames` - 1; later frames go on as the last.
            styles: one [STYLE_WIDTH] unit vector per cue, or None for a cue without words.
        """
        second, index = frame / FRAME_RATE, self.cue_at(frame)
        cue, meter, beat = (
            self.cues[index],
            _latest(self.meters, second),
            self.tempo.beat_at(second),
        )
        return Controls(
            style=self._style(second, index, styles),
            tempo_bpm=self.tempo.bpm_at(second),
            beat=None if beat is None else beat - meter.beat,
            beats_per_bar=meter.beats_per_bar,
            key=_latest(self.keys, second).key,
            drums=cue.drums,
            families=cue.prompt.families,
            without=cue.prompt.without,
            density=cue.density,
            brightness=cue.brightness,
            harmony=self.harmony,
        )

    def _style(self, second: float, index: int, styles: Sequence[Vector | None]) -> Vector | None:
        """The cue's style, or on its way there from where the story was when the cue began."""
        cue, target = self.cues[index], styles[index]
        share = (second - cue.second) / cue.style_glide if cue.style_glide else 1.0
        if index == 0 or share >= 1.0 or target is None:
            return target
        start = self._style(cue.second, index - 1, styles)
        if start is None:
            return target
        on_the_way = unit((1.0 - share) * start + share * target)
        return target if on_the_way is None else on_the_way


def _latest(entries: Sequence[Timed], second: float) -> Timed:
    """The last entry that has begun; the first if none has."""
    return entries[max(0, bisect_right(entries, second, key=lambda entry: entry.second) - 1)]
