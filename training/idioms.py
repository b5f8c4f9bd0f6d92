"""Idioms: how each genre moves harmonically, and where it lies among the styles, for the bundle.

In:  the genre templates that the corpus was composed from, and a prepared split with its styles.
Out: one record per genre, as `engine.harmony` reads them. A scale counts as major or minor by its
third; a genre that has no progression in one of the two borrows those of `LENDER`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.spec import MODES
from training.corpus.harmony import read_numeral, read_progression
from training.corpus.templates import Genre, Mode, genre_names, load_genre
from training.corpus.theory import is_minor
from training.data import Prepared

LENDER = "pop"

Words = tuple[str, ...]


def idioms(data: Prepared, styles: dict[str, NDArray[Any]]) -> list[dict[str, Any]]:
    """Write down all genres.

    Args:
        data: a prepared split that holds every genre.
        styles: its `styles.npz`: audio [scenes, 128], text [captions, 128], text_piece [captions].
    """
    genres = np.array([scene.meta["genre"] for scene in data.scenes])
    return [
        {
            "name": name,
            "style": [round(float(x), 4) for x in _centre(genres == name, styles)],
            "tempo": load_genre(name).tempo,
            "minor": round(minor_share(load_genre(name)), 4),
            "modes": {mode: progressions(load_genre(name), mode) for mode in MODES},
        }
        for name in genre_names()
    ]


def minor_share(genre: Genre) -> float:
    """How often a genre is in a minor mode."""
    weights = {mode: sum(m.weight for m in of_mode(genre, mode)) for mode in MODES}
    return weights["minor"] / sum(weights.values())


def of_mode(genre: Genre, mode: str) -> list[Mode]:
    """The scales of a genre that count as a mode."""
    return [m for m in genre.modes.values() if is_minor(m.scale) == (mode == "minor")]


def progressions(genre: Genre, mode: str) -> dict[str, list[Any]]:
    """Verses and bridges of a genre in a mode, each a list of bars of (root, quality)."""
    modes = of_mode(genre, mode) or of_mode(load_genre(LENDER), mode)
    verses = [text for m in modes for text in (*m.main, *m.verse, *m.chorus)]
    bridges = [text for m in modes for text in (*m.bridge, *m.solo)]
    return {
        "verse": [bars(text) for text in verses],
        "bridge": [bars(text) for text in bridges or verses],
    }


def bars(progression: str) -> list[list[tuple[int, str]]]:
    """A progression of numerals as bars of (semitones above the tonic, quality)."""
    return [[read_numeral(text)[:2] for text in bar] for bar in read_progression(progression)]


def _centre(is_genre: NDArray[np.bool_], styles: dict[str, NDArray[Any]]) -> NDArray[np.floating]:
    """[128] unit: between the middle of a genre's audio and that of its captions."""
    texts = styles["text"][is_genre[styles["text_piece"]]]
    middles = [part.mean(0) for part in (styles["audio"][is_genre], texts)]
    middle = sum(part / np.linalg.norm(part) for part in middles)
    return middle / np.linalg.norm(middle)
