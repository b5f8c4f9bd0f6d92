"""The caption file: a csv of captions as MusicCaps publishes it (Agostinelli et al. 2023).

In:  a file with a header that names at least `caption`; `is_audioset_eval` tells the splits apart.
Out: `Caption`s. Only words are read: the clips behind them belong to others and are not needed.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.errors import InputError

QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
TRUE, FALSE = ("true", "1"), ("false", "0", "")


class Split(StrEnum):
    """Which captions of a file."""

    EVAL = "eval"  # is_audioset_eval
    TRAIN = "train"
    BALANCED = "balanced"  # is_balanced_subset
    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Caption:
    """One description."""

    clip: str  # the id of the clip it was written for, and where in it; "" if not said
    text: str
    aspects: tuple[str, ...]  # short phrases, in the words of the writer


def read_captions(path: Path, split: Split, limit: int) -> list[Caption]:
    """Read the first captions of a split.

    Raises:
        InputError: no such file, no csv of captions, or too few of the split: two are the least.
    """
    found: list[Caption] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            _require_columns(path, rows.fieldnames or (), split)
            for number, row in enumerate(rows, 2):
                if len(found) < limit and _is_in(path, number, row, split):
                    found.append(_caption(path, number, row))
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}. Name a csv.") from exc
    except (csv.Error, UnicodeDecodeError) as exc:
        raise InputError(f"{path} is no csv in UTF-8: {exc}. Export it again.") from exc
    if len(found) < 2:
        raise InputError(
            f"{path} holds {len(found)} captions of split {split}, expected 2 or more. "
            "Try --split all."
        )
    return found


def _require_columns(path: Path, columns: Sequence[str], split: Split) -> None:
    needed, names = {"caption", _column(split)} - {""}, set(columns)
    if needed - names:
        raise InputError(
            f"{path} has the columns {sorted(names)}, expected {sorted(needed)} among them. "
            "Is it the csv of MusicCaps?"
        )


def _column(split: Split) -> str:
    """The column that tells whether a row is in a split."""
    if split is Split.ALL:
        return ""
    return "is_balanced_subset" if split is Split.BALANCED else "is_audioset_eval"


def _is_in(path: Path, number: int, row: dict[str, str], split: Split) -> bool:
    column = _column(split)
    if not column:
        return True
    said = (row[column] or "").strip().lower()
    if said not in (*TRUE, *FALSE):
        raise InputError(
            f"{path}, line {number}: {column} is {row[column]!r}, expected True or False."
        )
    return (said in TRUE) is (split is not Split.TRAIN)


def _caption(path: Path, number: int, row: dict[str, str]) -> Caption:
    text = (row["caption"] or "").strip()
    if not text:
        raise InputError(f"{path}, row {number}: caption is empty, expected words.")
    start = row.get("start_s") or ""
    clip = f"{row.get('ytid') or ''} {start}".strip()
    return Caption(clip=clip, text=text, aspects=_aspects(row.get("aspect_list") or ""))


def _aspects(said: str) -> tuple[str, ...]:
    """Take the phrases out of a list as Python writes it: ['low quality', "80's piano"]."""
    phrases = (single or double for single, double in QUOTED.findall(said))
    return tuple(phrase.strip() for phrase in phrases if phrase.strip())
