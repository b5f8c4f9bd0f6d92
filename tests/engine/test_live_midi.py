"""MIDI: keys become notes, programs pick slots, knobs do what they learned."""

import stat

import pytest

from engine.command import NoteOff, NoteOn, Panic, Pick, SetNotes, SetParam, SetWeight
from engine.errors import InputError
from engine.live import midi_map
from engine.live.midi_input import Heard, MidiInput
from engine.live.midi_map import Control, MidiMap

mido = pytest.importorskip("mido")


def hear(midi: MidiInput, kind: str, second: float = 0.0, **fields) -> Heard:
    return midi.hear(mido.Message(kind, **fields), second)


# --- notes --------------------------------------------------------------------------------------


def test_a_key_is_a_note():
    midi = MidiInput()
    assert hear(midi, "note_on", note=60, velocity=80).commands == (NoteOn(pitch=60),)
    assert hear(midi, "note_off", note=60).commands == (NoteOff(pitch=60),)


def test_a_note_without_velocity_is_its_end():
    midi = MidiInput()
    hear(midi, "note_on", note=60, velocity=80)
    assert hear(midi, "note_on", note=60, velocity=0).commands == (NoteOff(pitch=60),)


def test_a_note_that_never_began_does_not_end():
    assert hear(MidiInput(), "note_off", note=60).commands == ()


def test_the_pedal_holds_what_was_let_go():
    midi = MidiInput()
    hear(midi, "control_change", control=64, value=127)
    hear(midi, "note_on", note=60, velocity=80)
    hear(midi, "note_on", note=64, velocity=80)
    assert hear(midi, "note_off", note=60).commands == ()
    assert hear(midi, "control_change", control=64, value=0).commands == (NoteOff(pitch=60),)
    assert hear(midi, "note_off", note=64).commands == (NoteOff(pitch=64),)


def test_a_key_struck_again_under_the_pedal_is_held_by_the_finger():
    midi = MidiInput()
    hear(midi, "control_change", control=64, value=127)
    for velocity in (80, 0, 80):
        hear(midi, "note_on", note=60, velocity=velocity)
    assert hear(midi, "control_change", control=64, value=0).commands == ()


def test_panic_buttons_silence():
    midi = MidiInput()
    hear(midi, "note_on", note=60, velocity=80)
    assert hear(midi, "control_change", control=123).commands == (SetNotes(pitches=()),)
    assert hear(midi, "note_off", note=60).commands == ()
    assert hear(midi, "control_change", control=120).commands == (Panic(),)


def test_another_channel_is_not_heard():
    midi = MidiInput(channel=2)
    assert hear(midi, "note_on", channel=0, note=60, velocity=80) == Heard()
    assert hear(midi, "note_on", channel=1, note=60, velocity=80).commands


# --- programs -----------------------------------------------------------------------------------


def test_a_program_picks_a_slot():
    heard = hear(MidiInput(program_when="bar"), "program_change", program=2)
    assert (heard.commands, heard.when) == ((Pick(index=3),), "bar")


def test_a_program_without_a_slot_is_told():
    heard = hear(MidiInput(), "program_change", program=8)
    assert heard.commands == ()
    assert "1 to 8" in heard.remark


# --- knobs --------------------------------------------------------------------------------------


def test_a_knob_learns_what_it_does():
    midi = MidiInput()
    midi.learning = "temperature"
    heard = hear(midi, "control_change", control=74, value=10)
    assert heard.commands == ()  # it does not jump while it learns
    assert heard.learned == MidiMap(control=[Control(number=74, does="temperature", channel=1)])
    turned = hear(midi, "control_change", control=74, value=127)
    assert turned.commands == (SetParam(name="temperature", value=2.0),)
    assert midi.learning is None


def test_a_pedal_presses_once_each_time_it_goes_down():
    midi = MidiInput(MidiMap(control=[Control(number=80, does="bar pick 2")]))
    pressed = [
        hear(midi, "control_change", control=80, value=v).lines for v in (127, 120, 0, 90, 30)
    ]
    assert pressed == [("bar pick 2",), (), (), ("bar pick 2",), ()]


def test_the_press_that_teaches_a_pedal_does_not_count():
    midi = MidiInput()
    midi.learning = "freeze"
    hear(midi, "control_change", control=80, value=127)
    values = (100, 0, 127)
    assert [hear(midi, "control_change", control=80, value=v).lines for v in values] == [
        (),
        (),
        ("freeze",),
    ]


@pytest.mark.parametrize(
    ("row", "value", "command"),
    [
        (Control(number=1, does="density"), 127, SetParam(name="density", value=1.0)),
        (Control(number=1, does="tempo", low=90, high=120), 0, SetParam(name="tempo", value=90.0)),
        (Control(number=1, does="drums"), 63, SetParam(name="drums", value=False)),
        (Control(number=1, does="drums"), 64, SetParam(name="drums", value=True)),
        (Control(number=1, does="call_bars"), 127, SetParam(name="call_bars", value=64)),
        (Control(number=1, does="key"), 0, SetParam(name="key", value="C major")),
        (Control(number=1, does="key"), 127, SetParam(name="key", value="B minor")),
        (Control(number=1, does="weight 3"), 127, SetWeight(index=3, weight=1.0)),
        (Control(number=1, does="weight 3", low=-2, high=2), 0, SetWeight(index=3, weight=-2.0)),
        (Control(number=1, does="density", low=1, high=0), 127, SetParam(name="density", value=0)),
    ],
)
def test_a_controls_way_is_a_parameters_range(row, value, command):
    midi = MidiInput(MidiMap(control=[row]))
    heard = hear(midi, "control_change", control=1, value=value)
    assert heard.commands == (command,)


def test_every_place_of_every_knob_is_a_value_that_is_allowed():
    for name in midi_map.PARAMETERS:
        for value in range(128):
            assert Control(number=1, does=name).command(value) is not None


def test_a_knob_of_another_channel_does_nothing():
    midi = MidiInput(MidiMap(control=[Control(number=1, does="density", channel=5)]))
    assert hear(midi, "control_change", channel=3, control=1, value=9).commands == ()
    assert hear(midi, "control_change", channel=4, control=1, value=9).commands


def test_to_learn_again_replaces_the_old_knob_and_the_old_deed():
    controls = MidiMap().learn(1, 20, "density").learn(1, 21, "brightness")
    controls = controls.learn(1, 22, "density").learn(1, 21, "temperature")
    assert [(row.number, row.does) for row in controls.control] == [
        (22, "density"),
        (21, "temperature"),
    ]


# --- clock --------------------------------------------------------------------------------------


def test_a_clock_is_followed_unless_it_is_not_wanted():
    seconds = [n * 60 / 100 / 24 for n in range(100)]
    deaf, follower = MidiInput(clock=False), MidiInput()
    assert all(hear(deaf, "clock", second).pulse is None for second in seconds)
    pulses = [hear(follower, "clock", second).pulse for second in seconds]
    assert [pulse.bpm for pulse in pulses if pulse][-1] == pytest.approx(100.0, rel=1e-3)


def test_a_song_position_arrives():
    midi = MidiInput()
    hear(midi, "songpos", pos=8)
    hear(midi, "continue")
    assert hear(midi, "clock").pulse.quarter == 2.0


@pytest.mark.parametrize("kind", ["pitchwheel", "aftertouch", "sysex", "active_sensing", "reset"])
def test_other_messages_ask_for_nothing(kind):
    assert hear(MidiInput(), kind) == Heard()


# --- the file -----------------------------------------------------------------------------------


def test_a_map_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "antiphon" / "midi.toml"
    controls = (
        MidiMap(control=[Control(number=7, does='1 "tape" choir \\ ü', channel=None)])
        .learn(1, 20, "density")
        .learn(16, 127, "bar pick 2")
    )
    ranged = Control(number=3, does="tempo", low=80, high=120.5)
    controls = MidiMap(control=[*controls.control, ranged])
    midi_map.save(path, controls)
    assert midi_map.load(path) == controls
    assert [entry.name for entry in path.parent.iterdir()] == ["midi.toml"]
    assert not path.stat().st_mode & stat.S_IXUSR


def test_a_map_that_is_not_there_is_empty(tmp_path):
    assert midi_map.load(tmp_path / "midi.toml") == MidiMap()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[[control", "not TOML"),
        ("[[knob]]\nnumber = 1", "knob"),
        ("[[control]]\nnumber = 128\ndoes = 'density'", "number"),
        ("[[control]]\nnumber = 1\ndoes = 'density'\nchannel = 0", "channel"),
        ("[[control]]\nnumber = 1\ndoes = 'dance'", "dance"),
        ("[[control]]\nnumber = 1\ndoes = 'weight 9'", "weight 9|slot '9'"),
        ("[[control]]\nnumber = 1\ndoes = 'density'\nlow = -1.0", "density"),
        ("[[control]]\nnumber = 1\ndoes = 'freeze'\nlow = 0.0", "low"),
        ("[[control]]\nnumber = '1'\ndoes = 'density'", "number"),
        ("[[control]]\nnumber = 1\ndoes = 'density'\nlow = nan", "low"),
        ("[[control]]\nnumber = 1\ndoes = 'density'\ncurve = 2.0", "curve"),
        ("\x00", "not TOML"),
    ],
)
def test_a_map_that_cannot_be_used_says_where(tmp_path, text, fault):
    path = tmp_path / "midi.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=fault) as refused:
        midi_map.load(path)
    assert str(path) in str(refused.value)


def test_the_file_is_where_the_player_says(monkeypatch, tmp_path):
    monkeypatch.setenv(midi_map.VARIABLE, str(tmp_path / "mine.toml"))
    assert midi_map.file_path() == tmp_path / "mine.toml"
    monkeypatch.delenv(midi_map.VARIABLE)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert midi_map.file_path() == tmp_path / "antiphon" / "midi.toml"
