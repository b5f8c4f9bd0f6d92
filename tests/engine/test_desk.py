"""The desk: what a performer asked for is what holds at a frame."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.clock import Position
from engine.command import (
    SLOTS,
    Command,
    Freeze,
    NoteOff,
    NoteOn,
    Panic,
    Pick,
    SetChord,
    SetFamilies,
    SetMode,
    SetNotes,
    SetParam,
    SetPrompt,
    SetStyle,
    SetWeight,
)
from engine.desk import Desk
from engine.errors import OptionError, ShapeError
from engine.options import SamplingOptions
from engine.row import Controls, encode_row
from engine.spec import KEYS, NO_KEY, NOTE_FREE, NOTE_OFF, NOTE_ONSET, NOTE_SUSTAIN, PITCHES
from tests.engine.drawn_commands import COMMANDS, a_style

CHOIR, HOUSE, REGGAE = a_style(1), a_style(2), a_style(3)
HERE = Position(quarter=10.0, beat=10.0, beats_per_bar=4, tempo_bpm=120.0)


def obey(desk: Desk, command: Command, frame: int = 0, glide: int = 0) -> Desk:
    """Apply a command, with a style of its own for a prompt that has words."""
    words = isinstance(command, SetPrompt) and command.parsed and command.parsed.text
    return desk.apply(command, frame, glide, a_style(len(words)) if words else None)


def with_two_prompts() -> Desk:
    """A choir sounds in slot 1, house waits in slot 2."""
    desk = Desk().apply(SetPrompt(index=1, text="warm tape choir"), 0, 0, CHOIR)
    return desk.apply(SetPrompt(index=2, text="acid house"), 0, 0, HOUSE)


def same(a: Controls, b: Controls) -> bool:
    """Tell whether two frames are asked for the same, bit for bit."""
    return encode_row(a).tobytes() == encode_row(b).tobytes()


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


# --- the mix ------------------------------------------------------------------------------------


def test_a_new_desk_asks_for_nothing():
    assert same(Desk().controls(0), Controls())


def test_the_first_prompt_is_there_at_once_whatever_the_glide():
    """There is nothing to glide from."""
    desk = Desk().apply(SetPrompt(index=1, text="warm tape choir"), 7, 100, CHOIR)
    np.testing.assert_array_equal(desk.controls(7).style, unit(CHOIR).astype(np.float32))


def test_a_prompt_typed_into_a_silent_slot_changes_nothing_audible():
    before = with_two_prompts()
    after = obey(before, SetPrompt(index=3, text="reggae in D minor, 75 bpm, no drums"), 10, 50)
    assert all(
        same(before.controls(frame, HERE), after.controls(frame, HERE)) for frame in range(10, 80)
    )
    assert before.in_force(20) == after.in_force(20)


def test_a_pick_crossfades_in_the_glide_and_arrives():
    desk = with_two_prompts().apply(Pick(index=2), 100, 50)
    for frame in range(100, 150):
        share = (frame - 100) / 50
        expected = unit((1 - share) * CHOIR + share * HOUSE)
        np.testing.assert_allclose(desk.controls(frame).style, expected, atol=1e-6)
    for frame in (150, 1000):
        np.testing.assert_allclose(desk.controls(frame).style, HOUSE, atol=1e-6)


def test_a_knob_that_moves_does_not_cut_short_a_crossfade():
    desk = with_two_prompts().apply(SetStyle(index=3, style=REGGAE, said="clip"), 0)
    desk = desk.apply(Pick(index=2), 100, 100).apply(SetWeight(index=3, weight=0.25), 150, 0)
    np.testing.assert_allclose(
        desk.controls(150).style, unit(0.5 * CHOIR + 0.5 * HOUSE + 0.25 * REGGAE), atol=1e-6
    )
    np.testing.assert_allclose(desk.controls(200).style, unit(HOUSE + 0.25 * REGGAE), atol=1e-6)


@settings(deadline=None)
@given(st.lists(st.floats(-2, 2), min_size=SLOTS, max_size=SLOTS))
def test_eight_slots_mix_by_their_weights_negative_ones_too(weights):
    desk = Desk()
    for n, weight in enumerate(weights, 1):
        desk = desk.apply(SetStyle(index=n, style=a_style(n), said=""), 0)
        desk = desk.apply(SetWeight(index=n, weight=weight), 0)
    total = sum(weight * a_style(n).astype(np.float64) for n, weight in enumerate(weights, 1))
    if np.linalg.norm(total) > 0.01:
        np.testing.assert_allclose(desk.controls(0).style, unit(total), atol=1e-3)


def test_a_knob_of_the_slot_itself_does_not_cut_short_its_new_prompt():
    desk = with_two_prompts().apply(SetWeight(index=2, weight=1.0), 0)
    desk = desk.apply(SetPrompt(index=1, text="dub"), 10, 20, REGGAE)
    desk = desk.apply(SetWeight(index=1, weight=0.5), 20)
    halfway = unit(CHOIR + REGGAE)
    np.testing.assert_allclose(desk.controls(20).style, unit(0.5 * halfway + HOUSE), atol=1e-6)
    np.testing.assert_allclose(desk.controls(30).style, unit(0.5 * REGGAE + HOUSE), atol=1e-6)


def test_a_new_prompt_does_not_cut_short_its_fader():
    desk = with_two_prompts().apply(SetWeight(index=2, weight=1.0), 10, 20)
    desk = desk.apply(SetPrompt(index=2, text="dub"), 20, 0, REGGAE)
    np.testing.assert_allclose(desk.controls(20).style, unit(CHOIR + 0.5 * REGGAE), atol=1e-6)


def test_asking_again_for_the_same_at_once_ends_a_long_glide():
    desk = with_two_prompts().apply(Pick(index=2), 0, 500)
    np.testing.assert_allclose(desk.apply(Pick(index=2), 9).controls(9).style, HOUSE, atol=1e-6)
    desk = with_two_prompts().apply(SetPrompt(index=1, text="dub"), 0, 500, REGGAE)
    desk = desk.apply(SetPrompt(index=1, text="dub"), 9, 0, REGGAE)
    np.testing.assert_allclose(desk.controls(9).style, REGGAE, atol=1e-6)


def test_a_prompt_in_a_slot_that_sounds_glides_from_the_old_one():
    desk = with_two_prompts().apply(SetPrompt(index=1, text="dub"), 10, 20, REGGAE)
    np.testing.assert_allclose(desk.controls(10).style, CHOIR, atol=1e-6)
    np.testing.assert_allclose(desk.controls(20).style, unit(CHOIR + REGGAE), atol=1e-6)
    np.testing.assert_allclose(desk.controls(30).style, REGGAE, atol=1e-6)


def test_a_change_of_mind_in_a_glide_goes_on_from_where_it_was():
    desk = with_two_prompts().apply(Pick(index=2), 0, 40)
    turned = desk.apply(Pick(index=1), 20, 40)
    np.testing.assert_allclose(turned.controls(20).style, desk.controls(20).style, atol=1e-6)
    np.testing.assert_allclose(turned.controls(60).style, CHOIR, atol=1e-6)


COME_TO_NOTHING = {
    "the slot that sounds is emptied": [SetPrompt(index=1, text=" ")],
    "all faders are down": [SetWeight(index=1, weight=0.0)],
    "an empty pad is picked": [Pick(index=7)],
    "a prompt of numbers only takes its place": [SetPrompt(index=1, text="no drums")],
    "weights cancel": [
        SetStyle(index=3, style=CHOIR, said="the same"),
        SetWeight(index=3, weight=-1.0),
    ],
}


@pytest.mark.parametrize("commands", COME_TO_NOTHING.values(), ids=COME_TO_NOTHING)
@pytest.mark.parametrize("glide", [0, 30])
def test_the_music_goes_on_when_a_mix_comes_to_nothing(commands, glide):
    desk = with_two_prompts()
    for command in commands:
        desk = desk.apply(command, 5, glide)
    for frame in (5, 20, 35, 500):
        np.testing.assert_allclose(desk.controls(frame).style, CHOIR, atol=1e-6)
    assert desk.in_force(50).prompts[0].said == "warm tape choir"


@pytest.mark.parametrize("commands", COME_TO_NOTHING.values(), ids=COME_TO_NOTHING)
def test_what_was_held_crossfades_to_the_next_prompt(commands):
    desk = with_two_prompts()
    for command in commands:
        desk = desk.apply(command, 5)
    desk = desk.apply(Pick(index=2), 100, 50)
    np.testing.assert_allclose(desk.controls(100).style, CHOIR, atol=1e-6)
    assert desk.controls(125).style @ CHOIR > 0.5
    assert desk.controls(125).style @ HOUSE > 0.5
    np.testing.assert_allclose(desk.controls(150).style, HOUSE, atol=1e-6)


def test_every_slot_is_heard_again_once_a_mix_comes_to_something():
    """What changed while nothing came of it is caught up with."""
    desk = with_two_prompts().apply(SetWeight(index=2, weight=-1.0), 0)
    held = desk.apply(SetStyle(index=2, style=CHOIR, said="the same"), 10)
    np.testing.assert_array_equal(held.controls(10).style, desk.controls(10).style)
    desk = held.apply(SetStyle(index=3, style=REGGAE, said="clip"), 20)
    desk = desk.apply(SetWeight(index=3, weight=0.5), 20)
    np.testing.assert_allclose(desk.controls(20).style, REGGAE, atol=1e-6)


def test_a_silent_slot_that_was_filled_anew_sounds_of_nothing_else_when_picked():
    desk = with_two_prompts().apply(SetPrompt(index=2, text="dub"), 10, 100, REGGAE)
    np.testing.assert_allclose(desk.apply(Pick(index=2), 20).controls(20).style, REGGAE, atol=1e-6)


def test_one_of_two_prompts_that_is_emptied_fades_out():
    desk = with_two_prompts().apply(SetWeight(index=2, weight=1.0), 0)
    desk = desk.apply(SetPrompt(index=1, text=""), 10, 20)
    np.testing.assert_allclose(desk.controls(20).style, unit(0.5 * CHOIR + HOUSE), atol=1e-6)
    np.testing.assert_allclose(desk.controls(30).style, HOUSE, atol=1e-6)


def test_a_glide_through_nothing_takes_the_side_it_goes_to():
    desk = with_two_prompts().apply(SetWeight(index=1, weight=-1.0), 0, 20)
    np.testing.assert_allclose(desk.controls(9).style, CHOIR, atol=1e-6)
    np.testing.assert_allclose(desk.controls(10).style, -CHOIR, atol=1e-6)
    opposite = with_two_prompts().apply(SetStyle(index=1, style=-CHOIR, said=""), 0, 20)
    np.testing.assert_allclose(opposite.controls(9).style, CHOIR, atol=1e-6)
    np.testing.assert_allclose(opposite.controls(10).style, -CHOIR, atol=1e-6)


# --- what a prompt says, and what a hand says -----------------------------------------------------


def test_what_the_prompt_of_largest_weight_says_holds():
    desk = obey(Desk(), SetPrompt(index=1, text="house in D minor, 124 bpm, no drums, piano"))
    desk = obey(desk, SetPrompt(index=2, text="waltz for strings in F major, 90 bpm, without bass"))
    first = desk.controls(0)
    assert (KEYS[first.key], first.tempo_bpm, first.drums) == ("D minor", 124.0, False)
    assert "piano" in first.families
    second = desk.apply(SetWeight(index=2, weight=1.5), 5).controls(5)
    assert (KEYS[second.key], second.tempo_bpm, second.drums) == ("F major", 90.0, None)
    assert "strings" in second.families
    assert "bass" in second.without


def test_a_prompt_says_nothing_at_a_negative_weight_and_the_lower_slot_speaks_in_a_tie():
    desk = obey(Desk(), SetPrompt(index=1, text="choir in D minor"))
    desk = obey(desk, SetPrompt(index=2, text="house in F major"))
    assert obey(desk, SetWeight(index=2, weight=1.0)).key == "D minor"
    assert obey(desk, SetWeight(index=2, weight=-2.0)).key == "D minor"
    assert obey(desk, SetWeight(index=2, weight=1.01)).key == "F major"


def test_what_a_prompt_said_holds_until_another_speaks():
    desk = obey(Desk(), SetPrompt(index=1, text="choir in D minor, 75 bpm"))
    emptied = obey(desk, SetPrompt(index=1, text=""))
    assert (emptied.key, emptied.tempo_bpm(0)) == ("D minor", 75.0)
    again = obey(emptied, SetPrompt(index=1, text="reggae"))
    assert (again.key, again.tempo_bpm(0)) == (None, None)


def test_a_key_changes_on_the_line_though_the_colour_still_glides():
    desk = obey(with_two_prompts(), SetPrompt(index=3, text="piano in G major"))
    picked = desk.apply(Pick(index=3), 50, 100)
    assert desk.controls(50).key == NO_KEY
    assert KEYS[picked.controls(50).key] == "G major"
    np.testing.assert_allclose(picked.controls(50).style, CHOIR, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("tempo", 99.0, lambda controls: controls.tempo_bpm),
        ("key", "A major", lambda controls: KEYS[controls.key]),
        ("drums", True, lambda controls: controls.drums),
    ],
)
def test_what_is_set_by_hand_outweighs_every_prompt_until_it_is_let_go(name, value, read):
    desk = obey(Desk(), SetPrompt(index=1, text="house in D minor, 124 bpm, no drums"))
    said = read(desk.controls(0))
    desk = desk.apply(SetParam(name=name, value=value), 1)
    desk = obey(desk, SetPrompt(index=1, text="house in D minor, 124 bpm, no drums, piano"), 2)
    assert read(desk.controls(2)) == value != said
    assert read(desk.apply(SetParam(name=name, value=None), 3).controls(3)) == said


def test_instruments_set_by_hand_outweigh_the_prompt_until_both_lists_are_empty():
    desk = obey(Desk(), SetPrompt(index=1, text="piano trio without brass"))
    by_hand = desk.apply(SetFamilies(asked=("strings",), refused=("bass",)), 1).controls(1)
    assert (by_hand.families, by_hand.without) == (("strings",), ("bass",))
    let_go = desk.apply(SetFamilies(asked=("strings",)), 1).apply(SetFamilies(), 2).controls(2)
    assert (let_go.families, let_go.without) == (("piano",), ("brass",))


# --- tempo and numbers ----------------------------------------------------------------------------


def test_a_tempo_glides_evenly_in_octaves():
    desk = Desk().apply(SetParam(name="tempo", value=60), 0)
    desk = desk.apply(SetParam(name="tempo", value=120.0), 100, 50)
    assert [desk.tempo_bpm(frame) for frame in (100, 150, 900)] == [60.0, 120.0, 120.0]
    assert desk.tempo_bpm(125) == pytest.approx(60 * 2**0.5)
    assert desk.tempo is not None
    assert (desk.tempo.frame, desk.tempo.frames, desk.tempo.end) == (100, 50, 120.0)


def test_a_pick_glides_to_its_prompts_tempo_and_a_knob_leaves_that_glide_alone():
    desk = obey(Desk(), SetPrompt(index=1, text="choir, 60 bpm"))
    desk = obey(desk, SetPrompt(index=2, text="house, 120 bpm")).apply(Pick(index=2), 0, 50)
    desk = desk.apply(SetWeight(index=1, weight=0.1), 10)
    assert desk.tempo_bpm(25) == pytest.approx(60 * 2**0.5)


def test_the_host_gives_tempo_and_beat_where_there_is_one():
    desk = Desk().apply(SetParam(name="tempo", value=60), 0)
    controls = desk.controls(0, HERE)
    assert (controls.tempo_bpm, controls.beat, controls.beats_per_bar) == (120.0, 10.0, 4)
    alone = desk.controls(0)
    assert (alone.tempo_bpm, alone.beat) == (60, None)


@pytest.mark.parametrize("bpm", [20.0, 300.0])
def test_a_tempo_that_the_models_never_heard_is_not_said(bpm):
    controls = Desk().controls(0, HERE._replace(tempo_bpm=bpm))
    assert (controls.tempo_bpm, controls.beat) == (None, 10.0)


def test_a_number_glides_in_a_straight_line():
    desk = Desk().apply(SetParam(name="density", value=0.2), 0, 50)
    assert desk.controls(0).density == 0.2  # from "not given" there is no way
    desk = desk.apply(SetParam(name="density", value=1), 100, 40)
    assert [desk.controls(f).density for f in (100, 120, 140)] == pytest.approx([0.2, 0.6, 1.0])
    turned = desk.apply(SetParam(name="density", value=0.0), 120, 40)
    assert [turned.controls(f).density for f in (120, 140, 160)] == pytest.approx([0.6, 0.3, 0.0])
    assert desk.apply(SetParam(name="density", value=None), 120, 40).controls(120).density is None


def test_seed_and_sampling_go_back_to_what_the_music_was_opened_with():
    desk = Desk().opened(seed=5, sampling=SamplingOptions(temperature=0.8, guidance=2.0))
    assert (desk.seed, desk.sampling(0)) == (5, SamplingOptions(temperature=0.8, guidance=2.0))
    turned = desk.apply(SetParam(name="temperature", value=1.2), 0, 10)
    turned = turned.apply(SetParam(name="seed", value=9), 0)
    assert turned.sampling(5).temperature == pytest.approx(1.0)
    assert turned.seed == 9
    back = turned.apply(SetParam(name="temperature", value=None), 20)
    assert back.apply(SetParam(name="seed", value=None), 20).seed == 5
    assert back.sampling(20) == desk.sampling(0)


def test_a_level_never_steps_and_its_bottom_is_silence():
    desk = Desk().apply(SetParam(name="level", value=-20.0), 10)
    assert (desk.gain(10), desk.gain(11)) == (1.0, pytest.approx(0.1))
    silent = desk.apply(SetParam(name="level", value=-60.0), 20)
    assert (silent.gain(20), silent.gain(21)) == (pytest.approx(0.1), 0.0)


def test_a_change_that_does_not_say_glides_as_the_parameter_says():
    assert [Desk().glide_frames(seconds) for seconds in (None, 0.0, 2.0)] == [0, 0, 50]
    desk = Desk().apply(SetParam(name="glide", value=4.0), 0, 100)
    assert [desk.glide_frames(seconds) for seconds in (None, 0.0, 2.0)] == [100, 0, 50]


# --- notes and chords -----------------------------------------------------------------------------


def states(desk: Desk, frame: int, *pitches: int) -> list[int]:
    """The note states of some pitches at a frame, and of all others, which are alike."""
    notes = desk.controls(frame).notes
    assert notes is not None
    others = {int(notes[pitch]) for pitch in range(PITCHES) if pitch not in pitches}
    assert len(others) == 1
    return [*(int(notes[pitch]) for pitch in pitches), others.pop()]


def test_a_held_note_begins_on_one_frame_and_goes_on():
    desk = Desk().apply(NoteOn(pitch=60), 10)
    assert states(desk, 10, 60) == [NOTE_ONSET, NOTE_FREE]
    assert states(desk, 11, 60) == states(desk, 500, 60) == [NOTE_SUSTAIN, NOTE_FREE]
    assert desk.apply(NoteOff(pitch=60), 20).controls(20).notes is None


def test_a_note_that_ends_on_its_first_frame_still_sounds_for_it():
    desk = Desk().apply(NoteOn(pitch=60), 10).apply(NoteOff(pitch=60), 10)
    assert states(desk, 10, 60) == [NOTE_ONSET, NOTE_FREE]
    assert desk.controls(11).notes is None


def test_a_note_struck_again_begins_again():
    desk = Desk().apply(NoteOn(pitch=60), 10).apply(NoteOff(pitch=60), 20)
    assert states(desk.apply(NoteOn(pitch=60), 20), 20, 60) == [NOTE_ONSET, NOTE_FREE]
    held = Desk().apply(NoteOn(pitch=60), 10).apply(NoteOn(pitch=60), 20)
    assert states(held, 20, 60) == [NOTE_ONSET, NOTE_FREE]
    assert held.apply(NoteOff(pitch=60), 30).controls(30).notes is None


def test_a_set_of_notes_goes_on_ends_and_begins():
    desk = Desk().apply(SetNotes(pitches=(60, 64)), 10).apply(SetNotes(pitches=(64, 67)), 20)
    assert states(desk, 20, 60, 64, 67) == [NOTE_FREE, NOTE_SUSTAIN, NOTE_ONSET, NOTE_FREE]
    assert desk.apply(SetNotes(pitches=()), 30).controls(30).notes is None


def test_only_held_notes_sound_where_that_is_asked_for():
    desk = Desk().apply(SetParam(name="notes_only", value=True), 0)
    assert states(desk, 0) == [NOTE_OFF]
    desk = desk.apply(NoteOn(pitch=60), 5)
    assert states(desk, 6, 60) == [NOTE_SUSTAIN, NOTE_OFF]
    assert states(desk.apply(NoteOff(pitch=60), 9), 9) == [NOTE_OFF]


def test_a_chord_holds_until_another():
    desk = Desk().apply(SetChord(root="A#", quality="min7"), 0)
    assert (desk.controls(9).chord_root, desk.controls(9).chord_quality) == (10, 4)
    assert desk.apply(SetChord(root=None), 9).controls(9).chord_root == -1


# --- modes, freeze, panic -------------------------------------------------------------------------


def test_a_mode_keeps_its_bars_unless_it_says_others():
    desk = Desk().apply(SetMode(mode="answer", call_bars=2), 0)
    assert (desk.mode, desk.call_bars, desk.response_bars) == ("answer", 2, 4)
    desk = desk.apply(SetParam(name="response_bars", value=8), 0).apply(SetMode(mode="answer"), 1)
    assert (desk.mode, desk.call_bars, desk.response_bars) == ("answer", 2, 8)


def test_panic_ends_notes_and_freeze_but_forgets_no_prompt():
    desk = with_two_prompts().apply(NoteOn(pitch=60), 0).apply(Freeze(bars=2), 0)
    assert (desk.freeze_bars, desk.is_silenced) == (2, False)
    panicked = desk.apply(Panic(), 5, 100)
    assert (panicked.freeze_bars, panicked.is_silenced) == (0, True)
    assert panicked.controls(5).notes is None
    assert panicked.in_force(5).prompts == desk.in_force(5).prompts


@pytest.mark.parametrize(
    ("command", "is_silenced"),
    [
        (Pick(index=1), False),
        (SetMode(mode="play"), False),
        (SetPrompt(index=3, text=""), True),
        (SetWeight(index=1, weight=0.5), True),
        (SetParam(name="density", value=1), True),
        (NoteOn(pitch=60), True),
        (Freeze(bars=0), True),
    ],
)
def test_only_a_pick_or_a_mode_makes_music_again_after_a_panic(command, is_silenced):
    """A knob that happens to move, or a sequencer that plays on, must not."""
    assert with_two_prompts().apply(Panic(), 0).apply(command, 5).is_silenced is is_silenced


# --- the whole ------------------------------------------------------------------------------------


def test_a_status_line_shows_what_sounds_the_loudest_first():
    desk = with_two_prompts().apply(Pick(index=2), 0, 100)
    desk = obey(desk, SetParam(name="key", value="D minor"))
    shown = desk.in_force(75, HERE)
    assert [(p.index, p.said, p.weight) for p in shown.prompts] == [
        (2, "acid house", 0.75),
        (1, "warm tape choir", 0.25),
    ]
    assert (shown.key, shown.tempo_bpm, shown.seed, shown.mode) == ("D minor", 120.0, 0, "play")


def test_a_status_line_shows_a_prompt_of_numbers_only():
    desk = obey(Desk(), SetPrompt(index=1, text="75 bpm, no drums"))
    assert [p.said for p in desk.in_force(0).prompts] == ["75 bpm, no drums"]
    assert desk.in_force(0).tempo_bpm == 75.0


@pytest.mark.parametrize(
    ("command", "style", "error", "message"),
    [
        (
            SetPrompt(index=1, text="a choir"),
            None,
            OptionError,
            "'prompt' came with no style, expected one",
        ),
        (
            SetPrompt(index=1, text=""),
            CHOIR,
            OptionError,
            "'prompt' came with a style, expected none",
        ),
        (
            SetPrompt(index=1, text="no drums"),
            CHOIR,
            OptionError,
            "came with a style, expected none",
        ),
        (Pick(index=1), CHOIR, OptionError, "'pick' came with a style, expected none"),
        (SetPrompt(index=1, text="a choir"), CHOIR[:3], ShapeError, "style has shape"),
        (SetPrompt(index=1, text="a choir"), 2 * CHOIR, OptionError, "norm of a style is 2"),
    ],
)
def test_a_prompt_with_words_comes_with_its_style_and_nothing_else_does(
    command, style, error, message
):
    with pytest.raises(error, match=message):
        Desk().apply(command, 0, 0, style)


STEPS = st.lists(
    st.tuples(COMMANDS, st.integers(0, 20), st.sampled_from([0, 0, 1, 7, 60])), max_size=12
)


def perform(steps: list[tuple[Command, int, int]]) -> tuple[Desk, int]:
    """Apply commands, each so many frames after the one before; the desk and its last frame."""
    desk, frame = Desk(), 0
    for command, later, glide in steps:
        frame += later
        desk = obey(desk, command, frame, glide)
    return desk, frame


@settings(deadline=None)
@given(STEPS, COMMANDS, st.integers(0, 30))
def test_a_frame_that_is_made_again_is_asked_for_the_same(steps, command, later):
    """Whatever was asked, in whatever order frames are looked at, and however often."""
    desk, start = perform(steps)
    frames = range(start, start + 80, 7)
    before = [encode_row(desk.controls(frame, HERE)).tobytes() for frame in frames]
    obey(desk, command, start + later, 10).controls(start + later)  # went another way, came back
    again, _ = perform(steps)
    for frame, row in reversed(list(zip(frames, before, strict=True))):
        assert encode_row(desk.controls(frame, HERE)).tobytes() == row
        assert encode_row(again.controls(frame, HERE)).tobytes() == row


@settings(deadline=None)
@given(STEPS)
def test_a_desk_survives_json_in_mid_glide(steps):
    desk, start = perform(steps)
    said = json.loads(json.dumps(desk.to_json()))
    back = Desk.from_json(said)
    assert back.to_json() == said
    for frame in range(start, start + 80, 13):
        assert same(back.controls(frame, HERE), desk.controls(frame, HERE))
        assert back.in_force(frame) == desk.in_force(frame)
        assert (back.sampling(frame), back.gain(frame)) == (desk.sampling(frame), desk.gain(frame))
    after = obey(back, Pick(index=3), start, 40), obey(desk, Pick(index=3), start, 40)
    assert same(after[0].controls(start + 9), after[1].controls(start + 9))


@settings(deadline=None)
@given(STEPS)
def test_whatever_is_asked_the_row_can_be_laid_out(steps):
    desk, start = perform(steps)
    for frame in range(start, start + 80, 11):
        controls = desk.controls(frame)
        assert np.isfinite(encode_row(controls)).all()
        if controls.style is not None:
            assert np.linalg.norm(controls.style) == pytest.approx(1, abs=1e-4)
            assert not controls.style.flags.writeable
        assert 0 <= desk.gain(frame) < 4
        desk.sampling(frame)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": "dance"}, "desk.mode is 'dance', expected one of play"),
        ({"pads": {"slots": []}}, "prompt slots is 0, expected 8"),
        ({"chord": {"kind": "panic"}}, "desk.chord is 'Panic', expected SetChord"),
        ({"knobs": {"by_hand": {"warp": 1}}}, "parameter is 'warp'"),
        ({"knobs": {"glides": {"tempo": {"start": 1.0, "end": 60.0}}}}, "tempo is 1.0"),
        ({"knobs": {"opened_seed": -1}}, "seed is -1"),
        ({"held": {"notes": [{"pitch": 128, "on": 0}]}}, "pitch is 128"),
        ({"held": [60]}, r"desk.held is \[60\], expected an object"),
        ({"ghost": 1}, "a field of desk is 'ghost'"),
    ],
)
def test_a_saved_desk_that_none_wrote_is_refused(change, message):
    with pytest.raises(OptionError, match=message):
        Desk.from_json(Desk().to_json() | change)


def test_a_desk_cannot_be_written_to():
    desk = Desk()
    with pytest.raises(AttributeError):
        desk.mode = "listen"  # type: ignore[misc]
    assert replace(desk, mode="listen").mode == "listen"
