"""Prompt: text -> style, through the MuLan text tower.

In:  the words that the prompt parser left to embed. Out: [STYLE_WIDTH] float32, unit norm.
Takes milliseconds, so it runs ahead of the frames that use it; remembers what it has embedded, per
bundle. Knows nothing of tempo, key or instruments in the text.
"""

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import numpy as np

from engine.bundle import Bundle
from engine.errors import BackendError, BundleError, PromptError
from engine.row import Vector
from engine.spec import STYLE_WIDTH

if TYPE_CHECKING:
    from tokenizers import Tokenizer

REMEMBERED: Final = 256  # prompts per bundle


def encode(bundle: Bundle, text: str) -> Vector:
    """Embed a text.

    Args:
        bundle: whose text tower and tokenizer are used.
        text: anything with a word in it; cut to the bundle's `max_tokens`.

    Returns:
        [STYLE_WIDTH] unit norm; shared with later calls, not writeable.

    Raises:
        PromptError: nothing but white space.
        BundleError: the tokenizer cannot be read.
        BackendError: the graph failed.
    """
    if not text.strip():
        raise PromptError("there is nothing to embed in an empty text. Say what should be heard.")
    tower = _towers.get(bundle)
    if tower is None:
        tower = _towers[bundle] = _TextTower(bundle)
    return tower.style(bundle, text)


class _TextTower:
    """A bundle's tokenizer, and the styles of the last texts."""

    def __init__(self, bundle: Bundle) -> None:
        self._tokenizer = _open_tokenizer(bundle)
        self._styles: OrderedDict[str, Vector] = OrderedDict()
        self._lock = Lock()  # sessions that share a bundle embed on threads of their own

    def style(self, bundle: Bundle, text: str) -> Vector:
        with self._lock:
            if text not in self._styles:
                self._styles[text] = _embed(bundle, self._tokenizer, text)
                if len(self._styles) > REMEMBERED:
                    self._styles.popitem(last=False)
            self._styles.move_to_end(text)
            return self._styles[text]


# A cache and nothing else: a tower lives as long as its bundle.
_towers: WeakKeyDictionary[Bundle, _TextTower] = WeakKeyDictionary()


def _open_tokenizer(bundle: Bundle) -> "Tokenizer":
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_buffer(bundle.tokenizer_json())
    except ValueError as exc:
        raise BundleError(f"{bundle.manifest.text.tokenizer} is no tokenizer: {exc}.") from exc
    tokenizer.no_padding()
    tokenizer.enable_truncation(bundle.manifest.text.max_tokens)
    return tokenizer


def _embed(bundle: Bundle, tokenizer: "Tokenizer", text: str) -> Vector:
    ids = np.array([tokenizer.encode(text).ids], np.int64)  # [1, S]
    if not ids.size:
        raise PromptError(f"no word of {text!r} is known to the bundle. Use other words.")
    found = bundle.graph("text").run({"ids": ids, "mask": np.ones_like(ids)})["style"]
    if found.shape != (1, STYLE_WIDTH) or not np.isfinite(found).all():
        raise BackendError(f"style has shape {found.shape}, expected (1, {STYLE_WIDTH}), finite.")
    style: Vector = found[0].astype(np.float32)
    style.flags.writeable = False
    return style
