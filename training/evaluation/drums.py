"""Drums: does a kit play, told by a small network of ours.

In:  [N] mono audio at ANALYSIS_RATE. Out: `Drums`: in how much of it a kit plays, and whether that
is enough to say that it has drums.
Convolutions over log-mel bands look at about two and a half seconds around each step of 160 ms, and
say whether the kit has a note in this bar (`drums.safetensors`, fitted on training pieces, clean
and as the codec plays them). Shakers, timpani and other percussion are no kit.

Dimensions: B clips, T mel frames of 20 ms, S steps of 160 ms.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from training.evaluation.onsets import MELS, ONSET_RATE, Vector, log_mel
from training.mulan_data import PLAYING_SHARE

FILE = Path(__file__).with_name("drums.safetensors")
POOLED = 2  # frames of `log_mel` that become one
STRIDES, DILATIONS = (2, 2, 2), (2, 4)
STEP = 2 ** len(STRIDES)  # mel frames
STEPS_PER_SECOND = ONSET_RATE / POOLED / STEP
WIDTH, KERNEL = 64, 5


class Drums(NamedTuple):
    """What was heard."""

    share: float  # 0..1 of the clip in which a kit plays
    plays: bool  # in enough of it, as the corpus counts


class DrumNetwork(nn.Module):
    """Log-mel bands to the log-odds that a kit plays."""

    mean: Tensor  # [MELS] of the bands of training clips
    scale: Tensor  # [MELS]

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(MELS))
        self.register_buffer("scale", torch.ones(MELS))
        inputs, half = (MELS, WIDTH, WIDTH), KERNEL // 2
        self.closer = nn.ModuleList(
            nn.Conv1d(width, WIDTH, KERNEL, stride, half)
            for width, stride in zip(inputs, STRIDES, strict=True)
        )
        self.wider = nn.ModuleList(
            nn.Conv1d(WIDTH, WIDTH, KERNEL, padding=half * step, dilation=step)
            for step in DILATIONS
        )
        self.out = nn.Conv1d(WIDTH, 1, 1)

    def forward(self, mel: Tensor) -> Tensor:
        """[B, T, MELS], T a multiple of STEP, to [B, S]."""
        x = ((mel - self.mean) / self.scale).transpose(1, 2)
        for layer in self.closer:
            x = F.relu(layer(x))
        for layer in self.wider:
            x = x + F.relu(layer(x))
        return self.out(x)[:, 0]


@torch.no_grad()
def estimate_drums(mono: Vector) -> Drums:
    """Find out whether a kit plays in [N] mono audio, N of at least half a second."""
    playing = _network()(mel_of(mono)[None])[0] > 0
    share = float(playing.float().mean())
    return Drums(share, share >= PLAYING_SHARE)


def mel_of(mono: Vector) -> Tensor:
    """What the network looks at: [T, MELS] of whole steps of [N] mono audio."""
    mel = torch.from_numpy(log_mel(mono))
    frames = len(mel) // (POOLED * STEP) * STEP
    return mel[: POOLED * frames].reshape(frames, POOLED, MELS).mean(1)


@cache
def _network() -> DrumNetwork:
    network = DrumNetwork()
    network.load_state_dict(load_file(FILE))
    return network.eval()
