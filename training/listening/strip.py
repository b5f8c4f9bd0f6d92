"""A strip: the small spectrogram under a sound.

In:  [C, N] audio and its rate. Out: a PNG of WIDTH x HEIGHT. The axes and colours of the picture of
a take (`engine.picture`), with three frequencies marked at the left and no margin.
"""

from math import log2
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from engine.picture import INK, LOW_HZ, PAPER, colours, spectrogram_db

WIDTH, HEIGHT = 440, 200  # pixels
RANGE_DB = (
    60.0  # under the loudest point: less than in a take's picture, for small strips are all haze
)
COLOURS = 64  # keeps a file near 40 kB; more are not seen in a strip
MARKED = ((100, "100 Hz"), (1_000, "1 kHz"), (5_000, "5 kHz"))


def save(path: Path, audio: NDArray[np.float32], rate: int) -> None:
    """Draw and write a PNG file."""
    level = np.maximum(spectrogram_db(audio, rate, WIDTH, HEIGHT) / RANGE_DB + 1.0, 0.0)
    image = Image.fromarray(colours(level))
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(11)
    for hertz, label in MARKED:
        y = HEIGHT * (1.0 - log2(hertz / LOW_HZ) / log2(rate / 2 / LOW_HZ))
        pen.line([(0, y), (6, y)], INK)
        pen.text((9, y), label, INK, font, anchor="lm", stroke_width=1, stroke_fill=PAPER)
    small = image.quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(path, format="PNG", optimize=True)
