"""MuLan: one space of styles for music and words (MusicLM's joint embedding, small).

In:  audio [B, C, N] at the bundle's rate, N >= 1 s; or MiniLM sentence vectors [B, 384].
Out: styles [B, 128], unit norm; the cosine of two says how well they go together.
Audio goes through log-mel -> one strided convolution -> ConvNeXt blocks over time -> attention
pooling; text through two layers on the frozen sentence vector. Not a streaming part: it hears
whole clips. A judge is the same model with tag heads, trained apart, for evaluation only.

Dimensions: B clips, C channels, N samples, T mel frames of 20 ms, M mels, D features.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from engine.errors import BundleError
from engine.spec import FAMILIES, STYLE_WIDTH, exact_div

HOPS_PER_SECOND = 50  # one mel frame is 20 ms; its window is two hops
MEL_STRIDE = 4  # mel frames per step of the network (80 ms), and mel bands per band of its stem
MAX_SHARPNESS = 100.0  # 1 / lowest temperature


@dataclass(frozen=True, kw_only=True)
class MulanConfig:
    """Sizes of both towers; with `genres` the model has tag heads (a judge)."""

    rate: int = 24000  # Hz
    mels: int = 64
    stem: int = 48  # channels of the strided convolution, per band that it leaves
    width: int = 192
    hidden: int = 576
    blocks: int = 3
    pool_heads: int = 4
    text_width: int = 384  # of the sentence vector
    text_hidden: int = 512
    genres: tuple[str, ...] = ()  # the tag head's genre names, in order


class LogMel(nn.Module):
    """Samples to log-mel frames: 40 ms Hann window, 20 ms hop, no padding at the ends."""

    window: Tensor
    bank: Tensor

    def __init__(self, rate: int, mels: int) -> None:
        super().__init__()
        self.hop = exact_div(rate, HOPS_PER_SECOND)
        self.bins = 1 << (2 * self.hop - 1).bit_length()
        bank = mel_filterbank(rate, self.bins, mels)
        self.register_buffer("window", torch.hann_window(2 * self.hop), persistent=False)
        self.register_buffer("bank", torch.from_numpy(bank), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """Map audio [B, C, N] in -1..1 to [B, T, M], T = N // hop - 1, values about -1..1."""
        hops = audio.shape[-1] // self.hop
        mono = audio.mean(1)[:, : hops * self.hop].reshape(audio.shape[0], -1, self.hop)
        frames = torch.cat([mono[:, :-1], mono[:, 1:]], -1) * self.window
        spectrum = torch.fft.rfft(F.pad(frames, (0, self.bins - 2 * self.hop)))
        power = torch.view_as_real(spectrum).square().sum(-1) @ self.bank
        return scale_power(power)


def scale_power(power: Tensor) -> Tensor:
    """Lay mel power out on a scale of decades that a network likes: -1 is silence, 1 is loud."""
    return power.clamp_min(1e-4).log10() * 0.25


def unscale_power(mel: Tensor) -> Tensor:
    """Invert `scale_power`."""
    return 10.0 ** (mel * 4.0)


def mel_filterbank(rate: int, bins: int, mels: int) -> NDArray[np.float32]:
    """Lay triangles from 30 Hz to half the rate: [bins // 2 + 1, mels], each summing to one."""

    def to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
        return 2595.0 * np.log10(1.0 + hz / 700.0)

    lowest, highest = to_mel(np.array([30.0, rate / 2])).tolist()
    edges = np.linspace(lowest, highest, mels + 2)
    position = to_mel(np.linspace(0.0, rate / 2, bins // 2 + 1))[:, None]
    rise = (position - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - position) / (edges[2:] - edges[1:-1])
    bank = np.maximum(0.0, np.minimum(rise, fall))
    return (bank / np.maximum(bank.sum(0), 1e-8)).astype(np.float32)


class Block(nn.Module):
    """One ConvNeXt block over time: depthwise convolution, then a two-layer mix of features."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, T, D] to [B, T, D]."""
        y = self.depthwise(x.transpose(1, 2)).transpose(1, 2)
        return x + self.scale * self.down(F.gelu(self.up(self.norm(y))))


class AudioTower(nn.Module):
    """Clips to features, and features to styles."""

    def __init__(self, config: MulanConfig) -> None:
        super().__init__()
        self.mel = LogMel(config.rate, config.mels)
        bands = exact_div(config.mels, MEL_STRIDE)
        # One strided layer: two, with a 3 x 3, cost 2.5 times the training step and learned less.
        self.stem = nn.Conv2d(1, config.stem, 8, stride=MEL_STRIDE, padding=2)
        self.mix = nn.Linear(config.stem * bands, config.width)
        self.blocks = nn.ModuleList(
            Block(config.width, config.hidden) for _ in range(config.blocks)
        )
        self.attention = nn.Linear(config.width, config.pool_heads)
        self.norm = nn.LayerNorm(config.width)
        self.project = nn.Linear(config.width, STYLE_WIDTH)

    def forward(self, audio: Tensor) -> Tensor:
        """Embed audio [B, C, N], N >= 1 s: styles [B, STYLE_WIDTH], unit norm."""
        return self.style(self.features(self.mel(audio)))

    def features(self, mel: Tensor) -> Tensor:
        """Map log-mels [B, T, M] to one vector per clip [B, D]."""
        x = F.gelu(self.stem(mel[:, None]))  # [B, stem, T / 4, M / 4]
        x = self.mix(x.transpose(1, 2).flatten(2))  # [B, T / 4, D]
        for block in self.blocks:
            x = block(x)
        weights = self.attention(x).softmax(1)  # [B, T / 4, heads]
        parts = x.unflatten(-1, (weights.shape[-1], -1))  # [B, T / 4, heads, D / heads]
        return self.norm((parts * weights[..., None]).sum(1).flatten(1))

    def style(self, features: Tensor) -> Tensor:
        """Map features [B, D] to styles [B, STYLE_WIDTH], unit norm."""
        return F.normalize(self.project(features), dim=-1)


class TextHead(nn.Module):
    """Sentence vectors to styles."""

    def __init__(self, config: MulanConfig) -> None:
        super().__init__()
        self.up = nn.Linear(config.text_width, config.text_hidden)
        self.dropout = nn.Dropout(0.1)
        self.project = nn.Linear(config.text_hidden, STYLE_WIDTH)

    def forward(self, sentence: Tensor) -> Tensor:
        """Map sentence vectors [B, text_width] to styles [B, STYLE_WIDTH], unit norm."""
        return F.normalize(self.project(self.dropout(F.gelu(self.up(sentence)))), dim=-1)


class TagHeads(nn.Module):
    """What a judge reads off a clip's features, as logits."""

    def __init__(self, config: MulanConfig) -> None:
        super().__init__()
        self.families = nn.Linear(config.width, len(FAMILIES))
        self.drums = nn.Linear(config.width, 1)
        self.genre = nn.Linear(config.width, len(config.genres))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map features [B, D] to families [B, 16], drums [B] and genre [B, G] logits."""
        return self.families(features), self.drums(features)[:, 0], self.genre(features)


class Mulan(nn.Module):
    """Both towers, the learned temperature between them and, in a judge, the tag heads."""

    def __init__(self, config: MulanConfig) -> None:
        super().__init__()
        self.config = config
        self.audio = AudioTower(config)
        self.text = TextHead(config)
        self.log_sharpness = nn.Parameter(torch.tensor(-log(0.07)))
        self.tags = TagHeads(config) if config.genres else None

    @property
    def sharpness(self) -> Tensor:
        """What cosines are multiplied by before the softmax; 1 / temperature."""
        return self.log_sharpness.exp().clamp(max=MAX_SHARPNESS)


def pack(model: Mulan, path: Path) -> None:
    """Write one self-contained file: fp16 weights, the configuration in the metadata."""
    weights = {name: value.detach().cpu().half() for name, value in model.state_dict().items()}
    save_file(weights, path, metadata={"config": json.dumps(asdict(model.config))})


def build(sizes: Mapping[str, Any]) -> Mulan:
    """Make an untrained MuLan of the sizes that are stored with weights."""
    return Mulan(MulanConfig(**{**sizes, "genres": tuple(sizes["genres"])}))


def load(path: Path) -> Mulan:
    """Open a training run's folder or a packed file, in eval mode.

    Raises:
        BundleError: there is none, or it holds no MuLan.
    """
    weights = path / "model.safetensors" if path.is_dir() else path
    if not weights.is_file():
        raise BundleError(f"{weights} is missing. Train it: python -m training.train_mulan")
    model = build(_sizes(path))
    model.load_state_dict({name: value.float() for name, value in load_file(weights).items()})
    return model.eval()


def _sizes(path: Path) -> dict[str, Any]:
    if path.is_dir():
        return dict(json.loads((path / "config.json").read_text()))
    with safe_open(path, "pt") as file:
        metadata = file.metadata() or {}
    if "config" not in metadata:
        raise BundleError(f"{path.name} holds {sorted(metadata)}, expected a packed MuLan.")
    return dict(json.loads(metadata["config"]))
