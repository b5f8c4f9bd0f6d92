"""Captions as sentence vectors, embedded once per split and kept beside the prepared audio.

In:  the `piece.json` of every piece of a split (its captions, genre, instruments, attributes).
Out: `captions.npy` [V, 384] float16 and `captions.json`: per piece, the *views* (every caption, and
a partial copy of each longer one) and the *swaps* (captions with one attribute's words exchanged:
what the clip is not). Deterministic in the pieces; remade when a text or the encoder changes.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models import minilm
from training.corpus.vocabulary import load_vocabulary

Embed = Callable[[Sequence[str]], NDArray[np.float32]]  # texts -> [len(texts), 384] unit norm
Meta = Mapping[str, Any]  # piece.json
Bank = Mapping[str, Mapping[str, Sequence[str]]]  # attribute -> value -> words for it

KEPT_SHARE = 0.6  # of a caption's clauses, in a partial view
SWAPS = 4  # per piece; fewer where its captions name few attributes
# Not tempo, meter and mode: the prompt parser takes those out before the text tower.
SWAPPED = ("genre", "instrument", "mood", "era", "level", "energy", "density", "drums", "feel")


@dataclass(frozen=True)
class Captions:
    """The sentence vectors of a split, as rows of one table."""

    vectors: NDArray[np.float16]  # [V, 384] memory-mapped
    views: list[range]  # per piece, its rows
    swaps: list[
        list[tuple[int, int]]
    ]  # per piece, (row of a caption, row of its swap); may be empty

    def of(self, pieces: Sequence[int]) -> "Captions":
        """Those of some pieces only."""
        return replace(
            self, views=[self.views[p] for p in pieces], swaps=[self.swaps[p] for p in pieces]
        )

    def draw(
        self, piece: int, rng: np.random.Generator, swap_share: float
    ) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
        """Draw a view and, in a `swap_share` of draws, that caption made wrong; else zeros."""
        pairs = self.swaps[piece]
        if pairs and rng.random() < swap_share:
            view, swap = pairs[int(rng.integers(len(pairs)))]
            return self.vectors[view], self.vectors[swap]
        view = rng.choice(self.views[piece])
        return self.vectors[view], np.zeros_like(self.vectors[view])


def cached(metas: Sequence[Meta], root: Path, embed: Embed | None = None) -> Captions:
    """Return the captions of a split, embedding them only if `root` does not hold them yet."""
    bank = load_vocabulary("training").words
    views = [caption_views(meta) for meta in metas]
    swaps = [caption_swaps(meta, bank) for meta in metas]
    texts = [text for part in views for text in part]
    swap_start = len(texts)
    texts += [swap for part in swaps for _, swap in part]
    digest = sha256("\n".join([minilm.WEIGHTS_SHA256, *texts]).encode()).hexdigest()
    if not _holds(root, digest):
        _write(root, digest, texts, embed or minilm_embedder())
    vectors = np.load(root / "captions.npy", mmap_mode="r")
    rows = _rows(views, 0)
    pairs = [
        [(own.start + caption, row) for (caption, _), row in zip(part, swapped, strict=True)]
        for own, part, swapped in zip(rows, swaps, _rows(swaps, swap_start), strict=True)
    ]
    return Captions(vectors, rows, pairs)


def _rows(parts: Sequence[Sequence[object]], start: int) -> list[range]:
    edges = start + np.cumsum([0, *map(len, parts)])
    return [range(int(a), int(b)) for a, b in zip(edges, edges[1:])]


def _holds(root: Path, digest: str) -> bool:
    index = root / "captions.json"
    return index.exists() and json.loads(index.read_text())["sha256"] == digest


def _write(root: Path, digest: str, texts: list[str], embed: Embed) -> None:
    unique = sorted(set(texts), key=lambda text: (len(text), text))  # alike in length: less padding
    vectors = np.concatenate([embed(unique[i : i + 64]) for i in range(0, len(unique), 64)])
    row = {text: index for index, text in enumerate(unique)}
    np.save(root / "captions.npy", vectors[[row[text] for text in texts]].astype(np.float16))
    record = {"sha256": digest, "texts": len(texts), "unique": len(unique)}
    (root / "captions.json").write_text(json.dumps(record))


def minilm_embedder() -> Embed:
    """Load MiniLM as a function of texts; bf16 matrix products, close to fp32 to three digits."""
    encoder, tokenizer = minilm.load(), minilm.load_tokenizer()

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            vectors = encoder(*minilm.batch_ids(tokenizer, texts))
        return torch.nn.functional.normalize(vectors.float(), dim=-1).numpy()

    return embed


def caption_views(meta: Meta) -> list[str]:
    """List a piece's captions, then a copy of each longer one with some clauses left out."""
    rng = np.random.default_rng(meta["seed"])
    views = list(meta["captions"])
    for caption in meta["captions"]:
        clauses = re.split(r"(?<=[.;,])\s+", caption)
        kept = [clause for clause in clauses if rng.random() < KEPT_SHARE]
        if 0 < len(kept) < len(clauses):
            views.append(" ".join(kept).rstrip(",;"))
    return views


def attributes(meta: Meta) -> Iterator[tuple[str, str]]:
    """Yield a piece's (attribute, value): genre, every instrument, and what else is said of it."""
    yield "genre", meta["genre"]
    for instrument in meta["instruments"]:
        yield "instrument", instrument
    yield from meta["attributes"].items()


def caption_swaps(meta: Meta, bank: Bank) -> list[tuple[int, str]]:
    """Write captions that are wrong in one attribute: a word for it becomes another value's.

    Returns:
        (which of the piece's captions, that caption made wrong), at most SWAPS of them.
    """
    rng = np.random.default_rng([meta["seed"], 1])
    own = {(a, word) for a, value in attributes(meta) for word in bank.get(a, {}).get(value, ())}
    places = [
        (index, attribute, word)
        for index, caption in enumerate(meta["captions"])
        for attribute, word in sorted(own)
        if attribute in SWAPPED and re.search(_alone(word), caption, re.IGNORECASE)
    ]
    swaps = []
    for place in rng.permutation(len(places))[:SWAPS]:
        index, attribute, word = places[place]
        words = sorted({other for choices in bank[attribute].values() for other in choices})
        others = [other for other in words if (attribute, other) not in own]
        if others:
            other = others[int(rng.integers(len(others)))]
            caption = meta["captions"][index]
            wrong = re.sub(_alone(word), other, caption, count=1, flags=re.IGNORECASE)
            swaps.append((index, wrong))
    return swaps


def _alone(word: str) -> str:
    return rf"(?<!\w){re.escape(word)}(?!\w)"
