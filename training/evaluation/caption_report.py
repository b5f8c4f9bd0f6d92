"""The caption report: figures that need no labels, on captions that anybody wrote.

In:  captions. Each is played as a prompt; what the parser finds in it (tempo, key, drums,
     instruments) is what it is held against, and the judge reads all of it.
Out: a `Table`. There is no ceiling, for nobody played the captions here; the floor holds each take
against another caption, and what depends on no caption has none. For FAD the ceiling is held-out
pieces of ours against as many others, and the floor is random tokens.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from engine.prompt_parser import MAX_CHARACTERS, ParsedPrompt, parse
from engine.reading.keys import key_index
from engine.spec import FAMILIES
from training.evaluation.caption_file import Caption
from training.evaluation.distances import Sets, frechet_line, untrained_take
from training.evaluation.embeddings import embeddings
from training.evaluation.frechet import Array
from training.evaluation.generate import Request
from training.evaluation.judge import Vector
from training.evaluation.prompts import derangement, pieces_from
from training.evaluation.report import table_sections
from training.evaluation.scoring import Heard, listen
from training.evaluation.studio import Audio, Studio, progress
from training.evaluation.table import Line, Table, line
from training.evaluation.tempo import TempoMatch, compare_tempi

ABOUT = (
    "Captions as prompts. Tempo, key, drums and instruments count where the parser finds them in "
    "the caption. The floor holds each take against another caption; of FAD, against held-out "
    "pieces of our own corpus, the ceiling is other such pieces and the floor random tokens."
)


class Asked(NamedTuple):
    """What one caption says."""

    parsed: ParsedPrompt
    style: Vector  # [128] of the text, in the judge's space
    aspects: Vector | None  # [128] of the list of aspects, where there is one


class Take(NamedTuple):
    """One caption's take, as it is heard."""

    heard: Heard
    embedded: dict[str, Array]


def measure_captions(studio: Studio, captions: Sequence[Caption], seconds: float) -> Table:
    """Play every caption for so many seconds."""
    texts = [caption.text[:MAX_CHARACTERS] for caption in captions]
    requests = [Request(text, seconds, seed) for seed, text in enumerate(texts)]
    takes = [_hear(studio, audio, seconds) for audio in studio.play(requests, "playing captions")]
    asked = _read(studio, captions, texts)
    order = derangement(len(texts))
    rows = [
        [(take.heard, one) for take, one in zip(takes, asked, strict=True)],
        [],
        [(take.heard, asked[index]) for take, index in zip(takes, order, strict=True)],
    ]
    found = [_line(name, title, unit, of, rows) for name, (title, unit, of) in FIGURES.items()]
    lines = [one for one in found if one] + _distances(studio, takes, seconds)
    return Table("captions", "Captions", ABOUT, tuple(lines))


def page_of(table: Table, about: Mapping[str, Any]) -> str:
    """The table as a page."""
    head = "\n".join(f"- {name}: {value}" for name, value in about.items())
    return "\n\n".join(["# Evaluation on captions", head, *table_sections(table)]) + "\n"


def _hear(studio: Studio, audio: Audio, seconds: float) -> Take:
    heard = listen(audio, studio.bundle.audio.rate, studio.judge, seconds)
    return Take(heard, _embed(studio, studio.mono(audio)))


def _embed(studio: Studio, mono: Vector) -> dict[str, Array]:
    return {name: embed(mono) for name, embed in embeddings(studio.judge).items()}


def _distances(studio: Studio, takes: Sequence[Take], seconds: float) -> list[Line]:
    """FAD of the takes, of other pieces and of random tokens, against held-out pieces."""
    count = len(takes)
    both = pieces_from(0, 2 * count)
    pieces = [
        _embed(studio, studio.hear_piece(piece.score, seconds))
        for piece in progress(both, len(both), "rendering held-out pieces")
    ]
    untrained = [
        _embed(studio, studio.mono(untrained_take(studio.bundle, seconds, seed)))
        for seed in progress(range(count), count, "playing random tokens")
    ]
    return [
        frechet_line(
            name,
            Sets(
                [clip[name] for clip in pieces[:count]],
                [take.embedded[name] for take in takes],
                [clip[name] for clip in pieces[count:]],
                [clip[name] for clip in untrained],
            ),
        )
        for name in embeddings(studio.judge)
    ]


def _read(studio: Studio, captions: Sequence[Caption], texts: Sequence[str]) -> list[Asked]:
    """What the parser and the judge find in every caption."""
    styles = studio.judge.read(texts)
    aspects = studio.judge.read([", ".join(one.aspects) or one.text for one in captions])
    return [
        Asked(parse(text), style, aspect if caption.aspects else None)
        for caption, text, style, aspect in zip(captions, texts, styles, aspects, strict=True)
    ]


Of = Callable[[Heard, Asked], float | None]  # None: the caption does not say


def _aspects(heard: Heard, asked: Asked) -> float | None:
    return None if asked.aspects is None else float(heard.verdict.style @ asked.aspects)


def _tempo(heard: Heard, asked: Asked) -> float | None:
    bpm = asked.parsed.tempo_bpm
    return None if bpm is None else float(compare_tempi(heard.tempo.bpm, bpm) is TempoMatch.HIT)


def _key(heard: Heard, asked: Asked) -> float | None:
    key = asked.parsed.key
    return None if key is None else float(heard.key.key == key_index(key))


def _drums(heard: Heard, asked: Asked) -> float | None:
    drums = asked.parsed.drums
    return None if drums is None else float(heard.drums.plays == drums)


def _families(heard: Heard, asked: Asked) -> float | None:
    """The share of the families asked for that are heard."""
    wanted = [FAMILIES.index(name) for name in asked.parsed.families]
    return float(heard.verdict.families[wanted].mean()) if wanted else None


FIGURES: Mapping[str, tuple[str, str, Of]] = {
    "cycle": ("MuLan cycle consistency", "", lambda h, asked: float(h.verdict.style @ asked.style)),
    "cycle_aspects": ("MuLan cycle consistency with the list of aspects", "", _aspects),
    "tempo_hit": ("tempo within 4 %, where named", "%", _tempo),
    "key_hit": ("key, where named", "%", _key),
    "drums": ("drums on or off, where named", "%", _drums),
    "families_recall": ("instrument families heard, where named", "%", _families),
    "silent": ("silent clips", "%", lambda h, asked: float(h.level.is_silent)),
    "clipped": ("clipped clips", "%", lambda h, asked: float(h.level.is_clipped)),
}
WITHOUT_FLOOR = ("silent", "clipped")


def _line(name: str, title: str, unit: str, of: Of, rows: Sequence[Sequence[Any]]) -> Line | None:
    values = [[of(*clip) for clip in row] for row in rows]
    return line(name, title, unit, values[:1] if name in WITHOUT_FLOOR else values)
