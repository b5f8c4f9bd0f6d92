"""bundle.json: what a bundle says about itself, checked against what this engine speaks.

In:  the bytes of bundle.json. Out: a frozen `Manifest`.
Strict JSON; an unknown key is an error outside `provenance` and `metrics`, which are free-form.
"""

import json
from typing import Annotated, Any, Final, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from engine import spec
from engine.errors import BundleError
from engine.graph import PLAYING, PORTS, GraphSpec
from engine.row import FIELDS

FORMAT: Final = 1
MAX_BYTES: Final = 4 << 20

Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
Nats = Annotated[float, Field(gt=0, allow_inf_nan=False)]
PerLevel = Field(min_length=spec.LEVELS, max_length=spec.LEVELS)


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AudioEntry(_Entry):
    """The audio that the bundle hears and plays."""

    rate: int = Field(ge=8_000, le=192_000, multiple_of=spec.FRAME_RATE)  # Hz
    channels: int = Field(ge=1, le=2)


class TokensEntry(_Entry):
    """Levels per frame and codes per level; the family's, not to be chosen."""

    semantic: Literal[1] = 1
    coarse: Literal[4] = 4
    fine: Literal[8] = 8
    codebook: Literal[1024] = 1024


class SamplingEntry(_Entry):
    """The bundle's own way of choosing tokens."""

    temperature: tuple[Temperature, ...] = PerLevel
    cutoff: tuple[Nats, ...] = PerLevel  # a code this far under the best is never chosen
    guidance: float = Field(ge=1, le=8, allow_inf_nan=False)


class TextEntry(_Entry):
    """How a prompt becomes token ids."""

    tokenizer: str  # file inside the bundle
    max_tokens: int = Field(ge=1, le=4096)  # a longer prompt is cut, as in training


class Manifest(_Entry):
    """All of bundle.json."""

    format: Literal[1]
    family: Literal["antiphon"]
    name: str = Field(min_length=1, max_length=100)
    audio: AudioEntry
    tokens: TokensEntry
    row: dict[str, int]
    graphs: dict[str, GraphSpec]
    sampling: SamplingEntry
    text: TextEntry
    provenance: dict[str, JsonValue]
    metrics: dict[str, JsonValue]
    licence: str

    @model_validator(mode="after")
    def _speaks_our_language(self) -> "Manifest":
        if list(self.row.items()) != list(FIELDS.items()):
            raise ValueError(f"row: {_row_difference(self.row)}. It was made for another version")
        for name in PLAYING:
            if name not in self.graphs:
                raise ValueError(f"graphs: {name} is missing")
        for name, graph in self.graphs.items():
            expected = PORTS.get(name)
            if expected is None:
                raise ValueError(f"graphs: {name} is not one of {', '.join(PORTS)}")
            for what, got, want in zip(("inputs", "outputs"), graph.ports(), expected, strict=True):
                if set(got) != set(want):
                    raise ValueError(f"graphs.{name}.{what}: {got} + state, expected {want}")
        return self


def parse(data: bytes, where: str) -> Manifest:
    """Read bundle.json.

    Args:
        data: its bytes.
        where: what to call it in an error.

    Raises:
        BundleError: not JSON, another format version, or a value that this engine cannot play;
            names the field.
    """
    found = _json_object(data, where)
    if found.get("format") != FORMAT:
        raise BundleError(
            f"{where} has format {found.get('format')!r}, expected {FORMAT}. "
            "Use the version of Antiphon that it was made for, or export it again."
        )
    try:
        return Manifest.model_validate_json(data, strict=True)
    except ValidationError as exc:
        first = exc.errors()[0]
        field = ".".join(str(step) for step in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise BundleError(
            f"{where}: {field}{': ' if field else ''}{reason}. Export the bundle again."
        ) from exc


def _json_object(data: bytes, where: str) -> dict[str, Any]:
    try:
        found = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        raise BundleError(f"{where} is not JSON ({exc}). Export the bundle again.") from exc
    if not isinstance(found, dict):
        raise BundleError(f"{where} holds a {type(found).__name__}, expected a JSON object.")
    return found


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


def _row_difference(row: dict[str, int]) -> str:
    for name in sorted({*row, *FIELDS}):
        if row.get(name) != FIELDS.get(name):
            return f"field {name} has width {row.get(name)}, expected {FIELDS.get(name)}"
    return f"fields come in the order {list(row)}, expected {list(FIELDS)}"
