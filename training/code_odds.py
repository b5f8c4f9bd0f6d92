"""Code odds: count which codes are likelier where a kit plays.

In:  a prepared split and its tokens. Out: what odds.safetensors of a bundle holds (`engine.odds`).
Counted genre by genre, over those that have both, each genre with the same weight: so that what is
counted is the kit, and not the music that comes with one.
"""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError
from engine.spec import CODEBOOK_SIZE, LEVELS, ODDS_STEP
from training.data import Prepared

LEAST_FRAMES = 500  # of a genre with a kit, and without: 20 s
FLOOR = 2e-5  # share of frames, added to both: a code that was never seen says nothing
MOST = 3.0  # nats


def kit_odds(data: Prepared, tokens: NDArray[np.integer]) -> NDArray[np.int8]:
    """Count a split.

    Args:
        data: the split; a medley's pieces are left out.
        tokens: [T, LEVELS] of all its frames.

    Returns:
        [LEVELS, CODEBOOK_SIZE] log p(code | kit) - log p(code | no kit), in steps of ODDS_STEP
        nats, within 3 nats.

    Raises:
        InputError: no genre has both enough music with a kit and without.
    """
    genres: dict[str, list[slice]] = defaultdict(list)
    for piece in data.pieces:
        if "scenes" not in piece.meta:
            genres[piece.meta["genre"]].append(slice(piece.start, piece.start + piece.frames))
    counted = []
    for places in genres.values():
        codes = np.concatenate([tokens[place] for place in places])
        has_kit = np.concatenate([data.labels.drums[place] for place in places]).astype(bool)
        if min(has_kit.sum(), (~has_kit).sum()) >= LEAST_FRAMES:
            counted.append((_shares(codes[has_kit]), _shares(codes[~has_kit])))
    if not counted:
        raise InputError(
            f"{data.root} has no genre with {LEAST_FRAMES} frames each with a kit and without, "
            "so nothing can be said of kits. Prepare more music."
        )
    with_kit, without = (np.mean(side, 0) for side in zip(*counted, strict=True))
    odds = np.log(with_kit + FLOOR) - np.log(without + FLOOR)
    return np.rint(np.clip(odds, -MOST, MOST) / ODDS_STEP).astype(np.int8)


def _shares(codes: NDArray[np.integer]) -> NDArray[np.float64]:
    """How often each code is there: [LEVELS, CODEBOOK_SIZE]."""
    counts = [np.bincount(codes[:, level], minlength=CODEBOOK_SIZE) for level in range(LEVELS)]
    return np.stack(counts) / len(codes)
