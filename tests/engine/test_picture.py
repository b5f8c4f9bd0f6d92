"""The picture shows what sounds, where it sounds."""

import numpy as np
import pytest
from PIL import Image

from engine.picture import (
    HEIGHT,
    LEFT,
    LOW_HZ,
    MARK,
    PLOT,
    RANGE_DB,
    TOP,
    WIDTH,
    Mark,
    colours,
    draw,
    save,
    spectrogram_db,
)

RATE = 24_000


def tone(hertz: float, seconds: float = 2.0) -> np.ndarray:
    time = np.arange(int(RATE * seconds)) / RATE
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)[None]


@pytest.mark.parametrize("hertz", [60.0, 440.0, 3_000.0, 9_000.0])
def test_a_tone_is_a_line_at_its_frequency(hertz):
    levels = spectrogram_db(tone(hertz), RATE, columns=50, rows=400)
    row = int(np.argmax(levels[:, 25]))
    found = LOW_HZ * (RATE / 2 / LOW_HZ) ** ((399 - row) / 399)
    assert found == pytest.approx(hertz, rel=0.03)
    assert levels.max() == 0.0
    assert levels.min() == -RANGE_DB


def test_a_sound_stands_at_its_time():
    audio = np.zeros((1, 4 * RATE), np.float32)
    audio[:, 3 * RATE :] = tone(500.0, 1.0)
    levels = spectrogram_db(audio, RATE, columns=80, rows=60).max(axis=0)
    assert levels[:58].max() == -RANGE_DB
    assert levels[62:78].min() > -10.0


@pytest.mark.parametrize("samples", [1, 100, 960, 4_096, 50_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_length_can_be_drawn(samples, channels):
    audio = np.random.default_rng(0).uniform(-1, 1, (channels, samples)).astype(np.float32)
    levels = spectrogram_db(audio, RATE, columns=30, rows=20)
    assert levels.shape == (20, 30)
    assert np.isfinite(levels).all()


def test_silence_is_dark():
    levels = spectrogram_db(np.zeros((1, RATE), np.float32), RATE, columns=10, rows=10)
    assert (levels == -RANGE_DB).all()


def test_lighter_means_louder():
    """The colours must not hide a step in level: their lightness only rises."""
    table = colours(np.linspace(0, 1, 256)).astype(float) / 255
    linear = np.where(table <= 0.04045, table / 12.92, ((table + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > -1e-3).all()
    assert luminance[0] < 0.02
    assert luminance[-1] > 0.75


def test_colours_outside_the_range_are_the_ends():
    np.testing.assert_array_equal(colours(np.array([-5.0, 5.0])), colours(np.array([0.0, 1.0])))


def test_the_prompt_changes_are_marked(tmp_path):
    marks = [Mark(0.0, "pads"), Mark(1.0, "a very long prompt " * 40), Mark(1.5, "Streichquartett")]
    save(tmp_path / "a.png", tone(440.0), RATE, marks, "a story\nof three")
    with Image.open(tmp_path / "a.png") as image:
        assert (image.size, image.mode) == ((WIDTH, HEIGHT), "RGB")
        pixels = np.asarray(image)
    for second in (0.0, 1.0, 1.5):
        column = pixels[TOP : TOP + PLOT[1], round(LEFT + PLOT[0] * second / 2.0)]
        assert (column == MARK).all(axis=-1).sum() > PLOT[1] / 3
    unmarked = pixels[TOP : TOP + PLOT[1], LEFT + PLOT[0] // 4]
    assert not (unmarked == MARK).all(axis=-1).any()


def test_a_label_ends_before_the_next_begins():
    marks = [Mark(0.0, "x" * 500), Mark(1.0, "")]
    band = np.asarray(draw(tone(440.0), RATE, marks, ""))[TOP - 40 : TOP, LEFT + PLOT[0] // 2 + 4 :]
    assert not (band == MARK).all(axis=-1).any()
