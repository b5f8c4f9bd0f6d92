"""The sound card's shell, against a library that plays along; no card is needed."""

import sys

import numpy as np
import pytest

from engine.errors import DeviceError
from engine.live import cards, sound_card
from engine.live.host import Host, Pulse
from engine.live.sound_card import SoundCard
from tests.engine.live_fakes import FakeSoundDevice, card


class Counter:
    """An exchange that plays 0, 1, 2, ... and remembers what it was given."""

    def __init__(self) -> None:
        self.next = 0
        self.heard: list[np.ndarray | None] = []
        self.said: list[object] = []

    def __call__(self, heard, out, said) -> None:
        count = out.shape[1]
        out[:] = np.arange(self.next, self.next + count)
        out[1:] *= -1
        self.next += count
        self.heard.append(None if heard is None else heard.copy())
        self.said.append(said)


@pytest.fixture
def library(monkeypatch) -> FakeSoundDevice:
    """Two cards: one that plays in stereo, one that hears in mono and plays in mono."""
    there = [card("Scarlett 2i2", 0, inputs=2), card("Webcam", 1, inputs=1, outputs=1, rate=16e3)]
    fake = FakeSoundDevice(there)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


def wait(device: SoundCard) -> None:
    """Let a reopening come to its end."""
    assert device._worker is not None
    device._worker.join(5)


@pytest.mark.parametrize("block", [1, 64, 65, 441, 1024, 8192, 8193, 40_000])
def test_what_the_engine_plays_is_what_the_card_gets(library, block):
    device, exchange = SoundCard(Host()), Counter()
    device.start(exchange)
    played = [library.streams[0].pull(block) for _ in range(3)]
    samples = np.arange(3 * block, dtype=np.float32)
    np.testing.assert_array_equal(np.concatenate(played), np.stack([samples, -samples], 1))
    assert exchange.heard[0] is None


def test_the_card_is_asked_for_what_the_player_chose(library):
    device = SoundCard(Host(), device="Scarlett", rate=44_100, block=128)
    device.start(Counter())
    chosen = library.streams[0].options
    assert (chosen["device"], chosen["samplerate"], chosen["blocksize"]) == (
        "Scarlett",
        44_100,
        128,
    )
    assert (device.rate, device.channels, device.has_input) == (44_100, 2, False)


def test_a_card_is_left_at_its_own_rate(library):
    assert SoundCard(Host(), device="Webcam").rate == 16_000


def test_what_the_card_hears_reaches_the_engine(library):
    device, exchange = SoundCard(Host(), has_input=True), Counter()
    device.start(exchange)
    heard = np.random.default_rng(3).standard_normal((9000, 2)).astype(np.float32)
    library.streams[0].pull(9000, heard)
    np.testing.assert_array_equal(np.concatenate(exchange.heard, axis=1), heard.T)


def test_a_microphone_is_heard_on_both_sides(library):
    device, exchange = SoundCard(Host(), listen="Webcam", has_input=True), Counter()
    device.start(exchange)
    library.streams[0].pull(100, np.full((100, 1), 0.5, np.float32))
    np.testing.assert_array_equal(exchange.heard[0], np.full((2, 100), 0.5))


def test_the_place_in_the_song_goes_with_the_first_sample_it_is_true_of(library):
    second = [7.0]
    host = Host()
    device, exchange = SoundCard(host, now=lambda: second[0]), Counter()
    device.start(exchange)
    library.streams[0].pull(512)
    second[0] += 512 / 48_000
    host.say(Pulse(second=7.0, quarter=1.0, bpm=120.0))
    library.streams[0].pull(8192 + 100)
    first, said, rest = exchange.said
    assert (first, rest) == (None, None)
    assert said.sample == 512
    assert said.quarter == pytest.approx(1.0 + (0.02 + 512 / 48_000) * 2, abs=1e-3)


def test_dropouts_that_the_card_reports_are_counted(library):
    device = SoundCard(Host())
    device.start(Counter())
    library.streams[0].pull(64, underflow=True)
    library.streams[0].pull(64)
    assert device.dropouts == 1


# --- what can go wrong --------------------------------------------------------------------------


def test_without_portaudio_the_error_says_what_to_install(monkeypatch):
    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(DeviceError, match=r"PortAudio is not installed.*--null"):
        SoundCard(Host())


def test_without_a_card_the_error_says_what_to_do(library):
    library.cards.clear()
    with pytest.raises(DeviceError, match=r"there is no sound card that plays.*--null"):
        SoundCard(Host())


def test_a_card_that_is_not_there_is_named(library):
    with pytest.raises(DeviceError, match=r"'Fireface'.*--list-devices"):
        SoundCard(Host(), device="Fireface")


def test_a_card_that_only_hears_cannot_play(library):
    library.cards[:] = [card("Microphone", outputs=0, inputs=1)]
    with pytest.raises(DeviceError, match="plays"):
        SoundCard(Host(), device="Microphone")


def test_a_rate_that_is_refused_is_named(library):
    library.refuses.add(96_000)
    device = SoundCard(Host(), rate=96_000)
    with pytest.raises(DeviceError, match=r"96,000 Hz.*--rate"):
        device.start(Counter())
    assert "is gone" in device.problem()


def test_a_card_that_was_pulled_is_noticed_and_comes_back(library):
    """Nothing is skipped: the next block goes on where the last one ended."""
    device, exchange = SoundCard(Host(), device=0), Counter()
    device.start(exchange)
    library.streams[0].pull(100)
    assert device.problem() == ""
    library.streams[0].active = False
    assert "Scarlett 2i2 is gone" in device.problem()
    there, library.cards[:] = list(library.cards), []
    device.revive()
    wait(device)
    assert "is gone" in device.problem()
    library.cards[:] = [card("Other", 0), {**there[0], "index": 1}]
    device.revive()
    wait(device)
    assert device.problem() == ""
    assert library.streams[-1].options["device"] == "Scarlett 2i2, ALSA"
    assert library.streams[-1].pull(10)[0, 0] == 100
    assert library.initialised == 1


def test_a_driver_that_hangs_is_noticed(library):
    second = [0.0]
    device = SoundCard(Host(), now=lambda: second[0])
    device.start(Counter())
    second[0] = 2.0
    assert "has not asked for sound" in device.problem()


def test_after_the_end_the_stream_is_closed(library):
    device = SoundCard(Host())
    device.start(Counter())
    device.stop()
    assert library.streams[0].closed
    device.stop()


def test_a_driver_that_never_lets_go_does_not_keep_the_player(library, monkeypatch):
    """Closing was seen to hang for ever after a JACK server was killed."""
    from threading import Event

    release = Event()
    device = SoundCard(Host())
    device.start(Counter())
    monkeypatch.setattr(library.streams[0], "close", lambda ignore_errors: release.wait(30))
    monkeypatch.setattr(sound_card, "STUCK_SECONDS", 0.0)
    library.streams[0].active = False
    device.revive()
    assert "does not let go" in device.problem()
    device.stop()
    assert not release.is_set()
    release.set()
    wait(device)


def test_the_list_names_what_is_there_and_marks_the_defaults(library):
    listed = cards.cards()
    assert [(found.name, found.inputs, found.outputs) for found in listed] == [
        ("Scarlett 2i2", 2, 2),
        ("Webcam", 1, 1),
    ]
    assert [found.is_default_output for found in listed] == [True, False]
