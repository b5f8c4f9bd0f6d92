"""Read a prompt: numbers, keys, meters, instruments and refusals become fields, the rest is
embedded.

In:  what a player typed, 1 to 2,000 characters of any script, one line or several sentences.
Out: a `ParsedPrompt`. Contrastive text towers fail at numbers and at negation, so those are cut out
of the text; instruments, Italian tempo terms and dances stay in it, because they also name a sound.
Plain "slow" and "fast" set no number. Pure; knows no model. The vocabulary is `reading/words.toml`.
"""

import unicodedata
from dataclasses import dataclass
from typing import Final

from engine.errors import PromptError
from engine.reading.instruments import take_instruments
from engine.reading.key_words import take_key
from engine.reading.numbers import take_meter, take_tempo
from engine.reading.text import mend
from engine.spec import FAMILIES

MAX_CHARACTERS: Final = 2000


@dataclass(frozen=True, kw_only=True)
class ParsedPrompt:
    """What a prompt asks for. None or empty means "not said"."""

    text: str  # what is left to embed; empty when the prompt was only numbers and refusals
    tempo_bpm: float | None = None  # TEMPO_MIN_BPM..TEMPO_MAX_BPM
    key: str | None = None  # one of spec.KEYS
    beats_per_bar: int | None = None  # 1..MAX_BEATS_PER_BAR; 6/8 is two dotted beats
    drums: bool | None = None
    families: tuple[str, ...] = ()  # of spec.FAMILIES, asked for
    without: tuple[str, ...] = ()  # of spec.FAMILIES, asked not to sound
    remarks: tuple[
        str, ...
    ] = ()  # what was read in one of several possible ways, for the player to see


def parse(prompt: str) -> ParsedPrompt:
    """Take a prompt apart.

    Raises:
        PromptError: empty, longer than 2,000 characters, not text, or a tempo out of range.
    """
    text = _clean(prompt)
    remarks: list[str] = []
    text, tempo_bpm = take_tempo(text, remarks)
    text, key = take_key(text, remarks)
    text, beats_per_bar = take_meter(text, remarks)
    text, wanted = take_instruments(text, remarks)
    return ParsedPrompt(
        text=mend(text),
        tempo_bpm=tempo_bpm,
        key=key,
        beats_per_bar=beats_per_bar,
        drums=wanted.drums,
        families=tuple(name for name in FAMILIES if name in wanted.families),
        without=tuple(name for name in FAMILIES if name in wanted.without),
        remarks=tuple(remarks),
    )


def _clean(prompt: str) -> str:
    """Check length and content; normalise width, spaces and control characters."""
    if len(prompt) > MAX_CHARACTERS:
        raise PromptError(
            f"prompt has {len(prompt):,} characters, expected at most {MAX_CHARACTERS:,}. "
            "Shorten it."
        )
    try:
        prompt.encode()
    except UnicodeEncodeError as error:
        raise PromptError(
            f"prompt has a byte that is no text at character {error.start + 1}, expected UTF-8. "
            "Retype it."
        ) from error
    plain = unicodedata.normalize("NFKC", prompt)
    spaced = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in plain)
    text = " ".join(spaced.split())
    if not any(unicodedata.category(c)[0] in "LNS" for c in text):
        raise PromptError(
            "prompt is empty, expected a few words. Try 'slow reggae, bass and drums'."
        )
    return text
