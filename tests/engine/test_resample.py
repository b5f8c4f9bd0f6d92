"""Between rates: on time to the sample, the same in any blocks, clean."""

import numpy as np
import pytest

from engine.errors import OptionError, ShapeError
from engine.resample import CONTEXT_SECONDS, Resampler

BLOCKS = [1, 64, 65, 441, 1024, 8193]
PAIRS = [(host, model) for host in (44100, 48000, 96000) for model in (24000, 48000)]
PAIRS = [pair for pair in PAIRS if pair[0] != pair[1]]
PAIRS += [(model, host) for host, model in PAIRS]


def noise(count: int, channels: int = 2, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed).standard_normal((channels, count)) * 0.1
    return draw.astype(np.float32)


def stream(resampler: Resampler, x: np.ndarray, blocks: list[int]) -> np.ndarray:
    """All that comes out, with the rest."""
    out, at, turn = [], 0, 0
    while at < x.shape[1]:
        out.append(resampler.step(x[:, at : at + blocks[turn % len(blocks)]]).copy())
        at, turn = at + blocks[turn % len(blocks)], turn + 1
    return np.concatenate([*out, resampler.flush()], axis=1)


@pytest.mark.parametrize("pair", PAIRS)
def test_any_blocks_give_the_same_samples(pair):
    """Odd ones, and now and then none."""
    x = noise(20000)
    whole = stream(Resampler(*pair, 2), x, [20000])
    for blocks in ([64], [65], [441], [1024], [8193], [1, 0, 64, 0, 441]):
        np.testing.assert_array_equal(stream(Resampler(*pair, 2), x, blocks), whole)
    np.testing.assert_array_equal(stream(Resampler(*pair, 2), x[:, :2000], [1]), whole_of(pair, x))


def whole_of(pair: tuple[int, int], x: np.ndarray) -> np.ndarray:
    return stream(Resampler(*pair, 2), x[:, :2000], [2000])


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("block", [1, 441, 8193])
def test_after_every_block_exactly_what_is_due_has_come_out(pair, block):
    resampler, heard, given = Resampler(*pair, 1), 0, 0
    for _ in range(min(40, 4000 // block + 3)):
        given += resampler.step(np.zeros((1, block), np.float32)).shape[1]
        heard += block
        assert given == heard * pair[1] // pair[0]


def group_delay(pair: tuple[int, int], hz: float) -> float:
    """How much later a frequency comes out, in samples of the output, by a click's moments."""
    resampler, at = Resampler(*pair, 1), 8000
    click = np.zeros((1, 16000), np.float32)
    click[0, at] = 1.0
    heard = stream(resampler, click, [441])[0].astype(np.float64)
    later = np.arange(len(heard)) - at * pair[1] / pair[0]
    turned = heard * np.exp(-2j * np.pi * hz / pair[1] * later)
    return float(((later * turned).sum() / turned.sum()).real)


@pytest.mark.parametrize("pair", PAIRS)
def test_a_click_comes_out_after_the_delay_that_is_stated(pair):
    """To half a sample; and the top of the band not a third of a millisecond later."""
    stated = Resampler(*pair, 1).delay_samples
    assert group_delay(pair, 100.0) == pytest.approx(stated, abs=0.51)
    assert group_delay(pair, 1000.0) == pytest.approx(stated, abs=0.51)
    assert -1 < group_delay(pair, 10000.0) - stated < 0.00033 * pair[1]


@pytest.mark.parametrize("pair", PAIRS)
def test_the_delay_is_a_few_milliseconds(pair):
    """soxr's fixed-rate filter would take 21 to 39."""
    assert 0 < Resampler(*pair, 1).delay_samples / pair[1] < 0.0105


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("hz", [440.0, 9000.0])
def test_a_tone_stays_the_tone_it_was(pair, hz):
    """Its level to 0.01 dB, and nothing else above -105 dB."""
    tone = np.sin(2 * np.pi * hz * np.arange(pair[0] // 2) / pair[0]).astype(np.float32)[None]
    heard = stream(Resampler(*pair, 1), tone, [1024])[0, 3000:-3000].astype(np.float64)
    angle = 2 * np.pi * hz * np.arange(len(heard)) / pair[1]
    parts = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    fit = np.linalg.lstsq(parts, heard, rcond=None)[0]
    assert abs(20 * np.log10(np.hypot(*fit))) < 0.01
    assert 10 * np.log10(((heard - parts @ fit) ** 2).mean() / 0.5) < -105


@pytest.mark.parametrize("pair", [(48000, 24000), (96000, 48000), (44100, 24000)])
def test_what_the_lower_rate_cannot_carry_does_not_fold_back(pair):
    seconds = np.arange(pair[0] // 4) / pair[0]
    tone = np.sin(2 * np.pi * 0.66 * pair[1] * seconds).astype(np.float32)[None]
    heard = stream(Resampler(*pair, 1), tone, [1024])[0, 2000:-2000]
    assert 10 * np.log10((heard.astype(np.float64) ** 2).mean() / 0.5) < -105


@pytest.mark.parametrize("rate", [24000, 44100, 48000])
def test_equal_rates_pass_through_bit_for_bit(rate):
    resampler, x = Resampler(rate, rate, 2), noise(1000)
    assert resampler.step(x) is x
    assert (resampler.delay_samples, resampler.flush().shape) == (0, (2, 0))


@pytest.mark.parametrize("pair", PAIRS)
def test_after_a_reset_it_is_a_new_one(pair):
    x, used = noise(5000), Resampler(*pair, 2)
    used.step(noise(3333, seed=1))
    used.reset()
    np.testing.assert_array_equal(stream(used, x, [441]), stream(Resampler(*pair, 2), x, [441]))


def test_after_a_flush_it_is_a_new_one():
    resampler, x = Resampler(44100, 48000, 2), noise(5000)
    first = stream(resampler, x, [441])
    np.testing.assert_array_equal(stream(resampler, x, [441]), first)


def test_nothing_is_lost_at_the_end():
    """As long as what went in, and the delay before it, give or take the filter's shift."""
    resampler = Resampler(48000, 44100, 1)
    heard = stream(resampler, noise(48000, 1), [1024])
    assert heard.shape[1] == pytest.approx(44100 + resampler.delay_samples, abs=3)


@pytest.mark.parametrize("pair", PAIRS)
def test_a_restored_stream_goes_on_after_hearing_a_little_of_its_past(pair):
    """The cut lies where both rates meet, as frames do; the difference is rounding."""
    frame, x = pair[0] // 25, noise(pair[0] // 2)
    running, restored = Resampler(*pair, 2), Resampler(*pair, 2)
    cut = 8 * frame
    past = -(-round(CONTEXT_SECONDS * pair[0]) // frame) * frame
    running.step(x[:, :cut])
    restored.step(x[:, cut - past : cut])
    np.testing.assert_allclose(restored.step(x[:, cut:]), running.step(x[:, cut:]), atol=1e-6)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38])
def test_one_bad_sample_does_not_stay(pair, bad):
    """Downwards the filter has feedback: a NaN let in would be heard until the end of the set."""
    resampler, x = Resampler(*pair, 1), noise(pair[0] // 2, 1)
    x[0, 1000] = bad
    heard = stream(resampler, x, [441])
    x[0, 1000] = 0.0
    clean = stream(Resampler(*pair, 1), x, [441])
    assert np.isfinite(heard).all()
    late = slice(round(0.2 * pair[1]), None)
    np.testing.assert_allclose(heard[:, late], clean[:, late], atol=1e-6)


def test_other_channels_and_impossible_rates_are_refused():
    with pytest.raises(ShapeError, match=r"block has shape \(1, 9\), expected \[C, N\] = \(2, any"):
        Resampler(44100, 48000, 2).step(noise(9, 1))
    with pytest.raises(OptionError, match="in_rate is 0, expected 8,000 to 384,000 Hz"):
        Resampler(0, 48000, 2)
    with pytest.raises(OptionError, match="channels is 0"):
        Resampler(44100, 48000, 0)
