"""The codec's table: what 1, 4, 8 and 12 levels of tokens keep of held-out music.

In:  a bundle (its `encode` and `decode` graphs) and clips [C, N] at its rate. Out: log10-mel
distance, SNR of magnitudes and of the waveform, per number of levels, with intervals over clips.
Levels that are left out are passed to the decoder as -1. Frame by frame, as the engine does it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from engine.bundle import Bundle
from engine.graph import Graph, State, advance
from engine.spec import ACOUSTIC_LEVELS
from training.evaluation.figures import Interval, bootstrap
from training.losses import MelDistance, magnitude_snr_db, snr_db

REPORT_LEVELS = (1, 4, 8, 12)
LEFT_OUT = -1

Audio = NDArray[np.float32]


@dataclass(frozen=True)
class CodecRow:
    """What some number of levels keeps."""

    levels: int
    mel: Interval  # mean L1 distance of log10 mel magnitudes over window sizes
    magnitude_snr_db: Interval  # of spectral magnitudes: the codec leaves phase out (ADR 0005)
    snr_db: Interval  # of the waveform


def codec_table(bundle: Bundle, clips: Iterable[Audio]) -> list[CodecRow]:
    """Encode and decode clips [C, N], N at least one frame, at every number of levels."""
    distance = MelDistance(bundle.audio.rate)
    rows: dict[int, list[tuple[float, ...]]] = {levels: [] for levels in REPORT_LEVELS}
    for clip in clips:
        codes = encode(bundle, clip)
        for levels in REPORT_LEVELS:
            given, wanted = aligned(bundle, decode(bundle, keep(codes, levels)), clip)
            pair = torch.from_numpy(given), torch.from_numpy(wanted)
            figures = (distance(*pair), magnitude_snr_db(*pair), snr_db(*pair))
            rows[levels].append(tuple(float(figure) for figure in figures))
    return [
        CodecRow(levels, *(_interval(column) for column in zip(*rows[levels]))) for levels in rows
    ]


def encode(bundle: Bundle, clip: Audio) -> NDArray[np.int64]:
    """Tokens [T, 12] of a clip [C, N]; a last part of a frame is left out."""
    size = bundle.audio.frame_samples
    frames = [clip[None, :, at : at + size] for at in range(0, clip.shape[1] - size + 1, size)]
    blocks = [{"audio": np.ascontiguousarray(frame, np.float32)} for frame in frames]
    outputs = _stream(bundle.graph("encode"), bundle.initial_state("encode"), blocks, "codes")
    return np.concatenate(outputs, 0)


def decode(bundle: Bundle, codes: NDArray[np.int64]) -> Audio:
    """Audio [C, T * F] of tokens [T, 12]."""
    blocks = [{"codes": row[None]} for row in codes]
    outputs = _stream(bundle.graph("decode"), bundle.initial_state("decode"), blocks, "audio")
    return np.concatenate(outputs, -1)[0]


def keep(codes: NDArray[np.int64], levels: int) -> NDArray[np.int64]:
    """Leave out all levels but the first few."""
    return np.where(np.arange(ACOUSTIC_LEVELS) < levels, codes, LEFT_OUT)


def aligned(bundle: Bundle, given: Audio, wanted: Audio) -> tuple[Audio, Audio]:
    """Cut off what the graphs declare as latency, so that sample meets sample."""
    late = sum(bundle.graph(name).spec.latency_samples for name in ("encode", "decode"))
    return given[:, late:], wanted[:, : given.shape[1] - late]


def _stream(graph: Graph, state: State, blocks: Sequence[dict], port: str) -> list[NDArray]:
    outputs = []
    for block in blocks:
        output, state = advance(graph, block, state)
        outputs.append(output[port])
    return outputs


def _interval(values: Sequence[float]) -> Interval:
    return bootstrap(np.asarray(values), lambda drawn: float(np.mean(drawn)))
