"""OSC: knobs and pads set, ask, subscribe, schedule; each refusal comes back on /error."""

import pytest
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge import osc_packet
from bridge.limits import MAX_OSC_SOURCES, MAX_OSC_SUBSCRIPTIONS
from bridge.osc import OscFront
from bridge.osc_slots import fit
from bridge.osc_table import rows
from bridge.status_words import NESTED, STATUS
from engine import PARAMETERS, Command
from tests.bridge.house import House
from tests.bridge.test_osc_packet import nested

PADS = ("127.0.0.1", 9000)
DESK = ("127.0.0.1", 9001)
REPLIES = ("127.0.0.1", 7461)
WALL = 1_800_000_000.0  # time of day


class Stage:
    """A house with an OSC front, and what it sent."""

    def __init__(self, *sessions: str) -> None:
        self.house = House()
        self.heard: list[tuple[tuple[str, int], str, tuple]] = []
        self.front = OscFront(
            self.house.service.sessions, self._send, control_port=7450, osc_port=7460
        )
        self.house.service.listeners.append(self.front.hear)
        self.welcomes = {
            name: self.house.hello(name.encode(), session=name) for name in sessions or ("lead",)
        }

    def _send(self, datagram: bytes, place: tuple[str, int]) -> bool:
        (message,) = osc_packet.read(datagram)
        self.heard.append((place, message.address, message.arguments))
        return True

    def send(self, address: str, *arguments: object, sender=PADS) -> list[tuple]:
        """Send a message; what came back, and where."""
        builder = OscMessageBuilder(address)
        for argument in arguments:
            builder.add_arg(argument)
        return self.raw(builder.build().dgram, sender)

    def raw(self, datagram: bytes, sender=PADS) -> list[tuple]:
        self.front.take(datagram, sender, self.house.now, WALL + self.house.now)
        return self.turn()

    def turn(self, seconds: float = 0.0) -> list[tuple]:
        self.house.wait(seconds)
        self.front.turn(self.house.now)
        heard, self.heard = self.heard, []
        return heard

    def asked(self, session: str = "lead") -> list:
        return self.house.players[session].asked


@pytest.fixture
def stage() -> Stage:
    return Stage()


def error(heard: list[tuple]) -> tuple[str, str]:
    ((place, address, arguments),) = heard
    assert (place, address) == (REPLIES, "/error"), heard
    return arguments


# --- setting and asking ---------------------------------------------------------------------------


def test_a_prompt_is_set_and_asked_for(stage):
    assert stage.send("/prompt/1/text", "warm tape choir") == []
    assert stage.asked()[0].command.text == "warm tape choir"
    assert stage.send("/prompt/1/text") == [(REPLIES, "/prompt/1/text", ("warm tape choir",))]


def test_every_parameter_has_its_address_and_default(stage):
    for row in PARAMETERS.values():
        ((_, address, (value,)),) = stage.send(row.address)
        assert (address, value) == (row.address, row.default)


def test_every_row_makes_a_command_that_the_engine_takes(stage):
    given = {
        "text": "C", "families": "bass", "root": "D", "quality": "min7", "mode": "answer",
    }  # fmt: skip
    book = stage.house.service.sessions.find("lead").changes.book
    for row in rows():
        values = [given.get(slot.name, (*slot.choices, slot.high)[0]) for slot in row.slots]
        values = [True if value is None else value for value in values]
        command = Command.from_json(row.make(fit(row, tuple(values)), book))
        assert command.kind in row.address or row.address in ("/mnote", "/note/on", "/note/off")


def test_numbers_come_as_any_number_and_switches_as_one_or_zero(stage):
    for address, sent, meant in (
        ("/param/tempo", 97, 97.0),
        ("/param/call_bars", 3.0, 3),
        ("/param/drums", 0.0, False),
        ("/param/drums", 1, True),
        ("/param/key", 1, "C# major"),
        ("/param/key", "D minor", "D minor"),
        ("/param/tempo", None, None),
        ("/param/key", "", None),
    ):
        stage.send(address, sent)
        assert stage.asked()[-1].command.value == meant


def test_a_button_acts_when_it_is_pressed_and_not_when_it_is_released(stage):
    stage.send("/prompt/3/pick", 1.0)
    stage.send("/prompt/3/pick", 0.0)
    stage.send("/panic")
    assert [ask.command.kind for ask in stage.asked()] == ["pick", "panic"]


def test_notes_chords_families_modes_and_freeze(stage):
    stage.send("/mnote", 60.0, 100.0)
    stage.send("/mnote", 60.0, 0.0)
    stage.send("/notes", 48, 52, 55)
    stage.send("/chord", "D", "min7")
    stage.send("/families/asked", "bass", "piano")
    stage.send("/families/refused", "voice")
    stage.send("/families/asked", None)
    stage.send("/mode", "answer", 2, 4)
    stage.send("/freeze", 2)
    assert [ask.command.to_json() for ask in stage.asked()] == [
        {"kind": "note_on", "pitch": 60},
        {"kind": "note_off", "pitch": 60},
        {"kind": "notes", "pitches": [48, 52, 55]},
        {"kind": "chord", "root": "D", "quality": "min7"},
        {"kind": "families", "asked": ["bass", "piano"], "refused": []},
        {"kind": "families", "asked": ["bass", "piano"], "refused": ["voice"]},
        {"kind": "families", "asked": [], "refused": ["voice"]},
        {"kind": "mode", "mode": "answer", "call_bars": 2, "response_bars": 4},
        {"kind": "freeze", "bars": 2},
    ]
    assert stage.send("/chord")[0][2] == ("D", "min7")
    assert stage.send("/families/refused")[0][2] == ("voice",)


def test_a_star_stands_for_any_one_step(stage):
    heard = stage.send("/prompt/*/weight")
    assert [address for _, address, _ in heard] == [f"/prompt/{n}/weight" for n in range(1, 9)]
    stage.send("/prompt/*/weight", 0.5)
    assert len(stage.asked()) == 8


def test_the_status_is_one_message_for_each_fact(stage):
    stage.house.players["lead"].song = {"tempo_bpm": 97.3, "key": None}
    heard = {address: arguments for _, address, arguments in stage.send("/status")}
    assert set(heard) == {f"/status/{name}" for name in STATUS if name not in NESTED}
    assert heard["/status/tempo_bpm"] == (97.3,)
    assert stage.send("/status/tempo_bpm")[0][2] == (97.3,)


def test_the_song_can_be_stopped_and_started(stage):
    stage.send("/transport/playing", 0)
    stage.send("/transport/playing", 1.0)
    assert [said.playing for said in stage.house.players["lead"].said] == [False, True]


# --- when -----------------------------------------------------------------------------------------


def test_an_address_says_when(stage):
    for when, expected in (
        ("bar", {"kind": "bar", "frame": None, "bars": None}),
        ("beat", {"kind": "beat", "frame": None, "bars": None}),
        ("phrase/8", {"kind": "phrase", "frame": None, "bars": 8}),
        ("frame/1000", {"kind": "frame", "frame": 1000, "bars": None}),
    ):
        stage.send(f"/at/{when}/prompt/2/pick")
        assert stage.asked()[-1].when.to_json() == expected


def at(seconds: float) -> bytes:
    """A bundle that is dated, from the beginning of the test's day."""
    bundle = OscBundleBuilder(WALL + seconds)
    for index in (1, 2):
        message = OscMessageBuilder(f"/prompt/{index}/weight")
        message.add_arg(0.5)
        bundle.add_content(message.build())
    return bundle.build().dgram


def test_a_dated_bundle_takes_effect_on_the_frame_that_sounds_then(stage):
    """A player that has heard 2 s hears in 1 s what lies in frame 75."""
    welcome = stage.welcomes["lead"]
    stage.house.credit(welcome.model_copy(update={"sample": 96_000}), 96_000)
    stage.raw(at(1.0))
    assert {(ask.when.kind, ask.when.frame) for ask in stage.asked()} == {("frame", 75)}
    assert len(stage.asked()) == 2


def test_a_bundle_from_the_past_takes_effect_at_once(stage):
    stage.raw(at(-3.0))
    assert {ask.when.kind for ask in stage.asked()} == {"now"}


def test_a_bundle_from_far_away_is_refused_as_after_a_jump_of_the_clock(stage):
    heard = stage.raw(at(86_400.0))
    assert [address for _, address, _ in heard] == ["/error", "/error"]
    assert "86,400 s ahead, expected 600" in heard[0][2][1]
    assert stage.asked() == []


# --- sessions -------------------------------------------------------------------------------------


def test_each_session_has_its_addresses_and_one_is_in_focus():
    stage = Stage("lead", "bass")
    stage.send("/session/bass/prompt/1/text", "dub")
    stage.send("/prompt/1/text", "house")
    assert [ask.command.text for ask in stage.asked("bass")] == ["dub"]
    assert [ask.command.text for ask in stage.asked("lead")] == ["house"]
    asked = stage.send("/session/bass/prompt/1/text")
    assert asked == [(REPLIES, "/session/bass/prompt/1/text", ("dub",))]
    assert stage.send("/antiphon/focus", "bass")[0][2] == ("bass",)
    stage.send("/at/bar/prompt/1/text", "choir")
    assert stage.asked("bass")[-1].command.text == "choir"
    assert stage.send("/antiphon/sessions")[0][2] == ("lead", "bass")


def test_without_a_session_or_with_a_wrong_name_the_answer_says_which_there_are(stage):
    address, text = error(stage.send("/session/drums/panic"))
    assert (address, text) == (
        "/session/drums/panic", "there is no session 'drums'; there are: lead."
    )  # fmt: skip
    stage.house.service.reception.end(stage.house.service.sessions.find("lead"), "test")
    assert "none: a player opens one" in error(stage.send("/panic"))[1]


# --- subscriptions --------------------------------------------------------------------------------


def test_who_subscribes_is_told_at_once_and_after_each_change_by_anyone(stage):
    assert stage.send("/subscribe", "/prompt/2/text") == [(REPLIES, "/prompt/2/text", ("",))]
    assert stage.turn(1.0) == []
    stage.send("/prompt/2/text", "dub", sender=DESK)
    assert stage.turn(0.1) == [(REPLIES, "/prompt/2/text", ("dub",))]


def test_a_subscription_ends_unless_it_is_renewed(stage):
    stage.send("/subscribe", "/prompt/2/weight", 10.0)
    stage.turn(9.0)
    stage.send("/subscribe", "/prompt/2/weight", 10.0)
    stage.turn(9.0)
    stage.send("/prompt/2/weight", 0.25)
    assert stage.turn(0.1) == [(REPLIES, "/prompt/2/weight", (0.25,))]
    stage.turn(10.0)
    stage.send("/prompt/2/weight", 0.5)
    assert stage.turn(0.1) == []


def test_many_addresses_with_one_pattern_and_none_after_unsubscribing(stage):
    assert len(stage.send("/subscribe", "/param/*")) == len(PARAMETERS)
    stage.send("/unsubscribe", "/param/*")
    stage.send("/param/tempo", 99.0)
    assert stage.turn(0.1) == []


def test_one_can_be_told_when_a_change_took_effect(stage):
    assert stage.send("/at/bar/prompt/1/text", "house") == []
    stage.send("/subscribe", "/done", 10.0)
    (done,) = stage.send("/at/bar/prompt/1/text", "dub")
    assert done == (REPLIES, "/done", ("/at/bar/prompt/1/text", 2, 0, 0))
    stage.turn(11.0)
    assert stage.send("/at/bar/prompt/1/text", "house") == []


def test_subscriptions_are_bounded(stage):
    for number in range(MAX_OSC_SUBSCRIPTIONS):
        stage.send("/subscribe", f"/session/s{number}/panic")
    assert len(stage.front._listeners._listeners) <= MAX_OSC_SOURCES
    for port in range(9000, 9200):
        stage.send("/subscribe", "/prompt/1/text", sender=("127.0.0.1", port))
        stage.send("/antiphon/reply", 0, sender=("127.0.0.1", port))
        stage.send("/subscribe", "/prompt/1/text", sender=("127.0.0.1", port))
    assert len(stage.front._listeners._listeners) == MAX_OSC_SOURCES
    assert len(stage.front._listeners._ports) == MAX_OSC_SOURCES


# --- admin ----------------------------------------------------------------------------------------


def test_ping_is_answered_with_version_and_ports(stage):
    ((place, address, arguments),) = stage.send("/antiphon/ping")
    assert (place, address, arguments[1:]) == (REPLIES, "/antiphon/pong", (7450, 7460, 7461))


def test_replies_go_where_the_sender_wants_them_but_never_to_the_engine_itself(stage):
    assert stage.send("/antiphon/reply", 9123)[0][0] == ("127.0.0.1", 9123)
    assert stage.send("/antiphon/ping")[0][0] == ("127.0.0.1", 9123)
    assert stage.send("/antiphon/reply", 0)[0][0] == PADS
    assert stage.send("/antiphon/ping", sender=DESK)[0][0] == REPLIES
    ((_, _, (_, text)),) = stage.send("/antiphon/reply", 7460)
    assert "expected another than the engine's" in text
    ((_, _, (_, text)),) = stage.send("/subscribe", "/panic", 10.0, 7460)
    assert "expected another than the engine's" in text


def test_the_schema_tells_type_unit_range_and_default_of_each_address(stage):
    *lines, (_, end, (told,)) = stage.send("/antiphon/schema")
    assert (end, told) == ("/antiphon/schema/end", len(lines))
    tempo = next(line for _, _, line in lines if line[0] == "/param/tempo")
    assert tempo[:8] == ("/param/tempo", "value", "number", "bpm", 40.0, 220.0, None, "")
    key = next(line for _, _, line in lines if line[0] == "/param/key")
    assert key[7].startswith("C major | C# major")
    assert {line[0] for _, _, line in lines} >= {row.address for row in rows()}
    (one, _) = stage.send("/antiphon/schema", "/param/tempo")
    assert one[2] == tempo


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "arguments", "said"),
    [
        ("/sing", (), "this address is unknown"),
        ("/prompt/9/text", ("x",), "this address is unknown"),
        ("/prompt/1/text", (3,), "text is 3, expected text"),
        ("/prompt/1/text", ("a", "b"), "it has 2 arguments, expected 1"),
        ("/prompt/1/weight", (3.0,), "weight is 3.0, expected a number from -2 to 2"),
        ("/prompt/1/weight", (float("nan"),), "weight is nan"),
        ("/prompt/1/weight", ("much",), "weight is 'much'"),
        ("/param/tempo", (float("inf"),), "value is inf"),
        ("/param/tempo", (1000.0,), "expected a number from 40 to 220 bpm"),
        ("/param/key", ("H major",), "value is 'H major', expected one of C major"),
        ("/param/key", (99,), "value is 99"),
        ("/param/drums", ("yes",), "expected true or false"),
        ("/chord", ("H",), "chord root is 'H'"),
        ("/mode", ("sing",), "mode is 'sing'"),
        ("/notes", (200,), "pitches is 200"),
        ("/freeze", (), "it has 0 arguments, expected 1"),
        ("/at/soon/panic", (), "a time is one of"),
        ("/at/phrase/99/prompt/1/pick", (), "bars of a phrase is 99"),
        ("/at/frame/9999999999999999999/panic", (), "a time is one of"),
        ("/status/mood", (), "nothing at /status/mood"),
        ("/subscribe", (), "argument 1 is None, expected text"),
        ("/subscribe", ("/param/tempo", 1e9), "a subscription of 1e+09 s"),
        ("/subscribe", ("/panic",), "nothing at /panic can be asked for"),
        ("/antiphon/reply", (), "expected a port"),
        ("/antiphon/reply", (99_999,), "the port for replies is 99999"),
        ("/antiphon/reply", (float("nan"),), "expected a port"),
        ("/antiphon/reply", (float("inf"),), "expected a port"),
        ("/antiphon/reply", (9000.5,), "expected a port"),
        ("/subscribe", ("/param/tempo", float("nan")), "a subscription of nan s"),
        ("/antiphon/focus", ("nobody",), "there is no session 'nobody'"),
        ("/prompt/1/text", ("x" * 3000,), "expected at most 2,000"),
    ],
)
def test_each_refusal_comes_back_with_its_address_and_reason(stage, address, arguments, said):
    asked, text = error(stage.send(address, *arguments))
    assert asked == address
    assert said in text
    assert stage.front.counters["osc_refused"] == 1


def test_what_the_engine_refuses_comes_back_too(stage):
    stage.house.players["lead"].refuses = "too many requests wait already"
    assert error(stage.send("/panic", 1)) == ("/panic", "too many requests wait already")


def test_datagrams_that_are_no_osc_are_answered_and_counted(stage):
    for datagram in (b"", b"RIFF", nested(9), b"\xff" * 100):
        assert error(stage.raw(datagram))[0] == ""
    assert stage.front.counters["osc_refused"] == stage.front.counters["osc_received"] == 4


def test_the_counts_of_osc_add_up(stage):
    """Every refusal is counted once: of a datagram, of a message, and of the engine, later."""
    stage.raw(b"RIFF")
    stage.send("/prompt/1/text", "house")
    stage.send("/prompt/9/text", "house")
    stage.house.players["lead"].refuses = "too many requests wait already"
    stage.raw(at(-3.0))  # a bundle of two, for a player that takes none
    assert {name: count for name, count in stage.front.counters.items() if "osc" in name} == {
        "osc_received": 4,
        "osc_unreadable": 1,
        "osc_messages": 4,
        "osc_taken": 3,
        "osc_refused_later": 2,
        "osc_refused": 4,
    }
