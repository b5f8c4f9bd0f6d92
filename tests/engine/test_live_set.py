"""How a set begins, where its take goes, what a rehearsal hears, and kept bars with their log."""

import json
from datetime import datetime
from hashlib import sha256

import numpy as np
import pytest

from engine import control_log
from engine.ask import Ask
from engine.command import Pick, SetMode, SetParam, SetPrompt
from engine.commands.live import LEAD_MS
from engine.control_log import LogWriter, Opened
from engine.errors import AntiphonError, InputError, OptionError
from engine.keep import Facts
from engine.live import keeper as keepers
from engine.live.host import Host, Pulse
from engine.live.keeper import Keeper
from engine.live.opening import Opening, opening
from engine.live.rehearsal import Witness, rehearse
from engine.live.slots_file import SlotsFile
from engine.live.take_folder import TakeFolder
from engine.operation import Asked, Ended, Marked
from engine.runner import DEFAULT_LEAD_MS
from tests.engine.test_live_keep import RATE, Tape

NOON = datetime(2026, 11, 22, 12, 0, 0)
NOTHING = {"tempo": None, "key": None, "seed": None, "mode": "play"}


# --- how it begins ------------------------------------------------------------------------------


def test_prompts_go_to_their_slots_and_the_first_plays():
    begin = opening(["warm choir", "dry drums"], None, **NOTHING)
    assert begin.commands() == [
        SetPrompt(index=1, text="warm choir"),
        SetPrompt(index=2, text="dry drums"),
        Pick(index=1),
    ]
    assert begin.seed == 0


def test_options_outweigh_the_file():
    found = SlotsFile(tempo=124.0, key="A minor", seed=7, prompts={"3": "dub", "2": "house"})
    said = NOTHING | {"tempo": 90.0, "mode": "listen"}
    begin = opening([], found, **said)
    assert begin.commands() == [
        SetParam(name="tempo", value=90.0),
        SetParam(name="key", value="A minor"),
        SetPrompt(index=2, text="house"),
        SetPrompt(index=3, text="dub"),
        Pick(index=2),
        SetMode(mode="listen"),
    ]
    assert begin.seed == 7
    assert opening(["choir"], found, **NOTHING).prompts == {1: "choir", 2: "house", 3: "dub"}


@pytest.mark.parametrize(
    ("prompts", "changes"),
    [
        (["x"] * 9, {}),
        (["dub, 900 bpm"], {}),
        ([], {"tempo": 20.0}),
        ([], {"seed": -1}),
    ],
)
def test_what_cannot_be_played_is_refused_before_anything_is_opened(prompts, changes):
    with pytest.raises(AntiphonError, match="expected"):
        opening(prompts, None, **(NOTHING | changes))


def test_a_set_without_prompts_can_begin_too():
    assert Opening().commands() == [Pick(index=1)]


def test_the_commands_lead_is_the_runners():
    assert LEAD_MS == DEFAULT_LEAD_MS


# --- where it goes ------------------------------------------------------------------------------


def test_a_take_gets_a_folder_by_date_and_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = TakeFolder(None, NOON)
    assert str(folder.log) == "takes/20261122-120000/take.jsonl"
    assert folder.path.is_dir()


def test_a_second_take_in_a_folder_does_not_touch_the_first(tmp_path):
    first = TakeFolder(tmp_path, NOON)
    first.log.write_text("music")
    second = TakeFolder(tmp_path, NOON)
    second.log.write_text("other music")
    assert second.log.name == "take-2.jsonl"
    second.discard_unplayed()
    assert [path.name for path in tmp_path.iterdir()] == ["take.jsonl"]


def test_what_was_never_played_leaves_nothing_behind(tmp_path):
    folder = TakeFolder(tmp_path / "a" / "b", NOON)
    folder.log.write_text("{}")
    folder.discard_unplayed()
    assert list(tmp_path.iterdir()) == []


def test_what_was_played_stays(tmp_path):
    folder = TakeFolder(tmp_path / "a", NOON)
    folder.log.write_text("{}")
    folder.is_played = True
    folder.discard_unplayed()
    assert folder.log.exists()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionError, match="--take"):
        TakeFolder(tmp_path / "file" / "take", NOON)


# --- rehearsal ----------------------------------------------------------------------------------


def test_a_witness_counts_no_more_than_it_should():
    witness = Witness(1000)
    noise = np.random.default_rng(5).standard_normal((2, 1536)).astype(np.float32)
    for start in range(0, 1536, 512):
        assert not witness.is_full
        witness.hear(start, noise[:, start : start + 512])
        if start == 512:
            break
    assert witness.is_full
    witness.hear(1024, noise[:, 1024:])
    assert witness.samples == 1000
    expected = np.ascontiguousarray(noise[:, :1000].T).tobytes()
    assert witness.sha256 == sha256(expected).hexdigest()


def test_a_file_is_played_to_the_engine_and_then_silence(tmp_path):
    import soundfile

    tone = np.sin(np.arange(30_000) / 10).astype(np.float32) / 2
    soundfile.write(tmp_path / "in.wav", tone, RATE, "FLOAT")
    device, _ = rehearse(
        Host(), lambda: 0.0, rate=RATE, channels=1, block=7000, play=str(tmp_path / "in.wav")
    )
    heard = []
    device._exchange = lambda block_in, out, said: heard.append(block_in.copy())
    for _ in range(6):
        device.pull()
    assert device.has_input
    np.testing.assert_array_equal(np.concatenate(heard, 1)[0, :30_000], tone)
    assert not np.concatenate(heard, 1)[0, 30_000:].any()


def test_a_rehearsal_is_told_what_time_it_is():
    host, said = Host(), []
    host.say(Pulse(second=0.0, quarter=3.0, bpm=90.0))
    device, _ = rehearse(host, lambda: 0.0, rate=RATE, channels=1)
    device._exchange = lambda block_in, out, word: said.append(word)
    device.pull()
    assert (said[0].quarter, said[0].tempo.bpm) == (3.0, 90.0)
    assert not device.has_input


# --- kept bars and their log --------------------------------------------------------------------


@pytest.fixture
def take(tmp_path, toy_bundle):
    """A log that is being written, by hand: a request, and marks as they come."""
    path = tmp_path / "take.jsonl"
    writer = LogWriter(path, Opened.of(toy_bundle, 7, None))
    ask = ask_of("live-1")
    writer.write(Asked(frame=0, ask=ask))
    yield path, writer
    writer.close()


def ask_of(name: str) -> Ask:
    return Ask(id=name, command=Pick(index=2))


def new_keeper(tmp_path, log=None, mark=None, key="F# minor") -> Keeper:
    facts = Facts(bundle="0" * 64, seed=7, prompts=("choir",), tempo_bpm=97.3, key=key)
    tape = Tape(0, 9 * RATE)
    return Keeper(tape, RATE, RATE // 25, lambda: facts, tmp_path, log=log, mark=mark)


def test_a_kept_file_is_named_after_tempo_and_key_and_numbered(tmp_path):
    keeper = new_keeper(tmp_path)
    keeper.keep(1)
    keeper.keep(2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "kept-01-97.3bpm-Fsharp-minor.wav",
        "kept-02-97.3bpm-Fsharp-minor.wav",
    ]
    other = new_keeper(tmp_path, key=None)
    assert "kept-03-97.3bpm.wav" in other.keep(1)


def test_fewer_bars_than_asked_for_are_told(tmp_path):
    assert "more were not heard" in new_keeper(tmp_path).keep(16)


def test_a_kept_file_has_a_log_that_ends_after_it(tmp_path, take):
    path, writer = take
    keeper = new_keeper(tmp_path, path, lambda text: writer.write(Marked(frame=230, text=text)))
    keeper.keep(2)
    writer.write(Asked(frame=240, ask=ask_of("later")))
    found = control_log.read(keeper.kept[0].path.with_suffix(".jsonl"))
    asked, mark, end = found.operations
    assert asked.ask.id == "live-1"
    assert (mark.text, end) == (
        f"{keeper.kept[0].path.name}: samples {4 * RATE} to {8 * RATE}",
        Ended(frame=230),
    )
    assert found.opened.seed == 7


def test_the_log_of_kept_bars_is_long_enough_to_make_them(tmp_path, take):
    path, writer = take
    keeper = new_keeper(tmp_path, path, lambda text: writer.write(Marked(frame=3, text=text)))
    keeper.keep(1)
    found = control_log.read(keeper.kept[0].path.with_suffix(".jsonl"))
    assert found.operations[-1] == Ended(frame=200)  # 8 s


def test_what_was_heard_comes_with_the_kept_bars(tmp_path, take):
    path, writer = take
    frame = np.full((1, 960), 0.25, np.float32)
    writer.hear(1, frame)
    keeper = new_keeper(tmp_path, path, lambda text: writer.write(Marked(frame=2, text=text)))
    keeper.keep(1)
    heard = control_log.read(keeper.kept[0].path.with_suffix(".jsonl")).heard()
    assert heard is not None
    np.testing.assert_array_equal(heard.read(0, 960), frame)


def test_a_disk_that_cannot_link_is_copied_to(tmp_path, take, monkeypatch):
    def refuse(*_) -> None:
        raise OSError("not here")

    monkeypatch.setattr(keepers.os, "link", refuse)
    test_what_was_heard_comes_with_the_kept_bars(tmp_path, take)


def test_a_log_that_stands_still_is_told_and_the_bars_are_kept(tmp_path, take, monkeypatch):
    monkeypatch.setattr(keepers, "_PATIENCE_SECONDS", 0.02)
    keeper = new_keeper(tmp_path, take[0], lambda text: None)
    with pytest.raises(OptionError, match="without a log"):
        keeper.keep(1)
    assert [path.suffix for path in tmp_path.iterdir() if path.name.startswith("kept")] == [".wav"]


def test_a_mark_is_a_line_of_json(tmp_path, take):
    """The keeper looks for its mark as JSON writes it."""
    path, writer = take
    writer.write(Marked(frame=1, text='a "ü" mark'))
    assert json.loads(path.read_text().splitlines()[-1])["text"] == 'a "ü" mark'
    assert json.dumps('a "ü" mark') in path.read_text()


def test_before_a_whole_bar_was_heard_nothing_is_kept_or_left_behind(tmp_path, take):
    path, writer = take
    keeper = new_keeper(tmp_path, path, lambda text: writer.write(Marked(frame=3, text=text)))
    keeper._past = Tape(0, RATE)
    with pytest.raises(InputError, match="no whole bar"):
        keeper.keep(1)
    assert [entry.name for entry in tmp_path.iterdir()] == ["take.jsonl"]
