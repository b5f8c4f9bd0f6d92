"""The control log: what was done is on the disk, whatever happens next."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from engine import control_log
from engine.clock import Transport
from engine.command import SetParam, SetPrompt, SetStyle
from engine.control_log import LogWriter, Opened, heard_path
from engine.errors import AudioFileError, InputError, OptionError
from engine.heard_file import HeardReader, HeardWriter
from engine.operation import (
    Asked,
    Ended,
    Felt,
    Heard,
    Marked,
    Missed,
    Moved,
    Operation,
    Rewound,
    Shed,
)
from engine.options import SamplingOptions
from engine.performer import Performer
from engine.song import BarGrid, Loop, Signature, SongTempo, TempoChange
from tests.engine.performing import BAR, guitar, request, style, style_of
from tests.fakes import CHANNELS, FRAME, RATE

ROOT = Path(__file__).parents[2]
SONG = Transport(
    rate=44_100,
    tempo=SongTempo(97.3, (TempoChange(4.0, 128.0, 8.0),)),
    sample=1234,
    quarter=-2.25,
    grid=BarGrid(Signature(6, 8), 1.5),
    playing=False,
    loop=Loop(0.0, 8.0),
)
OPERATIONS = [
    Asked(frame=0, ask=request(SetPrompt(index=1, text="réggae, 75 bpm")), style=style_of(1)),
    Asked(frame=2, ask=request(style(5), BAR, glide_seconds=0.1), since=1),
    Moved(frame=2, transport=SONG, is_hosted=False),
    Rewound(frame=9, to=5),
    Shed(frame=5, level=2),
    Missed(frame=6, frames=3),
    Felt(frame=6, style=style_of(2)),
    Marked(frame=7, text="the good part"),
    Ended(frame=40),
]


@pytest.fixture
def opened(toy_bundle) -> Opened:
    return Opened.of(toy_bundle, 7, SamplingOptions(temperature=0.9, guidance=3.0))


def write(path: Path, opened: Opened, operations=OPERATIONS) -> Path:
    with LogWriter(path, opened) as log:
        for operation in operations:
            log.write(operation)
    return path


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


# --- to and fro -----------------------------------------------------------------------------------


def test_what_is_written_is_read_back(tmp_path, opened):
    take = control_log.read(write(tmp_path / "take.jsonl", opened))
    assert take.opened == opened
    assert [o.to_json() for o in take.operations] == [o.to_json() for o in OPERATIONS]
    np.testing.assert_array_equal(take.operations[0].style, style_of(1))
    assert take.operations[2].transport == SONG
    assert take.remarks == ()
    assert take.heard() is None
    assert take.where(2) == f"{tmp_path / 'take.jsonl'}:4"


def test_a_line_says_what_and_when(tmp_path, opened):
    """For a reader with a text editor."""
    first, _, _, _, shed, *_ = lines_of(write(tmp_path / "take.jsonl", opened, OPERATIONS[1:]))
    assert json.loads(first)["op"] == "open"
    assert json.loads(first)["bundle"] == opened.bundle
    assert shed == '{"op":"shed","frame":5,"level":2}'


def test_what_was_heard_lies_beside_the_log(tmp_path, opened):
    path = tmp_path / "take.jsonl"
    sound = [guitar(frame) for frame in range(3)]
    sound[1][0, 5] = np.nan
    with LogWriter(path, opened) as log:
        for frame, block in enumerate(sound):
            log.hear(frame, block)
    take = control_log.read(path)
    assert [(o.frame, o.sample) for o in take.operations] == [(0, 0), (1, FRAME), (2, 2 * FRAME)]
    found = take.heard().read(FRAME, FRAME)
    assert found[0, 5] == 0.0  # as the ear takes it
    found[0, 5] = sound[1][0, 5] = 0.5
    np.testing.assert_array_equal(found, sound[1])
    read, rate = soundfile.read(heard_path(path), dtype="float32", always_2d=True)
    assert (rate, read.shape) == (RATE, (3 * FRAME, CHANNELS))


def test_a_log_is_never_written_over(tmp_path, opened):
    """A take is worth more than a name."""
    path = write(tmp_path / "take.jsonl", opened)
    before = path.read_bytes()
    with pytest.raises(OptionError, match="it is there already"):
        LogWriter(path, opened)
    assert path.read_bytes() == before
    with pytest.raises(OptionError, match="cannot be written"):
        LogWriter(tmp_path / "nowhere" / "take.jsonl", opened)


def test_an_operation_that_is_carried_out_is_the_call_that_it_records(toy_bundle):
    """All that it says reaches the performer."""
    performer = Performer(toy_bundle)
    for _ in range(15):
        performer.make()

    def carry_out(operation: Operation) -> None:
        operation.carry_out(performer, lambda sample: guitar(sample // FRAME))

    carry_out(Asked(frame=15, ask=request(style(1), BAR, name="bar"), since=51))
    assert performer._now.queue[0].since == 51 * FRAME
    words = request(SetPrompt(index=2, text="choir"), BAR)
    carry_out(Asked(frame=15, ask=words, style=style_of(2)))
    assert performer._now.queue[1].since == 15 * FRAME
    np.testing.assert_array_equal(performer._now.queue[1].style, style_of(2))
    for is_hosted in (True, False):
        carry_out(Moved(frame=15, transport=SONG, is_hosted=is_hosted))
        assert (performer.transport, performer._now.is_hosted) == (SONG, is_hosted)
    carry_out(Heard(frame=15, sample=0))
    carry_out(Missed(frame=15, frames=3))
    assert performer.heard_frame == 4
    carry_out(Rewound(frame=15, to=12))
    carry_out(Shed(frame=12, level=2))
    assert (performer.frame, performer.shed_level) == (12, 2)
    before = performer._now
    carry_out(Marked(frame=12, text="nothing happens"))
    carry_out(Ended(frame=12))
    assert performer._now is before


# --- cut off --------------------------------------------------------------------------------------


def test_a_log_that_was_cut_off_anywhere_is_read_up_to_there(tmp_path, opened):
    """At every byte of its last two lines: whole lines are kept, a torn one is named."""
    whole = write(tmp_path / "whole.jsonl", opened).read_bytes()
    lines = whole.splitlines(keepends=True)
    kept = len(lines) - 3  # operations before the last two lines
    start = len(whole) - len(lines[-1]) - len(lines[-2])
    for end in range(start, len(whole)):
        path = tmp_path / "cut.jsonl"
        path.write_bytes(whole[:end])
        take = control_log.read(path)
        ends_at = {start: kept, start + len(lines[-2]): kept + 1}
        if end in ends_at:
            assert (len(take.operations), take.remarks) == (ends_at[end], ())
        elif end in (start + len(lines[-2]) - 1, len(whole) - 1):
            assert take.remarks == ()  # only the line's end is missing
        else:
            assert len(take.operations) == kept + (end > start + len(lines[-2]))
            assert "cut off" in take.remarks[0]


def test_a_writer_that_is_killed_leaves_all_it_was_told(tmp_path, opened, toy_bundle_path):
    """No close, no flush, no mercy."""
    program = textwrap.dedent(
        f"""
        import os, signal, sys
        import numpy as np
        from pathlib import Path
        from engine.control_log import LogWriter, Opened
        from engine.operation import Shed
        opened = Opened(bundle={"0" * 64!r}, rate=24000, channels=1, backend="ort", seed=1)
        log = LogWriter(Path(sys.argv[1]), opened)
        for frame in range(40):
            log.hear(frame, np.full((1, 960), frame / 100, np.float32))
            log.write(Shed(frame=frame, level=frame % 3))
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    path = tmp_path / "take.jsonl"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], env=environment, check=False, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    take = control_log.read(path)
    assert len(take.operations) == 80
    assert take.remarks == ()
    assert take.heard().samples == 40 * 960
    assert take.heard().read(39 * 960, 960)[0, 0] == np.float32(0.39)
    assert soundfile.info(str(heard_path(path))).frames == 40 * 960


# --- refused --------------------------------------------------------------------------------------

GARBAGE = {
    "no JSON": ("{nonsense}", "not JSON"),
    "no object": ("[1, 2]", "op is"),
    "nothing": ("", "not JSON"),
    "an unknown operation": ('{"op":"sing","frame":3}', "op is 'sing', expected one of ask"),
    "no frame": ('{"op":"shed","level":1}', "no field 'frame'"),
    "a field too many": ('{"op":"shed","frame":3,"level":1,"mood":2}', "'mood'"),
    "another type": ('{"op":"shed","frame":"3","level":1}', "frame is '3'"),
    "out of range": ('{"op":"shed","frame":3,"level":9}', "level is 9"),
    "a frame below 0": ('{"op":"shed","frame":-3,"level":1}', "frame is -3"),
    "a frame beyond all": ('{"op":"end","frame":9999999999999}', "frame is 9999999999999"),
    "no number": ('{"op":"shed","frame":NaN,"level":1}', "NaN is no JSON number"),
    "an unknown command": (
        '{"op":"ask","frame":3,"ask":{"id":"a","command":{"kind":"eval"}}}',
        "kind of command is 'eval'",
    ),
    "a style that is none": (
        '{"op":"ask","frame":3,"ask":{"id":"a","command":{"kind":"panic"}},"style":"AAAA"}',
        "length of ask.style",
    ),
    "a prompt too long": (
        json.dumps(
            {
                "op": "ask",
                "frame": 3,
                "ask": {"id": "a", "command": {"kind": "prompt", "index": 1, "text": "x" * 3000}},
            }
        ),
        "2,000",
    ),
    "a transport that cannot be": (
        json.dumps({"op": "transport", "frame": 3, "transport": {"rate": 48000, "tempo": 3}}),
        "tempo",
    ),
    "a second beginning": ('{"op":"open","frame":3}', "op is 'open'"),
    "backwards": ('{"op":"shed","frame":1,"level":1}', "frame 1 is before 2"),
    "a rewind forwards": ('{"op":"rewind","frame":3,"to":4}', "goes forward"),
    "deep": ("[" * 100_000 + "]" * 100_000, "not JSON"),
    "long": ('{"op":"mark","frame":3,"text":"' + "x" * (1 << 21) + '"}', "longer than"),
}


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_line_that_no_log_has_is_refused_with_its_place(tmp_path, opened, garbage):
    line, match = GARBAGE[garbage]
    path = tmp_path / "take.jsonl"
    good = lines_of(write(tmp_path / "good.jsonl", opened, OPERATIONS[:2]))
    path.write_text("\n".join([*good, line, '{"op":"end","frame":40}', ""]))
    with pytest.raises(InputError, match=match) as refused:
        control_log.read(path)
    assert str(refused.value).startswith(f"{path}:4: ")


def test_nothing_comes_behind_the_end(tmp_path, opened):
    path = write(tmp_path / "take.jsonl", opened, [Ended(frame=3), Shed(frame=4, level=0)])
    with pytest.raises(InputError, match=":3: frame 4 comes behind the end"):
        control_log.read(path)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"format": 9}, "format of the log is 9, expected 1"),
        ({"rate": 10}, "audio of the log"),
        ({"channels": 7}, "audio of the log"),
        ({"seed": -1}, "seed is -1"),
        ({"sampling": {"temperature": 99}}, "temperature is 99"),
        ({"mood": 1}, "mood"),
        ({"op": "close"}, "expected a line with op 'open'"),
    ],
)
def test_a_beginning_that_is_none_is_refused(tmp_path, opened, change, match):
    path = write(tmp_path / "take.jsonl", opened)
    first, *rest = lines_of(path)
    path.write_text("\n".join([json.dumps(json.loads(first) | change), *rest, ""]))
    with pytest.raises(InputError, match=match) as refused:
        control_log.read(path)
    assert str(refused.value).startswith(f"{path}:1: ")


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"\xff\xfe\n", b'"open"\n', b"7"])
def test_a_file_that_is_no_log_is_refused(tmp_path, content):
    path = tmp_path / "take.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"take\.jsonl"):
        control_log.read(path)


def test_a_log_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.jsonl cannot be read"):
        control_log.read(tmp_path / "none.jsonl")


@given(data=st.binary(max_size=300))
def test_whatever_a_file_holds_is_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "take.jsonl"
    path.write_bytes(data)
    with pytest.raises(InputError):
        control_log.read(path)


@given(data=st.dictionaries(st.text(max_size=5), st.integers() | st.text() | st.none()))
def test_whatever_an_object_holds_is_an_operation_or_refused(data):
    with pytest.raises(OptionError):
        Operation.from_json({"op": "shed", **data, "extra": 1})


# --- the file of what was heard -------------------------------------------------------------------


def test_a_heard_file_of_another_format_is_refused(tmp_path):
    path = tmp_path / "take.input.wav"
    for rate, channels, subtype in ((48_000, 1, "FLOAT"), (RATE, 2, "FLOAT"), (RATE, 1, "PCM_16")):
        soundfile.write(path, np.zeros((100, channels)), rate, subtype)
        with pytest.raises(AudioFileError, match="is not a WAV file of 24000 Hz"):
            HeardReader(path, RATE, 1)
    for content in (b"", b"RIFF"):
        path.write_bytes(content)
        with pytest.raises(AudioFileError, match="is not a WAV file"):
            HeardReader(path, RATE, 1)
    with pytest.raises(AudioFileError, match="cannot be read"):
        HeardReader(tmp_path / "none.wav", RATE, 1)


def test_a_heard_file_that_ends_too_early_says_so(tmp_path):
    path = tmp_path / "take.input.wav"
    writer = HeardWriter(path, RATE, 1)
    writer.write(np.ones((1, 100), np.float32))
    writer.close()
    reader = HeardReader(path, RATE, 1)
    assert reader.read(40, 60).shape == (1, 60)
    with pytest.raises(AudioFileError, match="has 100 samples, expected 101 or more"):
        reader.read(41, 60)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_heard_file_is_a_wav_file_like_any_other(tmp_path, channels):
    path = tmp_path / "take.input.wav"
    sound = np.random.default_rng(1).standard_normal((channels, 777)).astype(np.float32)
    writer = HeardWriter(path, RATE, channels)
    for piece in (sound[:, :100], sound[:, 100:100], sound[:, 100:]):
        writer.write(piece)
    writer.close()
    read, rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert rate == RATE
    np.testing.assert_array_equal(read.T, sound)
    np.testing.assert_array_equal(HeardReader(path, RATE, channels).read(0, 777), sound)


def test_operations_of_every_kind_are_tried_here():
    """A new kind must join `OPERATIONS`, so that it goes to the disk and back."""
    kinds = {type(operation) for operation in OPERATIONS} | {Heard}
    assert kinds == set(Operation.__subclasses__())
    assert {type(o.ask.command) for o in OPERATIONS if isinstance(o, Asked)} >= {
        SetPrompt,
        SetStyle,
    }
    assert SetParam.kind == "param"
