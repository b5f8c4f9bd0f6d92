"""The whole conversation without sockets: who may come, what is answered, what goes on."""

import re
from dataclasses import replace

import pytest

import engine
from bridge.control import (
    Ack,
    Ask,
    AskStatus,
    Bye,
    Changed,
    Farewell,
    Heartbeat,
    Hello,
    Refuse,
    Remark,
    Status,
    Subscribe,
    Transport,
)
from bridge.limits import MAX_CONTROLLERS, MAX_PEERS
from bridge.status_words import COUNTERS
from bridge.wire import Flag, Frame, Kind
from tests.bridge.house import House, Later
from tests.gates.tree import ROOT

PROMPT = {"kind": "prompt", "index": 1, "text": "warm tape choir"}


@pytest.fixture
def house() -> House:
    return House()


def refused(messages: list[object]) -> str:
    (message,) = messages
    assert isinstance(message, Refuse), message
    return message.code


# --- coming ---------------------------------------------------------------------------------------


def test_a_player_is_welcomed_with_all_it_needs(house):
    welcome = house.hello(session="lead", rate=44_100, channels=1, sample=500, seed=9)
    assert (welcome.state, welcome.session, welcome.role) == ("new", "lead", "player")
    assert (welcome.rate, welcome.channels, welcome.sample, welcome.seed) == (44_100, 1, 500, 9)
    assert (welcome.revision, welcome.change, welcome.settings) == (0, 0, [])
    assert welcome.audio == "tcp://127.0.0.1:7451"
    assert len(bytes.fromhex(welcome.key)) == 16


def test_who_names_no_session_gets_one_of_its_own(house):
    names = [house.hello(who, session=None).session for who in (b"A", b"B")]
    assert len(set(names)) == 2


def test_the_welcome_comes_when_the_session_is_open():
    """To open one takes a while, and the others play on."""
    worker = Later()
    house = House(worker)
    assert house.say(b"A", Hello(client="A", session="lead")) == []
    assert refused(house.say(b"B", Hello(client="B", session="lead"))) == "opening"
    assert house.say(b"A2", Hello(client="A", session="lead")) == []  # the same, from elsewhere
    worker.work()
    house.wait(0.0)
    assert [m.type for m in house.told(b"A2")] == ["welcome"]
    assert house.told(b"A") == []


def test_who_calls_again_while_its_session_opens_gets_it_as_first_asked():
    """Its place in the song was said of the sample of the first call."""
    worker = Later()
    house = House(worker)
    song = Transport(revision=1, sample=48_000, quarter=4.0)
    for sample in (48_000, 60_000):
        hello = Hello(client="A", session="lead", sample=sample, transport=song)
        assert house.say(b"A", hello) == []
    worker.work()
    house.wait(0.1)
    (welcome,) = house.told(b"A")
    assert (welcome.state, welcome.sample) == ("new", 48_000)
    assert (house.wanted["lead"].song.sample, house.wanted["lead"].song.quarter) == (0, 4.0)


def test_who_names_no_session_and_calls_again_gets_one_all_the_same():
    """Before it is open, and after."""
    worker = Later()
    house = House(worker)
    for _ in range(3):
        assert house.say(b"A", Hello(client="A")) == []
    worker.work()
    house.wait(0.0)
    (welcome,) = house.told(b"A")
    again = house.hello(b"A", session=None)
    assert (again.session, again.state, again.key) == (welcome.session, "resumed", welcome.key)
    assert house.service.sessions.names == [welcome.session]


def test_a_session_that_cannot_be_opened_says_why(house):
    house.fault = "graph decode cannot be opened"
    (refuse,) = house.say(b"A", Hello(client="A", session="lead"))
    assert refuse.code == "failed"
    assert "graph decode cannot be opened" in refuse.text
    house.fault = ""
    assert house.hello().state == "new"


def test_settings_that_the_engine_does_not_take_are_refused(house):
    settings = [{"kind": "pick", "index": 9}]
    (refuse,) = house.say(b"A", Hello(client="A", settings=settings))
    assert (refuse.code, refuse.text[:29]) == ("range", "settings: prompt index is 9, ")


def test_another_protocol_is_refused(house):
    assert refused(house.say(b"A", Hello(client="A", protocol=2))) == "protocol"


def test_more_sessions_than_fit_are_refused_with_the_next_move():
    house = House(capacity=2)
    house.hello(b"A", session="one")
    house.hello(b"B", session="two")
    (refuse,) = house.say(b"C", Hello(client="C", session="three"))
    assert refuse.code == "capacity"
    assert "larger --sessions" in refuse.text


def test_more_clients_than_fit_are_refused(house):
    house.hello(b"A")
    for number in range(MAX_CONTROLLERS):
        house.hello(b"%d" % number, role="controller")
    hello = Hello(client="late", session="lead", role="controller")
    assert refused(house.say(b"late", hello)) == "capacity"
    again = house.say(b"3", Hello(client="3", session="lead", role="controller"))
    assert [m.type for m in again] == ["welcome"]


def test_connections_are_bounded():
    house = House(capacity=64)
    for number in range(MAX_PEERS):
        session = f"s{number // 5}"
        house.hello(b"%d" % number, session=session, role="controller" if number % 5 else "player")
    assert refused(house.say(b"late", Hello(client="late"))) == "capacity"


def test_a_controller_needs_a_session_that_is_there(house):
    house.hello(session="lead")
    (refuse,) = house.say(b"B", Hello(client="B", session="bass", role="controller"))
    assert refuse.code == "unknown"
    assert "there are: lead" in refuse.text


# --- two for one session --------------------------------------------------------------------------


def test_two_clients_cannot_play_one_session(house):
    house.hello(b"A")
    (refuse,) = house.say(b"B", Hello(client="B", session="lead"))
    assert refuse.code == "busy"
    assert "played by 'A'" in refuse.text


def test_a_copy_of_a_project_with_the_same_client_id_cannot_either(house):
    house.hello(b"A", client="plugin")
    assert refused(house.say(b"B", Hello(client="plugin", session="lead"))) == "busy"


def test_its_own_client_takes_it_over_from_a_dead_link(house):
    first = house.hello(b"A", client="plugin")
    house.say(b"A", Ask(revision=1, command=PROMPT))
    again = house.hello(b"A2", client="plugin", token=first.token, sample=777)
    assert (again.state, again.sample, again.revision) == ("resumed", 777, 1)
    assert again.settings == [PROMPT]
    assert [m.type for m in house.told(b"A")][-1] == "bye"
    assert refused(house.say(b"A", Heartbeat(count=1))) == "hello_first"


def test_an_old_token_and_key_are_worth_nothing(house):
    first = house.hello(b"A")
    house.hello(b"A2", client="A", token=first.token)
    house.told(b"A")
    assert refused(house.say(b"A", Hello(client="A", session="lead", token=first.token))) == "busy"
    assert house.credit(first, 100)[0].code == "unknown"


def test_a_silent_player_is_parked_and_its_session_picked_up_again(house):
    house.hello(b"A", seed=4)
    house.say(b"A", Ask(revision=1, command=PROMPT))
    house.wait(3.0)
    assert house.service.sessions.find("lead").is_parked
    assert refused(house.say(b"A", Heartbeat(count=1))) == "hello_first"
    back = house.hello(b"A3", client="A", sample=0)
    assert (back.state, back.seed, back.revision, back.settings) == ("resumed", 4, 1, [PROMPT])
    assert len(house.players) == 1


def test_a_session_that_nobody_comes_back_to_expires_and_is_stopped(house):
    house.hello(b"A")
    house.hello(b"C", role="controller")
    told = []
    for _ in range(70):
        told += house.say(b"C", Heartbeat())
        house.wait(1.0)
    assert house.players["lead"].is_stopped
    assert Farewell(reason="nobody came back to it") in told
    assert house.service.sessions.names == []
    assert house.hello(b"A").state == "new"


def test_a_heartbeat_keeps_a_client_and_comes_back(house):
    house.hello(b"A")
    for count in range(5):
        house.wait(2.0)
        assert house.say(b"A", Heartbeat(count=count)) == [Heartbeat(count=count)]


def test_audio_keeps_a_client_too(house):
    welcome = house.hello(b"A")
    for turn in range(5):
        house.wait(2.0)
        house.credit(welcome, 100 * turn)
    assert not house.service.sessions.find("lead").is_parked


def test_a_host_that_changes_its_rate_keeps_its_session(house):
    house.hello(b"A", rate=48_000)
    again = house.hello(b"A", rate=44_100, sample=7)
    assert (again.state, again.rate, again.sample) == ("resumed", 44_100, 7)
    assert house.players["lead"].rate == 44_100


def test_other_channels_are_another_session(house):
    house.hello(b"A", channels=2)
    house.wait(3.0)
    hello = Hello(client="A", session="lead", channels=1)
    assert refused(house.say(b"B", hello)) == "range"


# --- going ----------------------------------------------------------------------------------------


def test_who_goes_for_a_while_finds_everything_as_it_was(house):
    house.hello(b"A")
    house.say(b"A", Bye())
    assert house.service.sessions.find("lead").is_parked
    assert house.hello(b"A").state == "resumed"


def test_who_goes_for_good_takes_the_session_along(house):
    house.hello(b"A")
    house.hello(b"C", role="controller")
    house.say(b"A", Bye(keep=False))
    assert house.players["lead"].is_stopped
    assert [m.type for m in house.told(b"C")] == ["bye"]


def test_a_controller_that_goes_leaves_the_session_playing(house):
    house.hello(b"A")
    house.hello(b"C", role="controller")
    house.say(b"C", Bye(keep=False))
    assert not house.service.sessions.find("lead").is_parked


def test_at_the_end_everyone_is_told_and_every_take_is_saved(house):
    house.hello(b"A", session="one")
    house.hello(b"B", session="two")
    house.service.reception.close()
    house.service.sessions.close_all()
    assert [m.type for who in (b"A", b"B") for m in house.told(who)] == ["bye", "bye"]
    assert all(player.is_stopped for player in house.players.values())
    assert refused(house.say(b"C", Hello(client="C"))) == "closing"


# --- asking ---------------------------------------------------------------------------------------


def test_nothing_is_answered_before_hello(house):
    for message in (Ask(revision=1, command=PROMPT), AskStatus(), Heartbeat(), Bye()):
        assert refused(house.say(b"A", message)) == "hello_first"


def test_an_ask_is_acknowledged_with_the_frame_that_obeys_it(house):
    welcome = house.hello(b"A")
    house.credit(welcome, 48_000)
    accepted, done = house.say(b"A", Ask(revision=1, command=PROMPT))
    assert (accepted.what, done.what) == ("accepted", "done")
    assert done.sample == done.frame * 1920
    assert done.sample >= 8 * 1920  # behind what was sent


def test_sound_says_which_change_is_in_force(house):
    welcome = house.hello(b"A")
    house.say(b"A", Ask(revision=1, command=PROMPT))
    before = house.credit(welcome, 1920)
    _, done = house.say(b"A", Ask(revision=2, command=PROMPT | {"text": "dub"}))
    after = house.credit(welcome, 5760)
    assert {frame.change for frame in before} == {1}
    assert [frame.change for frame in after if frame.sample >= done.sample] == [2, 2]


def test_replays_stale_revisions_and_conflicts_have_their_outcomes(house):
    house.hello(b"A")
    first = house.say(b"A", Ask(revision=5, command=PROMPT))
    assert house.say(b"A", Ask(revision=5, command=PROMPT)) == [first[-1]]
    other = Ask(revision=5, command={"kind": "panic"})
    (conflict,) = house.say(b"A", other)
    assert (conflict.code, conflict.revision, conflict.about) == ("conflict", 5, "ask")
    (stale,) = house.say(b"A", Ask(revision=4, command=PROMPT))
    assert (stale.code, stale.revision) == ("stale", 4)
    assert len(house.players["lead"].asked) == 1


def test_controllers_ask_too_and_the_others_are_told_if_they_want(house):
    house.hello(b"A")
    house.hello(b"C", role="controller")
    assert house.say(b"A", Subscribe(changes=True)) == []
    answers = house.say(b"C", Ask(revision=1, command=PROMPT))
    assert [type(message) for message in answers] == [Ack, Ack]
    (changed,) = house.told(b"A")
    assert isinstance(changed, Changed)
    assert (changed.by, changed.command) == ("C", PROMPT)
    house.say(b"A", Ask(revision=1, command=PROMPT))
    assert [m.type for m in house.told(b"C")] == []


def test_only_the_player_says_where_the_song_is(house):
    house.hello(b"A")
    house.hello(b"C", role="controller")
    assert refused(house.say(b"C", Transport(revision=1, sample=0))) == "not_player"
    assert house.say(b"A", Transport(revision=1, sample=0, bpm=99.0)) == []
    assert house.players["lead"].said[0].tempo.bpm == 99.0


def test_status_comes_at_the_interval_asked_for(house):
    house.hello(b"A")
    house.say(b"A", Subscribe(status_every_ms=125))
    house.told(b"A")
    for _ in range(10):
        house.wait(1 / 16)
    seen = house.told(b"A")
    assert [type(message) for message in seen] == [Status] * 5
    assert seen[0].engine == {"frame": 0}
    house.say(b"A", Subscribe())
    house.told(b"A")
    house.wait(1.0)
    assert house.told(b"A") == []


def test_a_remark_of_the_engine_reaches_everyone(house):
    house.hello(b"A")
    house.hello(b"C", role="controller")
    house.players["lead"].tell("late frames: guidance is off until it recovers")
    house.wait(0.0)
    expected = [Remark(text="late frames: guidance is off until it recovers")]
    assert house.told(b"A") == house.told(b"C") == expected


def test_a_bad_part_is_answered_counted_and_dropped(house):
    welcome = house.hello(b"A")
    for part in (b"", b"\xff" * 100, b"{}", b"[" * 9_999):
        assert refused(house.say(b"A", part)) == "malformed"
    assert house.service.counters["control_refused"] == 4
    assert len(house.credit(welcome, 1920)) == 1


def test_a_fault_of_ours_in_one_session_does_not_end_the_music_of_another(house):
    broken, well = house.hello(b"A", session="one"), house.hello(b"B", session="two")

    def fail() -> list[object]:
        raise ZeroDivisionError

    house.players["one"].news = fail
    house.wait(0.1)
    assert [m.type for m in house.told(b"A")] == ["bye"]
    assert house.service.counters["faults"] == 1
    assert house.players["one"].is_stopped
    assert len(house.credit(well, 1920, b"b")) == 1
    assert house.credit(broken, 1920)[0].code == "unknown"


def test_a_fault_of_ours_over_one_message_is_answered(house):
    house.hello(b"A")

    def fail(said: object) -> None:
        raise ZeroDivisionError

    house.players["lead"].follow = fail
    assert refused(house.say(b"A", Transport(revision=1, sample=0))) == "failed"
    assert house.say(b"A", Heartbeat(count=1)) == [Heartbeat(count=1)]


def test_who_waits_for_sound_gets_no_more_until_it_is_known_what_becomes_of_an_ask(house):
    """Else it would depend on the machine how much of a bounce has the old prompt in it."""
    welcome, player = house.hello(b"A"), house.players["lead"]
    credit = Frame(
        kind=Kind.CREDIT, key=bytes.fromhex(welcome.key), sequence=0, sample=0, credit=9600,
        rate=48_000, flags=Flag.WAITS,
    )  # fmt: skip
    player.is_mute = True
    house.say(b"A", Ask(revision=1, command=PROMPT))
    assert house.play(b"a", credit) == []
    player.tell(engine.Ack(id="1", frame=0, sample=0, what="done"))
    house.wait(0.01)
    assert [frame.change for frame in house.play(b"a", credit)] == [1] * 5
    house.say(b"A", Ask(revision=2, command=PROMPT))
    house.wait(1.0)  # the engine says nothing; it may have to go on first
    again = replace(credit, sample=9600, credit=19_200)
    assert len(house.play(b"a", again)) == 5


def test_who_plays_live_waits_for_nothing(house):
    welcome = house.hello(b"A")
    house.players["lead"].is_mute = True
    house.say(b"A", Ask(revision=1, command=PROMPT))
    assert len(house.credit(welcome, 1920)) == 1


# --- audio ----------------------------------------------------------------------------------------


def test_audio_with_a_key_of_nobody_is_answered_and_dropped(house):
    house.hello(b"A")
    frame = Frame(kind=Kind.CREDIT, key=bytes(16), sequence=0, sample=0, credit=9, rate=48_000)
    (refuse,) = house.play(b"a", frame)
    assert (refuse.code, refuse.about) == ("unknown", "audio")


def test_malformed_audio_is_answered_counted_and_dropped(house):
    welcome = house.hello(b"A")
    for part in (b"", b"RIFF", b"\0" * 88, b"{" * 200):
        (refuse,) = house.play(b"a", part)
        assert (refuse.code, refuse.about) == ("malformed", "audio")
    assert house.service.counters["audio_refused"] == 4
    assert len(house.credit(welcome, 1920)) == 1


def test_sessions_do_not_hear_each_other(house):
    one, two = house.hello(b"A", session="one"), house.hello(b"B", session="two")
    house.say(b"A", Ask(revision=1, command=PROMPT))
    assert [frame.change for frame in house.credit(one, 1920, b"a")] == [1]
    assert [frame.change for frame in house.credit(two, 1920, b"b")] == [0]
    assert house.players["two"].asked == []


def test_what_is_waited_for_is_told_so_that_the_loop_looks_soon(house):
    welcome = house.hello(b"A")
    house.players["lead"].limit = 100
    house.credit(welcome, 1000)
    assert house.service.pump(house.now) is True
    house.players["lead"].limit = 1000
    assert house.service.pump(house.now) is False


def test_every_count_is_explained_and_every_explanation_counts_something():
    """Read from the source, where each is counted under its name."""
    source = "".join(path.read_text() for path in (ROOT / "bridge").glob("*.py"))
    counted = set(re.findall(r'counters\["(\w+)"\] \+= 1', source))
    assert counted | {"input_lost", "input_late"} == set(COUNTERS)
