"""The ways in and out: every sample where it belongs on the stream's axis, whatever the rate."""

import numpy as np
import pytest

from engine.loop.inlet import Inlet
from engine.loop.outlet import Outlet, to_channels
from engine.resample import Resampler
from engine.spec import AudioFormat

MONO, STEREO = (AudioFormat(rate=24_000, channels=channels) for channels in (1, 2))
RATES = [24_000, 44_100, 48_000, 96_000]


def noise(channels: int, count: int, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed).standard_normal((channels, count)) * 0.1
    return draw.astype(np.float32)


def chunks_of(sound: np.ndarray) -> list[np.ndarray]:
    return [sound[:, at : at + 960] for at in range(0, sound.shape[1], 960)]


def read(outlet: Outlet) -> np.ndarray:
    out = np.empty((outlet.ring.channels, outlet.ring.filled), np.float32)
    assert outlet.ring.read(out) == 0
    return out


def place_of_click(sound: np.ndarray) -> int:
    return int(np.abs(sound[0]).argmax())


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("start_second", [0.0, 0.1])
def test_what_the_performer_means_for_a_second_is_heard_at_that_second(rate, start_second):
    """A click in the middle of frame 6, that is at 0.26 s."""
    sound = np.zeros((1, 9600), np.float32)
    sound[0, 6 * 960 + 480] = 1.0
    start = round(start_second * rate)
    outlet = Outlet(MONO, rate, 1, start=start, seconds=4)
    chunks, first = chunks_of(sound), 0
    if start:
        first = 2
        outlet.begin(first, chunks[first - 1])
    for frame in range(first, 10):
        assert outlet.put(frame, chunks[frame])
    assert place_of_click(read(outlet)) + start == pytest.approx(0.26 * rate, abs=1)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("audio", [MONO, STEREO])
def test_a_frame_that_is_made_again_is_heard_as_it_was_made_last(rate, channels, audio):
    first, second = noise(audio.channels, 9600), noise(audio.channels, 9600, seed=1)
    outlet = Outlet(audio, rate, channels, start=0, seconds=4)
    for frame, chunk in enumerate(chunks_of(first)):
        outlet.put(frame, chunk)
    whole = np.concatenate([first[:, : 4 * 960], second[:, 4 * 960 :]], axis=1)
    for frame in range(4, 10):
        assert outlet.put(frame, whole[:, frame * 960 : (frame + 1) * 960])
    few = min(audio.channels, channels)
    resampler = Resampler(24_000, rate, few)
    expected = resampler.step(to_channels(whole, few))[:, resampler.delay_samples :]
    np.testing.assert_array_equal(read(outlet), to_channels(expected, channels))


@pytest.mark.parametrize("rate", RATES)
def test_a_frame_that_can_still_be_made_again_changes_nothing_before_the_ear(rate):
    outlet = Outlet(MONO, rate, 1, start=1000, seconds=4)
    for sample in (0, 1, 500, 7777):
        frame = outlet.frame_from(sample)
        assert outlet.sample_of(frame) >= sample + 1000 > outlet.sample_of(frame - 1)


@pytest.mark.parametrize("ahead", [100, 1500])
def test_an_ear_that_was_faster_hears_no_click(ahead):
    """It is inside the frame, or has passed it: the new one is crossed over to where it can be."""
    outlet = Outlet(MONO, 24_000, 1, start=0, seconds=4)
    for frame in range(5):
        outlet.put(frame, np.ones((1, 960), np.float32))
    heard = np.empty((1, 960 + ahead), np.float32)
    outlet.ring.read(heard)
    for frame in range(1, 5):
        is_whole = outlet.put(frame, np.full((1, 960), -1, np.float32))
        assert is_whole == (frame * 960 > 960 + ahead)
    sound = np.concatenate([heard, read(outlet)], axis=1)
    assert np.abs(np.diff(sound)).max() < 0.03
    assert (sound.shape[1], sound[0, -1]) == (4800, -1.0)


def test_a_late_frame_is_told_and_what_follows_is_on_time():
    outlet = Outlet(MONO, 24_000, 1, start=0, seconds=4)
    outlet.put(0, np.ones((1, 960), np.float32))
    outlet.ring.read(np.empty((1, 1200), np.float32))
    assert not outlet.put(1, np.ones((1, 960), np.float32))
    assert outlet.put(2, np.ones((1, 960), np.float32))
    assert outlet.ring.filled == 3 * 960 - 1200


# --- in -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("start_second", [0.0, 0.1])
def test_what_is_played_at_a_second_is_heard_in_the_frame_of_that_second(rate, start_second):
    sound, start = np.zeros((1, rate), np.float32), round(start_second * rate)
    sound[0, round(0.26 * rate)] = 1.0
    inlet = Inlet(MONO, rate, 1, start=start, seconds=4)
    inlet.ring.write(sound[:, start:])
    heard = np.concatenate([inlet.take(frame) for frame in range(20)], axis=1)
    assert place_of_click(heard) == pytest.approx(0.26 * 24_000, abs=1)


@pytest.mark.parametrize("rate", RATES)
def test_heard_frames_do_not_depend_on_the_blocks(rate):
    sound = noise(2, rate)
    whole = Inlet(MONO, rate, 2, start=0, seconds=4)
    whole.ring.write(sound)
    frames = [whole.take(frame) for frame in range(20)]
    pieces, frame = Inlet(MONO, rate, 2, start=0, seconds=4), 0
    for at in range(0, rate, 441):
        pieces.ring.write(sound[:, at : at + 441])
        while frame < 20 and (heard := pieces.take(frame)) is not None:
            np.testing.assert_array_equal(heard, frames[frame])
            frame += 1
    assert frame == 20


def test_a_frame_is_not_handed_out_before_all_of_it_is_there():
    inlet = Inlet(MONO, 24_000, 1, start=0, seconds=4)
    inlet.ring.write(noise(1, 959))
    assert inlet.take(0) is None
    inlet.ring.write(noise(1, 1))
    assert inlet.take(0).shape == (1, 960)
    assert inlet.take(1) is None


def test_what_did_not_come_is_silence_so_that_time_goes_on():
    """The way in began in the middle of frame 3."""
    inlet = Inlet(MONO, 24_000, 1, start=3 * 960 + 500, seconds=4)
    inlet.ring.write(np.ones((1, 2000), np.float32))
    heard = np.concatenate([inlet.take(frame) for frame in range(5)], axis=1)[0]
    np.testing.assert_array_equal(heard, [0.0] * (3 * 960 + 500) + [1.0] * (2 * 960 - 500))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_silence_and_counted(bad):
    inlet = Inlet(MONO, 24_000, 2, start=0, seconds=4)
    sound = np.ones((2, 960), np.float32)
    sound[1, 100:110] = bad
    inlet.ring.write(sound)
    heard = inlet.take(0)
    assert (inlet.bad_samples, heard[1, 100:110].max(), heard.min(), heard.max()) == (10, 0, 0, 1)
