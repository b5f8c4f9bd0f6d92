"""Turns: what a band does with a piece that is written: count in, stop, break, end.

In:  a score as composed. Out: the same score with a count-in, a bar or two of silence or of one
part alone, and an ending of its own kind; what was done stands in its attributes.

About half of all pieces get at least one. Streams of chance are the piece's own.
"""

from dataclasses import replace

from engine.spec import TEMPO_MIN_BPM
from training.corpus.attributes import restate
from training.corpus.chance import pick, pick_weighted, stream
from training.corpus.cutting import EARLY, rest, shifted
from training.corpus.score import Note, Part, Score
from training.corpus.templates import DRUMS

COUNT_IN_CHANCE = 0.14  # of pieces with a kit
STOP_CHANCE = 0.3
STOPS = {"silence": 0.6, "drums alone": 0.2, "one alone": 0.2}
ENDINGS = {"held": 0.42, "stab": 0.25, "fade": 0.18, "slowing": 0.15}
CLICKS = ("rim", "hat", "cowbell")
SHORT_BAR_S = 1.6  # a count-in or stop of bars shorter than this takes two of them
STAB_BEATS = 0.5
FADE_S = 7.0
SLOWING = 0.92  # factor on the tempo of each beat of the last bar before the ending


def take_turns(score: Score) -> Score:
    """Draw and do what the band does with a whole piece."""
    return restate(counted_in(stopped(ended(score))))


def counted_in(score: Score) -> Score:
    """Let some drummers count the piece in: one bar or two of clicks on the beats."""
    rng = stream(score.seed, "count-in")
    kit = next((part for part in score.parts if part.family == "drums"), None)
    if kit is None or rng.random() >= COUNT_IN_CHANCE:
        return _noted(score, count_in="no")
    beats = score.beats_per_bar * _bars(score)
    click = DRUMS[pick(rng, CLICKS)]
    clicks = tuple(
        Note(float(beat), 0.12, click, 104 if beat % score.beats_per_bar == 0 else 88)
        for beat in range(beats)
    )
    late = shifted(score, float(beats))
    parts = [replace(p, notes=clicks + p.notes) if p.name == kit.name else p for p in late.parts]
    return _noted(replace(late, parts=tuple(parts)), count_in="yes")


def stopped(score: Score) -> Score:
    """Stop some pieces for a bar or two before a new section begins, all or all but one part."""
    rng = stream(score.seed, "stop")
    lines = [section.beat for section in score.sections[1:]]
    if not lines or rng.random() >= STOP_CHANCE:
        return _noted(score, stop="no")
    kind, line = pick_weighted(rng, STOPS), pick(rng, lines)
    start = line - score.beats_per_bar * _bars(score)
    playing = [p for p in score.parts if any(start <= n.start < line for n in p.notes)]
    wanted = [p.name for p in playing if (p.family == "drums") == (kind == "drums alone")]
    if kind != "silence" and not wanted:
        kind = "silence"
    but = frozenset() if kind == "silence" else frozenset({pick(rng, wanted)})
    return _noted(rest(score, start, line, but=but), stop=kind)


def ended(score: Score) -> Score:
    """Give the piece its kind of ending; as composed, the last chord is held."""
    kind = pick_weighted(stream(score.seed, "ending"), ENDINGS)
    last_bar = score.length - score.beats_per_bar
    if kind == "stab":
        parts = tuple(replace(p, notes=_stab(p, last_bar)) for p in score.parts)
        score = replace(score, parts=parts)
    elif kind == "fade":
        beats = FADE_S * score.tempos[-1][1] / 60
        score = replace(score, fade_from=max(0.0, score.length - beats))
    elif kind == "slowing":
        score = _slowing(score, last_bar)
    return _noted(score, ending=kind)


def _stab(part: Part, last_bar: float) -> tuple[Note, ...]:
    return tuple(
        replace(n, length=min(n.length, STAB_BEATS)) if n.start >= last_bar - EARLY else n
        for n in part.notes
    )


def _slowing(score: Score, last_bar: float) -> Score:
    """Slow down beat by beat through the bar before the last."""
    first, bpm = last_bar - score.beats_per_bar, score.tempos[-1][1]
    steps = [
        (first + beat, max(TEMPO_MIN_BPM, round(bpm * SLOWING ** (beat + 1), 2)))
        for beat in range(score.beats_per_bar + 1)
    ]
    before = tuple(step for step in score.tempos if step[0] < first)
    return replace(score, tempos=(*before, *steps))


def _bars(score: Score) -> int:
    bar_s = score.beats_per_bar * 60 / score.tempos[0][1]
    return 2 if bar_s < SHORT_BAR_S else 1


def _noted(score: Score, **said: str) -> Score:
    return replace(score, attributes={**score.attributes, **said})
