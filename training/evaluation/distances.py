"""Distances: does the music, as a whole, sound like the held-out music?

In:  embeddings of the takes, of the pieces that their prompts describe, of as many other held-out
     pieces, of what an untrained model would play, and of the pieces after the bundle's codec.
Out: a `Table` of FAD and KAD. The ceiling is the other pieces' distance; the floor is that of the
bundle's codec playing tokens drawn evenly, as a language model without training draws them. Within
genres, the floor is the other pieces against the pieces of another genre: prompts shuffled.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bundle import Bundle
from engine.spec import ACOUSTIC_LEVELS, CODEBOOK_SIZE, FRAME_RATE
from training.evaluation import kernel
from training.evaluation.codec_table import Audio, aligned, decode, encode
from training.evaluation.figures import Interval
from training.evaluation.frechet import Array, Moments, frechet
from training.evaluation.table import Line, Table, bootstrap_clips

ABOUT = (
    "FAD (Kilgour et al. 2019) with shrunk covariances, KAD (Chung et al. 2025) of windows of "
    "different clips, against the pieces that the prompts describe. The ceiling is as many other "
    "held-out pieces; the floor is the same codec playing random tokens, as an untrained language "
    "model does; within genres, those other pieces against the pieces of another genre."
)
FRECHET_RESAMPLES, KERNEL_RESAMPLES = 200, 500  # enough for the interval's first two digits

Clips = Sequence[Array]  # [W, D] of each clip
Names = NDArray[np.str_]


class Genres(NamedTuple):
    """Genres of clips and pieces, and that of the pieces which each clip is compared with."""

    clips: Names
    pieces: Names
    wanted: Names


class Sets(NamedTuple):
    """The same embedding of four sets of clips."""

    pieces: Clips  # that the prompts describe
    takes: Clips  # of those prompts, in their order
    others: Clips  # pieces as well
    untrained: Clips
    coded: Clips = ()  # the pieces through the codec: what no language model can better


def coded_piece(bundle: Bundle, audio: Audio) -> Audio:
    """Send a piece [C, N] through the codec and back."""
    return aligned(bundle, decode(bundle, encode(bundle, audio)), audio)[0]


def untrained_take(bundle: Bundle, seconds: float, seed: int) -> Audio:
    """Play tokens that are drawn evenly: [C, N]."""
    frames = round(seconds * FRAME_RATE)
    rng = np.random.default_rng(seed)
    return decode(bundle, rng.integers(CODEBOOK_SIZE, size=(frames, ACOUSTIC_LEVELS)))


def measure_distances(
    sets: Mapping[str, Sets], genres: Sequence[str], other_genres: Sequence[str]
) -> Table:
    """Compare sets of clips.

    Args:
        sets: by the name of the embedding.
        genres: of pieces and takes, in their order.
        other_genres: of the other pieces.
    """
    lines: list[Line] = []
    for name, found in sets.items():
        lines.append(frechet_line(name, found))
        if found.coded:
            again = frechet_line(name, found._replace(takes=found.coded))
            title = f"FAD of the pieces through the codec, {name}"
            lines.append(again._replace(name=f"fad_codec_{_key(name)}", title=title))
        lines.append(_kernel_line(name, found))
        inside = _genre_line(name, found, np.array(genres), np.array(other_genres))
        if inside is not None:
            lines.append(inside)
    return Table("distances", "Distance to held-out pieces", ABOUT, tuple(lines))


def frechet_line(name: str, sets: Sets) -> Line:
    """FAD in one embedding."""
    pieces = Moments(sets.pieces)

    def row(clips: Clips) -> Interval:
        moments = Moments(clips)

        def distance(a: Array, b: Array) -> float:
            return frechet(moments.gaussian(a), pieces.gaussian(b))

        return bootstrap_clips((len(moments), len(pieces)), distance, FRECHET_RESAMPLES)

    cells = (row(sets.takes), row(sets.others), row(sets.untrained))
    return Line(f"fad_{_key(name)}", f"FAD, {name}", "", *cells)


def _kernel_line(name: str, sets: Sets) -> Line:
    width = kernel.bandwidth(sets.pieces)
    rows = (sets.takes, sets.others, sets.untrained)
    cells = [_kernel_row(clips, sets.pieces, width) for clips in rows]
    return Line(f"kad_{_key(name)}", f"KAD, {name}", "", *cells)


def _genre_line(name: str, sets: Sets, genres: Names, other_genres: Names) -> Line | None:
    """KAD of each genre's clips; None where some genre has no two clips."""
    if min(np.unique(genres, return_counts=True)[1]) < 2:
        return None
    width = kernel.bandwidth(sets.pieces)
    cells = [
        _kernel_row(clips, sets.pieces, width, Genres(own, genres, wanted))
        for clips, own, wanted in (
            (sets.takes, genres, genres),
            (sets.others, other_genres, other_genres),
            (sets.others, other_genres, _another_genre(other_genres)),
        )
    ]
    return Line(f"kad_genre_{_key(name)}", f"KAD within genres, {name}", "", *cells)


def _kernel_row(
    clips: Clips, pieces: Clips, width: float, genres: Genres | None = None
) -> Interval:
    """One distance; with genres, pairs within a set share theirs, and a pair across has the genre
    that the clip wants."""
    inside, outside = (kernel.pair_means(set_, set_, width) for set_ in (clips, pieces))
    across = kernel.pair_means(clips, pieces, width)
    if genres is not None:
        inside = kernel.only(genres.clips[:, None] == genres.clips, inside)
        outside = kernel.only(genres.pieces[:, None] == genres.pieces, outside)
        across = kernel.only(genres.wanted[:, None] == genres.pieces, across)
    gather: Callable[..., float] = partial(kernel.discrepancy, inside, outside, across)
    return bootstrap_clips((len(clips), len(pieces)), gather, KERNEL_RESAMPLES)


def _another_genre(genres: Names) -> Names:
    """For each clip the genre that follows its own in the alphabet, the first after the last."""
    names = np.unique(genres)
    following = dict(zip(names, np.roll(names, -1), strict=True))
    return np.array([following[genre] for genre in genres])


def _key(name: str) -> str:
    return name.replace("-", "_")
