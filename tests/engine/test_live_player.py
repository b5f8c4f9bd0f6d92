"""Lines, keys and the player: what is typed becomes what is asked."""

from pathlib import Path

import pytest

from engine.ask import When
from engine.command import (
    Freeze,
    Panic,
    Pick,
    Prime,
    SetHeard,
    SetMode,
    SetParam,
    SetPrompt,
    SetWeight,
)
from engine.errors import AntiphonError, InputError
from engine.live.keys import KEYS, Typist, command_rows, key_rows
from engine.live.lines import VERBS, Line, read
from engine.live.player import _DOES
from tests.engine.live_fakes import Hands


@pytest.fixture
def hands() -> Hands:
    return Hands()


# --- lines --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("pick 3", Line("pick", "3")),
        ("3", Line("pick", "3")),
        ("bar 3", Line("pick", "3", "bar")),
        ("3 warm tape choir", Line("prompt", "3 warm tape choir")),
        ("/warm tape choir", Line("prompt", "/warm tape choir")),
        ("beat / warm", Line("prompt", "/ warm", "beat")),
        ("tempo 124", Line("set", "tempo 124")),
        ("bar", Line("", when="bar")),
        ("  freeze   2 ", Line("freeze", "2")),
    ],
)
def test_a_line_is_read(typed, meant):
    assert read(typed) == meant


@pytest.mark.parametrize("typed", ["", "warm tape choir", "tempo124", "x" * 4001])
def test_a_line_that_means_nothing_is_refused_with_what_would(typed):
    with pytest.raises(InputError, match="expected"):
        read(typed)


def test_every_verb_is_done_by_somebody():
    assert set(_DOES) == set(VERBS)


def test_every_key_is_short_for_a_line_that_can_be_done(hands):
    for key in KEYS:
        hands.player.do(key.line)
    assert hands.player.has_quit


# --- keys ---------------------------------------------------------------------------------------


def test_a_key_acts_at_once():
    assert Typist().feed("3t f") == ["pick 3", "tap", "play", "freeze"]


def test_letters_of_a_prompt_stay_in_the_prompt():
    """A space in a prompt must not stop the music, nor a q end it."""
    typist = Typist()
    assert typist.feed("/quiet jazz, 3 guitars") == []
    assert typist.typed == "/quiet jazz, 3 guitars"
    assert typist.feed("\r") == ["/quiet jazz, 3 guitars"]
    assert typist.typed is None


def test_a_prompt_can_be_mended_and_given_up():
    typist = Typist()
    typist.feed("/warmm\x7f tape")
    assert typist.typed == "/warm tape"
    typist.feed("\x15choir")
    assert typist.typed == "/choir"
    typist.feed("\x1b")
    typist.end()
    assert typist.typed is None
    assert typist.feed("q") == ["quit"]


def test_enter_begins_a_prompt_and_an_empty_one_asks_for_nothing():
    typist = Typist()
    assert typist.feed("\n") == []
    assert typist.typed == "/"
    assert typist.feed("\n") == []
    assert typist.typed is None


def test_arrow_and_function_keys_do_nothing():
    """An arrow sends an escape, a bracket and a letter; the bracket alone is a key of ours."""
    typist = Typist()
    assert typist.feed("\x1b[A\x1b[15~\x1bOP") == []
    assert typist.feed("[") == ["temperature -0.1"]


def test_an_arrow_that_comes_in_two_pieces_is_still_an_arrow():
    typist = Typist()
    assert typist.feed("\x1b") + typist.feed("[B") == []
    assert typist.feed("k") == ["keep"]


def test_a_command_is_typed_after_a_colon():
    assert Typist().feed(":key D minor\r") == ["key D minor"]


def test_the_help_names_every_key_and_every_command():
    shown = " ".join(name for name, _ in key_rows())
    assert all(key.name in shown for key in KEYS[8:])
    assert "1 to 8" in shown
    assert [usage.split()[0] for usage, _ in command_rows()] == list(VERBS)


def test_no_two_keys_are_the_same():
    assert len({key.sent for key in KEYS}) == len(KEYS)


# --- what is asked ------------------------------------------------------------------------------


def test_a_slot_is_picked_now_or_on_the_bar(hands):
    hands.do("1 warm choir", "2 dry drums", "2", "bar", "1")
    prompts, picks = hands.inbox.asks[:2], hands.inbox.asks[2:]
    assert [ask.command for ask in prompts] == [
        SetPrompt(index=1, text="warm choir"),
        SetPrompt(index=2, text="dry drums"),
    ]
    assert [ask.command for ask in picks] == [Pick(index=2), Pick(index=1)]
    assert [ask.when for ask in picks] == [When(), When(kind="bar")]


def test_on_the_bar_holds_for_one_command_only(hands):
    hands.do("1 warm choir", "bar", "1", "1")
    assert [ask.when.kind for ask in hands.inbox.asks] == ["now", "bar", "now"]


def test_every_ask_has_a_name_of_its_own(hands):
    hands.do("1 a", "2 b", "1", "2")
    assert len({ask.id for ask in hands.inbox.asks}) == 4


def test_a_prompt_goes_to_the_slot_that_plays(hands):
    hands.do("3 brass band", "3", "/ brass band with timpani")
    assert hands.inbox.commands[-1] == SetPrompt(index=3, text="brass band with timpani")


def test_a_prompt_may_begin_with_a_number(hands):
    """Only without the / is the number that of a slot."""
    hands.do("/4 cellos", "/ 90 bpm dub", "2 4 cellos", "prompt 3 dub")
    assert hands.inbox.commands == [
        SetPrompt(index=1, text="4 cellos"),
        SetPrompt(index=1, text="90 bpm dub"),
        SetPrompt(index=2, text="4 cellos"),
        SetPrompt(index=3, text="dub"),
    ]


def test_an_empty_slot_says_that_it_is_empty(hands):
    assert "empty" in hands.do("5")
    assert hands.do("5 harp", "5") == ""


def test_temperature_goes_by_steps_and_stops_at_its_ends(hands):
    hands.do(*["temperature +0.1"] * 3)
    assert hands.inbox.commands[-1] == SetParam(name="temperature", value=1.3)
    hands.do(*["temperature +0.1"] * 20)
    assert hands.inbox.commands[-1] == SetParam(name="temperature", value=2.0)


def test_guidance_steps_from_what_the_bundle_has(hands):
    hands.do("guidance +0.5")
    assert hands.inbox.commands == [SetParam(name="guidance", value=2.5)]


def test_a_step_from_nothing_says_what_to_do(hands):
    with pytest.raises(InputError, match="like: tempo 130"):
        hands.do("tempo +5")


def test_a_step_goes_on_from_where_a_knob_left_it(hands):
    hands.player.notice(SetParam(name="temperature", value=0.4))
    hands.do("temperature +0.1")
    assert hands.inbox.commands == [SetParam(name="temperature", value=0.5)]


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("key Dm", "D minor"),
        ("key -", None),
        ("drums off", False),
        ("seed 12", 12),
        ("tempo 97.5", 97.5),
        ("level -6", -6.0),
    ],
)
def test_a_parameter_is_set_as_it_is_typed(hands, typed, value):
    hands.do(typed)
    assert hands.inbox.commands == [SetParam(name=typed.split()[0], value=value)]


@pytest.mark.parametrize(
    "typed",
    [
        "tempo fast",
        "tempo 900",
        "drums maybe",
        "seed 1.5",
        "key H",
        "set loudness 3",
        "set tempo",
        "pick 9",
        "weight 1",
        "weight 1 3",
        "mode sing",
        "freeze 99",
        "keep 0",
        "keep 65",
        "learn dance",
        "seed -1",
    ],
)
def test_what_cannot_be_is_refused_in_words_and_nothing_is_asked(hands, typed):
    with pytest.raises(AntiphonError, match="expected"):
        hands.do(typed)
    assert hands.inbox.asks == []
    assert (hands.player.mode, hands.player.keeps) == ("play", [])


def test_two_taps_make_a_tempo(hands):
    hands.do("tap")
    hands.second = 0.5
    assert "120" in hands.do("tap")
    assert hands.inbox.commands == [SetParam(name="tempo", value=120.0)]


def test_where_others_keep_time_a_tap_proposes(hands):
    proposed: list[float] = []
    hands.player._propose_tempo = proposed.append
    hands.do("tap")
    hands.second = 0.75
    hands.do("tap")
    assert proposed == [80.0]
    assert hands.inbox.asks == []


def test_space_stops_and_goes_on(hands):
    hands.do("play")
    assert not hands.host.is_playing
    hands.do("play")
    assert hands.host.is_playing


def test_freeze_goes_on_when_pressed_again(hands):
    hands.do("freeze", "freeze", "freeze 2", "freeze")
    assert hands.inbox.commands == [Freeze(bars=bars) for bars in (1, 0, 2, 0)]


def test_after_a_panic_nothing_is_frozen(hands):
    hands.do("freeze", "panic", "freeze")
    assert hands.inbox.commands == [Freeze(bars=1), Panic(), Freeze(bars=1)]


def test_a_panic_never_waits_for_a_bar(hands):
    hands.do("bar panic")
    assert hands.inbox.asks[-1].when == When()


def test_the_mode_key_goes_round(hands):
    hands.do("mode", "mode", "mode", "mode")
    modes = [command.mode for command in hands.inbox.commands]
    assert modes == ["listen", "continue", "answer", "play"]


def test_without_an_input_a_mode_that_listens_says_so():
    hands = Hands(has_input=False)
    assert "--input" in hands.do("mode listen")
    assert "--input" not in hands.do("mode play")


def test_a_mode_is_named_and_a_weight_is_set(hands):
    hands.do("mode answer", "weight 2 -0.5")
    assert hands.inbox.commands == [SetMode(mode="answer"), SetWeight(index=2, weight=-0.5)]


def test_keeping_takes_the_bars_that_are_named(hands):
    hands.do("keep", "keep 8")
    assert hands.player.keeps == [4, 8]


# --- what is heard, and takes -------------------------------------------------------------------


def test_what_is_heard_goes_into_a_slot_or_into_the_one_that_plays(hands):
    assert hands.do("heard 3") == "slot 3: what is heard"
    hands.do("pick 2", "bar heard")
    assert hands.inbox.commands == [SetHeard(index=3), Pick(index=2), SetHeard(index=2)]
    assert hands.inbox.asks[-1].when == When(kind="bar")
    with pytest.raises(InputError, match="1 to 8"):
        hands.do("heard 9")


def test_a_take_is_understood_and_continued(hands):
    hands.do("freeze", "mode listen")
    assert hands.do("bar prime my takes/one.wav") == "going on from one.wav, 122 bpm"
    assert hands.files == [Path("my takes/one.wav")]
    assert isinstance(hands.inbox.commands[-1], Prime)
    assert hands.inbox.asks[-1].when == When(kind="bar")
    assert hands.player.mode == "continue"
    hands.do("freeze")
    assert hands.inbox.commands[-1] == Freeze(bars=1)
    with pytest.raises(InputError, match=r"prime my take\.wav"):
        hands.do("prime")
