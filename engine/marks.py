"""Marks: at which sample of the output a request, or a turn of answer mode, is due.

In:  a time as it was asked for, the transport, and a sample of the output to look from. Out: the
`Mark` of the first line that counts. Lines are exact; an output sample is the nearest one. Looking
begins half a sample early, so that a line which rounds to the first sample belongs to it, and the
music of each frame finds every line once. Pure.
"""

from math import floor
from typing import Final

from engine.ask import When
from engine.clock import Mark, Transport

_HALF: Final = 0.5  # samples


def next_mark(when: When, transport: Transport, sample: int, rate: int) -> Mark | None:
    """Find the first line of a kind.

    Args:
        when: "beat", "bar" or "phrase".
        transport: where the song is.
        sample: of the output, the first that may be met.
        rate: Hz, the output's.

    Returns:
        None while the transport stands.
    """
    signature = transport.grid.signature
    apart = {
        "beat": signature.quarters_per_beat,
        "bar": signature.quarters_per_bar,
        "phrase": signature.quarters_per_bar * (when.bars or 1),
    }[when.kind]
    return transport.next_line(_from(sample, transport, rate), quarters_apart=apart)


def next_turn(transport: Transport, sample: int, rate: int) -> Mark | None:
    """Find the first place where the bar changes: a bar line, or a loop's way back to its start."""
    start = _from(sample, transport, rate)
    bar = transport.next_line(start, quarters_apart=transport.grid.signature.quarters_per_bar)
    wrap = transport.next_wrap(start)
    return min((mark for mark in (bar, wrap) if mark), default=None, key=lambda mark: mark.sample)


def sample_of(mark: Mark, rate: int) -> int:
    """The output sample nearest to a mark; the later of two."""
    return floor(mark.sample * rate / mark.rate + _HALF)


def _from(sample: int, transport: Transport, rate: int) -> float:
    return (sample - _HALF) * transport.rate / rate
