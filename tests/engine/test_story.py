"""Stories: what is asked of every frame, and what is wrong with a file."""

from pathlib import Path

import numpy as np
import pytest

from engine.errors import OptionError, StoryError
from engine.prompt_parser import parse
from engine.spec import FRAME_RATE, KEYS, NO_KEY, STYLE_WIDTH
from engine.story import load, single
from engine.story_file import Moment, read_moment, read_span
from engine.timeline import Story

EXAMPLES = Path(__file__).parents[2] / "examples"
STYLES = list(np.eye(STYLE_WIDTH, dtype=np.float32))

BASE = """
tempo = 120
key = "A minor"
length = "16s"
[[cue]]
at = "0s"
prompt = "meditation, soft pads"
"""

FREE = 'length = 4\n[[cue]]\nat = 0\nprompt = "pads"\n'  # without a tempo


@pytest.fixture
def story(tmp_path):
    """A function from the text of a story file to the story."""

    def build(text: str) -> Story:
        path = tmp_path / "story.toml"
        path.write_text(text)
        return load(path)

    return build


def controls(story: Story, second: float):
    return story.controls(round(second * FRAME_RATE), STYLES)


def key_name(story: Story, second: float) -> str | None:
    key = controls(story, second).key
    return None if key == NO_KEY else KEYS[key]


def cue(at: str, **fields: object) -> str:
    lines = [f"{name} = {value}" for name, value in fields.items()]
    return "\n".join(["[[cue]]", f'at = "{at}"', *lines, 'prompt = "house"\n'])


# --- when -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [8.0, 8.01, 8.039, 8.04, 7.9999999])
def test_the_style_changes_within_two_frames_of_the_mark(story, mark):
    piece = story(BASE + cue(f"{mark}s"))
    styles = [int(np.argmax(piece.controls(t, STYLES).style)) for t in range(piece.frames)]
    first = styles.index(1)
    assert styles == [0] * first + [1] * (piece.frames - first)
    assert 0 <= first / FRAME_RATE - mark + 1e-6 < 1 / FRAME_RATE


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("12s", Moment(12.0, "seconds")),
        ("12.5 sec", Moment(12.5, "seconds")),
        ("3 seconds", Moment(3.0, "seconds")),
        (4, Moment(4.0, "seconds")),
        ("1:30", Moment(90.0, "seconds")),
        ("8 bars", Moment(8.0, "bars")),
        ("1 bar", Moment(1.0, "bars")),
        ("bar 9", Moment(8.0, "bars")),
        ("Bar 1", Moment(0.0, "bars")),
        ("32 beats", Moment(32.0, "beats")),
        ("beat 5", Moment(4.0, "beats")),
    ],
)
def test_a_moment_is_read(text, moment):
    assert read_moment(text) == moment


@pytest.mark.parametrize(
    "text", ["", "bar 0", "-3s", "soon", "8 miles", "1:99", True, None, -1, []]
)
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError, match="not a length of time"):
        read_moment(text)


def test_a_place_is_no_length():
    with pytest.raises(ValueError, match="not a length of time"):
        read_span("bar 9")


def test_bars_are_counted_at_the_tempo_that_was_played(story):
    """120 bpm: bar 3 at 4 s. Then 60 bpm: two bars more take 8 s."""
    piece = story(BASE + cue("bar 3", tempo=60) + cue("4 bars"))
    assert [c.second for c in piece.cues] == [0.0, 4.0, 12.0]


def test_bars_after_a_change_of_meter_are_the_new_ones(story):
    """Two bars of four at 120 bpm are 4 s; then bars of three last 1.5 s."""
    piece = story(BASE + cue("bar 3", beats_per_bar=3) + cue("bar 5"))
    assert [c.second for c in piece.cues] == [0.0, 4.0, 7.0]
    assert controls(piece, 3.0).beats_per_bar == 4
    assert controls(piece, 4.0).beats_per_bar == 3
    assert controls(piece, 4.0).beat == pytest.approx(0.0)  # a bar line
    assert controls(piece, 5.0).beat == pytest.approx(2.0)


def test_a_bar_cut_short_counts_as_one(story):
    """The meter changes at beat 6, in the middle of bar 2; the new grid begins with bar 3 there."""
    piece = story(BASE + cue("3s", beats_per_bar=3) + cue("bar 4"))
    assert piece.cues[2].second == pytest.approx(4.5)


# --- tempo ----------------------------------------------------------------------------------------


def test_tempo_holds_until_a_cue_changes_it(story):
    piece = story(BASE + cue("8s") + cue("12s", tempo=90))
    assert [controls(piece, s).tempo_bpm for s in (0, 7.96, 8, 11.96, 12, 15)] == [120] * 4 + [
        90
    ] * 2


def test_what_a_prompt_says_counts_unless_the_cue_says_hold(story):
    said = '[[cue]]\nat = "8s"\nprompt = "house at 100, in D minor"\n'
    assert controls(story(BASE + said), 9).tempo_bpm == 100
    assert key_name(story(BASE + said), 9) == "D minor"
    held = story(BASE + said + 'tempo = "hold"\nkey = "hold"\n')
    assert controls(held, 9).tempo_bpm == 120
    assert key_name(held, 9) == "A minor"


def test_a_cue_outweighs_its_prompt(story):
    piece = story(BASE + '[[cue]]\nat = "8s"\nprompt = "house at 100"\ntempo = 110\n')
    assert controls(piece, 9).tempo_bpm == 110


def test_a_tempo_glides_over_bars_without_a_jump_in_the_beat(story):
    """The glide takes its bars as they are played: eight beats, whatever the seconds."""
    piece = story(BASE + cue("4s", tempo=60, glide='"2 bars"'))
    beats = [piece.controls(t, STYLES).beat for t in range(piece.frames)]
    tempi = [piece.controls(t, STYLES).tempo_bpm for t in range(piece.frames)]
    assert tempi[99:101] == [120.0, 120.0]
    arrived = next(t for t, bpm in enumerate(tempi) if bpm == 60.0)
    assert beats[arrived] == pytest.approx(8 + 8, abs=60 / 60 / FRAME_RATE)
    for before, after, low, high in zip(beats, beats[1:], tempi[1:], tempi):
        assert low / 60 / FRAME_RATE <= after - before + 1e-9
        assert after - before <= high / 60 / FRAME_RATE + 1e-9


def test_a_cue_without_a_tempo_does_not_stop_a_glide(story):
    piece = story(BASE + cue("4s", tempo=60, glide='"8s"') + cue("6s"))
    assert controls(piece, 8).tempo_bpm == pytest.approx(120 / 2**0.5)
    assert controls(piece, 12).tempo_bpm == pytest.approx(60)


def test_without_a_tempo_the_model_decides(story):
    piece = story(FREE + cue("2s", tempo=100))
    assert (controls(piece, 1).tempo_bpm, controls(piece, 1).beat) == (None, None)
    assert (controls(piece, 2).tempo_bpm, controls(piece, 2).beat) == (100, 0.0)


# --- key, drums, style ----------------------------------------------------------------------------


def test_a_key_changes_at_the_mark_or_walks_there(story):
    assert key_name(story(BASE + cue("8s", key='"B minor"')), 8) == "B minor"
    walk = story(BASE + cue("8s", key='"B minor"', glide='"4s"'))
    assert [key_name(walk, s) for s in (7.96, 8, 9.96, 10, 11.96, 12)] == [
        "A minor", "A minor", "A minor", "E minor", "E minor", "B minor",
    ]  # fmt: skip


def test_drums_and_the_rest_are_the_cues_own(story):
    piece = story(BASE + cue("8s", drums="true", density=0.9, brightness=0) + cue("12s"))
    first, second, third = (controls(piece, s) for s in (0, 8, 12))
    assert (first.drums, first.density, first.families) == (None, None, ("pad",))
    assert (second.drums, second.density, second.brightness) == (True, 0.9, 0.0)
    assert (third.drums, third.density, third.families) == (None, None, ())


def test_a_style_glides_when_asked(story):
    piece = story(BASE + cue("8s", style_glide='"2s"'))
    halfway = controls(piece, 9).style
    assert halfway[0] == pytest.approx(halfway[1])
    assert np.linalg.norm(halfway) == pytest.approx(1.0)
    assert np.argmax(controls(piece, 8).style) == 0
    assert controls(piece, 10).style[1] == 1.0


def test_a_style_glide_that_is_interrupted_goes_on_from_where_it_was(story):
    piece = story(BASE + cue("8s", style_glide='"4s"') + cue("9s", style_glide='"4s"'))
    before, after = piece.controls(224, STYLES).style, piece.controls(225, STYLES).style
    assert np.abs(before - after).max() < 0.02


def test_a_cue_of_numbers_alone_has_no_style(story):
    piece = story(BASE + '[[cue]]\nat = "8s"\nprompt = "90 bpm, no drums"\n')
    assert piece.cues[1].prompt.text == ""
    assert piece.controls(200, [STYLES[0], None]).style is None


# --- one prompt -----------------------------------------------------------------------------------


def test_an_option_outweighs_the_prompt():
    said = parse("house, 120 bpm, A minor, drums")
    asked = single(said, 2.0, tempo_bpm=100.0, key="D minor", drums=False).controls(25, STYLES)
    assert (asked.tempo_bpm, KEYS[asked.key], asked.drums) == (100.0, "D minor", False)
    assert asked.beat == pytest.approx(100 / 60)


@pytest.mark.parametrize(
    "options",
    [
        {"seconds": 0.0},
        {"seconds": -1.0},
        {"seconds": 3601.0},
        {"seconds": float("nan")},
        {"tempo_bpm": 0.0},
        {"tempo_bpm": 900.0},
        {"key": "H major"},
        {"density": 2.0},
        {"seed": -1},
    ],
)
def test_an_option_out_of_range_is_refused(options):
    with pytest.raises(OptionError, match="expected"):
        single(parse("x"), **({"seconds": 1.0} | options))


# --- what is wrong with a file --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = = 3", "is not TOML"),
        ("", "length is missing, expected a time like '24s'"),
        ('length = "4s"', r"cue is missing, expected 1 to 1000 tables, each .* \[\[cue\]\]"),
        ('length = "4s"\ncue = 3', "cue is 3, expected 1 to 1000 tables"),
        ('length = "4s"\ncue = []', "cue is"),
        (BASE + cue("2s", tempo=900), "cue 2: tempo is 900, expected a number from 40 to 220"),
        (BASE + cue("2s", tempo='"fast"'), "cue 2: tempo is 'fast', expected .* or 'hold'"),
        (BASE + cue("2s", tempo="nan"), "cue 2: tempo is nan"),
        (BASE + cue("2s", key='"H major"'), "cue 2: key is 'H major', expected a key like"),
        (BASE + cue("2s", key="7"), "cue 2: key is 7"),
        (BASE + cue("2s", drums='"yes"'), "cue 2: drums is 'yes', expected true or false"),
        (BASE + cue("2s", density="1.5"), "cue 2: density is 1.5, expected a number from 0 to 1"),
        (BASE + cue("2s", beats_per_bar="0"), "cue 2: beats_per_bar is 0, expected a whole"),
        (BASE + cue("2s", glide='"bar 3"'), "cue 2: glide is 'bar 3', expected a length of time"),
        (BASE + cue("2s", tempoo="90"), "cue 2: tempoo is not a known field, expected one of at,"),
        ("sead = 1\n" + BASE, "sead is not a known field, expected one of length, seed"),
        ("seed = -1\n" + BASE, "seed is -1, expected a whole number from 0"),
        ("seed = true\n" + BASE, "seed is true, expected a whole number from 0"),
        (BASE + cue("soon"), "cue 2: at is 'soon', expected a time like 12"),
        (BASE + cue("0s"), "cue 2: at is 0 s, expected later than cue 1 at 0 s"),
        (BASE + cue("20s"), "length is 16 s, expected more than the last cue's 20 s"),
        (BASE.replace("16s", "3601s"), "at most 3600 s"),
        (BASE.replace('at = "0s"', 'at = "1s"'), "cue 1: at is 1 s, expected 0"),
        (BASE.replace("meditation, soft pads", ""), "cue 1: prompt is empty"),
        (BASE.replace("meditation, soft pads", "a" * 5000), "cue 1: prompt has 5,000 characters"),
        (BASE + cue("2s", glide='"2s"'), "cue 2: glide has nothing to move"),
        (FREE + cue("bar 2"), "cue 2: at is in bars, expected a tempo before it"),
        ('[[cue]]\nprompt = "pads"\n', "length is missing|cue 1: at is missing"),
        (FREE.replace('"pads"', "3"), "cue 1: prompt is 3, expected text in quotes"),
    ],
)  # fmt: skip
def test_a_fault_in_a_file_is_named(story, text, message):
    with pytest.raises(StoryError, match=message) as caught:
        story(text)
    assert "story.toml: " in str(caught.value) or "story.toml is" in str(caught.value)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"prompt = '\x00'", b"[" * 5000])
def test_a_corrupt_file_is_refused(tmp_path, data):
    (tmp_path / "story.toml").write_bytes(data)
    with pytest.raises(StoryError, match=r"expected a story file|is not TOML"):
        load(tmp_path / "story.toml")


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    for path in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(StoryError, match="cannot be read"):
            load(path)
    big = tmp_path / "big.toml"
    big.write_bytes(b"#" * (2 << 20))
    with pytest.raises(StoryError, match="larger than 1 MiB"):
        load(big)


# --- the examples ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("story_*.toml")), ids=lambda path: path.stem)
def test_an_example_plays(path):
    piece = load(path)
    for frame in range(piece.frames):
        asked = piece.controls(frame, STYLES)
        assert asked.tempo_bpm is not None
        assert asked.beat is not None
    assert not [remark for cue in piece.cues for remark in cue.prompt.remarks]


def test_the_demo_is_24_seconds_of_three_moods():
    piece = load(EXAMPLES / "story_three_moods.toml")
    assert piece.frames == 600
    assert [cue.second for cue in piece.cues] == [0.0, 8.0, 16.0]
