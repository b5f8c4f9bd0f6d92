"""Write down where recorded music stands, beside the sheets that its tokens make: what the upmix
learns from.

    python -m training.make_places --data data/prepared/train --corpus data/corpus/train --hours 5

In:  a prepared split with tokens, and the stereo pieces that it was prepared from. Out: a folder
`places` in the split, frames of the pieces taken end to end: `sheets.npy` [T, U * W], `pan.npy`,
`side.npy` and `weight.npy` [T, U, P], `air.npy` [T, U, H / U * A], all float16, and `index.json`.
Pieces are taken evenly over the split until there are so many hours.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import soundfile
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import Tensor, nn

from engine.errors import InputError, OptionError
from engine.spec import FRAME_RATE
from models import codec as codecs
from models.codec import Codec, Writer
from models.hearing import written
from models.noise import mel_triangles
from models.upmix import CHANNELS, Staging, UpmixConfig
from training.data import Prepared, load, recordings

FRAMES_PER_HOUR = 3600 * FRAME_RATE
FOLDER, INDEX = "places", "index.json"
LOUDEST_SIDE = 4.0  # side per middle; anything beyond is nearly all side, and says no more


class Places(NamedTuple):
    """Where music stands, per subframe and place."""

    pan: Tensor  # [B, T * U, P] side per middle, as far as it is in step; in -1..1
    side: Tensor  # [B, T * U, P] amplitude of all of the side per middle
    weight: Tensor  # [B, T * U, P] how loud the middle is, as a sheet says it
    air: Tensor  # [B, T * U, H / U * A] noise above the codec's rate, as a sheet says it


class PlaceEar(nn.Module):
    """Stereo audio [B, 2, N] at the upmix's rate, N whole frames, to `Places`.

    Windows are two hops and end at the newest sample, as the codec's ear has them.
    """

    hann: Tensor  # [2 * N]
    places: Tensor  # [bins, P]
    airs: Tensor  # [bins, A]
    loudness: Tensor  # [A] noise gain per measured amplitude

    def __init__(self, config: UpmixConfig) -> None:
        super().__init__()
        self.config = config
        hertz = torch.linspace(0, config.rate / 2, config.hop + 1)
        hann = torch.hann_window(2 * config.hop)
        self.register_buffer("hann", 2 * hann / hann.sum(), persistent=False)
        self.register_buffer(
            "places", mel_triangles(hertz, config.places, config.rate / 2).T, persistent=False
        )
        staging = Staging(config)
        shapes = staging.noise.spread[config.sheet["bands"] :]
        self.register_buffer("airs", nn.functional.pad(shapes, (0, 1)).T, persistent=False)
        self.register_buffer("loudness", self._loudness(staging), persistent=False)

    def forward(self, audio: Tensor) -> Places:
        left, right = self._spectra(audio[:, 0]), self._spectra(audio[:, 1])
        middle, side = (left + right) / 2, (left - right) / 2
        powers = (_power(middle, middle), _power(side, side), _power(middle, side))
        mm, ss, ms = (self._by_subframe(power @ self.places) for power in powers)
        floor, gain = 1e-10, self.config.sheet["gain"]
        air = (_power(middle, middle) @ self.airs) * self.loudness.square()
        return Places(
            (ms / (mm + floor)).clamp(-1, 1),
            (ss / (mm + floor)).sqrt().clamp(max=LOUDEST_SIDE),
            written(mm, gain),
            written(air, gain).reshape(len(audio), -1, self.config.hops * air.shape[-1]),
        )

    def _spectra(self, audio: Tensor) -> Tensor:
        """[B, K, bins] of audio [B, K * N]."""
        padded = nn.functional.pad(audio, (self.config.hop, 0))
        return torch.fft.rfft(padded.unfold(1, 2 * self.config.hop, self.config.hop) * self.hann)

    def _by_subframe(self, power: Tensor) -> Tensor:
        return power.unflatten(1, (-1, self.config.hops)).mean(2)

    def _loudness(self, staging: Staging) -> Tensor:
        """Measured on the noise itself."""
        hops, bands = self.config.sheet["hops"], self.config.sheet["bands"]
        gains = torch.zeros(1, 64, hops, CHANNELS, bands + self.config.air)
        gains[..., 0, bands:] = 1.0
        noise = staging.noise(gains.reshape(1, 64, -1)).flatten(1)
        spectra = self._spectra(noise)[:, hops:]
        return (_power(spectra, spectra) @ self.airs)[0].mean(0).clamp(min=1e-9).rsqrt()


def _power(a: Tensor, b: Tensor) -> Tensor:
    return a.real * b.real + a.imag * b.imag


@dataclass(frozen=True)
class PlacedSplit:
    """What this maker wrote, mapped."""

    sizes: Mapping[str, Any]  # of the upmix that it is for
    pieces: list[dict[str, Any]]  # id, start and frames of each
    arrays: Mapping[str, NDArray[np.float16]]

    def crop(self, rng: np.random.Generator, frames: int) -> slice:
        """Draw frames that lie inside one piece."""
        long = [piece for piece in self.pieces if piece["frames"] >= frames]
        piece = long[int(rng.integers(len(long)))]
        start = piece["start"] + int(rng.integers(piece["frames"] - frames + 1))
        return slice(start, start + frames)


def load_places(data: Path) -> PlacedSplit:
    """Open the places of a prepared split.

    Raises:
        InputError: they were not made yet.
    """
    folder = data / FOLDER
    if not (folder / INDEX).is_file():
        raise InputError(
            f"{folder} holds no places. Make them: python -m training.make_places --data {data}"
        )
    index = json.loads((folder / INDEX).read_text())
    names = ("sheets", *Places._fields)
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}
    return PlacedSplit(index["sizes"], index["pieces"], arrays)


def upmix_config(codec: Codec) -> UpmixConfig:
    """The upmix for a codec's sheets.

    Raises:
        OptionError: the codec is not mono.
    """
    if codec.config.channels != 1:
        raise OptionError.of("codec", f"{codec.config.channels} channels", "1 channel")
    return UpmixConfig(
        sheet=codec.config.sheet,
        tones=codec.decoder.speaking.oscillators.size,
        rate=2 * codec.config.rate,
    )


def sheets_of(codec: Codec, tokens: NDArray[np.uint16]) -> NDArray[np.float32]:
    """What the codec writes for tokens [T, 1 + K]: [T, U * W]."""
    codes = torch.from_numpy(tokens[None, :, 1:].astype(np.int64))
    return Writer(codec.decoder)(codec.quantizer.decode(codes))[0].numpy()


@torch.no_grad()
def places_of(
    ear: PlaceEar, codec: Codec, recording: Path, tokens: NDArray[np.uint16]
) -> dict[str, NDArray[np.float16]]:
    """One piece's arrays, by name.

    Raises:
        OptionError: the recording is not stereo at the upmix's rate.
    """
    config = ear.config
    audio, rate = soundfile.read(
        recording, len(tokens) * config.audio.frame_samples, dtype="float32", always_2d=True
    )
    if (rate, audio.shape[1]) != (config.rate, CHANNELS):
        raise OptionError.of(
            str(recording), f"{rate} Hz, {audio.shape[1]} channels",
            f"{config.rate} Hz, {CHANNELS} channels",
        )  # fmt: skip
    frames = len(audio) // config.audio.frame_samples
    whole = audio[: frames * config.audio.frame_samples]
    heard = ear(torch.from_numpy(np.ascontiguousarray(whole.T))[None])
    subframes = config.sheet["subframes"]
    found = {
        name: value[0].unflatten(0, (-1, subframes)) for name, value in heard._asdict().items()
    }
    found["sheets"] = torch.from_numpy(sheets_of(codec, tokens[:frames]))
    return {name: value.numpy().astype(np.float16) for name, value in found.items()}


def make_places(
    data: Prepared, tokens: NDArray[np.uint16], corpus: Path, codec: Codec, hours: float
) -> tuple[list[dict[str, Any]], dict[str, NDArray[np.float16]]]:
    """Write down pieces taken evenly over a split: where each lies, and arrays over all.

    Raises:
        InputError: a piece's recording is not in the corpus.
        OptionError: as `places_of` and `upmix_config`.
    """
    ear, recorded = PlaceEar(upmix_config(codec)), recordings(corpus)
    share = min(1.0, hours * FRAMES_PER_HOUR / data.frames) if hours else 1.0
    count = max(1, round(share * len(data.pieces)))
    chosen = np.linspace(0, len(data.pieces) - 1, count).round().astype(int)
    pieces: list[dict[str, Any]] = []
    gathered: dict[str, list[NDArray[np.float16]]] = {}
    start = 0
    for number in track(chosen.tolist(), "places", console=Console(stderr=True)):
        piece = data.pieces[number]
        if piece.id not in recorded:
            raise InputError(
                f"{corpus} holds no piece {piece.id}, of which {data.root} has tokens."
            )
        own = tokens[piece.start : piece.start + piece.frames]
        found = places_of(ear, codec, recorded[piece.id], own)
        for name, values in found.items():
            gathered.setdefault(name, []).append(values)
        pieces.append({"id": piece.id, "start": start, "frames": len(found["sheets"])})
        start += len(found["sheets"])
    return pieces, {name: np.concatenate(values) for name, values in gathered.items()}


def main(
    data: Annotated[Path, typer.Option(help="one prepared split, with tokens")],
    corpus: Annotated[Path, typer.Option(help="the pieces that it was prepared from")],
    codec: Annotated[Path, typer.Option(help="trained codec")] = Path("data/runs/codec"),
    hours: Annotated[float, typer.Option(help="of music; 0: all there is")] = 5.0,
    threads: int = 2,
) -> None:
    """Write down where a split's music stands."""
    torch.set_num_threads(threads)
    prepared, model = load(data), codecs.load(codec)
    tokens = np.load(data / "tokens.npy", mmap_mode="r")
    pieces, arrays = make_places(prepared, tokens, corpus, model, hours)
    folder = data / FOLDER
    folder.mkdir(exist_ok=True)
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)
    sizes = asdict(upmix_config(model))
    (folder / INDEX).write_text(json.dumps({"sizes": sizes, "pieces": pieces}))
    frames = len(arrays["sheets"])
    typer.echo(json.dumps({"frames": frames, "hours": round(frames / FRAMES_PER_HOUR, 3)}))


if __name__ == "__main__":
    typer.run(main)
