"""Swaps: the same seed with one attribute of the prompt changed. Is the change heard?

In:  held-out pieces and the takes of their captions. Each score is edited in one attribute (tempo,
     key, drums, one family), and the caption of the edited score is played with the same seed.
Out: a `Table`: the share of changes that the estimators hear, take against take. The ceiling is the
piece rendered before and after the edit; the floor puts another prompt's take, as it was, in the
place of the changed one, so it tells how often two takes differ by chance in just that way.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from engine.spec import FAMILIES
from training.corpus.score import Note, Part, Score
from training.evaluation.ceiling import opening_target
from training.evaluation.generate import Request
from training.evaluation.prompts import HeldOut, target_of
from training.evaluation.scoring import Heard, Target, listen
from training.evaluation.studio import Studio, progress
from training.evaluation.table import Table, line
from training.evaluation.tempo import TOLERANCE

ABOUT = (
    "The same seed with one attribute of the caption changed: the share of changes that are heard. "
    "Tempo: by the ratio asked for, within 4 %; key: by the interval asked for, in the same mode; "
    "drums and one family: there before, gone after. The ceiling is the piece rendered before and "
    "after the same change; the floor is another prompt's take in the place of the changed one."
)
TEMPO_RATIO = 1.25
FAST_BPM = 130.0  # tempi from here on are slowed, others quickened
INTERVALS = (2, -3, 5, -2, 4, -5, 3, -4)  # semitones, dealt by the prompt's place
TITLES = {"tempo": "tempo", "key": "key", "drums": "drums", "family": "one family of instruments"}

IsHeard = Callable[[Heard, Heard], bool]  # before, after


class Swap(NamedTuple):
    """One attribute of one piece changed."""

    place: int  # of the piece
    attribute: str  # of TITLES
    score: Score  # edited
    is_heard: IsHeard


def measure_swaps(
    studio: Studio, pieces: Sequence[HeldOut], takes: Sequence[Heard], seconds: float
) -> Table:
    """Play and render every swap of the pieces; `takes` are those of their captions."""
    swaps = swaps_of(pieces, seconds)
    rate = studio.bundle.audio.rate
    requests = [
        Request(target_of(swap.score).prompt, seconds, pieces[swap.place].target.seed)
        for swap in swaps
    ]
    changed = [
        listen(audio, rate, studio.judge, seconds)
        for audio in studio.play(requests, "playing changed prompts")
    ]

    def hear(score: Score) -> Heard:
        return listen(studio.piece(score, seconds), rate, studio.judge, seconds)

    whole = [hear(p.score) for p in progress(pieces, len(pieces), "rendering pieces")]
    edited = [hear(s.score) for s in progress(swaps, len(swaps), "rendering changed pieces")]
    rows: dict[str, list[list[bool]]] = defaultdict(lambda: [[], [], []])
    for swap, take, piece in zip(swaps, changed, edited, strict=True):
        before, another = takes[swap.place], takes[(swap.place + 1) % len(takes)]
        generated, ceiling, floor = rows[swap.attribute]
        generated.append(swap.is_heard(before, take))
        ceiling.append(swap.is_heard(whole[swap.place], piece))
        floor.append(swap.is_heard(before, another))
    lines = (line(f"swap_{name}", title, "%", rows[name]) for name, title in TITLES.items())
    found = tuple(one for one in lines if one)
    return Table("swaps", "One attribute changed", ABOUT, found)


def swaps_of(pieces: Sequence[HeldOut], seconds: float) -> list[Swap]:
    """All swaps that the first seconds of the pieces allow."""
    swaps = []
    for place, piece in enumerate(pieces):
        plays = opening_target(piece.target, piece.score, seconds)
        found = (
            _swap_tempo(place, piece.score),
            _swap_key(place, piece.score),
            _swap_drums(place, piece.score, plays),
            _swap_family(place, piece.score, plays),
        )
        swaps += [swap for swap in found if swap]
    return swaps


def _swap_tempo(place: int, score: Score) -> Swap:
    bpm = score.tempos[0][1]
    wanted = float(round(bpm / TEMPO_RATIO if bpm >= FAST_BPM else bpm * TEMPO_RATIO))
    ratio = wanted / bpm
    edited = replace(score, tempos=tuple((beat, was * ratio) for beat, was in score.tempos))

    def is_heard(before: Heard, after: Heard) -> bool:
        return abs(after.tempo.bpm / before.tempo.bpm / ratio - 1) <= TOLERANCE

    return Swap(place, "tempo", edited, is_heard)


def _swap_key(place: int, score: Score) -> Swap:
    interval = INTERVALS[place % len(INTERVALS)]

    def is_heard(before: Heard, after: Heard) -> bool:
        was, now = before.key.key, after.key.key
        return now == (was + interval) % 12 + 12 * (was // 12)

    return Swap(place, "key", transposed(score, interval), is_heard)


def transposed(score: Score, interval: int) -> Score:
    """The score some semitones higher, drums as they are."""

    def move(part: Part) -> Part:
        if part.family == "drums":
            return part
        notes = (replace(note, pitch=note.pitch + interval) for note in part.notes)
        return replace(part, notes=tuple(note for note in notes if _is_pitch(note)))

    return replace(
        score,
        keys=tuple((beat, (key + interval) % 12 + 12 * (key // 12)) for beat, key in score.keys),
        chords=tuple(
            replace(c, root=(c.root + interval) % 12, bass=(c.bass + interval) % 12)
            for c in score.chords
        ),
        parts=tuple(move(part) for part in score.parts),
    )


def _swap_drums(place: int, score: Score, plays: Target) -> Swap | None:
    edited = without(score, "drums")
    if not plays.drums or not edited.parts:
        return None
    edited = replace(edited, attributes={**edited.attributes, "drums": "no", "groove": ""})
    return Swap(
        place,
        "drums",
        edited,
        lambda before, after: before.drums.plays and not after.drums.plays,
    )


def _swap_family(place: int, score: Score, plays: Target) -> Swap | None:
    """Take away the first named family that neither has the tune nor is the last to play."""
    melody = {part.family for part in score.parts if part.name == score.attributes["melody"]}
    for family in plays.families:
        edited = without(score, family)
        pitched = [part for part in edited.parts if part.family != "drums"]
        if family in melody or not pitched or family in target_of(edited).families:
            continue
        index = FAMILIES.index(family)

        def is_heard(before: Heard, after: Heard, index: int = index) -> bool:
            return bool(before.verdict.families[index] and not after.verdict.families[index])

        return Swap(place, "family", edited, is_heard)
    return None


def without(score: Score, family: str) -> Score:
    """The score without the parts of a family."""
    return replace(score, parts=tuple(part for part in score.parts if part.family != family))


def _is_pitch(note: Note) -> bool:
    return 0 <= note.pitch < 128
