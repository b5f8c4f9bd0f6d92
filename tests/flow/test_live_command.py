"""`antiphon live` from the outside: a set is played, steered, ended, and its take plays again."""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine import cli, control_log
from engine.bundle import Bundle
from engine.operation import Ended
from engine.replay import Replayed, replay
from tests.engine.listening_sounds import drum_loop

ROOT = Path(__file__).parents[2]
PROGRAM = "from engine.cli import main; main()"
# A new session has no terminal: the program makes stdin its own, as a login does.
AT_A_TERMINAL = f"import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); {PROGRAM}"
NULL = ("--null", "--threads", "1", "--json", "--take", "take")
PATIENCE = 60  # seconds until a test gives up; nothing is measured with it


class LiveSet:
    """A running `antiphon live`, with a pipe or a terminal for its stdin."""

    def __init__(
        self, folder: Path, bundle: Path, *arguments: object, stdin: int, program: str
    ) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "ANTIPHON_BUNDLE": str(bundle)}
        environment |= {"OMP_NUM_THREADS": "1", "TERM": "xterm", "COLUMNS": "200"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, "live", *map(str, arguments)],
            cwd=folder,
            env=environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def wait_for(self, words: str) -> str:
        """Read what is told until it has some words in it."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if words in line:
                return line
        raise AssertionError(f"it ended before it said {words!r}")

    def end(self) -> tuple[int, dict, str]:
        """Wait for the end: exit status, the JSON object, and the rest of what was told."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, json.loads(out.splitlines()[-1]) if out else {}, err


@pytest.fixture
def live(tmp_path, toy_bundle_path) -> Iterator[Callable[..., LiveSet]]:
    """Begin a set in an empty folder; killed at the end if it still runs."""
    begun: list[LiveSet] = []

    def begin(*arguments: object, stdin: int = subprocess.PIPE, program: str = PROGRAM) -> LiveSet:
        begun.append(LiveSet(tmp_path, toy_bundle_path, *arguments, stdin=stdin, program=program))
        return begun[-1]

    yield begin
    for one in begun:
        with suppress(ProcessLookupError):
            one.process.kill()
        one.process.communicate(timeout=PATIENCE)


def digest(audio: np.ndarray) -> str:
    return sha256(np.ascontiguousarray(audio.T, "<f4").tobytes()).hexdigest()


def again(path: Path, bundle: Bundle) -> Replayed:
    return replay(bundle, control_log.read(path))


def test_a_set_is_played_and_its_take_plays_again(live, tmp_path, toy_bundle):
    begun = live(
        *("warm tape choir", "dry drums"), *NULL, "--seconds", 3, "--seed", 7, "--tempo", 174
    )
    status, said, _ = begun.end()
    assert status == 0
    assert (said["seconds"], said["seed"], said["tempo_bpm"]) == (3.0, 7, 174.0)
    assert (said["sample_rate"], said["channels"]) == (24_000, 1)
    assert [one["prompt"] for one in said["prompts"]] == ["warm tape choir"]
    assert (said["mode"], said["bundle"]) == ("play", toy_bundle.id)
    assert set(said["frame_ms"]) == {"p50", "p95", "p99", "worst"}
    assert {"late_frames", "underruns", "realtime_factor", "prompt_to_ear_ms", "bar"} <= set(said)
    take = control_log.read(tmp_path / said["take"])
    assert isinstance(take.operations[-1], Ended)
    if said["late_frames"] == said["underruns"] == 0:  # a busy machine may lose what nobody hears
        played = again(tmp_path / said["take"], toy_bundle)
        assert digest(played.audio[:, : 3 * 24_000]) == said["sha256"]


def test_a_set_that_is_steered_plays_again_and_so_do_its_kept_bars(live, tmp_path, toy_bundle):
    begun = live("warm tape choir", "dry drums", *NULL, "--tempo", 220, "--keep-as", "float")
    begun.wait_for("the take is")
    begun.type("bar 2")
    begun.type("dance")
    assert "no command" in begun.wait_for("dance")
    begun.type("temperature +0.2")
    begun.wait_for("temperature 1.2")
    told = ""
    while "kept" not in told:  # until a whole bar was heard
        begun.type("keep 1")
        told = begun.wait_for(" bar")
    begun.type("play")
    begun.wait_for("stopped")
    begun.type("play")
    begun.wait_for("go")
    begun.type("panic")
    begun.type("quit")
    status, said, _ = begun.end()
    assert status == 0
    (kept,) = said["kept"]
    path = tmp_path / kept["path"]
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    first, end = kept["first_sample"], kept["first_sample"] + len(sound)
    assert (rate, kept["bars"]) == (24_000, 1)
    assert end - first == pytest.approx(4 * 60 / 220 * 24_000, abs=1)
    whole = again(tmp_path / said["take"], toy_bundle)
    alone = again(path.with_suffix(".jsonl"), toy_bundle)
    for played in (whole, alone):
        np.testing.assert_array_equal(played.audio[:, first:end], sound.T)
    assert alone.marks[0][1] == f"{path.name}: samples {first} to {end}"
    with soundfile.SoundFile(path) as file:
        assert json.loads(file.comment)["bundle"] == toy_bundle.id


@pytest.mark.parametrize("rate", [44_100, 96_000])
def test_a_card_of_another_rate_can_be_rehearsed(live, rate):
    status, said, _ = live("warm", *NULL, "--seconds", 0.5, "--rate", rate, "--block", 441).end()
    assert (status, said["sample_rate"], said["seconds"]) == (0, rate, 0.5)


def test_ctrl_c_ends_a_set_and_the_take_is_kept(live, tmp_path):
    begun = live("warm tape choir", *NULL)
    begun.wait_for("the take is")
    begun.process.send_signal(signal.SIGINT)
    status, said, told = begun.end()
    assert status == 0
    assert "Traceback" not in told
    assert isinstance(control_log.read(tmp_path / said["take"]).operations[-1], Ended)


def test_a_pipe_that_ends_does_not_end_the_music(live):
    begun = live("warm", *NULL, stdin=subprocess.DEVNULL)
    begun.wait_for("the take is")
    assert begun.process.poll() is None
    begun.process.send_signal(signal.SIGTERM)
    assert begun.end()[0] == 128 + signal.SIGTERM


def test_what_is_heard_is_in_the_take(live, tmp_path, toy_bundle):
    tone = (np.sin(np.arange(48_000) / 7) / 2).astype(np.float32)
    soundfile.write(tmp_path / "in.wav", tone, 24_000, "FLOAT")
    begun = live("warm", *NULL, "--seconds", 1, "--input", "in.wav", "--mode", "listen")
    status, said, _ = begun.end()
    assert (status, said["mode"]) == (0, "listen")
    take = control_log.read(tmp_path / said["take"])
    heard = take.heard()
    assert heard is not None
    np.testing.assert_array_equal(heard.read(0, 20_000)[0], tone[:20_000])


def test_a_set_goes_on_from_a_take(live, tmp_path, toy_bundle):
    """The first sound is the take's continuation, and its take needs no file to play again."""
    soundfile.write(tmp_path / "mine.wav", drum_loop(104.0, 9.0, 24_000)[0], 24_000, "FLOAT")
    begun = live(*NULL, "--seconds", 2, "--prime", "mine.wav")
    begun.type("prime nowhere.wav")
    begun.wait_for("nowhere.wav does not exist")
    status, said, _ = begun.end()
    (tmp_path / "mine.wav").unlink()
    assert status == 0
    assert said["tempo_bpm"] == pytest.approx(104.0, rel=0.01)
    played = again(tmp_path / said["take"], toy_bundle)
    assert [ack.what for ack in played.acks if ack.frame == 0].count("done") >= 2
    assert np.abs(played.audio[:, :2400]).max() > 0
    if said["late_frames"] == said["underruns"] == 0:
        assert digest(played.audio[:, : 2 * 24_000]) == said["sha256"]


def test_keys_play_and_the_terminal_is_put_back(live):
    """The program's own terminal, with a player at it: everything but the fingers."""
    player, terminal = pty.openpty()
    before = termios.tcgetattr(terminal)
    begun = live("warm", *NULL, stdin=terminal, program=AT_A_TERMINAL)
    begun.wait_for("the take is")
    os.write(player, "/wärmer\r:tempo 99\r]q".encode())
    status, _, told = begun.end()
    after = termios.tcgetattr(terminal)
    for end in (player, terminal):
        os.close(end)
    assert status == 0, told
    assert after == before
    assert "slot 1: wärmer" in told
    assert "tempo 99 bpm" in told
    assert "temperature 1.1" in told


# --- what cannot be -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("warm", "--device", "no such card"), ("--null",)),
        (("warm", "--null", "--lead", 5), ("lead", "20 to 500")),
        (("warm", "--null", "--mode", "sing"), ("mode", "answer")),
        (("warm", "--null", "--midi-channel", 17), ("midi-channel", "1 to 16")),
        (("warm", "--null", "--keep-as", "mp3"), ("keep-as", "flac")),
        (("warm", "--null", "--slots", "none.toml"), ("none.toml", "cannot be read")),
        (("dub, 900 bpm", "--null"), ("900",)),
        (("warm", "--null", "--input", "none.wav"), ("none.wav",)),
        (("warm", "--null", "--prime", "nothing.wav"), ("nothing.wav", "does not exist")),
        (("warm", "--null", "--midi", "no such keyboard"), ("MIDI",)),
    ],
    ids=lambda value: str(value[-1]),
)
def test_what_cannot_be_is_said_in_a_sentence_and_nothing_is_left_behind(
    monkeypatch, capsys, tmp_path, toy_bundle_path, arguments, words
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANTIPHON_BUNDLE", str(toy_bundle_path))
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest keeps its own handlers
    monkeypatch.setattr(sys, "argv", ["antiphon", "live", "--threads", "1", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    told = capsys.readouterr()
    assert (stopped.value.code, told.out) == (2, "")
    (line,) = told.err.splitlines()
    assert line.startswith("error: ")
    assert all(word in line for word in words)
    assert list(tmp_path.iterdir()) == []
