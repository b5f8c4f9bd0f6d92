"""Settings: how a mood is heard in mode, tempo and drive, an era in the recording, a place in the
room.

In:  `settings.toml`, and what a piece is like. Out: the mood that fits, names for the master, a
room. So the words of a caption are true of the sound. Draws nothing but the mood.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from training.corpus.chance import pick_weighted
from training.corpus.templates import Genre

FILE = Path(__file__).with_name("settings.toml")
SPREAD = 0.35  # of the mood around what mode, tempo and drive say
# How pleasant a scale is, -1..1 (Hevner 1935; Temperley and Tan 2013 for the order of the modes).
PLEASANTNESS = {
    "lydian": 0.7, "major": 0.8, "major_pentatonic": 0.8, "mixolydian": 0.5, "dorian": -0.2,
    "minor": -0.5, "minor_pentatonic": -0.4, "blues": -0.3, "harmonic_minor": -0.7,
    "phrygian": -0.9,
}  # fmt: skip

Signed = Annotated[float, Field(ge=-1, le=1)]


class Place(NamedTuple):
    """The room a place is heard by."""

    size: float  # 0..1
    wetness: float  # factor on the parts' sends


class Settings(BaseModel):
    """The file as read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    moods: dict[str, tuple[Signed, Signed]]  # pleasantness, excitement
    eras: dict[str, str]  # era -> master effect
    places: dict[str, Place]


@cache
def load_settings() -> Settings:
    """Read settings.toml."""
    return Settings(**tomllib.loads(FILE.read_text("utf-8")))


def fit_mood(rng: np.random.Generator, genre: Genre, scale: str, bpm: float, drive: float) -> str:
    """Draw one of the genre's moods, the likelier the better it fits.

    Where the piece lies between the genre's darkest and brightest mode, slowest and fastest tempo,
    laziest and most driven playing is where its mood lies among the genre's moods.
    """
    known = load_settings().moods
    table = np.array([known[mood] for mood in genre.moods])
    scales = [PLEASANTNESS[mode.scale] for mode in genre.modes.values()]
    pleasant = _within(PLEASANTNESS[scale], min(scales), max(scales))
    excited = (_within(bpm, *genre.tempo) + _within(drive, *genre.drive)) / 2
    low, high = table.min(0), table.max(0)
    target = low + np.array([pleasant, excited]) * (high - low)
    distance = ((table - target) ** 2).sum(1)
    odds = np.exp(-distance / (2 * SPREAD**2))
    return pick_weighted(rng, dict(zip(genre.moods, odds.tolist(), strict=True)))


def sound_of(era: str) -> tuple[str, ...]:
    """Name the master effects of an era; none for an era without a sound of its own."""
    name = load_settings().eras.get(era)
    return (name,) if name else ()


def room_of(place: str) -> Place | None:
    """Find the room of a place; None where the genre decides."""
    return load_settings().places.get(place)


def _within(value: float, low: float, high: float) -> float:
    """Where a value lies between two others, 0..1; one half where they are the same."""
    return float(np.clip((value - low) / (high - low), 0, 1)) if high > low else 0.5
