"""Hands for a performer: make frames, find where two performances part, ask by a short name."""

from itertools import count

import numpy as np

from engine.ask import Ask, When
from engine.clock import Transport
from engine.command import SetStyle
from engine.performer import Performer
from engine.song import SongTempo
from engine.spec import STYLE_WIDTH
from tests.fakes import CHANNELS, FRAME, RATE

_numbers = count()
BAR, BEAT, NOW = When(kind="bar"), When(kind="beat"), When()


def style_of(seed: int) -> np.ndarray:
    """A style like no other."""
    drawn = np.random.default_rng(seed).standard_normal(STYLE_WIDTH)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


def style(seed: int, index: int = 1) -> SetStyle:
    """Fill a slot with it."""
    return SetStyle(index=index, style=style_of(seed), said=f"style {seed}")


def request(command, when: When = NOW, name: str = "", glide_seconds: float | None = None) -> Ask:
    """A request with a name of its own."""
    return Ask(
        id=name or f"ask {next(_numbers)}",
        command=command,
        when=when,
        glide_seconds=glide_seconds,
    )


def play(performer: Performer, frames: int) -> np.ndarray:
    """Make frames; [C, N]."""
    return np.concatenate([performer.make().chunk for _ in range(frames)], axis=1)


def play_and_answer(performer: Performer, frames: int) -> tuple[np.ndarray, list]:
    """Make frames; [C, N], and what became of requests."""
    made = [performer.make() for _ in range(frames)]
    return np.concatenate([m.chunk for m in made], axis=1), [a for m in made for a in m.acks]


def first_difference(one: np.ndarray, other: np.ndarray) -> int | None:
    """The first sample at which two performances differ."""
    differs = np.flatnonzero((one != other).any(axis=0))
    return int(differs[0]) if differs.size else None


def free(bpm: float = 120.0, **fields) -> Transport:
    """A song at the bundle's rate."""
    return Transport(rate=RATE, tempo=SongTempo(bpm), **fields)


def guitar(frame: int, loud: float = 0.1) -> np.ndarray:
    """A heard frame, like no other: [C, F]."""
    drawn = np.random.default_rng([frame, 77]).standard_normal((CHANNELS, FRAME))
    return (loud * drawn).astype(np.float32)


def play_heard(performer: Performer, frames: int, lead: int = 2, hears=guitar) -> np.ndarray:
    """Make frames as a runner does, so many ahead of what is heard; [C, N]."""
    chunks = []
    for _ in range(frames):
        chunks.append(performer.make().chunk)
        while performer.heard_frame <= performer.frame - lead - 1:
            performer.hear(hears(performer.heard_frame))
    return np.concatenate(chunks, axis=1)
