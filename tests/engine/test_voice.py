"""The voice: sounds take over from each other at a sample, and never for longer than needed."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from engine.crossing import cross, cross_samples
from engine.line import Scene
from engine.spec import AudioFormat
from engine.voice import Voice
from tests.engine.performing import free
from tests.fakes import CHANNELS, FRAME, LATENCY, RATE

FADE = cross_samples(RATE)


@dataclass(frozen=True)
class Steady:
    """A source that holds one value, and counts its frames."""

    value: float
    frames: int = 0
    is_fading: bool = False
    role: ClassVar[str] = "sound"

    @property
    def line(self):
        return SimpleNamespace(at=self.frames)

    def step(self, scene):
        chunk = np.full((CHANNELS, FRAME), self.value, np.float32)
        return chunk, replace(self, frames=self.frames + 1)

    def fading(self):
        return replace(self, is_fading=True)


def scene(frame: int) -> Scene:
    return Scene(
        frame=frame,
        audio=AudioFormat(rate=RATE, channels=CHANNELS),
        latency=LATENCY,
        transport=free(),
        intake=None,
        tape=None,
    )


def run(voice: Voice, frames: int, first: int = 0) -> tuple[np.ndarray, Voice, list[int]]:
    chunks, played = [], []
    for frame in range(first, first + frames):
        chunk, voice, count = voice.step(scene(frame))
        chunks.append(chunk)
        played.append(count)
    return np.concatenate(chunks, axis=1)[0], voice, played


@pytest.mark.parametrize("since", [0, 1, 500, FRAME - 1, FRAME, FRAME + 7, 3 * FRAME - FADE])
def test_one_source_takes_over_from_another_at_its_sample(since):
    """Wherever in a frame, or across the edge of two: before it the old, 5 ms later the new."""
    voice = Voice.of(Steady(1.0)).cross_to(Steady(3.0), since)
    sound, voice, _ = run(voice, 4)
    between = sound[since : since + FADE]
    if since:  # what takes over at the very first sample was always there
        assert (sound[:since] == 1.0).all()
        np.testing.assert_allclose(between, 1 + 2 * (np.arange(FADE) + 0.5) / FADE, atol=1e-6)
    assert (sound[since + FADE :] == 3.0).all()
    assert len(voice.entries) == 1


def test_the_old_source_plays_until_the_crossing_is_over_and_no_longer():
    voice = Voice.of(Steady(1.0)).cross_to(Steady(3.0), 2 * FRAME - 10)
    assert voice.entries[0].source.is_fading
    _, voice, played = run(voice, 4)
    assert played == [2, 2, 2, 1]


def test_a_crossing_within_a_crossing_goes_on_from_what_sounds():
    """Two bar lines could be 2 ms apart; nothing jumps, and the last one stays."""
    voice = Voice.of(Steady(0.0)).cross_to(Steady(1.0), 100)
    voice = voice.cross_to(Steady(0.0), 100 + FADE // 2)
    sound, voice, _ = run(voice, 2)
    assert np.abs(np.diff(sound)).max() <= 1.01 / FADE
    assert 0.4 < sound.max() < 0.9
    assert (sound[100 + 2 * FADE :] == 0.0).all()


def test_a_take_over_that_has_not_begun_is_replaced_by_an_earlier_one():
    voice = Voice.of(Steady(1.0)).cross_to(Steady(2.0), 500).cross_to(Steady(3.0), 400)
    sound, _, _ = run(voice, 2)
    assert 2.0 not in sound[: 400 + 1]
    assert (sound[:400] == 1.0).all()
    assert (sound[400 + FADE :] == 3.0).all()
    assert len(voice.entries) == 2


def test_a_voice_that_crosses_in_every_frame_stays_small():
    voice = Voice.of(Steady(0.0))
    for frame in range(50):
        voice = voice.cross_to(Steady(float(frame)), frame * FRAME + LATENCY + 900)
        _, voice, played = voice.step(scene(frame))
        assert len(voice.entries) <= 4
        assert played <= 4


def test_a_voice_is_never_written_to():
    """Stepping it twice gives the same twice, so that a frame can be made again."""
    voice = Voice.of(Steady(1.0)).cross_to(Steady(3.0), 900)
    first, _, _ = run(voice, 3)
    second, _, _ = run(voice, 3)
    np.testing.assert_array_equal(first, second)


def test_holding_changes_what_sounds_and_not_when_it_came():
    voice = Voice.of(Steady(1.0)).cross_to(Steady(3.0), 900).holding(Steady(5.0))
    sound, _, _ = run(voice, 3)
    assert (sound[:900] == 1.0).all()
    assert (sound[900 + FADE :] == 5.0).all()


def test_two_sounds_that_are_the_same_cross_without_a_trace():
    """The seam of a repeat: linear, so what is alike stays as it is, bit for bit."""
    sound = np.random.default_rng(3).standard_normal((2, FRAME)).astype(np.float32)
    np.testing.assert_array_equal(cross(sound, sound.copy(), 100, 0, RATE), sound)


def test_a_crossing_leaves_both_sounds_as_they_are():
    old, new = (np.full((1, FRAME), value, np.float32) for value in (1.0, 2.0))
    cross(old, new, 10, 0, RATE)
    assert (old == 1.0).all()
    assert (new == 2.0).all()
