"""Between rates: on time to the sample, the same in any blocks, clean, and able to go back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InputError, OptionError, ShapeError
from engine.resample import Resampler

BLOCKS = [1, 64, 65, 441, 1024, 8193]
PAIRS = [(host, model) for host in (44100, 48000, 96000) for model in (24000, 48000)]
PAIRS = [pair for pair in PAIRS if pair[0] != pair[1]]
PAIRS += [(model, host) for host, model in PAIRS]
ODD = [(44099, 24000), (24000, 44099)]  # too many phases for a table: interpolated


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


# --- the same in any blocks -----------------------------------------------------------------------


@pytest.mark.parametrize("pair", PAIRS + ODD)
def test_any_blocks_give_the_same_samples(pair):
    """Odd ones, and now and then none."""
    x = noise(20000)
    whole = stream(Resampler(*pair, 2), x, [20000])
    for blocks in ([64], [65], [441], [1024], [8193], [1, 0, 64, 0, 441]):
        np.testing.assert_array_equal(stream(Resampler(*pair, 2), x, blocks), whole)
    few = x[:, : 200 if pair in ODD else 2000]
    one_by_one = stream(Resampler(*pair, 2), few, [1])
    np.testing.assert_array_equal(one_by_one, stream(Resampler(*pair, 2), few, [2000]))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(PAIRS + ODD),
    st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 2), st.integers(0, 2000)), max_size=12),
)
def test_however_often_it_goes_back_it_plays_what_it_would_have_played(pair, moves):
    """Blocks laid anywhere in memory; between them the stream rewinds, or another one takes over
    what it saved. Every sample, and the sign of every zero, is that of the whole."""
    x = noise(20000)
    whole = Resampler(*pair, 2).step(x)
    running, heard, furthest = Resampler(*pair, 2, rewind_samples=2000), 0, 0
    for count, move, back in moves:
        block = np.array(np.pad(x[:, heard : heard + count], ((0, 0), (count % 7, 3))))
        out = running.step(block[:, count % 7 : count % 7 + count])
        first, heard = heard * pair[1] // pair[0], heard + count
        assert out.tobytes() == whole[:, first : first + out.shape[1]].tobytes()
        furthest = max(furthest, heard)
        if move == 1:
            heard = max(0, heard - back, furthest - 2000)
            running.rewind(heard)
        elif move == 2:
            other = Resampler(*pair, 2, rewind_samples=2000)
            other.restore(running.save())
            running = other


@pytest.mark.parametrize("pair", PAIRS + ODD)
@pytest.mark.parametrize("block", [1, 441, 8193])
def test_after_every_block_exactly_what_is_due_has_come_out(pair, block):
    resampler, heard, given = Resampler(*pair, 1), 0, 0
    for _ in range(min(40, 4000 // block + 3)):
        given += resampler.step(np.zeros((1, block), np.float32)).shape[1]
        heard += block
        assert given == heard * pair[1] // pair[0]


# --- clean ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", PAIRS + ODD)
def test_it_is_the_sum_that_the_textbook_has(pair):
    """The slow twin: every output on its own, in float64, by a window of its own making."""
    x, resampler = noise(3000, 1), Resampler(*pair, 1)
    heard = resampler.step(x)[0]
    half, lower = resampler._filter.half, min(pair)
    for share in (0.3, 0.31, 0.5, 0.77):
        m = int(share * len(heard))
        t = (m - resampler.delay_samples) * pair[0] / pair[1]
        away = np.arange(3000) - t
        near = np.abs(away) < half
        window = np.kaiser(2001, 0.1102 * (106 - 8.7))
        shape = np.interp(away / half, np.linspace(-1, 1, 2001), window)
        weights = np.where(near, np.sinc(0.95 * lower / pair[0] * away) * shape, 0.0)
        assert heard[m] == pytest.approx(x[0] @ weights / weights.sum(), abs=2e-6)


def group_delay(pair: tuple[int, int], hz: float) -> float:
    """How much later a frequency comes out, in samples of the output, by a click's moments."""
    resampler, at = Resampler(*pair, 1), 8000
    click = np.zeros((1, 16000), np.float32)
    click[0, at] = 1.0
    heard = stream(resampler, click, [441])[0].astype(np.float64)
    later = np.arange(len(heard)) - at * pair[1] / pair[0]
    turned = heard * np.exp(-2j * np.pi * hz / pair[1] * later)
    return float(((later * turned).sum() / turned.sum()).real)


@pytest.mark.parametrize("pair", PAIRS + ODD)
@pytest.mark.parametrize("hz", [100.0, 1000.0, 10000.0])
def test_a_click_comes_out_after_the_delay_that_is_stated(pair, hz):
    """At every pitch: the phase is linear."""
    assert group_delay(pair, hz) == pytest.approx(Resampler(*pair, 1).delay_samples, abs=0.02)


@pytest.mark.parametrize("pair", PAIRS + ODD)
def test_the_delay_is_under_three_milliseconds(pair):
    assert 0 < Resampler(*pair, 1).delay_samples / pair[1] < 0.003


@pytest.mark.parametrize("pair", PAIRS + ODD)
@pytest.mark.parametrize("hz", [40.0, 440.0, 9000.0, 10800.0])
def test_a_tone_stays_the_tone_it_was(pair, hz):
    """Its level to 0.01 dB, and nothing else above -100 dB: no image, no noise."""
    tone = np.sin(2 * np.pi * hz * np.arange(pair[0] // 2) / pair[0]).astype(np.float32)[None]
    heard = stream(Resampler(*pair, 1), tone, [1024])[0, 3000:-3000].astype(np.float64)
    angle = 2 * np.pi * hz * np.arange(len(heard)) / pair[1]
    parts = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    fit = np.linalg.lstsq(parts, heard, rcond=None)[0]
    assert abs(20 * np.log10(np.hypot(*fit))) < 0.01
    assert 10 * np.log10(((heard - parts @ fit) ** 2).mean() / 0.5) < -100


@pytest.mark.parametrize(
    "pair", [(48000, 24000), (96000, 48000), (44100, 24000), (44099, 24000), (96000, 24000)]
)
@pytest.mark.parametrize("share", [0.502, 0.55, 0.66])
def test_what_the_lower_rate_cannot_carry_does_not_fold_back(pair, share):
    seconds = np.arange(pair[0] // 4) / pair[0]
    tone = np.sin(2 * np.pi * share * pair[1] * seconds).astype(np.float32)[None]
    heard = stream(Resampler(*pair, 1), tone, [1024])[0, 2000:-2000]
    assert 10 * np.log10((heard.astype(np.float64) ** 2).mean() / 0.5) < -100


@pytest.mark.parametrize("pair", PAIRS + ODD)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38])
def test_one_bad_sample_does_not_stay(pair, bad):
    resampler, x = Resampler(*pair, 1), noise(pair[0] // 2, 1)
    x[0, 1000] = bad
    heard = stream(resampler, x, [441])
    x[0, 1000] = 0.0
    clean = stream(Resampler(*pair, 1), x, [441])
    assert np.isfinite(heard).all()
    late = slice(round(0.2 * pair[1]), None)
    np.testing.assert_array_equal(heard[:, late], clean[:, late])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_silence(bad):
    x = noise(4000)
    x[:, 1000:1100] = bad
    heard = Resampler(48000, 24000, 2).step(x)
    x[:, 1000:1100] = 0.0
    np.testing.assert_array_equal(heard, Resampler(48000, 24000, 2).step(x))


# --- from the start, to the end -------------------------------------------------------------------


@pytest.mark.parametrize("rate", [24000, 44100, 48000])
def test_equal_rates_pass_through_bit_for_bit(rate):
    resampler, x = Resampler(rate, rate, 2), noise(1000)
    assert resampler.step(x) is x
    assert (resampler.delay_samples, resampler.flush().shape) == (0, (2, 0))
    resampler.step(x)
    resampler.rewind(300)
    assert resampler.save()["heard"] == 300


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


@pytest.mark.parametrize("pair", PAIRS + ODD)
def test_nothing_is_lost_at_the_end(pair):
    """As long as what went in, behind the delay; and the last sample is heard."""
    resampler, x = Resampler(*pair, 1), np.zeros((1, 9600), np.float32)
    x[0, -1] = 1.0
    heard = stream(resampler, x, [1024])[0, Resampler(*pair, 1).delay_samples :]
    ratio = pair[1] / pair[0]
    assert 0 <= len(heard) - int(9600 * ratio) <= 2 + ratio
    assert heard[-6:].max() > 0.5 * min(1, ratio)


def test_a_saved_stream_is_a_copy():
    running = Resampler(44100, 24000, 2)
    running.step(noise(3000))
    kept = running.save()
    before = {name: array.copy() for name, array in kept.items()}
    running.step(noise(3000, seed=1))
    for name, array in kept.items():
        np.testing.assert_array_equal(array, before[name])


# --- refusals -------------------------------------------------------------------------------------


def test_other_channels_and_impossible_rates_are_refused():
    with pytest.raises(ShapeError, match=r"block has shape \(1, 9\), expected \[C, N\] = \(2, any"):
        Resampler(44100, 48000, 2).step(noise(9, 1))
    with pytest.raises(OptionError, match="in_rate is 0, expected 8,000 to 384,000 Hz"):
        Resampler(0, 48000, 2)
    with pytest.raises(OptionError, match="channels is 0"):
        Resampler(44100, 48000, 0)


def test_it_does_not_go_back_further_than_it_remembers_or_into_the_future():
    resampler = Resampler(44100, 48000, 1, rewind_samples=500)
    resampler.step(noise(20000, 1))
    resampler.rewind(19500)
    for impossible in (18000, 19501, -1):
        with pytest.raises(OptionError, match="up to 19500 and not too long ago"):
            resampler.rewind(impossible)


def test_what_another_stream_saved_is_refused():
    saved = Resampler(44100, 48000, 2).save()
    with pytest.raises(InputError, match=r"for \[44100, 48000\] Hz, expected \(48000, 44100\)"):
        Resampler(48000, 44100, 2).restore(saved)
    with pytest.raises(ShapeError, match="past has shape"):
        Resampler(44100, 48000, 1).restore(saved)
    with pytest.raises(InputError, match="rates, heard and past"):
        Resampler(44100, 48000, 2).restore({"heard": saved["heard"]})
    with pytest.raises(InputError, match="past is not one"):
        Resampler(44100, 48000, 2).restore(saved | {"heard": np.array(9000)})
