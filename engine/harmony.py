"""Harmony: where nobody plays chords, plan a progression for the music to follow.

In:  a frame's `Controls` and the seed. Out: the same, with a key and the chord of that bar; and a
tempo for a take that was asked for none.
The bundle brings the idioms: for each style of music a vector and its progressions, in verses and
bridges of whole bars. The idiom nearest to the style in force is followed, in the form A A B A;
seed and style choose what A and B are, and the key if none is asked for. The same place in the song
always has the same chord, so a loop repeats and a replay agrees. Pure; any thread.

Acoustic tokens follow given chords far better than a key alone (docs/log.md, 2026-11-22).
"""

import hashlib
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Annotated, Final, NamedTuple

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from engine.errors import BundleError
from engine.row import Controls, Vector
from engine.spec import (
    MODES,
    NO_CHORD,
    NO_KEY,
    QUALITIES,
    QUALITY_NAMES,
    STYLE_WIDTH,
    TEMPO_MAX_BPM,
    TEMPO_MIN_BPM,
)

FILE: Final = "harmony.json"
MAX_BYTES: Final = 4 << 20
FORM: Final = "AABA"
FORM_BARS: Final = 8  # least length of one of its parts; shorter progressions repeat

Share = Annotated[float, Field(ge=0, le=1)]
Bpm = Annotated[float, Field(ge=TEMPO_MIN_BPM, le=TEMPO_MAX_BPM)]


def _known_quality(name: str) -> str:
    if name not in QUALITIES:
        raise ValueError(f"{name!r} is no quality of a chord, expected {', '.join(QUALITIES)}")
    return name


Quality = Annotated[str, AfterValidator(_known_quality)]


class Chord(NamedTuple):
    """One chord of a bar, relative to the tonic."""

    root: Annotated[int, Field(ge=0, le=11)]  # semitones above the tonic
    quality: Quality


Bar = Annotated[tuple[Chord, ...], Field(min_length=1, max_length=8)]
Progression = Annotated[tuple[Bar, ...], Field(min_length=1, max_length=64)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Progressions(_Entry):
    """What an idiom plays in one mode."""

    verse: Annotated[tuple[Progression, ...], Field(min_length=1)]
    bridge: Annotated[tuple[Progression, ...], Field(min_length=1)]


class Idiom(_Entry):
    """One style of music: where it lies among the styles, and how it moves."""

    name: str
    style: Annotated[tuple[float, ...], Field(min_length=STYLE_WIDTH, max_length=STYLE_WIDTH)]
    tempo: tuple[Bpm, Bpm]  # its slowest and fastest
    minor: Share  # how often it is in a minor mode
    modes: dict[str, Progressions]  # by name, as spec.MODES

    @field_validator("modes")
    @classmethod
    def _both(cls, modes: dict[str, Progressions]) -> dict[str, Progressions]:
        if set(modes) != set(MODES):
            raise ValueError(f"has {sorted(modes)}, expected {', '.join(MODES)}")
        return modes


class HarmonyBook(_Entry):
    """All idioms of a bundle."""

    idioms: Annotated[tuple[Idiom, ...], Field(min_length=1, max_length=256)]

    @cached_property
    def _styles(self) -> Vector:
        styles = np.array([idiom.style for idiom in self.idioms], np.float32)
        norms = np.linalg.norm(styles, axis=1, keepdims=True)
        units: Vector = styles / np.maximum(norms, np.float32(1e-8))
        return units

    def nearest(self, style: Vector | None) -> Idiom:
        """The idiom of a [STYLE_WIDTH] style; without one, the idiom nearest to all others."""
        towards = self._styles.sum(0) if style is None else style
        return self.idioms[int(np.argmax(self._styles @ towards))]

    def plan(self, controls: Controls, seed: int) -> Controls:
        """Fill in the chord, and the key, of a frame whose `harmony` allows it.

        Args:
            controls: what is asked; comes back as it is where chords are played, where there are
                no bars to plan on, or where its `harmony` says so.
            seed: of the take, 0 .. 2**63 - 1.
        """
        is_played = controls.harmony == "played" or controls.chord_root != NO_CHORD
        if is_played or controls.beat is None:
            return controls
        if controls.key == NO_KEY and controls.harmony == "in key":
            return controls
        idiom = self.nearest(controls.style)
        key = home_key(idiom, seed) if controls.key == NO_KEY else controls.key
        bars = form(idiom.name, idiom.modes[MODES[key // 12]], seed)
        chord = chord_at(bars, controls.beat, controls.beats_per_bar)
        root, quality = (key + chord.root) % 12, QUALITY_NAMES.index(chord.quality)
        return replace(controls, key=key, chord_root=root, chord_quality=quality)

    def tempo_bpm(self, style: Vector | None, said: str, seed: int) -> float:
        """A tempo for a take that was asked for none, whole bpm; "slow" and "fast" count."""
        low, high = self.nearest(style).tempo
        share = _draw(f"{seed} tempo", 1 << 20) / (1 << 20)
        if "slow" in said.lower():
            share = share / 3
        elif "fast" in said.lower():
            share = 1 - share / 3
        return float(round(low + (high - low) * share))


def parse(data: bytes, where: str) -> HarmonyBook:
    """Read harmony.json.

    Raises:
        BundleError: it does not say what this engine can follow; names the field.
    """
    try:
        return HarmonyBook.model_validate_json(data)
    except ValidationError as exc:
        first = exc.errors()[0]
        field = ".".join(str(step) for step in first["loc"])
        raise BundleError(f"{where}: {field}: {first['msg']}. Export the bundle again.") from exc


def home_key(idiom: Idiom, seed: int) -> int:
    """The key of a take that was asked for none: index into spec.KEYS."""
    is_minor = _draw(f"{seed} mode", 1 << 20) < idiom.minor * (1 << 20)
    return _draw(f"{seed} tonic", 12) + 12 * is_minor


@lru_cache(maxsize=256)
def form(name: str, progressions: Progressions, seed: int) -> tuple[Bar, ...]:
    """The bars that a take goes round in: what the seed chooses of an idiom's progressions."""
    verse = _choose(progressions.verse, f"{seed} {name} verse")
    bridge = _choose(progressions.bridge, f"{seed} {name} bridge")
    parts = {"A": _long_enough(verse), "B": _long_enough(bridge)}
    return tuple(bar for part in FORM for bar in parts[part])


def chord_at(bars: tuple[Bar, ...], beat: float, beats_per_bar: int) -> Chord:
    """The chord at a beat since the song's start; a bar's chords share its whole beats."""
    bar = bars[int(beat // beats_per_bar) % len(bars)]
    within = beat % beats_per_bar
    begun = [round(index * beats_per_bar / len(bar)) <= within for index in range(len(bar))]
    return bar[max(0, sum(begun) - 1)]


def _long_enough(progression: Progression) -> tuple[Bar, ...]:
    return progression * -(-FORM_BARS // len(progression))


def _choose(progressions: tuple[Progression, ...], what: str) -> Progression:
    return progressions[_draw(what, len(progressions))]


def _draw(what: str, count: int) -> int:
    """A number below `count` that only the words decide, the same on every machine."""
    digest = hashlib.blake2b(what.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") % count
