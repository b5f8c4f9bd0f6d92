"""Melody: motifs that return, answered and transposed to the chords.

In:  a part template, a plan and a section.
Out: notes on the straight grid.

A motif is one bar of rhythm and a contour of scale steps. A phrase of four bars states it, answers
it, varies it and comes to rest; sections of one name share their motif, a chorus sings its own.
"""

from dataclasses import dataclass, replace

import numpy as np

from training.corpus.chance import pick, stream
from training.corpus.form import Stretch
from training.corpus.patterns import Stroke, read_pattern
from training.corpus.plan import Plan
from training.corpus.score import Note
from training.corpus.strokes import playable_bars
from training.corpus.templates import PartTemplate
from training.corpus.theory import chord_classes, nearest, step_within

PHRASE_BARS = 4
ACCENTS = {"X": 1.12, "o": 0.75}  # factors on velocity
GRACE_BEATS = 0.08
RUN_GAP_BEATS = 0.9  # notes at least this long may be filled by a run


@dataclass(frozen=True)
class Motif:
    """One bar of melody before it meets a chord."""

    strokes: tuple[Stroke, ...]  # beats from the bar line
    contour: tuple[int, ...]  # scale steps to each note from the one before; the first is 0


def draw_motif(part: PartTemplate, plan: Plan, stretch: Stretch, variant: str) -> Motif:
    """Draw the motif of a section; `variant` names a second one for contrast."""
    group = "chorus" if stretch.name == "chorus" else "verse"
    if stretch.name == "solo":
        group = "solo"
    rng = stream(plan.seed, "motif", part.motif_group, group, variant)
    runs = plan.genre.runs.get(plan.meter, ()) if group == "solo" else ()
    rhythm = pick(rng, runs or plan.genre.rhythms[plan.meter])
    strokes = read_pattern(rhythm, plan.beats_per_bar)[0]
    return Motif(strokes, _draw_contour(len(strokes), plan.genre.leap, rng))


def _draw_contour(count: int, leap: float, rng: np.random.Generator) -> tuple[int, ...]:
    direction = 1 if rng.random() < 0.55 else -1
    steps = [0]
    for _ in range(count - 1):
        if rng.random() < 0.35:
            direction = -direction
        size = int(rng.integers(2, 4)) if rng.random() < leap else int(rng.random() < 0.85)
        steps.append(direction * size)
        if size > 1:
            direction = -direction  # a leap is followed by a step back
    return tuple(steps)


def play_melody(part: PartTemplate, plan: Plan, stretch: Stretch) -> list[Note]:
    """Sing a section in phrases of four bars."""
    notes: list[Note] = []
    motifs = {v: draw_motif(part, plan, stretch, v) for v in ("a", "b")}
    bars = playable_bars(plan, stretch)
    phrase = PHRASE_BARS if stretch.bars >= PHRASE_BARS else 2
    at = (part.low + part.high) // 2
    for offset in range(bars):
        place = offset % phrase
        if not _has_turn(part, 2 * place // phrase):
            continue
        rests = place == phrase - 1 or offset == bars - 1 or (part.turns == "call" and place == 1)
        motif = motifs["b" if place == 2 and offset % 8 >= 4 else "a"]
        bar = _sing_bar(motif, part, plan, stretch.first_bar + offset, at, rests=rests)
        if bar:  # the next bar starts from here, drawn a little to the middle of the register
            aim = 0.6 * bar[-1].pitch + 0.2 * (part.low + part.high)
            at = nearest(plan.scale_at(bar[-1].start), aim)
        notes += bar
    return notes


def _has_turn(part: PartTemplate, half: int) -> bool:
    return part.turns == "all" or (part.turns == "call") == (half == 0)


def _sing_bar(
    motif: Motif, part: PartTemplate, plan: Plan, bar: int, at: int, *, rests: bool
) -> list[Note]:
    """Set the motif on the chords of one bar; a resting bar keeps its head and then holds."""
    bar_line = bar * plan.beats_per_bar
    strokes = _cadence(motif.strokes, plan.beats_per_bar) if rests else motif.strokes
    notes, pitch = [], at
    for index, stroke in enumerate(strokes):
        beat = bar_line + stroke.start
        scale = plan.scale_at(beat, melody=True)
        tones = _chord_tones(plan, beat)
        if index:
            pitch = step_within(scale, pitch, motif.contour[index % len(motif.contour)])
        strong = stroke.start % 1 == 0 and (stroke.length >= 1 or stroke.start % 2 == 0)
        if strong or (rests and index == len(strokes) - 1):
            pitch = nearest(tones, pitch)
        pitch = _keep_inside(pitch, scale | set(tones), part)
        notes.append(_sung(beat, stroke, pitch, part))
    return notes


def _chord_tones(plan: Plan, beat: float) -> tuple[int, ...]:
    chord = plan.chords[plan.chord_index(beat)]
    return chord_classes(chord.root, chord.quality)


def _keep_inside(pitch: int, classes: frozenset[int] | set[int], part: PartTemplate) -> int:
    while pitch > part.high:
        pitch -= 12
    while pitch < part.low:
        pitch += 12
    return pitch if pitch % 12 in classes else nearest(frozenset(classes), pitch)


def _cadence(strokes: tuple[Stroke, ...], beats_per_bar: int) -> tuple[Stroke, ...]:
    head = [s for s in strokes if s.start < beats_per_bar / 2 - 1e-6]
    rest_at = beats_per_bar / 2
    last = Stroke(rest_at, beats_per_bar - rest_at, "x")
    return (*head, last)


def _sung(beat: float, stroke: Stroke, pitch: int, part: PartTemplate) -> Note:
    accent = ACCENTS.get(stroke.letter, 1.0) * (1.0 if stroke.start % 1 == 0 else 0.92)
    velocity = min(127, max(1, round(part.velocity * accent)))
    return Note(beat, max(0.06, stroke.length * part.articulation), pitch, velocity)


def decorate(notes: list[Note], part: PartTemplate, plan: Plan) -> list[Note]:
    """Add grace notes where the style has them and runs where the player can."""
    rng = stream(plan.seed, "ornament", part.name)
    result: list[Note] = []
    for note, following in zip(notes, [*notes[1:], None]):
        gap = (following.start - note.start) if following else 0.0
        if RUN_GAP_BEATS <= gap <= 2.0 and rng.random() < plan.level.run:
            result += _run(note, following or note, plan)
        elif note.length > 0.4 and rng.random() < part.ornament:
            result += _grace(note, plan)
        else:
            result.append(note)
    return result


def _grace(note: Note, plan: Plan) -> list[Note]:
    upper = step_within(plan.scale_at(note.start) | {note.pitch % 12}, note.pitch, 1)
    ornament = Note(note.start, GRACE_BEATS, upper, max(1, note.velocity - 12))
    main = replace(note, start=note.start + GRACE_BEATS, length=note.length - GRACE_BEATS)
    return [ornament, main]


def _run(note: Note, target: Note, plan: Plan) -> list[Note]:
    """Fill the way to the next note with quick scale steps that arrive there."""
    step = 0.25 if plan.beats_per_bar != 2 else 1 / 3
    count = int((target.start - note.start) / step + 1e-6)
    scale = plan.scale_at(note.start) | {note.pitch % 12}
    direction = 1 if target.pitch >= note.pitch else -1
    pitches = [step_within(scale, target.pitch, -direction * (count - i)) for i in range(1, count)]
    run = [
        Note(note.start + step * i, step * 0.95, pitch, max(1, note.velocity - 8))
        for i, pitch in enumerate(pitches, start=1)
    ]
    return [Note(note.start, step * 0.95, note.pitch, note.velocity), *run]
