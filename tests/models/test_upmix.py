"""Stereo from mono sheets: the middle stays, the side is where it is said to be; and back."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need torch: pip install 'antiphon[train]'")

from engine.spec import AudioFormat
from models.downmix import Downmix
from models.speaking import Speaking
from models.upmix import Memory, Placed, Staging, UpmixConfig

SHEET = {"rate": 24_000, "subframes": 2, "hops": 4, "bands": 40, "gain": 8.0}
CONFIG = UpmixConfig(sheet=SHEET, tones=92)
FRAMES = 60


def sheets(*, tones: float = 0.0, noise: float = 0.0) -> torch.Tensor:
    """Sheets [1, T, U * W] of some tones, or of noise in all bands."""
    sheet = torch.zeros(1, FRAMES, 2, CONFIG.subframe)
    sheet[..., 20:80:7] = tones
    sheet[..., CONFIG.tones :] = noise
    return sheet.flatten(2)


def placed(*, pan: float = 0.0, width: float = 0.0, air: float = 0.0) -> Placed:
    everywhere = torch.ones(1, 2 * FRAMES, CONFIG.places)
    airs = torch.ones(1, 2 * FRAMES, 2 * CONFIG.air)
    return Placed(pan * everywhere, width * everywhere, air * airs)


def play(sheet: torch.Tensor, at: Placed) -> np.ndarray:
    """Left and right [2, N], settled."""
    staging = Staging(CONFIG)
    audio, _ = staging.step(sheet, at, staging.init_state())
    return audio[0].reshape(FRAMES, 2, -1).transpose(0, 1).reshape(2, -1)[:, 8 * 1920 :].numpy()


def level_db(audio: np.ndarray, low: float = 30.0, high: float = 24_000.0, rate=48_000) -> float:
    """Power per second between two frequencies."""
    power = np.abs(np.fft.rfft(audio)) ** 2 / len(audio) ** 2
    hertz = np.fft.rfftfreq(len(audio), 1 / rate)
    return 10 * np.log10(power[(hertz >= low) & (hertz < high)].sum() + 1e-20)


@pytest.mark.parametrize("what", [{"tones": 0.6}, {"noise": 0.5}])
def test_the_middle_is_what_the_codec_plays_alone(what):
    mono = Speaking(**SHEET)(sheets(**what)).flatten()[8 * 960 :].numpy()
    left, right = play(sheets(**what), placed(pan=0.5, width=0.3))
    middle = (left + right) / 2
    for low, high in ((60, 500), (500, 3000), (3000, 11_000)):
        meant = level_db(mono, low, high, 24_000)
        if meant > -60:  # below it lies what the cut leaks
            assert level_db(middle, low, high) == pytest.approx(meant, abs=0.5)


def test_what_has_no_place_is_mono():
    left, right = play(sheets(tones=0.6, noise=0.5), placed())
    np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("what", [{"tones": 0.6}, {"noise": 0.5}])
@pytest.mark.parametrize("pan", [-0.6, 0.6])
def test_pan_moves_it_to_a_side(what, pan):
    left, right = play(sheets(**what), placed(pan=pan))
    assert level_db(left) - level_db(right) == pytest.approx(
        20 * np.log10((1 + pan) / (1 - pan)), abs=0.1
    )
    assert np.corrcoef(left, right)[0, 1] > 0.999


@pytest.mark.parametrize("what", [{"tones": 0.6}, {"noise": 0.5}])
def test_width_goes_to_both_sides_and_apart(what):
    left, right = play(sheets(**what), placed(width=1.0))
    assert level_db(left) == pytest.approx(level_db(right), abs=0.5)
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.1
    middle, side = (left + right) / 2, (left - right) / 2
    assert level_db(side) == pytest.approx(level_db(middle), abs=0.5)


def test_air_lies_above_the_rate_of_the_codec():
    left, _ = play(sheets(), placed(air=0.5))
    assert level_db(left, 12_500, 23_500) - level_db(left, 30, 11_500) > 40


def test_a_memory_is_an_average_from_its_first_step_on():
    memory = Memory(3.0, 2)
    held = torch.full((1, 50, 2), 0.7)
    torch.testing.assert_close(memory(held), held)
    step = torch.cat([torch.zeros(1, 50, 2), torch.ones(1, 50, 2)], 1)
    answer = memory(step)[0, :, 0]
    assert answer[49] == 0
    assert 0.2 < answer[50] < 0.35
    assert answer[-1] > 0.999


def test_the_downmix_keeps_the_middle_in_time_and_no_aliases():
    downmix = Downmix(AudioFormat(rate=48_000, channels=2), 24_000)
    time = np.arange(48_000) / 48_000

    def heard(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        audio = torch.from_numpy(np.stack([left, right]).astype(np.float32))
        frames = audio.reshape(2, 25, 1920).transpose(0, 1).reshape(1, 25, -1)
        return downmix(frames).flatten().numpy()

    tone = np.sin(2 * np.pi * 5_000 * time)
    late = downmix.late // 2
    wanted = 0.75 * tone[::2]
    np.testing.assert_allclose(heard(tone, 0.5 * tone)[late + 200 :], wanted[200:-late], atol=1e-3)
    high = np.sin(2 * np.pi * 14_000 * time)
    assert np.abs(heard(high, high)[400:]).max() < 1e-3
    np.testing.assert_allclose(heard(tone, -tone), 0.0, atol=1e-6)


def test_the_downmix_of_a_clip_is_in_time_with_it():
    downmix = Downmix(AudioFormat(rate=48_000, channels=2), 24_000)
    click = torch.zeros(1, 2, 9_600)
    click[..., 4_800] = 1.0
    mono = downmix.clip(click)
    assert mono.shape == (1, 1, 4_800)
    assert int(mono.abs().argmax()) == 2_400
