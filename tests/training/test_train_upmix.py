"""The upmix learns: recordings say where music stands, and what was learned stands there."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'antiphon[train]'")

from engine.errors import InputError, OptionError
from engine.row import Labels
from engine.spec import AudioFormat
from models.codec import Codec, CodecConfig
from models.upmix import Placed, Staging
from training.data import Piece, Prepared, unsaid
from training.loop import Loop, LoopOptions, TrainingFailed
from training.make_places import (
    PlacedSplit,
    PlaceEar,
    load_places,
    make_places,
    upmix_config,
)
from training.train_upmix import UpmixTask, differences

RATE, FRAMES = 8_000, 200
WIDE = 2 * RATE


@pytest.fixture(scope="module")
def codec() -> Codec:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    small = {"encoder_width": 16, "encoder_blocks": 1, "decoder_width": 16, "decoder_blocks": 1}
    return Codec(CodecConfig(rate=RATE, latent=8, codebook=8, **small)).eval()


def recording(pan: float, apart: float = 0.0) -> np.ndarray:
    """Noise whose side is `pan` of the middle, and another noise `apart` times as loud: [N, 2]."""
    rng = np.random.default_rng(0)
    middle, other = 0.1 * rng.standard_normal((2, FRAMES * WIDE // 25)).astype(np.float32)
    side = pan * middle + apart * other
    return np.stack([middle + side, middle - side], 1)


@pytest.fixture
def corpus(tmp_path):
    """Two pieces, one on either side."""
    for number, pan in enumerate((0.5, -0.5)):
        folder = tmp_path / "corpus" / f"{number:08d}"
        folder.mkdir(parents=True)
        soundfile.write(folder / "mix.flac", recording(pan), WIDE)
        (folder / "piece.json").write_text(json.dumps({"id": f"piece {number}"}))
    return tmp_path / "corpus"


@pytest.fixture
def prepared(tmp_path) -> Prepared:
    pieces = [Piece(f"piece {number}", number * FRAMES, FRAMES, {}) for number in range(2)]
    audio = np.zeros((2 * FRAMES * RATE // 25, 1), np.int16)
    labels = Labels(**unsaid(2 * FRAMES))
    return Prepared(tmp_path, AudioFormat(rate=RATE, channels=1), pieces, audio, labels)


@pytest.fixture
def tokens() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 8, (2 * FRAMES, 13)).astype(np.uint16)


@pytest.mark.parametrize(("pan", "apart"), [(0.5, 0.0), (-0.3, 0.0), (0.0, 0.6), (0.4, 0.3)])
def test_the_ear_finds_what_was_mixed(codec, pan, apart):
    ear = PlaceEar(upmix_config(codec))
    heard = ear(torch.from_numpy(recording(pan, apart).T.copy())[None])
    settled = slice(10, None)
    loud = heard.weight[0, settled]
    mean = (loud * heard.pan[0, settled]).sum() / loud.sum()
    assert mean.item() == pytest.approx(pan, abs=0.05)
    side = ((loud * heard.side[0, settled].square()).sum() / loud.sum()).sqrt()
    assert side.item() == pytest.approx(np.hypot(pan, apart), rel=0.2)


def test_air_is_written_as_loud_as_it_must_be_played(codec):
    """What the staging plays of some air, the ear writes down as that air."""
    config = upmix_config(codec)
    ear, air = PlaceEar(config), 0.5
    staging = Staging(config)
    nowhere = torch.zeros(1, 2 * FRAMES, config.places)
    airs = torch.full((1, 2 * FRAMES, config.hops * config.air), air)
    sheets = torch.zeros(1, FRAMES, 2 * config.subframe)
    audio, _ = staging.step(sheets, Placed(nowhere, nowhere, airs), staging.init_state())
    audio = audio.reshape(FRAMES, 2, -1).transpose(0, 1).reshape(1, 2, -1)
    heard = ear(audio).air[0, 8:]
    inner = heard.unflatten(-1, (config.hops, -1))[..., 1:-1]
    assert inner.mean().item() == pytest.approx(air, rel=0.1)


def test_places_lie_beside_the_sheets_of_the_same_frames(codec, prepared, tokens, corpus):
    pieces, arrays = make_places(prepared, tokens, corpus, codec, hours=0)
    assert [(piece["start"], piece["frames"]) for piece in pieces] == [
        (0, FRAMES),
        (FRAMES, FRAMES),
    ]
    assert arrays["sheets"].shape == (2 * FRAMES, codec.decoder.speaking.width)
    sides = [arrays["pan"][at : at + FRAMES].astype(float).mean() for at in (0, FRAMES)]
    assert sides[0] > 0.4
    assert sides[1] < -0.4


def test_fewer_hours_take_fewer_pieces(codec, prepared, tokens, corpus):
    pieces, _ = make_places(prepared, tokens, corpus, codec, hours=FRAMES / 90_000)
    assert len(pieces) == 1


def test_a_piece_without_its_recording_is_said(codec, prepared, tokens, corpus):
    (corpus / "00000001" / "piece.json").unlink()
    with pytest.raises(InputError, match="holds no piece piece 1"):
        make_places(prepared, tokens, corpus, codec, hours=0)


def test_a_recording_in_mono_is_refused(codec, prepared, tokens, corpus):
    soundfile.write(corpus / "00000000" / "mix.flac", recording(0.0)[:, 0], WIDE)
    with pytest.raises(OptionError, match="1 channels"):
        make_places(prepared, tokens, corpus, codec, hours=0)


def test_places_that_were_not_made_say_how_to_make_them(tmp_path):
    with pytest.raises(InputError, match=r"python -m training\.make_places"):
        load_places(tmp_path)


@pytest.fixture
def split(codec, prepared, tokens, corpus) -> PlacedSplit:
    pieces, arrays = make_places(prepared, tokens, corpus, codec, hours=0)
    arrays["sheets"][:FRAMES] += 0.2  # so that the two sides can be told apart
    return PlacedSplit(asdict(upmix_config(codec)) | {"width": 16, "blocks": 1}, pieces, arrays)


def test_it_learns_which_music_stands_where(split, corpus, tmp_path):
    paths = {f"piece {n}": corpus / f"{n:08d}" / "mix.flac" for n in range(2)}
    torch.manual_seed(0)
    task = UpmixTask(split, split, paths, batch=4, frames=50)
    before = task.validate()
    options = {"budget_minutes": 60, "max_steps": 60, "warmup": 1e-9, "average": 0.5}
    Loop(task, LoopOptions(out=tmp_path / "run", lr=1e-2, threads=1, **options)).run()
    after = task.validate()
    assert after["pan_explained"] > 0.8 > before["pan_explained"]
    assert after["mel"] < before["mel"]
    assert after["side_db"] == pytest.approx(0.0, abs=2.0)
    task.guard({"mel": 0.2, "mel_mono": 0.3})
    with pytest.raises(TrainingFailed, match="no nearer"):
        task.guard({"mel": 0.3, "mel_mono": 0.3})


def test_what_is_right_costs_nothing():
    pan = torch.rand(1, 10, 4) - 0.5
    width = torch.rand(1, 10, 4)
    wanted = {
        "pan": pan,
        "side": (pan.square() + width.square()).sqrt(),
        "weight": torch.rand(1, 10, 4),
        "air": torch.rand(1, 10, 6),
    }
    assert all(
        abs(one.item()) < 1e-6 for one in differences(Placed(pan, width, wanted["air"]), wanted)
    )
