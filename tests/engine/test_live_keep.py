"""Keep the last bars: cut on bar lines, whole, and telling what they are."""

import json
from hashlib import sha256

import numpy as np
import pytest
import soundfile

from engine.clock import Transport
from engine.errors import InputError, OptionError
from engine.keep import Facts, cut_bars, describe, keep
from engine.song import BarGrid, Loop, Signature, SongTempo
from tests.engine.test_output import stored

RATE = 24_000
FACTS = Facts(
    bundle="ab" * 32, seed=7, prompts=("warm tape choir",), tempo_bpm=120.0, key="A minor"
)


def free(bpm: float = 120.0, **fields) -> Transport:
    return Transport(rate=RATE, tempo=SongTempo(bpm), **fields)


class Tape:
    """A past in which every sample is its own number."""

    def __init__(self, first: int, end: int, *transports: tuple[int, Transport], channels=1):
        self.samples = np.tile(np.arange(first, end, dtype=np.float32) / 2**23, (channels, 1))
        self.first = first
        self.transports = transports or ((0, free()),)

    def recent(self, seconds: float):
        return self.samples.copy(), self.first

    def recent_transports(self):
        return self.transports


# --- where it is cut ----------------------------------------------------------------------------


@pytest.mark.parametrize("bpm", [60.0, 97.3, 128.0, 174.0])
@pytest.mark.parametrize("signature", [Signature(3, 4), Signature(4, 4), Signature(6, 8)])
def test_the_ends_are_bar_lines(bpm, signature):
    transport = free(bpm, grid=BarGrid(signature))
    heard = 29 * RATE + 7
    cut = cut_bars([(0, transport)], 0, heard, RATE, 2)
    bar = signature.quarters_per_bar * 60 / bpm * RATE
    assert cut.bars == 2
    assert cut.end == round((heard // bar) * bar)
    assert cut.end - cut.first == pytest.approx(2 * bar, abs=1)


def test_a_bar_that_ends_at_this_very_sample_counts():
    assert cut_bars([(0, free())], 0, 4 * RATE, RATE, 1).end == 4 * RATE
    assert cut_bars([(0, free())], 0, 4 * RATE - 1, RATE, 1).end == 2 * RATE


def test_what_is_not_remembered_cannot_be_kept():
    cut = cut_bars([(0, free())], 5 * RATE, 11 * RATE, RATE, 8)
    assert (cut.first, cut.end, cut.bars) == (6 * RATE, 10 * RATE, 2)


def test_a_tempo_that_changed_moves_the_lines_from_there_on():
    slow = free(60.0, sample=4 * RATE, quarter=8.0)
    cut = cut_bars([(0, free()), (4 * RATE, slow)], 0, 12 * RATE, RATE, 3)
    assert (cut.first, cut.end, cut.bars) == (2 * RATE, 12 * RATE, 3)


def test_a_host_of_another_rate_has_the_same_lines():
    transport = Transport(rate=44_100, tempo=SongTempo(97.3))
    other = cut_bars([(0, transport)], 0, 30 * RATE, RATE, 4)
    assert other == cut_bars([(0, free(97.3))], 0, 30 * RATE, RATE, 4)


def test_a_loop_has_a_line_at_each_start():
    transport = free(loop=Loop(0.0, 8.0))
    cut = cut_bars([(0, transport)], 0, 21 * RATE, RATE, 64)
    assert (cut.first, cut.end, cut.bars) == (0, 20 * RATE, 10)


def test_without_a_whole_bar_nothing_is_kept():
    with pytest.raises(InputError, match="no whole bar"):
        cut_bars([(0, free())], RATE, 3 * RATE, RATE, 1)
    with pytest.raises(InputError, match="no whole bar"):
        cut_bars([(0, free(playing=False))], 0, 60 * RATE, RATE, 1)


# --- what is written ----------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", ["wav", "float", "flac"])
def test_a_kept_file_holds_the_very_samples(tmp_path, kind, channels):
    path = tmp_path / ("a.flac" if kind == "flac" else "a.wav")
    kept = keep(Tape(0, 9 * RATE, channels=channels), RATE, 2, path, FACTS, kind)
    audio, rate = soundfile.read(path, dtype="float64", always_2d=True)
    assert (rate, audio.shape) == (RATE, (4 * RATE, channels))
    expected = np.arange(4 * RATE, 8 * RATE) / 2**23
    np.testing.assert_allclose(audio[:, -1], expected, atol=0 if kind == "float" else 1.1 / 2**23)
    assert (kept.seconds, kept.cut.first, kept.clipped) == (4.0, 4 * RATE, 0)
    if kind != "flac":
        assert kept.sha256 == sha256(stored(path)).hexdigest()
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", ["wav", "float", "flac"])
def test_a_kept_file_says_what_it_is(tmp_path, kind):
    path = tmp_path / ("a.flac" if kind == "flac" else "a.wav")
    keep(Tape(0, 9 * RATE), RATE, 2, path, FACTS, kind)
    with soundfile.SoundFile(path) as file:
        title, comment, software = file.title, file.comment, file.software
    assert title == "120 bpm, A minor"
    assert software.startswith("antiphon")
    told = json.loads(comment)
    assert (told["tempo_bpm"], told["key"], told["seed"]) == (120.0, "A minor", 7)
    assert (told["prompts"], told["bundle"]) == (["warm tape choir"], "ab" * 32)
    assert (told["first_sample"], told["bars"], told["rate"]) == (4 * RATE, 2, RATE)


def test_long_prompts_are_shortened_and_nothing_else_is_lost(tmp_path):
    """libsndfile drops every tag after one that is too long, and says nothing."""
    facts = Facts(bundle="0" * 64, seed=1, prompts=("ü" * 2000,) * 8, tempo_bpm=None, key=None)
    keep(Tape(0, 9 * RATE), RATE, 1, tmp_path / "a.wav", facts, "wav")
    with soundfile.SoundFile(tmp_path / "a.wav") as file:
        told = json.loads(file.comment)
    assert len(told["prompts"]) == 8
    assert told["prompts"][0].startswith("üüüü")
    assert told["prompts"][0].endswith("…")


def test_what_is_too_loud_is_cut_and_counted_but_not_in_floats(tmp_path):
    tape = Tape(0, 9 * RATE)
    tape.samples[0, 6 * RATE : 6 * RATE + 3] = 1.5
    assert keep(tape, RATE, 1, tmp_path / "a.wav", FACTS, "wav").clipped == 3
    assert keep(tape, RATE, 1, tmp_path / "b.wav", FACTS, "float").clipped == 0
    assert soundfile.read(tmp_path / "b.wav")[0].max() == 1.5


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(OptionError, match="folder"):
        keep(Tape(0, 9 * RATE), RATE, 1, tmp_path / "none" / "a.wav", FACTS, "wav")
    with pytest.raises(OptionError, match="ending"):
        keep(Tape(0, 9 * RATE), RATE, 1, tmp_path / "a.wav", FACTS, "flac")
    assert list(tmp_path.iterdir()) == []


def test_music_without_tempo_or_key_has_a_title_too():
    assert describe(Facts(bundle="", seed=0, prompts=(), tempo_bpm=None, key=None)) == "free"
    some = Facts(bundle="", seed=0, prompts=(), tempo_bpm=97.3, key=None)
    assert describe(some) == "97.3 bpm"
