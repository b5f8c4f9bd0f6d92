"""Keep the last bars: what was just heard, cut on bar lines, as a file that says what it is.

In:  what was heard lately, the transports that it was heard under, and the facts of the take.
Out: a WAV or FLAC file with tempo, key, seed, prompts and the bundle's id in its metadata, whole or
not there at all. The samples are those of the bundle's rate as they were made: in "float" they are
the very ones that replaying the take gives.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

import engine
from engine.clock import Mark, Transport
from engine.errors import InputError
from engine.output import Tag, reserve, write_audio

Audio = NDArray[np.float32]
KeepAs = Literal["wav", "float", "flac"]  # `engine.options.KEEP_AS`

_MAX_COMMENT: Final = 1900  # bytes; libsndfile drops longer ones from WAV without a word
_MAX_LINES: Final = 100_000  # of a grid in what is remembered; a bar of the fastest tempo is 15 ms


class Past(Protocol):
    """What the runner remembers. [any-thread]"""

    def recent(self, seconds: float) -> tuple[Audio, int]:
        """The newest samples that were heard, and which of the output the first is.

        Args:
            seconds: at most so many.

        Returns:
            [C, N] float32 at the bundle's rate, a copy; and the output sample of the first.
        """
        ...

    def recent_transports(self) -> Sequence[tuple[int, Transport]]:
        """Transports in order, each with the output sample from which it holds."""
        ...


class Cut(NamedTuple):
    """A stretch of the output, from bar line to bar line."""

    first: int  # output sample
    end: int
    bars: int


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a kept file says about itself."""

    bundle: str  # its id
    seed: int
    prompts: tuple[str, ...]  # in force when it ended
    tempo_bpm: float | None  # likewise
    key: str | None


class Kept(NamedTuple):
    """A file that was written."""

    path: Path
    cut: Cut
    seconds: float
    clipped: int  # samples beyond full scale, cut to it
    sha256: str  # of the samples as they stand in the file; of FLAC, as 24-bit WAV has them


def cut_bars(
    transports: Sequence[tuple[int, Transport]], first: int, end: int, rate: int, bars: int
) -> Cut:
    """Find the last whole bars.

    Args:
        transports: as `Past` has them.
        first, end: the stretch that is remembered, in output samples.
        rate: Hz, the output's.
        bars: how many are wanted.

    Returns:
        So many bars or, if fewer are remembered, all that are whole.

    Raises:
        InputError: not one whole bar is remembered.
    """
    lines: list[int] = []
    ends = [start for start, _ in transports[1:]] + [end + 1]
    for (start, transport), stop in zip(transports, ends):
        lines += _lines(transport, max(first, start), min(end + 1, stop), rate)
    if len(lines) < 2:
        raise InputError("no whole bar was heard yet, expected at least one. Try again in a while.")
    kept = lines[-1 - bars :]
    return Cut(kept[0], kept[-1], len(kept) - 1)


def _lines(transport: Transport, first: int, end: int, rate: int) -> list[int]:
    """The bar lines in a stretch, as output samples; the first counts, the end does not."""
    apart = transport.grid.signature.quarters_per_bar
    found: list[int] = []
    sample = first - 0.5  # a line that rounds to the first sample belongs to it
    while sample < end and len(found) < _MAX_LINES:
        mark = _next(transport, sample, rate, apart)
        if mark is None:
            break
        exact = mark.sample * rate / mark.rate
        line = int(np.floor(exact + 0.5))
        if first <= line < end:
            found.append(line)
        sample = max(exact, sample) + 1.0
    return found


def _next(transport: Transport, sample: float, rate: int, apart: float) -> Mark | None:
    return transport.next_line(sample * transport.rate / rate, quarters_apart=apart)


def keep(past: Past, rate: int, bars: int, path: Path, facts: Facts, kind: KeepAs) -> Kept:
    """Write the last whole bars to a file.

    Args:
        past: what was heard.
        rate: Hz, of the past: the bundle's.
        bars: how many.
        path: where, ending as `kind` does; a file of that name is replaced.
        facts: for the metadata.
        kind: the format.

    Raises:
        InputError: no whole bar was heard yet.
        OptionError: the file cannot be written.
    """
    audio, first = past.recent(float("inf"))
    cut = cut_bars(past.recent_transports(), first, first + audio.shape[1], rate, bars)
    audio = audio[:, cut.first - first : cut.end - first]
    clipped = 0 if kind == "float" else int(np.count_nonzero(np.abs(audio) > 1.0))
    with reserve(path, suffix_of(kind)) as part:
        digest = write_audio(
            part,
            audio,
            rate,
            "FLOAT" if kind == "float" else "PCM_24",
            container="FLAC" if kind == "flac" else "WAV",
            tags=_tags(facts, cut, rate),
        )
    return Kept(path, cut, audio.shape[1] / rate, clipped, digest)


def suffix_of(kind: KeepAs) -> str:
    """The ending of a file of a kind."""
    return ".flac" if kind == "flac" else ".wav"


def describe(facts: Facts) -> str:
    """Tempo and key as a file's title has them: `124 bpm, A minor`."""
    tempo = [] if facts.tempo_bpm is None else [f"{facts.tempo_bpm:.5g} bpm"]
    return ", ".join(tempo + ([facts.key] if facts.key else [])) or "free"


def _tags(facts: Facts, cut: Cut, rate: int) -> dict[Tag, str]:
    """What the file says: a title for people, and everything as JSON in the comment."""
    told = asdict(facts) | {
        "first_sample": cut.first,
        "bars": cut.bars,
        "rate": rate,
        "antiphon": engine.__version__,
    }
    return {
        "title": describe(facts),
        "software": f"antiphon {engine.__version__}",
        "comment": _fit(told),
    }


def _fit(told: dict[str, object]) -> str:
    """As JSON, with prompts shortened until they fit; a take's log has them whole."""
    prompts = told["prompts"]
    assert isinstance(prompts, tuple), "facts have a tuple of prompts"
    length = max((len(prompt) for prompt in prompts), default=0)
    while True:
        short = [p if len(p) <= length else f"{p[:length]}…" for p in prompts]
        comment = json.dumps(told | {"prompts": short}, ensure_ascii=False, allow_nan=False)
        if length == 0 or len(comment.encode()) <= _MAX_COMMENT:
            return comment
        length = length * 3 // 4
