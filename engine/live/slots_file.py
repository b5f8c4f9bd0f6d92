"""A set's prompts in a file: what is in the eight slots when the music starts.

tempo = 124            # all but the prompts may be left out
key = "A minor"
seed = 7

[prompts]
1 = "deep house, bass and warm pads"
2 = "the same with a choir"
"""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from engine.command import SLOTS, SetPrompt
from engine.errors import AntiphonError
from engine.live import toml_file
from engine.live.lines import SLOT_WORDS
from engine.reading.keys import read_key


def _key(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return read_key(value)
    except AntiphonError as exc:
        raise ValueError(str(exc)) from exc


def _prompts(found: dict[str, str]) -> dict[str, str]:
    for slot, text in found.items():
        if slot not in SLOT_WORDS:
            raise ValueError(f"slot {slot!r} is not there, expected 1 to {SLOTS}")
        try:
            SetPrompt(index=int(slot), text=text)
        except AntiphonError as exc:
            raise ValueError(f"slot {slot}: {exc}") from exc
    return found


class SlotsFile(BaseModel):
    """The whole file. Tempo and seed are checked where they are used, as the options are."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    tempo: float | None = None
    key: Annotated[str | None, BeforeValidator(_key)] = None
    seed: int | None = None
    prompts: Annotated[dict[str, str], AfterValidator(_prompts), Field(min_length=1)]


def read(path: Path) -> SlotsFile:
    """Read and check a file of prompts.

    Raises:
        InputError: it cannot be read, is no TOML, or holds what it must not.
    """
    return toml_file.read(path, SlotsFile, "a file of prompts, see docs/live.md")
