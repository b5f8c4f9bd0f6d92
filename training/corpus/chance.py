"""Chance: one named random stream per question, so that a piece is a function of its seed only.

A stream is a numpy `Generator` keyed by the seed and by a name; asking one question more does not
disturb the answers to the others. Python's `hash` is never used: it differs between processes.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar
from zlib import crc32

import numpy as np

Item = TypeVar("Item")


def stream(seed: int, *names: str) -> np.random.Generator:
    """Open the stream of a seed and a name."""
    return np.random.default_rng([seed, crc32("/".join(names).encode())])


def pick(rng: np.random.Generator, items: Sequence[Item]) -> Item:
    """Take one item, all equally likely."""
    return items[int(rng.integers(len(items)))]


def pick_weighted(rng: np.random.Generator, weights: Mapping[Item, float]) -> Item:
    """Take one key in proportion to its weight."""
    names = list(weights)
    odds = np.array([weights[name] for name in names], float)
    return names[int(rng.choice(len(names), p=odds / odds.sum()))]
