"""A picture of a take: its spectrogram, with the prompt changes marked.

In:  [C, N] float32 audio, its rate, and marks (second, label). Out: an RGB image, or a PNG file.
numpy and Pillow only. The frequency axis is logarithmic, the level in decibels under the loudest
point, and the colours even in perceived lightness, so that a step in level looks the same
everywhere.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import log2
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

WIDTH, HEIGHT = 1600, 760  # pixels of the whole picture
LEFT, RIGHT, TOP, BOTTOM = 84, 28, 110, 64  # margins
PLOT: Final = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM)  # width and height of the spectrogram

WINDOW = 4096  # samples; 171 ms and 5.9 Hz at 24 kHz
LOW_HZ = 30.0
RANGE_DB = 75.0
LOOKS = 4  # at most so many windows per column, however long the take

PAPER, INK, FAINT = (14, 15, 22), (232, 233, 240), (150, 153, 170)
MARK = (120, 226, 208)


@dataclass(frozen=True)
class Mark:
    """A moment to point out."""

    second: float
    label: str


def save(
    path: Path, audio: NDArray[np.float32], rate: int, marks: Sequence[Mark], title: str
) -> None:
    """Draw and write a PNG file; usually to the temporary file of `output.reserve`."""
    draw(audio, rate, marks, title).save(path, format="PNG")


def draw(audio: NDArray[np.float32], rate: int, marks: Sequence[Mark], title: str) -> "Image":
    """Draw a take.

    Args:
        audio: [C, N] finite, N >= 1.
        rate: Hz.
        marks: in order of time.
        title: one line above.

    Returns:
        WIDTH x HEIGHT RGB.
    """
    from PIL import Image, ImageDraw

    seconds = audio.shape[1] / rate
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pixels = colours(spectrogram_db(audio, rate, *PLOT) / RANGE_DB + 1.0)
    image.paste(Image.fromarray(pixels), (LEFT, TOP))
    pen = ImageDraw.Draw(image)
    pen.text((LEFT, 18), _fit(pen, title, PLOT[0], 26), INK, _font(26))
    _draw_frequencies(pen, rate)
    _draw_seconds(pen, seconds)
    _draw_marks(pen, marks, seconds)
    return image


# --- the spectrogram ----------------------------------------------------------------------------


def spectrogram_db(
    audio: NDArray[np.float32], rate: int, columns: int, rows: int
) -> NDArray[np.float64]:
    """Level over time and log frequency.

    Returns:
        [rows, columns] decibels under the loudest point, -RANGE_DB..0, the highest frequency first.
    """
    power = _column_power(audio, columns)  # [columns, bins]
    level = power @ _bands(rate, rows).T
    loudest = max(float(level.max()), 1e-12)
    decibels = 10.0 * np.log10(np.maximum(level / loudest, 10.0 ** (-RANGE_DB / 10.0)))
    return np.asarray(decibels.T[::-1])


def _column_power(audio: NDArray[np.float32], columns: int) -> NDArray[np.float64]:
    """Mean power spectrum around each column's time, of all channels: [columns, bins]."""
    samples = audio.shape[1]
    padded = np.pad(audio, ((0, 0), (WINDOW // 2, WINDOW // 2 + 1)))
    looks = int(np.clip(samples / columns / (WINDOW / 2), 1, LOOKS))
    window = np.hanning(WINDOW)
    power = np.zeros((columns, WINDOW // 2 + 1))
    for look in range(looks):
        centres = (np.arange(columns) + (look + 0.5) / looks) * samples / columns
        for channel in padded:
            views = np.lib.stride_tricks.sliding_window_view(channel, WINDOW)
            for part in np.array_split(
                np.arange(columns), 16
            ):  # bounds the memory of one transform
                spectra = np.fft.rfft(views[centres[part].astype(int)] * window)
                power[part] += np.abs(spectra) ** 2
    return power / (looks * len(audio))


def _bands(rate: int, rows: int) -> NDArray[np.float64]:
    """Triangular weights of the bins in each row, so that pink noise looks even: [rows, bins]."""
    bin_hz = rate / WINDOW
    centres = LOW_HZ * (rate / 2 / LOW_HZ) ** (np.arange(rows) / (rows - 1)) / bin_hz
    half = np.maximum(centres * ((rate / 2 / LOW_HZ) ** (1 / (rows - 1)) - 1.0), 1.0)
    # As wide as the step between rows, and at least one bin.
    weights = np.maximum(
        1.0 - np.abs(np.arange(WINDOW // 2 + 1) - centres[:, None]) / half[:, None], 0.0
    )
    return np.asarray(weights)


def colours(level: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Colour levels 0..1: [..., 3], from night blue over violet and orange to pale yellow.

    A path in OKLCh: lightness rises evenly, hue turns from 285 degrees on to 95, and chroma
    swells in between.
    """
    steps = np.linspace(0.0, 1.0, 256)
    lightness = 0.17 + 0.79 * steps
    hue = np.radians(285.0 + 170.0 * steps)
    chroma = 0.045 + 0.15 * np.sin(np.pi * steps**0.9) ** 0.9 * (1.0 - 0.25 * steps)
    table = _srgb(lightness, chroma * np.cos(hue), chroma * np.sin(hue))
    return np.asarray(table[np.clip(level * 255.0 + 0.5, 0, 255).astype(np.uint8)])


def _srgb(
    lightness: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """OKLab to 8-bit sRGB, after Ottosson (2020); out of gamut is cut."""
    to_cone = np.array(
        [
            [1, 0.3963377774, 0.2158037573],
            [1, -0.1055613458, -0.0638541728],
            [1, -0.0894841775, -1.291485548],
        ]
    )
    to_rgb = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.707614701],
        ]
    )
    linear = np.clip((np.stack([lightness, a, b], -1) @ to_cone.T) ** 3 @ to_rgb.T, 0.0, 1.0)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(encoded * 255.0), np.uint8)


# --- axes and marks -----------------------------------------------------------------------------


@cache
def _font(size: int) -> "FreeTypeFont | ImageFont":
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _draw_frequencies(pen: "ImageDraw", rate: int) -> None:
    for hertz in (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000):
        if hertz > rate / 2:
            break
        y = TOP + PLOT[1] * (1.0 - log2(hertz / LOW_HZ) / log2(rate / 2 / LOW_HZ))
        pen.line([(LEFT - 6, y), (LEFT - 1, y)], FAINT)
        label = f"{hertz // 1000} kHz" if hertz >= 1000 else f"{hertz} Hz"
        pen.text((LEFT - 10, y), label, FAINT, _font(16), anchor="rm")


def _draw_seconds(pen: "ImageDraw", seconds: float) -> None:
    step = next(
        (s for s in (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600) if seconds / s <= 14), 900
    )
    bottom = TOP + PLOT[1]
    for index in range(int(seconds / step + 1e-9) + 1):
        x = LEFT + PLOT[0] * index * step / seconds
        pen.line([(x, bottom), (x, bottom + 6)], FAINT)
        pen.text((x, bottom + 10), f"{index * step:g}", FAINT, _font(16), anchor="mt")
    pen.text((LEFT + PLOT[0] / 2, HEIGHT - 22), "seconds", FAINT, _font(16), anchor="mm")


def _draw_marks(pen: "ImageDraw", marks: Sequence[Mark], seconds: float) -> None:
    """A line at each mark, its label in the band above, cut where the next one begins."""
    edges = [min(mark.second / seconds, 1.0) * PLOT[0] for mark in marks]
    for mark, (x, end) in zip(marks, pairwise([*edges, PLOT[0]]), strict=True):
        left = LEFT + x
        for top in range(TOP - 34, TOP + PLOT[1], 9):
            pen.line([(left, top), (left, min(top + 4, TOP + PLOT[1]))], MARK, width=2)
        label = _fit(pen, mark.label, end - x - 16, 19)
        pen.text((left + 8, TOP - 23), label, MARK, _font(19), anchor="lm")


def _fit(pen: "ImageDraw", text: str, width: float, size: int) -> str:
    """As much of a text as fits into a width, with an ellipsis where it was cut."""
    line, font = " ".join(text.split()), _font(size)
    if pen.textlength(line, font) <= width:
        return line

    def width_of(kept: int) -> float:
        return float(pen.textlength(f"{line[:kept].rstrip()}...", font))

    kept = bisect_right(range(len(line)), width, key=width_of) - 1
    return f"{line[:kept].rstrip()}..." if kept > 0 else ""
