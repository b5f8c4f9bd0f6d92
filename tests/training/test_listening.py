"""The page to listen to is complete: what it links is there, and as long as it says."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

pytest.importorskip("torch", reason="the judge needs torch: pip install 'antiphon[train]'")
soundfile = pytest.importorskip("soundfile", reason="the audio libraries are not installed")

from engine.errors import InputError, OptionError
from engine.spec import FAMILIES, AudioFormat
from training.data import LABEL_FIELDS
from training.evaluation.judge import Verdict
from training.listening import ogg, page
from training.listening.__main__ import make_page
from training.listening.excerpts import asking, excerpts

RATE, FRAMES, SECONDS = 48_000, 500, 5.0
GENRES = ("dub", "house")


class FixedJudge:
    """Hears house in everything."""

    def listen(self, mono):
        style = np.eye(128, dtype=np.float32)[0]
        return Verdict(style, np.zeros(len(FAMILIES), bool), "house")

    def read(self, prompts):
        return np.repeat(np.eye(128, dtype=np.float32)[:1], len(prompts), 0)


def write_piece(folder, genre: str, **changes) -> None:
    """A piece as the corpus holds them: twenty seconds of a beat and a tone."""
    folder.mkdir(parents=True)
    time = np.arange(FRAMES * RATE // 25) / RATE
    beat = np.exp(-20 * (time % 0.5)) * np.random.default_rng(0).normal(size=len(time))
    mix = 0.2 * np.sin(2 * np.pi * 220 * time) + 0.1 * beat
    soundfile.write(folder / "mix.flac", np.stack([mix, mix], 1), RATE)
    labels = {name: np.zeros(FRAMES, np.int64) for name in LABEL_FIELDS}
    labels |= {"tempo_bpm": np.full(FRAMES, 120.0), "beat": np.arange(FRAMES) / 12.5}
    np.savez(folder / "labels.npz", **labels | {"beats_per_bar": np.full(FRAMES, 4)})
    info = {
        "id": f"valid-{folder.name}",
        "kind": "piece",
        "genre": genre,
        "duration": FRAMES / 25,
        "attributes": {"modulates": "no"},
        "captions": ["a tone", f"{genre} in A minor, 120 bpm"],
        "tempo_bpm": 120.0,
        "key": "A minor",
    }
    (folder / "piece.json").write_text(json.dumps(info | changes))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    root = tmp_path_factory.mktemp("corpus")
    write_piece(root / "00", "dub", scenes=[{"start_frame": 0}])  # a medley: not to be shown
    write_piece(root / "01", "rock", attributes={"modulates": "yes"})
    for number, genre in enumerate(GENRES, 2):
        write_piece(root / f"0{number}", genre)
    return root


@pytest.fixture(scope="module")
def make(toy_bundle, corpus):
    """Makes a page of the toy bundle."""

    def made(out, seed=7):
        options = {"genres": len(GENRES), "seconds": SECONDS, "seed": seed}
        return make_page(toy_bundle, FixedJudge(), corpus, out, **options)

    return made


@pytest.fixture(scope="module")
def listening(make, tmp_path_factory):
    """One page, not to be changed."""
    out = tmp_path_factory.mktemp("page") / "listening"
    make(out)
    return out


class Links(HTMLParser):
    """What a page refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.sources = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]


def test_every_file_that_the_page_links_exists_and_no_other(listening):
    """Six sounds of each genre, each with its picture, and nothing from outside."""
    links = Links((listening / "index.html").read_text())
    assert len(links.sources) == len(set(links.sources)) == len(GENRES) * 6 * 2
    there = {path.relative_to(listening).as_posix() for path in listening.glob("*/*")}
    assert set(links.sources) == there
    assert "script" not in links.tags
    assert "://" not in (listening / "index.html").read_text()


def test_every_sound_is_as_long_as_it_says(listening):
    text = (listening / "index.html").read_text()
    said = re.findall(r'src="(sounds/[^"]+)".*?</b> ([\d.]+) s<br>', text, re.DOTALL)
    assert len(said) == len(GENRES) * 6
    for name, seconds in said:
        info = soundfile.info(listening / name)
        assert info.frames / info.samplerate == pytest.approx(float(seconds), abs=0.01)
        assert float(seconds) == SECONDS


def test_prompt_tempo_and_key_stand_over_each_row(listening):
    text = (listening / "index.html").read_text()
    for genre in GENRES:
        assert f"“{genre} in A minor, 120 bpm”" in text
    assert text.count("120 bpm, A minor, valid-0") == len(GENRES)


def test_the_page_is_light_enough_for_git(make, listening, tmp_path, monkeypatch):
    size = sum(path.stat().st_size for path in listening.rglob("*") if path.is_file())
    assert size < page.MAX_BYTES
    monkeypatch.setattr(page, "MAX_BYTES", size - 1)
    with pytest.raises(OptionError, match="Show less"):
        make(tmp_path)


def test_the_same_seed_gives_the_same_files(make, listening, tmp_path):
    """Made again nothing changes in git, stale files go; another seed changes what is generated."""

    def files(folder):
        return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}

    make(tmp_path, seed=8)
    before, other = files(listening), files(tmp_path)
    changed = {path.name for path in before if before[path] != other[path]}
    assert {f"{genre}-generated.ogg" for genre in GENRES} <= changed
    assert not any("original" in name or "codec" in name for name in changed)
    (tmp_path / "sounds" / "polka-original.ogg").write_bytes(b"")
    make(tmp_path)
    assert files(tmp_path) == before


def test_pieces_that_change_are_not_shown(corpus, toy_bundle):
    found = excerpts(corpus, toy_bundle.audio, 2, SECONDS)
    assert [excerpt.id for excerpt in found] == ["valid-02", "valid-03"]
    with pytest.raises(InputError, match="pieces of 2 genres, expected 3"):
        excerpts(corpus, toy_bundle.audio, 3, SECONDS)


def test_an_excerpt_starts_on_a_bar_line(corpus):
    """A quarter into the piece is beat 10 of 4 to the bar: the next bar line is beat 12."""
    wanted = AudioFormat(rate=8_000, channels=1)
    audio = excerpts(corpus, wanted, 1, SECONDS)[0].audio
    assert audio.shape == (1, 5 * 8_000 + 320)
    onset = np.abs(np.diff(audio[0, :320])).max()
    assert onset > 3 * np.abs(np.diff(audio[0, 2_000:2_320])).max()


def test_the_caption_that_asks_for_most_is_the_prompt():
    said = ["dub", "a very long caption of a calm piece", "dub in D minor", "dub, 75 bpm, D minor"]
    assert asking(said) == "dub, 75 bpm, D minor"


def test_a_sound_too_loud_is_cut_and_still_whole(tmp_path):
    """libsndfile checks every page's checksum as it reads."""
    loud = np.full((2, 24_000), 4.0, np.float32) * np.sin(np.arange(24_000) / 20)
    ogg.write(tmp_path / "loud.ogg", loud.astype(np.float32), 24_000)
    read, rate = soundfile.read(tmp_path / "loud.ogg")
    assert (read.shape, rate) == ((24_000, 2), 24_000)
    assert 0.5 < np.abs(read).max() < 1.5
