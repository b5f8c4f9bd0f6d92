"""Files are whole or not there, and hold what their digest says."""

import os
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.errors import AudioFileError, OptionError
from engine.output import BLOCK, reserve, write_wav
from engine.spec import AudioFormat

MONO = AudioFormat(rate=24_000, channels=1)
STEREO = AudioFormat(rate=48_000, channels=2)


def noise(channels: int, samples: int, peak: float = 0.9) -> np.ndarray:
    rng = np.random.default_rng(channels)
    return rng.uniform(-peak, peak, (channels, samples)).astype(np.float32)


def stored(path: Path) -> bytes:
    """The contents of the data chunk, found by walking the chunks of a RIFF file."""
    data = path.read_bytes()
    assert data[:4] == b"RIFF"
    at = 12
    while data[at : at + 4] != b"data":
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
    return data[at + 8 : at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("subtype", ["PCM_24", "FLOAT"])
@pytest.mark.parametrize("samples", [1, 959, 24_000])
def test_the_digest_is_of_the_samples_in_the_file(tmp_path, channels, subtype, samples):
    audio, path = noise(channels, samples), tmp_path / "a.wav"
    digest = write_wav(path, audio, 24_000, subtype)
    assert sha256(stored(path)).hexdigest() == digest
    info = soundfile.info(path)
    assert (info.samplerate, info.channels, info.frames) == (24_000, channels, samples)
    assert info.subtype == subtype


def test_a_long_file_is_written_in_blocks(tmp_path):
    audio, path = noise(1, BLOCK + 7), tmp_path / "a.wav"
    digest = write_wav(path, audio, 24_000, "PCM_24")
    assert sha256(stored(path)).hexdigest() == digest
    assert soundfile.info(path).frames == BLOCK + 7


@pytest.mark.parametrize(("subtype", "error"), [("PCM_24", 2**-23), ("FLOAT", 0.0)])
def test_what_is_written_is_read_back(tmp_path, subtype, error):
    audio = noise(2, 5_000, peak=1.0)
    write_wav(tmp_path / "a.wav", audio, 48_000, subtype)
    found, _ = soundfile.read(tmp_path / "a.wav", dtype="float64")
    assert np.abs(found.T - audio).max() <= error


def test_full_scale_does_not_wrap_round(tmp_path):
    audio = np.array([[1.0, -1.0, 1.5, -1.5]], np.float32)
    write_wav(tmp_path / "a.wav", audio, 24_000, "PCM_24")
    found, _ = soundfile.read(tmp_path / "a.wav")
    np.testing.assert_allclose(found, [1.0, -1.0, 1.0, -1.0], atol=1e-6)


# --- places ---------------------------------------------------------------------------------------


def test_a_file_appears_when_it_is_finished(tmp_path):
    path = tmp_path / "a.wav"
    with reserve(path, ".wav") as part:
        assert part.parent == tmp_path
        part.write_bytes(b"music")
        assert not path.exists()
    assert path.read_bytes() == b"music"
    assert os.listdir(tmp_path) == ["a.wav"]


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"old")

    def fail_half_way() -> None:
        with reserve(path, ".wav") as part:
            part.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_half_way()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.wav"]


def test_a_link_goes_on_pointing_at_the_file(tmp_path):
    (tmp_path / "takes").mkdir()
    (tmp_path / "a.wav").symlink_to(tmp_path / "takes" / "real.wav")
    with reserve(tmp_path / "a.wav", ".wav") as part:
        part.write_bytes(b"music")
    assert (tmp_path / "a.wav").is_symlink()
    assert (tmp_path / "takes" / "real.wav").read_bytes() == b"music"


def test_a_file_may_be_read_as_the_umask_says(tmp_path):
    with reserve(tmp_path / "a.wav", ".wav"):
        pass
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "a.wav").stat().st_mode & 0o777 == 0o666 & ~umask


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("folder.wav", "it is a folder"),
        ("a.mp3", "has the wrong ending, expected a name that ends in .wav"),
        ("nowhere/a.wav", "there is no folder"),
        ("pipe.wav", "it is not a regular file"),
        ("x" * 300 + ".wav", "cannot be written"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused(tmp_path, name, message):
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")

    def write() -> None:
        with reserve(tmp_path / name, ".wav") as part:
            part.write_bytes(b"music")

    with pytest.raises(OptionError, match=message):
        write()
    assert sorted(os.listdir(tmp_path)) == ["folder.wav", "pipe.wav"]


# --- audio that a player points at ----------------------------------------------------------------


def test_audio_is_brought_to_the_bundles_format(tmp_path):
    from engine import audio_file

    time = np.arange(3 * 44_100) / 44_100
    tone = 0.5 * np.sin(2 * np.pi * 440 * time)
    soundfile.write(tmp_path / "a.wav", np.stack([tone, np.zeros_like(tone)], 1), 44_100)
    mono = audio_file.read(tmp_path / "a.wav", MONO)
    assert mono.shape == (1, 72_000)
    assert np.argmax(np.abs(np.fft.rfft(mono[0]))) / 3 == pytest.approx(440, abs=1)
    assert np.abs(mono).max() == pytest.approx(0.25, abs=0.01)
    stereo = audio_file.read(tmp_path / "a.wav", STEREO)
    assert stereo.shape == (2, 144_000)
    assert np.abs(stereo[1]).max() < 0.01


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nan.wav", r"1 samples that are NaN or infinite \(the first at sample 777\)"),
        ("infinite.wav", "NaN or infinite"),
        ("short.wav", "has 0.50 s in 1 channels, expected 1 to 600 s"),
        ("silent.wav", "peaks at 0"),
        ("loud.wav", "peaks at 1e[+]06"),
        ("junk.wav", "cannot be read as audio"),
        ("text.wav", "cannot be read as audio"),
        ("missing.wav", "does not exist, expected an audio file"),
        (".", "is a folder"),
    ],
)
def test_audio_that_cannot_be_used_is_refused(tmp_path, name, message):
    from engine import audio_file

    tone = 0.5 * np.sin(np.arange(30_000) / 10).astype(np.float32)
    damaged, blown = tone.copy(), tone.copy()
    damaged[777], blown[5] = np.nan, np.inf
    for file, samples in {
        "nan.wav": damaged,
        "infinite.wav": blown,
        "short.wav": tone[:12_000],
        "silent.wav": tone * 0,
        "loud.wav": tone * 0 + 1e6,
    }.items():
        soundfile.write(tmp_path / file, samples, 24_000, subtype="FLOAT")
    (tmp_path / "junk.wav").write_bytes(b"RIFF\xff\xff\xff\xffWAVE" + bytes(range(256)))
    (tmp_path / "text.wav").write_text("not audio")
    with pytest.raises(AudioFileError, match=message):
        audio_file.read(tmp_path / name, MONO)
