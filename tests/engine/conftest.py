"""Fixtures of the engine's tests: prompts as controls, and sessions on the toy bundle."""

from collections.abc import Callable

import numpy as np
import pytest

from engine.bundle import Bundle
from engine.row import Controls
from engine.session import Session
from engine.stages.prompt import encode


@pytest.fixture
def asked(toy_bundle: Bundle) -> Callable[[int], Controls]:
    """A prompt on a 120 bpm grid that asks for another key every second."""
    style = encode(toy_bundle, "warm tape choir")

    def controls(frame: int) -> Controls:
        return Controls(style=style, tempo_bpm=120.0, beat=frame * 0.08, key=frame // 25 % 24)

    return controls


@pytest.fixture
def play(asked: Callable[[int], Controls]) -> Callable[[Session, int], np.ndarray]:
    """Play some frames of a session; [C, N]."""

    def frames(session: Session, count: int) -> np.ndarray:
        return np.concatenate([session.step(asked(session.frame)) for _ in range(count)], axis=1)

    return frames
