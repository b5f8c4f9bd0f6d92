"""The slow obvious twin of `engine.clock`: a playhead that walks a song sample by sample.

It knows tempo as a rule ("where am I, how fast is it here") and takes one step a sample, cut where
the tempo changes or the loop ends. No closed form, no anchor, no look ahead.
"""

from collections.abc import Iterator

from engine.clock import Transport
from engine.song import SongTempo
from engine.spec import FRAME_RATE

Piece = tuple[float, float]  # quarters: walked from, to


def bpm_at(tempo: SongTempo, quarter: float) -> float:
    """Tempo by its rule: each change ramps from what was there to what it says."""
    bpm = tempo.bpm
    for index, change in enumerate(tempo.changes):
        if quarter < change.quarter:
            break
        into = quarter - change.quarter
        if into >= change.ramp_quarters:
            bpm = change.bpm
            continue
        start = bpm_at(SongTempo(tempo.bpm, tempo.changes[:index]), change.quarter)
        bpm = start + (change.bpm - start) * into / change.ramp_quarters
    return bpm


def step(transport: Transport, quarter: float, seconds: float, *, may_loop: bool) -> list[Piece]:
    """Walk on for some time, at the tempo in the middle; cut where the rule changes."""
    tempo, loop = transport.tempo, transport.loop if may_loop else None
    cuts = [c.quarter for c in tempo.changes]
    cuts += [c.quarter + c.ramp_quarters for c in tempo.changes] + ([loop.end] if loop else [])
    early = bpm_at(tempo, quarter) / 60
    for cut in sorted(cut for cut in cuts if cut > quarter):
        to_cut = (cut - quarter) * 60 / bpm_at(tempo, (quarter + cut) / 2)
        if to_cut > seconds:
            break
        at = loop.start if loop and cut == loop.end else cut
        left = seconds - to_cut
        rest = step(transport, at, left, may_loop=may_loop) if left > 1e-12 else [(at, at)]
        return [(quarter, cut), *rest]
    return [(quarter, quarter + bpm_at(tempo, quarter + early * seconds / 2) / 60 * seconds)]


def walk(transport: Transport, samples: int) -> Iterator[list[Piece]]:
    """What is walked during each sample of the stream, from the transport's own."""
    quarter, seconds = transport.quarter, 1 / transport.rate
    may_loop = transport.loop is not None and quarter < transport.loop.end
    for _ in range(samples):
        pieces = step(transport, quarter, seconds, may_loop=may_loop)
        yield pieces
        quarter = pieces[-1][1]


def first_crossing(
    transport: Transport, walked: list[list[Piece]], frame: int, apart: float
) -> int | None:
    """The sample of the stream during which a line is met, from a frame's start on.

    Lines are `apart` quarters apart, from the bar line before the song's start. A loop without one
    counts its start. None if the walk ends before.
    """
    origin, loop = transport.grid.bar_quarter % transport.grid.signature.quarters_per_bar, None
    if transport.loop and transport.quarter < transport.loop.end:
        loop = transport.loop
    bare = loop is not None and not holds_line(loop.start, loop.end, origin, apart)
    first = -(-frame * transport.rate // FRAME_RATE) - transport.sample
    for index in range(first, len(walked)):
        for number, (start, end) in enumerate(walked[index]):
            # a line met by rounding just before the frame counts as met at its start
            early = 1e-6 if index == first and number == 0 else 0.0
            wrapped = number > 0 and loop is not None and walked[index][number - 1][1] == loop.end
            if holds_line(start - early, end, origin, apart) or (bare and wrapped):
                return transport.sample + index
    return None


def holds_line(start: float, end: float, origin: float, apart: float) -> bool:
    """Tell whether a line lies in [start, end), by going along all lines there are."""
    line = origin - 1000 * apart
    skipped = int((start - line) // apart) - 1
    line += skipped * apart
    while line < start:
        line += apart
    return line < end
