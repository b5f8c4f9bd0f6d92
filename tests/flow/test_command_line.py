"""The command line from the outside: what a player types, sees, hears and is refused."""

import json
import os
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.commands import interruption
from engine.commands.progress import progress_bar
from tests.engine.test_output import stored
from tests.fakes import two_idioms, write_toy_bundle
from tests.flow.program import Answer, Antiphon

ROOT = Path(__file__).parents[2]
REGGAE = "slow reggae, 75 bpm, D minor, bass and drums"


@pytest.fixture
def render(antiphon) -> Antiphon:
    """Render a second of a prompt on one thread."""

    def run(prompt: str, *arguments: object) -> Answer:
        return antiphon("render", prompt, "--seconds", 1, "--threads", 1, "--json", *arguments)

    return run


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- render ---------------------------------------------------------------------------------------


def test_a_prompt_becomes_a_file(render, tmp_path, toy_bundle):
    answer = render(REGGAE, "--seed", 7, "-o", "a.wav", "--picture", "a.png")
    assert answer.status == 0, answer.err
    said = answer.json
    assert (said["seconds"], said["frames"], said["seed"]) == (1.0, 25, 7)
    assert (said["sample_rate"], said["channels"]) == (24_000, 1)
    assert (said["bundle"], said["backend"]) == (toy_bundle.id, "ort")
    assert said["realtime_factor"] > 0
    assert set(said["frame_ms"]) == {"p50", "p95", "p99", "worst"}
    assert said["prompt"] == {
        "tempo_bpm": 75.0,
        "key": "D minor",
        "beats_per_bar": None,
        "drums": True,
        "families": ["bass"],
        "without": [],
        "text": "slow reggae, bass and drums",
        "remarks": [],
    }
    assert soundfile.info(tmp_path / "a.wav").frames == 24_000
    assert said["sha256"] == sha256(stored(tmp_path / "a.wav")).hexdigest()
    assert left_behind(tmp_path) == ["a.png", "a.wav"]


def test_a_prompt_without_numbers_is_given_tempo_and_chords(antiphon, tmp_path):
    """Where the bundle has a book of harmony; --no-harmony leaves both to the model."""
    book = write_toy_bundle(tmp_path / "with_book", harmony=two_idioms())

    def play(*arguments: object) -> Answer:
        return antiphon("render", "waltz", "--seconds", 1, "--json", "--bundle", book, *arguments)

    planned, again, bare = play("--seed", 3), play("--seed", 3), play("--seed", 3, "--no-harmony")
    assert 60 <= planned.json["controls"]["tempo_bpm"] <= 90
    assert planned.json["sha256"] == again.json["sha256"] != bare.json["sha256"]
    assert bare.json["controls"]["tempo_bpm"] is None
    assert play("--tempo", 100).json["controls"]["tempo_bpm"] == 100


def test_the_same_command_gives_the_same_samples(render):
    first = render(REGGAE, "--seed", 7).json["sha256"]
    assert render(REGGAE, "--seed", 7).json["sha256"] == first
    assert render(REGGAE, "--seed", 8).json["sha256"] != first
    assert render("string quartet", "--seed", 7).json["sha256"] != first


def test_the_size_of_blocks_changes_no_sample(render):
    digests = {render(REGGAE, "--block", block).json["sha256"] for block in (1, 7, 50)}
    assert len(digests) == 1


@pytest.mark.parametrize(
    "options",
    [
        ("--tempo", 120),
        ("--key", "Eb"),
        ("--no-drums",),
        ("--density", 0.9),
        ("--brightness", 0.1),
        ("--temperature", 0),
        ("--guidance", 1),
    ],
    ids=lambda options: options[0],
)
def test_an_option_is_heard(render, options):
    assert render(REGGAE, *options).json["sha256"] != render(REGGAE).json["sha256"]


def test_an_option_outweighs_the_prompt_and_both_are_told(render):
    said = render(REGGAE, "--tempo", 120, "--key", "f#m", "--no-drums").json
    assert said["prompt"]["tempo_bpm"] == 75.0
    asked = said["controls"]
    assert (asked["tempo_bpm"], asked["key"], asked["drums"]) == (120.0, "F# minor", False)


def test_without_the_guard_the_file_holds_floats(render, tmp_path):
    said = render(REGGAE, "--no-guard", "-o", "a.wav").json
    assert said["sample_format"] == soundfile.info(tmp_path / "a.wav").subtype == "FLOAT"
    assert said["sha256"] == sha256(stored(tmp_path / "a.wav")).hexdigest()


def test_audio_can_be_the_prompt(render, tmp_path):
    time_s = np.arange(48_000) / 44_100
    for name, hertz in (("low.wav", 110), ("high.wav", 3_000)):
        soundfile.write(tmp_path / name, 0.5 * np.sin(2 * np.pi * hertz * time_s), 44_100)
    low, high = (render("", "--style-audio", name).json for name in ("low.wav", "high.wav"))
    assert low["sha256"] != high["sha256"]
    both = render("120 bpm, no drums", "--style-audio", "low.wav").json
    assert (both["controls"]["tempo_bpm"], both["controls"]["drums"]) == (120.0, False)


def test_a_person_reads_what_was_understood(antiphon):
    answer = antiphon("render", "dub at 72 bpm then 80 bpm", "--seconds", 1, "--threads", 1)
    assert '72 bpm; embedded as "dub"' in answer.out.replace(" then", "")
    assert "note: the prompt names more than one tempo" in answer.out
    assert "antiphon.wav: 1.00 s, 24,000 Hz mono, seed 0" in answer.out
    assert "playing" in answer.err
    assert "playing" not in answer.out


# --- story ----------------------------------------------------------------------------------------


def test_a_story_becomes_a_file(antiphon, tmp_path):
    path = ROOT / "examples" / "story_three_moods.toml"
    answer = antiphon("story", path, "-o", "b.wav", "--picture", "b.png", "--threads", 1, "--json")
    assert answer.status == 0, answer.err
    said = answer.json
    assert (said["seconds"], said["frames"], said["seed"]) == (24.0, 600, 7)
    assert [cue["frame"] for cue in said["cues"]] == [0, 200, 400]
    assert [cue["controls"]["tempo_bpm"] for cue in said["cues"]] == [72.0, 124.0, 96.0]
    assert left_behind(tmp_path) == ["b.png", "b.wav"]


def test_a_cue_changes_the_sound_at_its_mark_and_not_before(antiphon, tmp_path):
    """Two stories that differ from 2 s on are the same until then, and differ within two frames."""
    takes = []
    for name, prompt in (("a", "house"), ("b", "string quartet")):
        text = (
            f'length = 4\n[[cue]]\nat = 0\nprompt = "pads"\n[[cue]]\nat = 2\nprompt = "{prompt}"\n'
        )
        (tmp_path / f"{name}.toml").write_text(text)
        assert antiphon("story", f"{name}.toml", "-o", f"{name}.wav", "--threads", 1).status == 0
        takes.append(soundfile.read(tmp_path / f"{name}.wav")[0])
    differs = np.flatnonzero(takes[0] != takes[1])
    assert 2 * 24_000 - 240 <= differs[0] < 2 * 24_000 + 2 * 960


def test_a_seed_option_replaces_the_storys(antiphon, tmp_path):
    (tmp_path / "s.toml").write_text('seed = 3\nlength = 1\n[[cue]]\nat = 0\nprompt = "pads"\n')
    own = antiphon("story", "s.toml", "--threads", 1, "--json").json
    other = antiphon("story", "s.toml", "--threads", 1, "--json", "--seed", 4).json
    assert (own["seed"], other["seed"]) == (3, 4)
    assert own["sha256"] != other["sha256"]


# --- bench, inspect, doctor -----------------------------------------------------------------------


def test_the_bench_measures_and_records(antiphon, tmp_path):
    (tmp_path / "history.jsonl").write_text('{"older": true}\n')
    answer = antiphon(
        "bench", "--seconds", 2, "--threads", 1, "--json", "--record", "history.jsonl"
    )
    said = answer.json
    assert (said["seconds"], said["frames"], said["threads"]) == (2.0, 50, 1)
    assert said["realtime_factor_worst_second"] <= said["realtime_factor"]
    times = said["frame_ms"]
    assert 0 < times["p50"] <= times["p95"] <= times["p99"] <= times["worst"]
    assert said["peak_memory_mb"] > 10
    assert said["machine"]["cores"] >= 1
    older, line = (tmp_path / "history.jsonl").read_text().splitlines()
    assert json.loads(older) == {"older": True}
    assert said.items() <= json.loads(line).items()
    assert "commit" in json.loads(line)


def test_the_live_bench_switches_soaks_and_records(antiphon, tmp_path):
    """In real time, so it is short; how fast this machine is, is not the question."""
    answer = antiphon(
        *("bench", "--live", "--switches", 3, "--lead", 100, "--minutes", 0.03, "--threads", 1),
        *("--load", 1, "--json", "--record", "history.jsonl"),
    )
    said = answer.json
    (switches,) = said["switches"]
    ear, frame = switches["prompt_to_ear_ms"], switches["prompt_to_frame_ms"]
    assert (switches["lead_ms"], switches["asked"]) == (100.0, 3)
    assert 0 < ear["p50"] <= ear["p95"] <= ear["worst"]
    assert frame["p50"] > 0
    soak = said["soak"]
    assert [part["name"] for part in soak["parts"]] == ["quiet", "load", "after"]
    assert (soak["load"], soak["frames"] > 40, soak["memory_mb"] > 10) == (1, True, True)
    assert 0 < soak["frame_ms"]["p50"] <= soak["frame_ms"]["worst"]
    (line,) = (tmp_path / "history.jsonl").read_text().splitlines()
    assert json.loads(line)["machine"]["cpu"] == said["machine"]["cpu"]
    assert antiphon("bench", "--live", "--switches", 0, "--minutes", 0.01).status == 0


def test_inspect_shows_the_bundle(antiphon, toy_bundle):
    answer = antiphon("inspect")
    assert answer.status == 0
    for word in ("toy", toy_bundle.id[:12], "observe", "compose", "decode", "24,000 Hz mono"):
        assert word in answer.out
    said = antiphon("inspect", "--json").json
    assert said["id"] == toy_bundle.id
    assert set(said["graphs"]) >= {"text", "observe", "compose", "decode"}
    assert said["bytes"] == sum(said["files"].values())


def test_the_doctor_says_whether_rendering_can_work(antiphon, tmp_path):
    well = antiphon("doctor", "--json")
    assert (well.status, well.json["can_render"]) == (0, True)
    ill = antiphon("doctor", "--json", "--bundle", tmp_path / "nowhere")
    assert (ill.status, ill.json["can_render"]) == (1, False)
    bundle = next(f for f in ill.json["findings"] if f["what"] == "bundle")
    assert "nowhere" in bundle["found"]
    assert bundle["next_move"]
    assert "Rendering cannot work yet" in antiphon("doctor", "--bundle", "nowhere").out


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("render", ""), "prompt is empty"),
        (("render",), "prompt is empty"),
        (("render", "a" * 5000), "5,000 characters, expected at most 2,000"),
        (("render", "dub \udcff"), "expected UTF-8"),
        (("render", "dub", "--tempo", 0), "tempo is 0.0, expected a number from 40 to 220"),
        (("render", "dub", "--tempo", 900), "tempo is 900.0, expected a number from 40 to 220"),
        (("render", "dub at 900 bpm"), "expected a tempo of 40 to 220 bpm"),
        (("render", "dub", "--key", "H major"), "key is 'H major', expected a key like"),
        (("render", "dub", "--seconds", 0), "seconds is 0.0, expected more than 0"),
        (("render", "dub", "--seconds", -3), "seconds is -3.0, expected more than 0"),
        (("render", "dub", "--seconds", 3601), "at most 3600"),
        (("render", "dub", "--seconds", "nan"), "seconds is nan"),
        (("render", "dub", "--seed", -1), "seed is -1, expected a whole number from 0"),
        (("render", "dub", "--seed", 2**63), "expected a whole number from 0"),
        (("render", "dub", "--temperature", 3), "temperature is 3.0"),
        (("render", "dub", "--guidance", 0.5), "guidance is 0.5"),
        (("render", "dub", "--density", 2), "density is 2.0"),
        (("render", "dub", "--threads", 0), "threads is 0"),
        (("render", "dub", "--block", 0), "block is 0"),
        (("render", "dub", "--backend", "abacus"), "backend is 'abacus', expected one of auto"),
        (("render", "dub", "-o", "nowhere/a.wav"), "there is no folder"),
        (("render", "dub", "-o", "."), "it is a folder"),
        (("render", "dub", "-o", "a.mp3"), "expected a name that ends in .wav"),
        (("render", "dub", "-o", "x" * 300 + ".wav"), "cannot be written"),
        (("render", "dub", "--picture", "a.jpg"), "expected a name that ends in .png"),
        (("render", "dub", "--bundle", "nowhere"), "nowhere"),
        (("render", "dub", "--bundle", "."), "SHA256SUMS"),
        (("render", "dub", "--bundle", "x" * 300), "cannot be opened"),
        (("render", "--style-audio", "nan.wav"), "1 samples that are NaN or infinite"),
        (("render", "--style-audio", "missing.wav"), "missing.wav does not exist"),
        (("story", "missing.toml"), "missing.toml cannot be read"),
        (("story", "."), "cannot be read (Is a directory)"),
        (("story", "corrupt.toml"), "corrupt.toml is not TOML"),
        (("story", "binary.toml"), "binary.toml is not UTF-8 text"),
        (("story", "tempo.toml"), "tempo.toml: cue 1: tempo is 900, expected a number from 40"),
        (("bench", "--seconds", 0), "seconds is 0"),
        (("bench", "--seconds", 1, "--record", "."), "cannot be written"),
        (("bench", "--live", "--block", 0), "block is 0, expected 1 to 8192"),
        (("bench", "--live", "--lead", 1, "--minutes", 0), "lead_ms is 1.0, expected 20 to 500"),
        (("inspect", "nowhere"), "nowhere"),
    ],
    ids=lambda value: " ".join(map(str, value))[:40] if isinstance(value, tuple) else "",
)
def test_a_mistake_is_one_clear_line_and_no_file(antiphon, tmp_path, arguments, message):
    samples = np.zeros(48_000, np.float32)
    samples[777] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, 24_000, subtype="FLOAT")
    (tmp_path / "corrupt.toml").write_text("seed = = 3")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00\x01")
    (tmp_path / "tempo.toml").write_text('length=1\n[[cue]]\nat=0\nprompt="x"\ntempo=900\n')
    before = left_behind(tmp_path)
    answer = antiphon(*arguments)
    assert answer.status == 2
    assert answer.out == ""
    (line,) = answer.err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert left_behind(tmp_path) == before


@pytest.mark.parametrize(
    "arguments", [("sing",), ("render", "a", "b"), ("render", "a", "--seed", "x")]
)
def test_a_wrong_usage_is_explained(antiphon, arguments):
    answer = antiphon(*arguments)
    assert answer.status == 2
    assert "Usage: antiphon" in answer.err


def test_a_refused_render_keeps_the_take_that_was_there(antiphon, tmp_path):
    (tmp_path / "a.wav").write_bytes(b"the good take")
    assert antiphon("render", "dub", "-o", "a.wav", "--bundle", "nowhere").status == 2
    assert (tmp_path / "a.wav").read_bytes() == b"the good take"


def test_a_flipped_byte_in_any_file_is_refused_by_every_command(antiphon, toy_copy, tmp_path):
    for path in sorted(toy_copy.iterdir()):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        for command in (("render", "dub"), ("bench", "--seconds", 1), ("inspect", toy_copy)):
            named = () if command[0] == "inspect" else ("--bundle", toy_copy)
            answer = antiphon(*command, *named)
            assert answer.status == 2, (path.name, command)
            assert path.name in answer.err.replace("\n", " ")
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    assert antiphon("inspect", toy_copy).status == 0


def test_a_silent_take_is_not_written(antiphon, monkeypatch, tmp_path):
    """The decoder is silenced by force: the guard notices, and --no-guard keeps the take."""
    from engine.session import Session

    def silence(self: Session, controls: object) -> np.ndarray:
        return np.zeros((1, 960), np.float32)

    monkeypatch.setattr(Session, "step", silence)
    answer = antiphon("render", "dub", "--seconds", 1, "-o", "a.wav")
    assert answer.status == 2
    assert "silent from end to end" in answer.err
    assert left_behind(tmp_path) == []
    kept = antiphon("render", "dub", "--seconds", 1, "-o", "a.wav", "--no-guard", "--json")
    assert kept.json["silent_frames"] == 25


def test_audio_that_is_not_finite_is_not_written(antiphon, monkeypatch, tmp_path):
    from engine.session import Session

    def blow_up(self: Session, controls: object) -> np.ndarray:
        return np.full((1, 960), np.nan, np.float32)

    monkeypatch.setattr(Session, "step", blow_up)
    for guard in ("--guard", "--no-guard"):
        answer = antiphon("render", "dub", "--seconds", 1, "-o", "a.wav", guard)
        assert answer.status == 2
        assert "not finite" in answer.err
    assert left_behind(tmp_path) == []


# --- from the shell -------------------------------------------------------------------------------


def shell(*arguments: str, bundle: Path, folder: Path) -> subprocess.Popen[str]:
    """Start the command as the entry point does."""
    return subprocess.Popen(
        [sys.executable, "-c", "from engine.cli import main; main()", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "ANTIPHON_BUNDLE": str(bundle)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_nothing_half_written(tmp_path, toy_bundle_path, number):
    running = shell("render", "dub", "--seconds", "3600", bundle=toy_bundle_path, folder=tmp_path)
    deadline = time.monotonic() + 60
    while not any(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
    running.send_signal(number)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 128 + number
    assert "Traceback" not in errors
    assert left_behind(tmp_path) == []


def test_an_interruption_whose_exception_is_lost_ends_the_work_all_the_same(monkeypatch):
    """As in a destructor, where Python drops it."""
    monkeypatch.setattr(interruption, "_asked", [])
    interruption.check()
    with pytest.raises(SystemExit):
        interruption._stop(signal.SIGTERM, None)
    with progress_bar("playing", 10) as progress, pytest.raises(SystemExit) as stopped:
        progress(1, 10)
    assert stopped.value.code == 128 + signal.SIGTERM


def test_a_lost_ctrl_c_ends_the_work_too(monkeypatch):
    monkeypatch.setattr(interruption, "_asked", [])
    with pytest.raises(KeyboardInterrupt):
        interruption._stop(signal.SIGINT, None)
    with progress_bar("playing", 10) as progress, pytest.raises(KeyboardInterrupt):
        progress(1, 10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_exception_lost_in_a_destructor_shows_no_traceback(number):
    code = f"""
import signal
from engine.commands import interruption

class Dropping:
    def __del__(self):
        signal.raise_signal({int(number)})

interruption.watch()
Dropping()
print("went on")
try:
    interruption.check()
except KeyboardInterrupt:
    raise SystemExit(130)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "went on\n"
    assert done.stderr == ""
    assert done.returncode == 128 + number


def test_any_other_exception_lost_in_a_destructor_is_shown():
    code = """
from engine.commands import interruption

class Failing:
    def __del__(self):
        raise ValueError("ours to mend")

interruption.watch()
Failing()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "ValueError: ours to mend" in done.stderr


def test_help_is_there_before_anything_heavy_is_loaded():
    heavy = {"numpy", "onnxruntime", "PIL", "soundfile", "soxr", "tokenizers"}
    code = f"import engine.cli, sys; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_a_mistake_shows_no_traceback_in_a_shell(tmp_path, toy_bundle_path):
    running = shell("render", "dub", "--tempo", "0", bundle=toy_bundle_path, folder=tmp_path)
    out, errors = running.communicate(timeout=60)
    assert (running.returncode, out) == (2, "")
    assert errors == "error: tempo is 0.0, expected a number from 40 to 220 bpm.\n"
