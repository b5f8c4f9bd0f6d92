"""A crossing: one sound becomes another, from a sample on, within 5 ms.

In:  two chunks of the same frame and the sample from which the second takes over. Out: their mix.
Before that sample the old one is untouched, bit for bit, and after the 5 ms the new one is.
The mix is linear: both sounds come from one state under two prompts, so they are alike. Pure.
"""

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]


def cross_samples(rate: int) -> int:
    """How long a crossing takes: 5 ms, what a switch on the bar may be off."""
    return rate // 200


def cross(old: Audio, new: Audio, since: int, start: int, rate: int) -> Audio:
    """Mix the part of a crossing that falls into a chunk.

    Args:
        old: [C, F]; not written to.
        new: [C, F]; not written to.
        since: the output sample from which the new one takes over.
        start: the output sample at which the chunk begins.
        rate: Hz.

    Returns:
        [C, F]; one of the two where the crossing is still to come or over.
    """
    width, count = cross_samples(rate), old.shape[1]
    first, last = since - start, since - start + width
    if first >= count:
        return old
    if last <= 0:
        return new
    begin, end = max(first, 0), min(last, count)
    share = ((np.arange(begin, end) - first + 0.5) / width).astype(np.float32)
    mixed = np.concatenate([old[:, :begin], old[:, begin:end], new[:, end:]], axis=1)
    mixed[:, begin:end] += share * (new[:, begin:end] - old[:, begin:end])
    return mixed
