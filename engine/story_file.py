"""Story files: the TOML a player writes, checked field by field.

    seed = 7                     # optional
    tempo = 90                   # bpm at the start, optional
    key = "A minor"              # optional
    beats_per_bar = 4            # optional
    harmony = true               # optional; false: the model, not the engine, chooses the chords
    length = "24s"

    [[cue]]
    at = "0s"                    # "12s", "1:30", "8 bars" (after eight), "bar 9", "32 beats", or 12
    prompt = "meditation, soft pads"
    tempo = 72                   # left out: what the prompt says, else as before; "hold": as before
    key = "D minor"              # the same
    glide = "4 bars"             # time over which tempo and key move; left out: at once
    style_glide = "2s"           # time over which the style moves; left out: at once
    beats_per_bar = 3
    drums = false
    density = 0.3                # 0 sparse .. 1 busy
    brightness = 0.4             # 0 dark .. 1 bright

Out: a `StoryFile`. What is wrong is a `StoryError` with file, cue, field, value and what was
expected.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from engine.errors import OptionError, StoryError
from engine.reading.keys import read_key
from engine.spec import MAX_BEATS_PER_BAR, TEMPO_MAX_BPM, TEMPO_MIN_BPM

MAX_BYTES: Final = 1 << 20
MAX_CUES: Final = 1000

Unit = Literal["seconds", "beats", "bars"]


@dataclass(frozen=True)
class Moment:
    """A point in the story, or a span of it: so many seconds, beats or bars from the start."""

    amount: float
    unit: Unit


_UNITS: Final[dict[str, Unit]] = {"s": "seconds", "bar": "bars", "beat": "beats"}
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|bar|beat)(?:ec|ecs|econd|econds|s)?")
_CLOCK: Final = re.compile(r"(\d+):([0-5]\d(?:\.\d+)?)")
_ORDINAL: Final = re.compile(r"(bar|beat)\s*([1-9]\d*)")


def read_span(value: object) -> Moment:
    """Read "4 bars", "2.5s", "8 beats" or a number of seconds.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(value, Moment):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf"):
        return Moment(float(value), "seconds")
    found = _SPAN.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if found is None:
        raise ValueError("not a length of time")
    return Moment(float(found[1]), _UNITS[found[2]])


def read_moment(value: object) -> Moment:
    """Read what `read_span` reads, and "1:30", "bar 9" (where bar nine begins), "beat 33".

    Raises:
        ValueError: it is none of these.
    """
    text = value.strip().lower() if isinstance(value, str) else ""
    if clock := _CLOCK.fullmatch(text):
        return Moment(60 * int(clock[1]) + float(clock[2]), "seconds")
    if ordinal := _ORDINAL.fullmatch(text):
        return Moment(float(int(ordinal[2]) - 1), _UNITS[ordinal[1]])
    return read_span(value)


def _read_key(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not text")
    try:
        return value if value == "hold" else read_key(value)
    except OptionError as exc:
        raise ValueError(str(exc)) from exc


At = Annotated[Moment, BeforeValidator(read_moment)]
Span = Annotated[Moment, BeforeValidator(read_span)]
Key = Annotated[str, BeforeValidator(_read_key)]
Bpm = Annotated[float, Field(ge=TEMPO_MIN_BPM, le=TEMPO_MAX_BPM, allow_inf_nan=False)]
Beats = Annotated[int, Field(ge=1, le=MAX_BEATS_PER_BAR)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _Table(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True
    )


class CueEntry(_Table):
    """One `[[cue]]`."""

    at: At
    prompt: str
    tempo: Bpm | Literal["hold"] | None = None
    key: Key | None = None
    glide: Span | None = None
    style_glide: Span | None = None
    beats_per_bar: Beats | None = None
    drums: bool | None = None
    density: Share | None = None
    brightness: Share | None = None


class StoryFile(_Table):
    """The whole file."""

    length: At
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    tempo: Bpm | None = None
    key: Key | None = None
    beats_per_bar: Beats | None = None
    harmony: bool = True
    cue: Annotated[list[CueEntry], Field(min_length=1, max_length=MAX_CUES)]


_EXPECTED: Final = {
    "at": "a time like 12, '12s', '1:30', '8 bars' or 'bar 9'",
    "length": "a time like '24s', '1:30' or '16 bars'",
    "prompt": "text in quotes",
    "tempo": f"a number from {TEMPO_MIN_BPM:g} to {TEMPO_MAX_BPM:g} (bpm)",
    "key": "a key like 'D minor', 'Eb major' or 'F# min'",
    "glide": "a length of time like '4 bars' or '2s'",
    "style_glide": "a length of time like '4 bars' or '2s'",
    "beats_per_bar": f"a whole number from 1 to {MAX_BEATS_PER_BAR}",
    "drums": "true or false",
    "harmony": "true or false",
    "density": "a number from 0 to 1",
    "brightness": "a number from 0 to 1",
    "seed": "a whole number from 0 to 9223372036854775807",
    "cue": f"1 to {MAX_CUES} tables, each under a line [[cue]]",
}


def read(path: Path | str) -> StoryFile:
    """Read and check a story file.

    Raises:
        StoryError: missing, not TOML, or a field that cannot be used.
    """
    try:
        return StoryFile.model_validate(_read_toml(Path(path)))
    except ValidationError as exc:
        raise StoryError(f"{path}: {_explain(exc.errors()[0])}") from exc


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as exc:
        raise StoryError(f"{path} cannot be read ({exc.strerror}), expected a story file.") from exc
    if len(data) > MAX_BYTES:
        raise StoryError(f"{path} is larger than {MAX_BYTES >> 20} MiB, expected a story file.")
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as exc:
        raise StoryError(
            f"{path} is not UTF-8 text (byte {exc.start + 1}), expected a story file."
        ) from exc
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise StoryError(f"{path} is not TOML: {exc}. See examples/ for a story.") from exc


def _explain(error: Mapping[str, Any]) -> str:
    """Put a pydantic error in a player's words: "cue 2: tempo is 900, expected a number ..."."""
    place = tuple(error["loc"])
    where = f"cue {place[1] + 1}: " if place[0] == "cue" and len(place) > 1 else ""
    inside = place[2:] if where else place
    field = str(inside[0]) if inside else "cue"
    expected = _EXPECTED.get(field, "a table")
    if error["type"] == "extra_forbidden":
        known = CueEntry.model_fields if where else StoryFile.model_fields
        return f"{where}{field} is not a known field, expected one of {', '.join(known)}."
    if error["type"] == "missing":
        return f"{where}{field} is missing, expected {expected}."
    hold = " or 'hold'" if where and field in ("tempo", "key") else ""
    return f"{where}{field} is {_shown(error['input'])}, expected {expected}{hold}."


def _shown(value: object) -> str:
    """A value as the file spells it, cut to a readable length."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
