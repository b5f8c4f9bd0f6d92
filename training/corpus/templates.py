"""Genre templates: what the files of `genres/` and `instruments.toml` may say, and reading them.

Data in, frozen models out. Unknown keys, unknown instruments, patterns that do not fit their meter
and numerals that cannot be read are refused when a file is loaded. Decides nothing musical.
"""

import tomllib
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from engine.spec import FAMILIES, SECTIONS
from training.corpus.harmony import read_progression
from training.corpus.patterns import MeterName, check_pattern
from training.corpus.theory import SCALES

HERE = Path(__file__).parent
DRUMS: dict[str, int] = {
    "kick": 36, "snare": 38, "rim": 37, "clap": 39, "hat": 42, "open": 46, "pedal": 44, "ride": 51,
    "crash": 49, "floor": 41, "tom_low": 45, "tom_mid": 47, "tom_high": 50, "tambourine": 54,
    "cowbell": 56, "shaker": 70,
}  # name in a template -> General MIDI drum  # fmt: skip

Role = Literal["bass", "walk", "comp", "pad", "arp", "voice", "drone", "lead", "hits"]
Unit = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(gt=0)]
LevelName = Literal["beginner", "intermediate", "professional", "virtuoso"]
Patterns = dict[MeterName, tuple[str, ...]]
Words = Annotated[tuple[str, ...], Field(min_length=1)]


class Strict(BaseModel):
    """A model that refuses unknown keys and cannot be changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _known_scale(name: str) -> str:
    if name not in SCALES:
        raise ValueError(f"scale {name!r} is not one of {', '.join(SCALES)}")
    return name


def _check_patterns(patterns: Patterns) -> Patterns:
    for meter, bars in patterns.items():
        for bar in bars:
            check_pattern(bar, meter)
    return patterns


def _check_lines(meter: MeterName, lines: dict[str, str]) -> None:
    for drum, pattern in lines.items():
        if drum not in DRUMS:
            raise ValueError(f"drum {drum!r} is not one of {', '.join(DRUMS)}")
        check_pattern(pattern, meter)


class Instrument(Strict):
    """A sound: a program of the sound font or a patch of our synthesisers."""

    family: str
    program: int | None = Field(default=None, ge=0, le=127)
    patch: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.family not in (*FAMILIES, "drums"):
            raise ValueError(f"family {self.family!r} is not one of {', '.join(FAMILIES)}, drums")
        if (self.program is None) == (not self.patch):
            raise ValueError("give either a program or a patch")
        return self


class PartTemplate(Strict):
    """One player of a genre: what may be played on, when, where and how."""

    name: str
    role: Role
    sounds: Words  # names in instruments.toml, one is chosen per piece
    like: str = ""  # name of an earlier part whose instrument this one plays: the other hand
    chance: Unit = 1.0  # of being in a piece
    energy: Unit = 0.0  # plays in sections of at least this energy
    sections: tuple[str, ...] = ()  # if given, only there
    low: int = Field(default=48, ge=21, le=108)  # register, MIDI
    high: int = Field(default=72, ge=21, le=108)
    patterns: Annotated[Patterns, AfterValidator(_check_patterns)] = {}
    busy: Annotated[Patterns, AfterValidator(_check_patterns)] = {}  # for sections of high energy
    voicing: Literal["close", "shell", "power", "octave", "single"] = "close"
    voices: int = Field(default=3, ge=1, le=5)
    voice: int = Field(default=3, ge=0, le=3)  # of four parts, lowest first; role "voice"
    group: str = ""  # parts of one group share motifs and pattern choices; empty: its own
    turns: Literal["all", "call", "answer"] = "all"
    ornament: Unit = 0.0  # chance of a grace note before a long melody note
    articulation: float = Field(default=0.95, gt=0, le=1.2)  # sounding part of a written length
    velocity: int = Field(default=88, ge=20, le=120)
    lay_back_ms: float = Field(default=0.0, ge=-20, le=30)
    gain_db: float = Field(default=-6.0, ge=-30, le=6)
    pan: float = Field(default=0.0, ge=-1, le=1)
    reverb: Unit = 0.15
    effects: tuple[str, ...] = ()

    @field_validator("sections")
    @classmethod
    def _known_sections(cls, sections: tuple[str, ...]) -> tuple[str, ...]:
        for name in sections:
            if name not in SECTIONS:
                raise ValueError(f"section {name!r} is not one of {', '.join(SECTIONS)}")
        return sections

    @property
    def motif_group(self) -> str:
        """The name under which this part draws its motifs and patterns."""
        return self.group or self.name


class Groove(Strict):
    """A drum pattern for a range of energy."""

    meter: MeterName = "4/4"
    energy: tuple[Unit, Unit] = (0.0, 1.0)
    name: str = ""  # an idiom's name, for captions: "one drop"
    lines: dict[str, str]  # drum -> pattern

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_lines(self.meter, self.lines)
        return self


class Fill(Strict):
    """One bar of drums at the end of a section; the groove is cut where the fill begins."""

    meter: MeterName = "4/4"
    lines: dict[str, str]

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_lines(self.meter, self.lines)
        return self


class Kit(Strict):
    """The drummer."""

    sounds: Words
    energy: Unit = 0.3
    grooves: Annotated[tuple[Groove, ...], Field(min_length=1)]
    fills: tuple[Fill, ...] = ()
    crash: Unit = 0.6  # chance of a crash on the first beat of an energetic section
    gain_db: float = Field(default=-4.0, ge=-30, le=6)
    reverb: Unit = 0.1
    lay_back_ms: float = Field(default=0.0, ge=-20, le=30)
    effects: tuple[str, ...] = ()


class Mode(Strict):
    """Scale and progressions of one mode."""

    weight: float = Field(gt=0)
    scale: Annotated[str, AfterValidator(_known_scale)]
    melody: Annotated[str | None, AfterValidator(lambda s: s and _known_scale(s))] = None
    main: Words  # progressions for every section that has none of its own
    verse: tuple[str, ...] = ()
    chorus: tuple[str, ...] = ()
    bridge: tuple[str, ...] = ()
    solo: tuple[str, ...] = ()
    cadence: tuple[str, ...] = ()  # may replace the last bar of a section
    final: str = "I"

    @model_validator(mode="after")
    def _check(self) -> Self:
        banks = (self.main, self.verse, self.chorus, self.bridge, self.solo, self.cadence)
        for text in (self.final, *chain(*banks)):
            read_progression(text)
        return self

    def progressions(self, section: str) -> tuple[str, ...]:
        """What a section may be built on."""
        own = {"verse": self.verse, "chorus": self.chorus, "bridge": self.bridge, "solo": self.solo}
        return own.get(section) or self.main


class Genre(Strict):
    """A whole template."""

    name: str
    tempo: tuple[float, float]  # bpm, of the beat (in 6/8 the dotted quarter)
    meters: dict[MeterName, Weight]
    swing: tuple[float, float] = (0.5, 0.5)  # where an off-beat falls within its pair of steps
    swing_step: float = Field(default=0.5, ge=0.25, le=0.5)  # beats: swung eighths or sixteenths
    levels: dict[LevelName, Weight]
    bodies: Words  # sections between intro and outro, cut or repeated to length
    energies: dict[str, Unit] = {}  # of sections, where they differ from the usual ones
    drive: tuple[Unit, Unit] = (0.35, 0.65)  # how energetic the genre is as a whole
    modes: dict[str, Mode]
    kit: Kit | None = None
    parts: Annotated[tuple[PartTemplate, ...], Field(min_length=1)]
    rhythms: Annotated[Patterns, AfterValidator(_check_patterns)]  # of melodies
    runs: Annotated[Patterns, AfterValidator(_check_patterns)] = {}  # of solos
    leap: Unit = 0.25  # chance that a melody leaps rather than steps
    moods: Words
    eras: Words
    places: Words
    titles: Words
    uses: Words
    master: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        known = instruments()
        kit_sounds = self.kit.sounds if self.kit else ()
        for sound in (*chain(*(part.sounds for part in self.parts)), *kit_sounds):
            if sound not in known:
                raise ValueError(f"instrument {sound!r} is not in instruments.toml")
        for meter in self.meters:
            if meter not in self.rhythms:
                raise ValueError(f"no melody rhythm for {meter}")
            if self.kit and not any(g.meter == meter for g in self.kit.grooves):
                raise ValueError(f"no groove for {meter}")
            for part in self.parts:
                if part.patterns and meter not in part.patterns:
                    raise ValueError(f"part {part.name} has no pattern for {meter}")
        return self


@cache
def instruments() -> dict[str, Instrument]:
    """Read the table of instruments: name -> sound."""
    table = tomllib.loads((HERE / "instruments.toml").read_text("utf-8"))
    return {name: Instrument(**entry) for name, entry in table.items()}


@cache
def genre_names() -> tuple[str, ...]:
    """Names of all genres, in a fixed order."""
    return tuple(sorted(path.stem for path in (HERE / "genres").glob("*.toml")))


@cache
def load_genre(name: str) -> Genre:
    """Read and check one template.

    Raises:
        ValueError: no such genre, or the file says something a template may not say.
    """
    if name not in genre_names():
        raise ValueError(f"genre is {name!r}, expected one of {', '.join(genre_names())}")
    data = tomllib.loads((HERE / "genres" / f"{name}.toml").read_text("utf-8"))
    return Genre(name=name, **data)
