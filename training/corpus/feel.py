"""Feel: from the straight grid to how players of a level play it.

In:  notes on the straight grid, a plan, and whether hands or a machine play.
Out: notes with swing, the section's loudness, human timing, a beginner's omissions and mistakes.
"""

from dataclasses import replace

import numpy as np

from training.corpus.chance import stream
from training.corpus.plan import Plan
from training.corpus.score import Note

DRUM_STEADINESS = 0.6  # drummers waver this much as much as others
SHORTEST_BEATS = 0.04


def swing_beat(beat: float, ratio: float, step: float) -> float:
    """Move an off-beat: the middle of each pair of `step`s falls at `ratio` instead of one half.

    Args:
        ratio: 0.5 straight .. 0.67 triplets.
        step: beats between the swung notes (0.5 eighths, 0.25 sixteenths).
    """
    pair = 2 * step
    whole, phase = divmod(beat, pair)
    phase /= pair
    warped = phase * 2 * ratio if phase < 0.5 else ratio + (phase - 0.5) * 2 * (1 - ratio)
    return (whole + warped) * pair


def play_with_feel(
    notes: list[Note], plan: Plan, name: str, *, human: bool, drums: bool, lay_back_ms: float
) -> tuple[Note, ...]:
    """Give a part's notes their feel and sort them.

    Args:
        name: of the part, keys its stream of chance.
        human: hands play it; machines keep exact time.
        lay_back_ms: how far the part sits behind (or, negative, ahead of) the beat.
    """
    rng = stream(plan.seed, "feel", name)
    swung = [_swing(note, plan) for note in notes]
    loud = [_shade(note, plan, rng) for note in swung]
    jitter_ms = plan.level.jitter_ms * (DRUM_STEADINESS if drums else 1.0) if human else 0.0
    timed = _jitter(loud, jitter_ms, lay_back_ms, plan.bpm, rng)
    return tuple(sorted(timed, key=lambda n: (n.start, n.pitch)))


def _swing(note: Note, plan: Plan) -> Note:
    if plan.swing == 0.5 or plan.beats_per_bar == 2:
        return note
    step = plan.genre.swing_step
    start = swing_beat(note.start, plan.swing, step)
    end = swing_beat(note.start + note.length, plan.swing, step)
    return replace(note, start=start, length=max(SHORTEST_BEATS, end - start))


def _shade(note: Note, plan: Plan, rng: np.random.Generator) -> Note:
    """Play louder in sections of more energy, accent bar lines, vary by a few percent."""
    energy = plan.stretch_at(note.start).energy
    factor = 0.82 + 0.28 * energy + (0.05 if note.start % plan.beats_per_bar < 1e-6 else 0.0)
    velocity = note.velocity * factor * (1 + 0.05 * rng.standard_normal())
    return replace(note, velocity=min(127, max(12, round(velocity))))


def _jitter(
    notes: list[Note], jitter_ms: float, lay_back_ms: float, bpm: float, rng: np.random.Generator
) -> list[Note]:
    """Shift notes that start together by the same amount, within two deviations."""
    shifts: dict[float, float] = {}
    result = []
    for note in notes:
        if note.start not in shifts:
            waver = min(2.0, max(-2.0, rng.standard_normal()))
            shifts[note.start] = waver * jitter_ms + lay_back_ms
        start = max(0.0, note.start + shifts[note.start] * bpm / 60_000)
        result.append(replace(note, start=round(start, 5), length=round(note.length, 5)))
    return result


def limit_player(notes: list[Note], plan: Plan, name: str, *, melodic: bool) -> list[Note]:
    """Leave out and get wrong what a player of this level does."""
    rng = stream(plan.seed, "level", name)
    kept = []
    for note in notes:
        weak = note.start % 1 > 1e-6
        if melodic and weak and rng.random() > plan.level.keep:
            continue
        if rng.random() < plan.level.wrong:
            note = replace(note, pitch=note.pitch + (1 if rng.random() < 0.5 else -1))
        kept.append(note)
    return kept
