"""Clips for MuLan: log-mel crops of distinct pieces, caption vectors, and how alike the pieces are.

In:  a prepared split (`training.data`). The log-mels of the whole split are computed once, by the
audio tower's own front end, and kept beside the audio as `mulan_mel.npy` [2 * frames - 1, M]
float16. Out: `Clips` per training step. Room and codec colours (gain, equaliser, low-pass, noise)
are laid onto the mel power, which costs almost nothing and needs no filters.

Dimensions: B clips, T mel frames of 20 ms, M mels, F families.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.spec import FRAME_RATE
from models.mulan import HOPS_PER_SECOND, LogMel, scale_power, unscale_power
from training.captions_cache import Captions, Embed, Meta, attributes, cached
from training.data import Prepared

HOPS_PER_FRAME = HOPS_PER_SECOND // FRAME_RATE
HEARD = ("mood", "era", "place", "level", "energy", "density", "drums")  # attributes of one style
BLOCK_SECONDS = 60  # of audio at a time through the front end
SWAP_SHARE = 0.5  # of training clips that come with a caption made wrong in one attribute
PLAYING_SHARE = 0.2  # of a crop's frames from which on a family or the drums count as present


@dataclass(frozen=True)
class Clips:
    """One batch."""

    mel: Tensor  # [B, T, M]
    text: Tensor  # [B, 384] one caption view each
    swap: Tensor  # [B, 384] that view made wrong in one attribute; zeros where there is none
    alike: Tensor  # [B, B] how alike the pieces are, 0..1, 1 on the diagonal
    families: Tensor  # [B, F] 0 or 1
    drums: Tensor  # [B] 0 or 1
    genre: Tensor  # [B] int64 index into the genres, -1 where unknown

    def to(self, device: torch.device) -> "Clips":
        """Move every tensor."""
        moved = {field.name: getattr(self, field.name).to(device) for field in fields(self)}
        return replace(self, **moved)


class ClipSource:
    """A prepared split, ready to be drawn from; each scene of a medley is a piece of its own."""

    def __init__(
        self,
        prepared: Prepared,
        *,
        seconds: float,
        mels: int,
        genres: Sequence[str] = (),
        embed: Embed | None = None,
    ) -> None:
        self.frames = round(seconds * FRAME_RATE)
        self.prepared = prepared
        scenes = prepared.scenes
        kept = [i for i, scene in enumerate(scenes) if scene.frames >= self.frames]
        self.pieces = [scenes[i] for i in kept]
        if len(self.pieces) < 2:
            raise ValueError(
                f"{prepared.root} has {len(self.pieces)} pieces of at least {seconds} s, expected "
                "2 or more. Render more of the corpus, or take shorter crops."
            )
        metas = [piece.meta for piece in self.pieces]
        self.mel = cached_mel(prepared, mels)
        # Those of all scenes are kept on disk: who asks for other lengths finds them too.
        every = cached([scene.meta for scene in scenes], prepared.root, embed)
        self.captions: Captions = every.of(kept)
        self.alike = alikeness(metas)
        index = {genre: number for number, genre in enumerate(genres)}
        self.genre = np.array([index.get(meta["genre"], -1) for meta in metas])

    def __len__(self) -> int:
        return len(self.pieces)

    def genre_names(self, count: int) -> list[str]:
        """Name the genres of the first `count` pieces."""
        return [piece.meta["genre"] for piece in self.pieces[:count]]

    def draw(self, rng: np.random.Generator, batch: int) -> Clips:
        """Draw one random crop and one random view of `batch` distinct pieces."""
        chosen = rng.choice(len(self), min(batch, len(self)), replace=False)
        room = np.array([self.pieces[piece].frames - self.frames + 1 for piece in chosen])
        return self.clips(chosen, rng.integers(room), rng, swap_share=SWAP_SHARE)

    def clips(
        self,
        chosen: NDArray[np.int64],
        offsets: NDArray[np.int64],
        rng: np.random.Generator,
        *,
        swap_share: float,
    ) -> Clips:
        """Gather crops of the pieces `chosen` from `offsets`, in frames, with random views.

        A `swap_share` of them come with a swap, where the piece has any.
        """
        starts = [self.pieces[p].start + int(o) for p, o in zip(chosen, offsets, strict=True)]
        labels = self.prepared.labels
        families = np.stack([labels.families[s : s + self.frames].mean(0) for s in starts])
        drums = np.array([labels.drums[s : s + self.frames].mean() for s in starts])
        texts = [self.captions.draw(piece, rng, swap_share) for piece in chosen]
        return Clips(
            mel=_tensor(np.stack([self._crop(start) for start in starts])),
            text=_tensor(np.stack([view for view, _ in texts])),
            swap=_tensor(np.stack([swap for _, swap in texts])),
            alike=_tensor(self.alike[np.ix_(chosen, chosen)]),
            families=_tensor(families >= PLAYING_SHARE),
            drums=_tensor(drums >= PLAYING_SHARE),
            genre=torch.from_numpy(self.genre[chosen]),
        )

    def _crop(self, start: int) -> NDArray[np.float16]:
        first = start * HOPS_PER_FRAME
        return self.mel[first : first + self.frames * HOPS_PER_FRAME - 1]


def _tensor(array: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))


def cached_mel(prepared: Prepared, mels: int) -> NDArray[np.float16]:
    """Map the split's log-mels, [2 * frames - 1, M]; compute them first where missing or stale."""
    path, audio = prepared.root / "mulan_mel.npy", prepared.root / "audio.i16"
    shape = (prepared.frames * HOPS_PER_FRAME - 1, mels)
    fresh = path.exists() and path.stat().st_mtime >= audio.stat().st_mtime
    if not fresh or np.load(path, mmap_mode="r").shape != shape:
        _write_mel(prepared, path, shape)
    return np.load(path, mmap_mode="r")


def _write_mel(prepared: Prepared, path: Path, shape: tuple[int, int]) -> None:
    front = LogMel(prepared.format.rate, shape[1])
    part = path.with_suffix(".part")
    out = np.lib.format.open_memmap(part, "w+", np.float16, shape)
    block = BLOCK_SECONDS * FRAME_RATE
    for start in range(0, prepared.frames, block):
        # One frame more than the block, so that the hop across its end is there too.
        frames = min(block + 1, prepared.frames - start)
        audio = torch.from_numpy(prepared.audio(start, frames))
        mel = front(audio[None])[0][: block * HOPS_PER_FRAME].numpy()
        out[start * HOPS_PER_FRAME : start * HOPS_PER_FRAME + len(mel)] = mel
    out.flush()
    part.replace(path)


def alikeness(metas: Sequence[Meta]) -> NDArray[np.float32]:
    """Say how alike pieces are, 0..1: [P, P], from genre, shared instruments and shared attributes.

    It decides how much of the target a caption of another piece gets, so that near-identical
    captions are not treated as wrong.
    """
    genre = _jaccard([{meta["genre"]} for meta in metas])
    instruments = _jaccard([set(meta["instruments"]) for meta in metas])
    rest = _jaccard([{a for a in attributes(meta) if a[0] in HEARD} for meta in metas])
    return (0.45 * genre + 0.3 * instruments + 0.25 * rest).astype(np.float32)


def _jaccard(sets: Sequence[set[object]]) -> NDArray[np.float64]:
    words = {word: index for index, word in enumerate(sorted(set().union(*sets), key=repr))}
    table = np.zeros((len(sets), len(words)))
    for row, members in enumerate(sets):
        table[row, [words[word] for word in members]] = 1
    shared = table @ table.T
    size = table.sum(1)
    union = size[:, None] + size[None] - shared
    return np.where(union > 0, shared / np.maximum(union, 1), 1.0)


def colour(mel: Tensor, rng: np.random.Generator, share: float) -> Tensor:
    """Lay gain, equaliser, low-pass and noise onto a random `share` of clips [B, T, M]."""
    touched = np.flatnonzero(rng.random(len(mel)) < share)
    if len(touched) == 0:
        return mel
    count, bands = len(touched), mel.shape[-1]
    power = unscale_power(mel[touched])
    decibels = rng.uniform(-12, 6, (count, 1)) + _equaliser(rng, count, bands)
    cutoff = np.where(rng.random((count, 1)) < 0.5, rng.uniform(0.5, 1.0, (count, 1)), 2.0) * bands
    decibels -= 60 / (1 + np.exp(cutoff - np.arange(bands)))
    power = power * _tensor(10 ** (decibels / 10))[:, None]
    floor = power.mean((1, 2), keepdim=True) * _tensor(10 ** -rng.uniform(1.5, 5, (count, 1, 1)))
    noise = torch.from_numpy(rng.standard_exponential(power.shape, np.float32))
    out = mel.clone()
    out[touched] = scale_power(power + floor * noise)
    return out


def _equaliser(rng: np.random.Generator, count: int, bands: int) -> NDArray[np.float64]:
    """Draw smooth curves in dB, [count, bands]."""
    knots = np.linspace(0, bands - 1, 6)
    gains = rng.normal(0, 4, (count, len(knots)))
    return np.stack([np.interp(np.arange(bands), knots, gain) for gain in gains])
