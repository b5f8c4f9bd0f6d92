"""Vocabulary: the word and sentence banks of captions, read from `words/`.

Data in, frozen models out: one bank for training and one for evaluation. They share no sentence and
no word; where the second has no word of its own for a thing, it borrows the first's.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

WORDS = Path(__file__).parent / "words"

Choices = Annotated[tuple[str, ...], Field(min_length=1)]


class Vocabulary(BaseModel):
    """One bank: words per attribute value, and sentences with slots per kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: dict[str, dict[str, Choices]]
    sentences: dict[str, Choices]

    def choices(self, attribute: str, value: str) -> tuple[str, ...]:
        """Words for a value of an attribute; empty where the bank has none."""
        return self.words.get(attribute, {}).get(value, ())


@cache
def load_vocabulary(name: str) -> Vocabulary:
    """Read the bank "training" or "held_out"."""
    return Vocabulary(**tomllib.loads((WORDS / f"{name}.toml").read_text("utf-8")))
