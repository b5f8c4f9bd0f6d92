"""Trim MiniLM's vocabulary to what prompts in English use: a smaller word table, the same vectors.

In:  the tokenizer and encoder as published, and texts whose pieces must all survive. Out: both with
the rows that are left, renumbered. Word pieces are sorted by frequency in the original, so the
first `FREQUENT` stay if they are printable ASCII; a rarer word falls apart into shorter pieces
instead of becoming unknown.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

import torch
from tokenizers import Tokenizer

from models.minilm import MiniLM

FREQUENT = 12_000  # of 30,522


def trim(tokenizer: Tokenizer, encoder: MiniLM, texts: Sequence[str]) -> tuple[Tokenizer, MiniLM]:
    """Return a tokenizer and an encoder that know fewer pieces.

    Args:
        tokenizer, encoder: as published.
        texts: every piece that these use is kept, however rare.
    """
    wanted = {piece for row in tokenizer.encode_batch(list(texts)) for piece in row.ids}
    specials = {entry["id"] for entry in json.loads(tokenizer.to_str())["added_tokens"]}
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    kept = [
        (piece, number)
        for piece, number in vocabulary
        if number in wanted | specials or (number < FREQUENT and _is_plain(piece))
    ]
    return _renumbered(tokenizer, kept), _narrowed(encoder, [number for _, number in kept])


def _is_plain(piece: str) -> bool:
    return piece.isascii() and piece.isprintable() and not piece.startswith("[unused")


def _renumbered(tokenizer: Tokenizer, kept: Sequence[tuple[str, int]]) -> Tokenizer:
    new = {piece: index for index, (piece, _) in enumerate(kept)}
    data = json.loads(tokenizer.to_str())
    data["model"]["vocab"] = new
    for entry in data["added_tokens"]:
        entry["id"] = new[entry["content"]]
    for name, special in data["post_processor"]["special_tokens"].items():
        special["ids"] = [new[name]]
    return Tokenizer.from_str(json.dumps(data))


def _narrowed(encoder: MiniLM, rows: Sequence[int]) -> MiniLM:
    smaller = MiniLM(replace(encoder.config, vocab_size=len(rows)))
    weights = dict(encoder.state_dict())
    weights["words.weight"] = weights["words.weight"][torch.tensor(rows)].clone()
    smaller.load_state_dict(weights)
    return smaller.eval().requires_grad_(False)
