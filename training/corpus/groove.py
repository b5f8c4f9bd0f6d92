"""Groove: the drummer.

In:  a kit template, a plan, the sections with drums.
Out: drum notes on the straight grid.

Each section takes a groove for its energy; the last bar before a change may turn into a fill, and
an energetic section may open with a crash. The ending bar gets one stroke.
"""

import numpy as np

from training.corpus.chance import pick, stream
from training.corpus.form import Stretch
from training.corpus.patterns import read_pattern
from training.corpus.plan import Plan
from training.corpus.score import Note
from training.corpus.strokes import playable_bars
from training.corpus.templates import DRUMS, Fill, Groove, Kit

VELOCITY = {"X": 114, "x": 96, "o": 52}
LIGHT = {"hat": 0.82, "ride": 0.85, "shaker": 0.7, "tambourine": 0.75, "pedal": 0.7, "open": 0.88}
FILL_CHANCE = 0.75


def choose_groove(kit: Kit, plan: Plan, stretch: Stretch) -> Groove:
    """Take the section's groove: one that suits its energy, or the nearest there is."""
    fitting = [g for g in kit.grooves if g.meter == plan.meter]

    def misfit(groove: Groove) -> float:
        low, high = groove.energy
        return max(0.0, low - stretch.energy, stretch.energy - high)

    best = min(misfit(g) for g in fitting)
    good = [g for g in fitting if misfit(g) <= best + 1e-9]
    return pick(stream(plan.seed, "groove", "loud" if stretch.energy > 0.62 else "soft"), good)


def play_drums(kit: Kit, plan: Plan, stretch: Stretch, *, fill: bool) -> list[Note]:
    """Play one section, with a fill in its last bar if asked."""
    groove = choose_groove(kit, plan, stretch)
    rng = stream(plan.seed, "drums", str(stretch.first_bar))
    notes: list[Note] = []
    bars = playable_bars(plan, stretch)
    fills = [f for f in kit.fills if f.meter == plan.meter]
    with_fill = fill and bars > 1 and bool(fills) and rng.random() < FILL_CHANCE
    for offset in range(bars):
        beat = (stretch.first_bar + offset) * plan.beats_per_bar
        if with_fill and offset == bars - 1:
            notes += _fill_bar(groove, pick(rng, fills), plan, beat, offset)
        else:
            notes += _bar(groove.lines, plan, beat, offset)
    if stretch.energy > 0.6 and stretch.first_bar > 0 and rng.random() < kit.crash:
        notes.append(_hit("crash", stretch.first_bar * plan.beats_per_bar, "x"))
    return _vary(notes, plan, rng)


def _bar(lines: dict[str, str], plan: Plan, beat: float, offset: int) -> list[Note]:
    notes = []
    for drum, pattern in lines.items():
        bars = read_pattern(pattern, plan.beats_per_bar)
        notes += [_hit(drum, beat + s.start, s.letter) for s in bars[offset % len(bars)]]
    return notes


def _fill_bar(groove: Groove, fill: Fill, plan: Plan, beat: float, offset: int) -> list[Note]:
    filled = _bar(fill.lines, plan, beat, 0)
    begins = min(note.start for note in filled)
    kept = [n for n in _bar(groove.lines, plan, beat, offset) if n.start < begins - 1e-6]
    return kept + filled


def _hit(drum: str, beat: float, letter: str) -> Note:
    velocity = VELOCITY.get(letter, 96) * LIGHT.get(drum, 1.0)
    return Note(float(beat), 0.12, DRUMS[drum], round(velocity))


def _vary(notes: list[Note], plan: Plan, rng: np.random.Generator) -> list[Note]:
    """Drop ghost notes of players who have none, and now and then one of the others."""
    kept = []
    for note in sorted(notes, key=lambda n: (n.start, n.pitch)):
        ghost = note.velocity < 60
        if ghost and (not plan.level.ghosts or rng.random() < 0.12):
            continue
        kept.append(note)
    return kept


def final_stroke(plan: Plan) -> list[Note]:
    """End on the first beat of the ending bar."""
    return [_hit("kick", plan.ending, "X"), _hit("crash", plan.ending, "x")]
