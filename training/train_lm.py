"""Train the depthformer on tokens, conditioned on rows laid out from the corpus' labels.

    python -m training.train_lm --data data/prepared --out data/runs/lm --budget-minutes 40

Every field of the row is dropped at random, and some rows lose everything guidance leaves out, so
that fields may be unsaid and guidance works. A third of the examples are two pieces spliced (at any
frame), and medleys change on their own bar lines, so that a switch of style, tempo and key is
something the model has seen. A few past tokens are replaced at random: the model must recover from
its own slips. In some examples most of the past is missing: with all of it there, key and style
hardly change what comes next, and are not learned. Music without drums where drums are usual is
drawn more often than it is made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from engine.row import ROW_WIDTH, SLICES, UNGUIDED, encode_labels
from engine.spec import (
    CODEBOOK_SIZE,
    FAMILIES,
    LEVELS,
    NOTE_FREE,
    NOTE_OFF,
    PITCHES,
    SEMANTIC_LEVELS,
    START_TOKEN,
    STYLE_WIDTH,
)
from models.lm import LanguageConfig, LanguageModel
from training.checkpoint import settle_sizes
from training.data import Prepared, load
from training.loop import Loop, LoopOptions, TrainingFailed
from training.train_semantic import slice_labels

KEEP = {  # probability that a field is given in an example
    "style": 0.85,
    "key": 0.75,
    "chord": 0.7,  # the engine plans chords where none are played
    "notes": 0.25,
    "drums": 0.8,
    "density": 0.4,
    "brightness": 0.4,
    "section": 0.5,
}
KEEP_GRID = 0.9  # tempo and meter, together
UNCONDITIONED = 0.1  # examples that lose every field guidance leaves out
SPLICED = 0.33
TAIL = 32  # frames after a piece's last bar
SLIP = 0.04  # share of past tokens replaced
FORGETFUL = 0.4  # examples that lose whole past frames, 40 to 100 % of them
DRUMLESS = 4.0  # times as often as others: pieces without a kit, of a genre that has one
LEVEL_WEIGHTS = (3.0, 2.0, 1.5, 1.2, 1.0, 0.7, 0.7, 0.6, 0.6, 0.5, 0.5, 0.5, 0.5)


class Split:
    """A prepared split with its tokens and styles."""

    def __init__(self, root: Path, *, has_semantic: bool = True) -> None:
        """Open it.

        Args:
            root: the split's folder.
            has_semantic: False for MusicLM's ablation (arXiv 2301.11325): every semantic token is
                the same one, and says nothing.
        """
        self.data: Prepared = load(root)
        self.has_semantic = has_semantic
        self.tokens = np.load(root / "tokens.npy", mmap_mode="r")
        with np.load(root / "styles.npz", allow_pickle=False) as styles:
            self.audio_styles, self.text_styles = styles["audio"], styles["text"]
            owners = styles["text_piece"]
        # Up to a fade or the tail: a stream that learned them would stop by itself.
        self.playing = np.array(
            [piece.meta.get("steady_frames", piece.frames - TAIL) for piece in self.data.pieces]
        )
        self.shares = drumless_shares([piece.meta for piece in self.data.pieces])
        self.scene_starts = np.array([scene.start for scene in self.data.scenes])
        edges = np.searchsorted(owners, np.arange(len(self.data.scenes) + 1))
        self.captions = [slice(int(a), int(b)) for a, b in zip(edges, edges[1:], strict=False)]

    def stretch(
        self, rng: np.random.Generator, frames: int, *, dropout: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Tokens [T, K] and rows [T, ROW_WIDTH] of a random stretch of one piece."""
        able = np.flatnonzero(self.playing >= frames)
        shares = self.shares[able] / self.shares[able].sum()
        index = int(rng.choice(able, p=shares if dropout else None))
        start = self.data.pieces[index].start + int(rng.integers(self.playing[index] - frames + 1))
        labels = slice_labels(self.data.labels, start, frames)
        if dropout:
            labels.notes = free_some(labels.notes, rng)
        rows = encode_labels(labels)
        for scene in self.scenes_in(start, frames):
            first = max(0, self.scene_starts[scene] - start)
            rows[first:, SLICES["style"]] = [*self.style(rng, scene, noisy=dropout), 1.0]
        if dropout:
            drop_fields(rows, rng)
        tokens = self.tokens[start : start + frames].astype(np.int64)
        if not self.has_semantic:
            tokens[:, :SEMANTIC_LEVELS] = 0
        return tokens, rows

    def scenes_in(self, start: int, frames: int) -> range:
        """Which scenes a stretch of a piece goes through: one, or some of a medley's."""
        first, last = np.searchsorted(self.scene_starts, (start, start + frames - 1), "right") - 1
        return range(int(first), int(last) + 1)

    def style(self, rng: np.random.Generator, index: int, *, noisy: bool) -> NDArray[np.float32]:
        """A scene's style: half the time of its audio, half of one of its captions."""
        if rng.random() < 0.5:
            vector = self.audio_styles[index]
        else:
            vector = rng.choice(self.text_styles[self.captions[index]])
        if noisy:
            vector = vector + rng.normal(0, 0.03, STYLE_WIDTH)
        return (vector / np.linalg.norm(vector)).astype(np.float32)


def drumless_shares(pieces: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    """How often each piece is drawn, by its piece.json.

    Few pieces of a genre with drums go without: drawn evenly, "house without drums" hardly happens,
    and a model that has not seen it keeps time with a kit all the same.
    """
    whole = [piece for piece in pieces if "scenes" not in piece]  # a medley has several genres
    with_drums = {piece.get("genre") for piece in whole if piece.get("drums")}
    is_drumless = [
        "scenes" not in piece and piece.get("genre") in with_drums and not piece.get("drums")
        for piece in pieces
    ]
    return np.where(is_drumless, DRUMLESS, 1.0)


def free_some(notes: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Leave pitches [T, PITCHES] to the model: in half of the examples all but a register, in a
    fifth all of the pitch classes that the stretch has (a scale is all that is said)."""
    chance = rng.random()
    if chance < 0.3:
        return notes
    if chance < 0.5:
        return np.broadcast_to(scale_of(notes), notes.shape)
    free = np.ones(PITCHES, bool)
    low = int(rng.integers(24, 84))
    free[low : low + int(rng.integers(12, 37))] = False
    return np.where(free, NOTE_FREE, notes).astype(np.uint8)


def scale_of(notes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[PITCHES] free where the pitch class sounds anywhere in notes [T, PITCHES], else off."""
    classes = np.unique(np.flatnonzero((notes != NOTE_OFF).any(0)) % 12)
    in_scale = np.isin(np.arange(PITCHES) % 12, classes)
    return np.where(in_scale, NOTE_FREE, NOTE_OFF).astype(np.uint8)


def drop_fields(rows: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Make fields "not given" at random, in place, the same for the whole stretch."""
    bare = rng.random() < UNCONDITIONED
    for name, keep in KEEP.items():
        if (bare and name in UNGUIDED) or rng.random() > keep:
            rows[:, SLICES[name]] = 0
    if rng.random() > KEEP_GRID:
        rows[:, SLICES["tempo"]] = 0
        rows[:, SLICES["meter"]] = 0
    said = rng.random(len(FAMILIES)) < rng.choice([0.0, 0.2, 0.5, 1.0])
    if bare:
        said[:] = False
    rows[:, SLICES["families"]] *= np.concatenate([said, said])


def forgotten(rng: np.random.Generator, examples: int, frames: int) -> NDArray[np.bool_]:
    """Which past frames are missing: [B, T]."""
    share = rng.uniform(0.4, 1.0, (examples, 1)) * (rng.random((examples, 1)) < FORGETFUL)
    return rng.random((examples, frames)) < share


class LanguageTask:
    """Predict every level of every frame."""

    def __init__(
        self,
        config: LanguageConfig,
        train: Split,
        valid: Split,
        *,
        batch: int,
        frames: int,
        depth_share: float,
    ) -> None:
        self.config, self.train, self.valid = config, train, valid
        self.size, self.frames, self.depth_share = batch, frames, depth_share
        self.model = LanguageModel(config)
        self.weights = torch.tensor(LEVEL_WEIGHTS) / sum(LEVEL_WEIGHTS)

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Past tokens [B, T, K] (with slips), tokens [B, T, K], rows [B, T, ROW_WIDTH]."""
        examples = [self._example(rng) for _ in range(self.size)]
        tokens = np.stack([tokens for tokens, _ in examples])
        rows = np.stack([rows for _, rows in examples])
        past = np.concatenate([np.full_like(tokens[:, :1], START_TOKEN), tokens[:, :-1]], 1)
        slips = rng.random(past.shape) < SLIP * rng.random((self.size, 1, 1)) * 2
        past = np.where(slips, rng.integers(0, CODEBOOK_SIZE, past.shape), past)
        past = np.where(forgotten(rng, self.size, self.frames)[..., None], START_TOKEN, past)
        return torch.from_numpy(past), torch.from_numpy(tokens), torch.from_numpy(rows)

    def _example(self, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        if rng.random() > SPLICED:
            return self.train.stretch(rng, self.frames, dropout=True)
        cut = int(rng.integers(self.frames // 5, self.frames * 4 // 5))
        first = self.train.stretch(rng, cut, dropout=True)
        second = self.train.stretch(rng, self.frames - cut, dropout=True)
        return np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])

    def loss(self, batch: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, dict[str, float]]:
        past, tokens, rows = batch
        hidden = self.model.temporal((past, rows)).flatten(0, 1)
        chosen = torch.randperm(len(hidden))[: int(len(hidden) * self.depth_share)]
        per_level = self._cross_entropy(hidden[chosen], tokens.flatten(0, 1)[chosen])
        figures = {f"ce{level}": per_level[level].item() for level in (0, 1, 2, 4, 12)}
        return (per_level * self.weights).sum(), figures

    def _cross_entropy(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        logits = self.model.depth(hidden, tokens).float()
        loss = functional.cross_entropy(logits.flatten(0, 1), tokens.flatten(), reduction="none")
        return loss.reshape(tokens.shape).mean(0)

    def validate(self) -> dict[str, float]:
        """Cross-entropy per level in nats on held-out pieces, with what the engine gives a
        prompt: no notes, density, brightness or section."""
        rng = np.random.default_rng(5)
        totals = torch.zeros(LEVELS)
        for _ in range(12):
            tokens, rows = self.valid.stretch(rng, self.frames, dropout=False)
            for name in ("notes", "density", "brightness", "section"):
                rows[:, SLICES[name]] = 0
            batch = torch.from_numpy(tokens)[None]
            hidden = self.model.temporal((self.model.shifted(batch), torch.from_numpy(rows)[None]))
            totals += self._cross_entropy(
                hidden[0, self.frames // 4 :], batch[0, self.frames // 4 :]
            )
        means = totals / 12
        figures = {f"ce{level}": means[level].item() for level in range(LEVELS)}
        return figures | {"ce": float((means * self.weights).sum())}

    def guard(self, figures: dict[str, float]) -> None:
        chance = float(np.log(CODEBOOK_SIZE))
        if figures["ce0"] > chance - 1.0:
            raise TrainingFailed(
                f"semantic cross-entropy is {figures['ce0']:.2f} nats, chance is {chance:.2f}: "
                "nothing was learned. Check that tokens and rows belong together."
            )


def main(
    data: Annotated[Path, typer.Option(help="folder of prepared splits train/ and valid/")] = Path(
        "data/prepared"
    ),
    out: Annotated[Path, typer.Option(help="folder for checkpoints")] = Path("data/runs/lm"),
    budget_minutes: Annotated[float, typer.Option(help="time to train")] = 40.0,
    batch: Annotated[int, typer.Option(help="stretches per step")] = 8,
    frames: Annotated[int, typer.Option(help="frames per stretch")] = 250,
    depth_share: Annotated[
        float, typer.Option(help="share of frames the depth transformer trains on")
    ] = 0.35,
    lr: Annotated[float, typer.Option(help="peak learning rate")] = 1e-3,
    layers: Annotated[int, typer.Option(help="temporal layers")] = 4,
    semantic: Annotated[bool, typer.Option(help="let semantic tokens speak")] = True,
    seed: int = 0,
    threads: int = 2,
) -> None:
    """Train the language model."""
    train, valid = (Split(data / name, has_semantic=semantic) for name in ("train", "valid"))
    config = LanguageConfig(layers=layers, row_width=ROW_WIDTH)
    settle_sizes(out, asdict(config))
    task = LanguageTask(config, train, valid, batch=batch, frames=frames, depth_share=depth_share)
    options = LoopOptions(
        out=out,
        budget_minutes=budget_minutes,
        lr=lr,
        seed=seed,
        threads=threads,
        average=0.998,
        log_every=20,
        told={} if semantic else {"semantic": False},
    )
    Loop(task, options).run()


if __name__ == "__main__":
    typer.run(main)
