"""Endings: what each part plays in the last bar, on the final chord.

In:  a part template and a plan.
Out: the held notes of the ending bar.
"""

from training.corpus.accompaniment import voicings
from training.corpus.plan import Plan
from training.corpus.score import Note
from training.corpus.templates import PartTemplate
from training.corpus.theory import fold, nearest


def play_ending(part: PartTemplate, plan: Plan, before: list[Note]) -> list[Note]:
    """Hold the final chord, each part with its own tones; melodies close on the tonic nearby."""
    return [
        Note(plan.ending, 0.95 * plan.beats_per_bar, pitch, part.velocity)
        for pitch in _final_pitches(part, plan, before)
    ]


def _final_pitches(part: PartTemplate, plan: Plan, before: list[Note]) -> tuple[int, ...]:
    chord = plan.chords[-1]
    root = fold(chord.root + 24, part.low, part.low + 11)
    if part.role in ("comp", "pad", "arp"):
        return voicings(part, plan)[-1]
    if part.role == "voice":
        return (plan.four_parts[-1][part.voice],)
    if part.role == "lead":
        last = before[-1].pitch if before else (part.low + part.high) // 2
        close = nearest((chord.root,), last)
        return (fold(close, part.low, max(part.high, part.low + 11)),)
    if part.role == "drone":
        return (root, root + 7, root + 12)[: part.voices]
    return (root, root + 7, root + 12) if part.voicing == "power" else (root,)
