"""Strokes: a part's patterns laid over the bars of a section.

In:  a part template, a plan, a section.
Out: `Stroke`s with absolute beats, still without pitch.

Sections of one name share their pattern, parts of one group too, so that music returns. The ending
bar is left empty here; `endings.py` writes it.
"""

from collections.abc import Iterator

from training.corpus.chance import pick, stream
from training.corpus.form import Stretch
from training.corpus.patterns import Stroke, read_pattern
from training.corpus.plan import Plan
from training.corpus.templates import PartTemplate

BUSY_ENERGY = 0.62  # sections of more energy use a part's busy patterns


def playable_bars(plan: Plan, stretch: Stretch) -> int:
    """Bars of a section without the ending bar."""
    return min(stretch.end_bar, plan.bars - 1) - stretch.first_bar


def choose_pattern(part: PartTemplate, plan: Plan, stretch: Stretch) -> str:
    """Choose the part's pattern for a section."""
    bank = part.busy if stretch.energy > BUSY_ENERGY and plan.meter in part.busy else part.patterns
    bars = bank.get(plan.meter) or ("x" + "-" * (4 * plan.beats_per_bar - 1),)
    return pick(stream(plan.seed, "pattern", part.motif_group), bars)


def lay_pattern(pattern: str, plan: Plan, stretch: Stretch) -> Iterator[Stroke]:
    """Repeat a pattern over a section, in absolute beats."""
    bars = read_pattern(pattern, plan.beats_per_bar)
    for offset in range(playable_bars(plan, stretch)):
        bar_line = (stretch.first_bar + offset) * plan.beats_per_bar
        for stroke in bars[offset % len(bars)]:
            yield Stroke(bar_line + stroke.start, stroke.length, stroke.letter)


def cut_at_changes(stroke: Stroke, plan: Plan) -> Iterator[Stroke]:
    """Strike a held stroke again where the chord changes under it."""
    start, end = stroke.start, stroke.start + stroke.length
    while start < end - 1e-6:
        stop = min(end, plan.chord_end(start))
        yield Stroke(start, stop - start, stroke.letter)
        start = stop
