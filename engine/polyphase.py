"""The weights of a windowed-sinc resampler, for any ratio of rates.

In:  two rates. Out: for every tile of outputs, the matrix that its inputs are multiplied by.
Flat to 0.45 of the lower rate, below -100 dB from 0.5 on, linear phase, by Kaiser's window. Ratios
of few phases have one matrix; others (44,099 Hz against 48,000) are interpolated between tabulated
phases, which costs ten times as much and errs below -120 dB. Pure; knows nothing of audio.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, gcd, pi
from typing import Final

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

_PASS, _STOP = 0.45, 0.5  # of the lower rate
_STOP_DB: Final = 106.0
_TILE_SAMPLES: Final = 160  # of output, summed up at once; L of 44.1 to 48 kHz
_MATRIX_ENTRIES: Final = 1 << 20  # of a tile's weights; a ratio that needs more is interpolated
_PHASES: Final = 2048  # per sample of the lower rate, when interpolating: errors below -120 dB


@dataclass(frozen=True, kw_only=True)
class Polyphase:
    """One ratio's weights. Output sample m hears the input around (m - delay) * M / L.

    Its newest input is sample floor(m * M / L), which is there when m is due. Outputs are made in
    tiles that begin at multiples of `tile`: a product of the inputs that any of the tile hears and
    a matrix that is zero where one does not, so that what is not there yet is not heard either.
    """

    up: int  # L
    down: int  # M, without a common divisor with L
    half: int  # samples of the input on either side
    delay: int  # samples of the output
    tile: int  # outputs
    table: NDArray[np.float64]  # [P + 1, 2 * half] weights at phases 0, 1/P .. 1 of an input sample
    matrix: Matrix | None = None  # [span, tile] where all tiles are alike

    @property
    def span(self) -> int:
        """Inputs that a tile hears."""
        return ceil((self.tile - 1) * self.down / self.up) + 2 * self.half

    @property
    def reach(self) -> int:
        """Inputs before the next one that may still be needed."""
        return ceil((self.delay + 1) * self.down / self.up) + self.half

    def due(self, heard: int) -> int:
        """Outputs after so many inputs."""
        return heard * self.up // self.down

    def first_input(self, output: int) -> int:
        """The oldest input that an output hears."""
        return (output - self.delay) * self.down // self.up - self.half + 1

    def weights_at(self, output: int) -> Matrix:
        """The matrix [span, tile] of the tile that begins at an output."""
        return self._spread(output) if self.matrix is None else self.matrix

    def _spread(self, output: int) -> Matrix:
        """Lay the weights of a tile's outputs out, each beginning at the first input it hears."""
        places = [(m - self.delay) * self.down for m in range(output, output + self.tile)]
        first = np.array([place // self.up for place in places]) - places[0] // self.up
        phase = np.array([place % self.up for place in places]) * (len(self.table) - 1) / self.up
        below = phase.astype(np.int64)
        share = (phase - below)[:, None]
        weights = (1.0 - share) * self.table[below] + share * self.table[below + 1]
        matrix = np.zeros((self.tile, self.span), np.float32)
        index = first[:, None] + np.arange(2 * self.half)
        np.put_along_axis(matrix, index, weights.astype(np.float32), axis=1)
        return np.ascontiguousarray(matrix.T)


@lru_cache(maxsize=16)
def design(in_rate: int, out_rate: int) -> Polyphase:
    """Kaiser's formulas. 44,100 to 48,000 Hz: 69 inputs on either side, 1.6 ms late."""
    divisor, lower = gcd(in_rate, out_rate), min(in_rate, out_rate)
    up, down = out_rate // divisor, in_rate // divisor
    width = 2.285 * 2 * pi * (_STOP - _PASS) * lower / in_rate
    half = ceil((_STOP_DB - 7.95) / width / 2)
    delay = ceil((half + 1) * up / down)
    tile = up * max(1, _TILE_SAMPLES // up)
    span = (tile - 1) * down // up + 2 * half + 1
    is_periodic = span * tile <= _MATRIX_ENTRIES
    phases = up if is_periodic else ceil(_PHASES * lower / in_rate)
    table = _table(phases, half, lower / in_rate)
    tile = tile if is_periodic else _TILE_SAMPLES
    made = Polyphase(up=up, down=down, half=half, delay=delay, tile=tile, table=table)
    return replace(made, matrix=made.weights_at(0)) if is_periodic else made


def _table(phases: int, half: int, ratio: float) -> NDArray[np.float64]:
    """[phases + 1, 2 * half] of the sinc under Kaiser's window, every row's sum 1."""
    taps, phase = np.arange(1 - half, half + 1), np.arange(phases + 1)[:, None] / phases
    from_centre = taps - phase  # in inputs
    cutoff = (_PASS + _STOP) * ratio  # of the input's Nyquist frequency
    beta = 0.1102 * (_STOP_DB - 8.7)
    window = np.i0(beta * np.sqrt(np.maximum(0.0, 1.0 - (from_centre / half) ** 2)))
    weights = np.sinc(cutoff * from_centre) * window
    table: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return table
