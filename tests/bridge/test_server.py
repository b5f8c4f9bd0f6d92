"""A server on real sockets of this machine: found, talked to, abused, and closed."""

import asyncio
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import zmq

from bridge import control, wire
from bridge.client import Client
from bridge.client_async import AsyncClient
from bridge.control import Ask, Heartbeat, Hello
from bridge.discovery import running
from bridge.errors import BridgeError, LinkError, Refusal, SecurityError
from bridge.reception import Manner
from bridge.security import make_keys, read_client_keys, read_keys
from bridge.server import ServeOptions, Server
from bridge.wire import Frame, Kind
from engine import OptionError
from tests.bridge.fakes import CountingPlayer

TIMEOUT_MS = 10_000


@pytest.fixture
def dealer():
    """Plain sockets, as another program would have them."""
    context, made = zmq.Context(), []

    def connect(endpoint: str) -> zmq.Socket:
        socket = context.socket(zmq.DEALER)
        socket.linger, socket.rcvtimeo, socket.sndtimeo = 0, TIMEOUT_MS, TIMEOUT_MS
        socket.connect(endpoint)
        made.append(socket)
        return socket

    yield connect
    context.destroy(linger=0)
    made.clear()


def answer(socket: zmq.Socket, part: bytes) -> control.FromEngine:
    socket.send(part)
    return control.read_engine(socket.recv())


# --- music ----------------------------------------------------------------------------------------


def test_music_in_a_few_lines(serve):
    serve()
    with Client() as music:
        ack = music.prompt(1, "warm tape choir").wait()
        audio = music.read(seconds=1.0)
    assert (ack.what, ack.frame) == ("done", 0)
    np.testing.assert_array_equal(audio[0], np.arange(48_000))


def test_the_same_awaited(serve):
    serve()

    async def play() -> np.ndarray:
        async with AsyncClient(rate=44_100, channels=1) as music:
            assert (await music.prompt(1, "warm tape choir")).what == "done"
            assert (await music.status()).engine == {"frame": 0}
            with pytest.raises(OptionError, match="glide is 90"):
                await music.ask({"kind": "pick", "index": 1}, when="bar", glide_seconds=90.0)
            return await music.read(seconds=1.0)

    audio = asyncio.run(play())
    np.testing.assert_array_equal(audio, np.arange(44_100)[None])


def test_four_sessions_side_by_side_each_with_its_own_music(serve):
    serve(sessions=4)
    heard: dict[str, np.ndarray] = {}

    def play(name: str) -> None:
        with Client(name, seed=1) as music:
            music.prompt(1, f"house for {name}").wait()
            heard[name] = music.read(seconds=2.0)

    threads = [threading.Thread(target=play, args=(f"track-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard) == 4
    for audio in heard.values():
        np.testing.assert_array_equal(audio[1], np.arange(96_000))
    with pytest.raises(LinkError, match="4 sessions are open"):
        Client("track-5")


def test_input_reaches_the_engine(serve):
    players = []

    def keep(wanted):
        players.append(CountingPlayer(wanted.rate, wanted.channels))
        return players[0]

    serve(keep)
    with Client() as music:
        music.write(np.ones((2, 40_000), np.float32))
        music.read(100)
        music.status()
    assert sum(block.shape[1] for _, block in players[0].heard) == 40_000


def test_a_callback_never_waits_and_hears_silence_where_nothing_is(serve):
    player = CountingPlayer(ready=1000)
    serve(lambda wanted: player)
    with Client() as music:
        music.take(0)
        music.wait_until(lambda: music.playback.ready == 1000, 10.0, "sound")
        first = music.take(1500)
    np.testing.assert_array_equal(first[0, :1000], np.arange(1000))
    assert not first[:, 1000:].any()
    assert music.playback.missed == 500


def test_a_controller_turns_knobs_of_a_session_that_another_plays(serve):
    serve()
    with Client("lead") as music, Client("lead", role="controller") as pads:
        pads.weight(2, 0.5).wait()
        music.wait_until(lambda: music.dialogue.asking.book.weight(2) == 0.5, 10.0, "the change")
        with pytest.raises(LinkError, match="a controller has no sound"):
            pads.read(1)


def test_what_is_waited_for_is_looked_at_no_more_once_it_was_so(serve):
    serve()
    with Client() as music:
        answers = iter([False, True])
        music.wait_until(lambda: next(answers), 10.0, "a condition that is met once")


def test_a_refused_ask_says_why(serve):
    player = CountingPlayer()
    player.refuses = "too many requests wait already"
    serve(lambda wanted: player)
    with Client() as music, pytest.raises(Refusal, match="too many requests wait already"):
        music.prompt(1, "house").wait()


# --- finding --------------------------------------------------------------------------------------


def test_no_engine_is_said_in_words_with_the_next_move():
    with pytest.raises(LinkError, match=r"for an engine in vain\. Start an engine with"):
        Client(timeout=0.3)


def test_two_engines_share_a_machine_and_announce_where_they_are(serve):
    first = serve(port=17_450, osc_port=17_460).announcement
    second = serve(port=17_450, osc_port=17_460).announcement
    assert first.control != second.control
    assert first.audio != second.audio
    assert second.osc_port > first.osc_port
    assert running()[0].control in (first.control, second.control)


def test_the_file_is_there_while_the_engine_is(runtime, serve):
    server = serve()
    (found,) = running()
    assert found == server.announcement
    server.stop()
    deadline = time.monotonic() + 10.0
    while running() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(runtime.iterdir()) == []


# --- abuse ----------------------------------------------------------------------------------------


def test_bad_messages_are_answered_and_the_music_beside_them_goes_on(serve, dealer):
    server = serve()
    bad = dealer(server.announcement.control)
    with Client() as music:
        for number in range(200):
            refuse = answer(bad, bytes([number]) * number)
            assert refuse.code == "malformed"
        audio = music.read(seconds=0.5)
    np.testing.assert_array_equal(audio[0], np.arange(24_000))
    assert server.service.counters["control_refused"] == 200


def test_a_message_of_several_parts_is_refused(serve, dealer):
    socket = dealer(serve().announcement.control)
    socket.send_multipart([b"", control.write(Hello(client="a"))])
    assert control.read_engine(socket.recv()).code == "malformed"


def test_a_message_that_is_too_long_is_refused_and_a_huge_one_cuts_the_line(serve, dealer):
    server = serve()
    socket = dealer(server.announcement.control)
    assert "expected at most 65,536" in answer(socket, b" " * 70_000).text
    socket.send(b" " * 2_000_000)
    with Client() as music:
        assert music.read(10).shape == (2, 10)


def test_bad_audio_is_answered_on_the_audio_socket(serve, dealer):
    socket = dealer(serve().announcement.audio)
    assert answer(socket, b"RIFF" * 30).code == "malformed"
    frame = Frame(kind=Kind.CREDIT, key=bytes(16), sequence=0, sample=0, credit=9, rate=48_000)
    assert answer(socket, wire.pack(frame)).code == "unknown"


def test_a_reader_that_stops_costs_nothing_and_the_others_play_on(serve, dealer):
    """It gets what it gave credit for, two seconds at most, and no more is made for it."""
    players = {}

    def keep(wanted):
        players[wanted.name] = CountingPlayer(wanted.rate, wanted.channels)
        return players[wanted.name]

    server = serve(keep)
    lazy, sound = dealer(server.announcement.control), dealer(server.announcement.audio)
    welcome = answer(lazy, control.write(Hello(client="lazy", session="lazy")))
    credit = Frame(
        kind=Kind.CREDIT, key=bytes.fromhex(welcome.key), sequence=0, sample=0, credit=2**40,
        rate=48_000,
    )  # fmt: skip
    for _ in range(100):
        sound.send(wire.pack(credit))
    with Client("busy") as music:
        audio = music.read(seconds=10.0)
    assert audio[0, -1] == 479_999
    assert players["lazy"].pulled == 96_000
    assert server.service.counters["audio_unsent"] == 0


def test_a_flood_of_ten_thousand_prompts_is_answered_and_the_last_one_wins(serve, dealer):
    """As fast as they can be said: few reach the engine, and the music beside them goes on."""
    server, count = serve(), 10_000
    socket = dealer(server.announcement.control)
    answer(socket, control.write(Hello(client="flood", session="flood")))
    whats: dict[int, str] = {}

    def hear() -> None:
        message = control.read_engine(socket.recv())
        assert message.type == "ack"
        whats[message.revision] = message.what

    with Client("beside") as music, ThreadPoolExecutor(1) as listener:
        listening = listener.submit(music.read, seconds=2.0)
        for revision in range(1, count + 1):
            command = {"kind": "prompt", "index": 1, "text": f"house number {revision}"}
            socket.send(control.write(Ask(revision=revision, command=command)))
            while socket.poll(0):
                hear()
        while len(whats) < count or "accepted" in whats.values():
            hear()  # whoever does not hear what is answered loses what the queues cannot hold
        assert listening.result()[0, -1] == 95_999
        assert (music.playback.lost, music.playback.late, music.playback.missed) == (0, 0, 0)
    assert server.service.counters["control_unsent"] == 0
    assert whats[count] == "done"
    outcomes = Counter(whats.values())
    assert set(outcomes) == {"done", "replaced"}
    session = server.service.sessions.find("flood")
    assert session.changes.book.prompt(1) == f"house number {count}"
    assert len(session.player.asked) == outcomes["done"] < count / 2


def test_clients_that_vanish_leave_parked_sessions_that_expire(serve, dealer):
    server = serve(expire_seconds=0.2, manner=Manner(park_ms=100))
    socket = dealer(server.announcement.control)
    answer(socket, control.write(Hello(client="a", session="ghost")))
    socket.close()
    deadline = time.monotonic() + 10.0
    while server.service.sessions.find("ghost") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.service.sessions.names == []
    assert server.service.counters["sessions_expired"] == 1


def test_a_server_without_sessions_ends_when_it_was_told_to(serve, dealer):
    """A plugin starts one with `--idle-seconds`, and is not there to end it."""
    server = serve(idle_seconds=0.3, expire_seconds=0.1)
    with Client("a") as music:
        music.read(seconds=1.0)
        assert server.announcement.pid, "while somebody plays it goes on"
    deadline = time.monotonic() + 10.0
    while server._file is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server._file is None


# --- security -------------------------------------------------------------------------------------


def test_another_address_needs_keys_and_says_how():
    with pytest.raises(SecurityError, match=r"make keys with `antiphon keys --client NAME`"):
        ServeOptions(host="0.0.0.0")
    with pytest.raises(SecurityError, match="--osc-allow"):
        ServeOptions(osc_host="0.0.0.0")


def test_with_keys_only_listed_clients_come_in(serve, dealer, tmp_path):
    make_keys(tmp_path / "keys", "laptop")
    make_keys(tmp_path / "other", "stranger")
    server = serve(host="0.0.0.0", keys=read_keys(tmp_path / "keys"))
    port = server.announcement.control.rsplit(":", 1)[1]
    endpoint, public = f"tcp://127.0.0.1:{port}", tmp_path / "keys" / "engine.public"
    laptop = read_client_keys(public, tmp_path / "keys" / "clients" / "laptop")
    with Client(engine=endpoint, keys=laptop) as music:
        assert music.read(100)[0, -1] == 99
    stranger = read_client_keys(public, tmp_path / "other" / "clients" / "stranger")
    with pytest.raises(LinkError, match="in vain"):
        Client(engine=endpoint, keys=stranger, timeout=0.5)
    with pytest.raises(LinkError, match="in vain"):
        Client(engine=endpoint, timeout=0.5)
    assert server.sockets.gate.turned_away >= 1
    assert server.service.counters["sessions_opened"] == 1


def test_a_host_that_is_not_this_machines_is_said_in_words(tmp_path):
    make_keys(tmp_path, "a")
    with pytest.raises(BridgeError, match="cannot be listened on"):
        Server(lambda wanted: None, ServeOptions(host="192.0.2.1", keys=read_keys(tmp_path)), print)


# --- the end --------------------------------------------------------------------------------------


def test_at_the_end_everyone_is_told_and_takes_are_saved(serve, dealer):
    players = []

    def keep(wanted):
        players.append(CountingPlayer())
        return players[-1]

    server = serve(keep)
    socket = dealer(server.announcement.control)
    answer(socket, control.write(Hello(client="a")))
    assert answer(socket, control.write(Heartbeat(count=3))) == Heartbeat(count=3)
    server.stop()
    assert control.read_engine(socket.recv()).type == "bye"
    deadline = time.monotonic() + 10.0
    while not players[0].is_stopped and time.monotonic() < deadline:
        time.sleep(0.01)
    assert players[0].is_stopped
