"""A client and a service talk without sockets: breaks, restarts, and what is remembered of them."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from bridge.control import Ack, Changed, Farewell, Refuse, Remark
from bridge.dialogue import Back, Dialogue, Gone, Wish
from bridge.errors import LinkError
from engine import OptionError, Signature, SongTempo
from tests.bridge.house import House

STEP = 0.05  # seconds


@dataclass
class Line:
    """Carries parts between a dialogue and a house, as long as it is not cut."""

    dialogue: Dialogue
    house: House
    name: bytes = b"A"
    now: float = 0.0
    engine_ahead: float = 0.0  # seconds, of its clock
    is_cut: bool = False
    is_held_up: bool = False  # the engine gets no time, and finds everything later
    held_up: list[tuple[Callable[[bytes, bytes, float], None], bytes]] = field(default_factory=list)
    lost: list[bytes] = field(default_factory=list)

    def run(self, seconds: float = 2 * STEP) -> None:
        """Let time pass on both sides."""
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            self.house.now = self.now + self.engine_ahead
            self.dialogue.turn(self.now)
            self._carry()
            if not self.is_held_up:
                self._let_work()
                self._bring_back()

    def _let_work(self) -> None:
        """One turn of the engine for each part, as if it had come alone."""
        for take, part in self.held_up or [(None, b"")]:
            if take is not None:
                take(self.name, part, self.house.now)
            self.house.service.turn(self.house.now)
            self.house.service.pump(self.house.now)
        self.held_up.clear()

    def _carry(self) -> None:
        for queue, take in (
            (self.dialogue.control_out, self.house.service.take_control),
            (self.dialogue.audio_out, self.house.service.take_audio),
        ):
            while queue:
                part = queue.popleft()
                if self.is_cut:
                    self.lost.append(part)
                else:
                    self.held_up.append((take, part))

    def _bring_back(self) -> None:
        said = self.house.told(self.name)
        sent, self.house.sent = self.house.sent, []
        if self.is_cut:
            return
        for message in said:
            self.dialogue.take_control(message.model_dump_json().encode(), self.now)
        for to, part in sent:
            if to == self.name:
                self.dialogue.take_audio(part, self.now)

    def events(self, *kinds: type) -> list[object]:
        found = [event for event in self.dialogue.events if isinstance(event, kinds)]
        self.dialogue.events.clear()
        return found

    def take(self, samples: int) -> list[float]:
        out = np.empty((2, samples), np.float32)
        self.dialogue.playback.take(out)
        return out[0].tolist()


def line(house: House | None = None, **wish: object) -> Line:
    house = house or House()
    wish = {"session": "lead", "client": "plugin", "status_every_ms": None} | wish
    return Line(Dialogue(Wish(**wish)), house)


def opened(**wish: object) -> Line:
    found = line(**wish)
    found.run()
    assert found.dialogue.state == "open"
    return found


def restart(found: Line) -> None:
    """The engine dies and another one takes its place, knowing nothing."""
    found.house = House()


def test_it_calls_until_someone_answers():
    alone = line()
    alone.is_cut = True
    alone.run(2.0)
    assert alone.dialogue.state == "calling"
    assert 7 <= len(alone.lost) <= 9  # four times a second
    alone.is_cut = False
    alone.run(0.5)
    assert alone.dialogue.state == "open"


def test_an_ask_before_anyone_answered_is_asked_then():
    early = line()
    asked = early.dialogue.ask({"kind": "prompt", "index": 1, "text": "house"})
    early.run()
    assert asked.ack.what == "done"


def test_what_the_engine_would_not_take_is_not_even_sent():
    with pytest.raises(OptionError, match="prompt index is 9"):
        opened().dialogue.ask({"kind": "prompt", "index": 9, "text": "house"})


def test_sound_comes_when_it_is_started_and_in_order():
    playing = opened(buffer_seconds=0.1)
    playing.run(0.5)
    assert playing.dialogue.playback.ready == 0
    playing.dialogue.start()
    playing.run()
    assert playing.dialogue.playback.ready == 4800
    heard = []
    for _ in range(20):
        heard += playing.take(2400)
        playing.run()
    assert heard == [*range(48_000)]


def test_a_break_of_the_link_changes_nothing_in_the_music():
    """The session waits, the music goes on where it was, and what was lost is asked again."""
    playing = opened()
    playing.dialogue.ask({"kind": "prompt", "index": 1, "text": "house"})
    playing.dialogue.start()
    playing.run()
    playing.is_cut = True
    playing.take(4800)  # what is buffered
    lost = playing.dialogue.ask({"kind": "prompt", "index": 2, "text": "dub"})
    playing.run(4.0)
    assert [type(event) for event in playing.events(Gone, Back)] == [Gone]
    assert playing.house.service.sessions.find("lead").is_parked
    playing.is_cut = False
    playing.run(0.5)
    assert playing.events(Back) == [Back(is_restored=False, missed_samples=0)]
    assert lost.ack.what == "done"
    assert lost.revision == 2
    assert playing.take(4800) == [*range(4800, 9600)]
    assert len(playing.house.players["lead"].asked) == 2


@pytest.mark.parametrize(("client", "engine"), [(3600, 0), (0, 3600), (3600, 3600)])
def test_after_a_jump_of_a_clock_the_music_goes_on_where_it_was(client, engine):
    """A machine that slept, or a clock that was set: who looks dead is called, and is back."""
    playing = opened()
    playing.dialogue.ask({"kind": "prompt", "index": 1, "text": "house"})
    playing.dialogue.start()
    playing.run()
    heard = playing.take(2400)
    playing.now += client
    playing.engine_ahead += engine - client
    playing.house.service.turn(playing.now + playing.engine_ahead)  # before it hears of anyone
    playing.run(2.0)
    heard += playing.take(4800)
    playing.run()
    heard += playing.take(4800)
    assert playing.dialogue.state == "open"
    assert playing.events(Gone, Back) == [Gone(), Back(is_restored=False, missed_samples=0)]
    assert heard == [*range(12_000)]
    assert len(playing.house.players["lead"].asked) == 1
    assert playing.house.service.sessions.find("lead").changes.book.prompt(1) == "house"


def test_an_engine_that_was_held_up_for_a_while_loses_nothing_of_the_music():
    """It was called anew, but had never been gone: what is on its way still counts, once."""
    playing = opened()
    playing.dialogue.follow({"sample": 0, "quarter": 0.0, "bpm": 97.3})
    playing.dialogue.start()
    playing.run()
    heard = playing.take(2400)
    playing.is_held_up = True
    playing.run(STEP)  # credit is said
    playing.run(1.6)
    assert playing.dialogue.state == "calling"
    playing.is_held_up = False
    for _ in range(4):
        playing.run()
        heard += playing.take(2400)
    assert {type(event) for event in playing.events(Gone, Back, Refuse)} == {Gone, Back}
    assert heard == [*range(12_000)]
    assert playing.house.service.sessions.find("lead").stream.origin == 0


def test_sound_that_comes_after_the_call_gives_way_to_what_the_session_goes_on_with():
    """A client that was held up finds old sound when it has said already what it needs."""
    playing = opened()
    playing.dialogue.start()
    playing.run()
    heard = playing.take(2400)
    playing.dialogue.refresh_credit()
    part = playing.dialogue.audio_out.popleft()
    playing.house.service.take_audio(playing.name, part, playing.now)
    playing.house.service.pump(playing.now)  # 2,400 samples, which it will find later
    late = [part for _, part in playing.house.sent]
    playing.house.sent.clear()
    playing.house.wait(3.0)  # the engine has parked its session
    playing.now += 3.0
    playing.dialogue.turn(playing.now)
    for part in late:
        playing.dialogue.take_audio(part, playing.now)
    playing.run(0.5)
    heard += playing.take(4800)
    assert heard == [*range(4800), *range(7200, 9600)]
    assert (playing.dialogue.playback.lost, playing.dialogue.playback.late) == (2400, 0)


def test_what_was_to_be_played_meanwhile_is_counted_as_missed():
    playing = opened(buffer_seconds=0.1)
    playing.dialogue.start()
    playing.run()
    playing.is_cut = True
    playing.run(3.0)
    for _ in range(10):
        playing.take(4800)
    playing.is_cut = False
    playing.run(0.5)
    (back,) = playing.events(Back)
    assert back.missed_samples == 9 * 4800
    playing.run()
    assert playing.take(2)[0] > 0


def test_a_new_engine_begins_with_everything_that_was_in_force():
    playing = opened(seed=7)
    playing.dialogue.start()
    for command in (
        {"kind": "prompt", "index": 1, "text": "house"},
        {"kind": "prompt", "index": 2, "text": "dub"},
        {"kind": "param", "name": "tempo", "value": 97.3},
        {"kind": "param", "name": "seed", "value": 11},
        {"kind": "pick", "index": 2},
    ):
        playing.dialogue.ask(command)
        playing.run()
    playing.dialogue.follow({"sample": 1000, "quarter": 8.0, "bpm": 97.3})
    playing.run()
    place = playing.dialogue.playback.end
    restart(playing)
    playing.run(0.6)
    player = playing.house.players["lead"]
    assert playing.events(Back)[-1].is_restored
    kinds = [command.kind for command in playing.house.wanted["lead"].settings]
    assert kinds == ["prompt", "prompt", "param", "param", "pick"]
    assert (playing.dialogue.welcome.seed, player.asked) == (11, [])
    song = playing.house.wanted["lead"].song
    assert (song.quarter, song.sample, song.tempo) == (8.0, 1000 - place, SongTempo(97.3))
    session = playing.house.service.sessions.find("lead")
    assert session.stream.origin == place
    playing.take(place)
    playing.run()
    assert playing.take(3) == [0, 1, 2]  # the new engine's first samples, in their place


def test_a_song_in_the_engines_own_time_goes_on_in_its_place():
    """From break to break, in its own tempo and with its own bar lines."""
    playing = opened(status_every_ms=20)
    playing.dialogue.start()
    for quarter, tempo_bpm, gone_on in ((12.5, 90.0, 1.5), (30.25, 60.0, 1.0)):
        song = {"quarter": quarter, "is_playing": True, "tempo_bpm": tempo_bpm}
        player = playing.house.players["lead"]
        player.song = song | {"beat": 0.5, "beats_per_bar": 3}
        playing.run()
        assert playing.dialogue.status.sample == playing.dialogue.playback.end
        playing.is_cut = True
        playing.take(48_000 + playing.dialogue.playback.ready)  # a second more than was sent
        restart(playing)
        playing.is_cut = False
        playing.run(0.6)
        song = playing.house.wanted["lead"].song
        assert (song.sample, song.quarter, song.tempo) == (0, quarter + gone_on, None)
        assert (song.signature, song.bar_quarter) == (Signature(3, 4), quarter - 0.5)
        assert playing.house.players["lead"].said == []


def test_a_song_that_stands_stands_where_it_was():
    playing = opened(status_every_ms=20)
    song = {"quarter": 12.5, "is_playing": False, "tempo_bpm": 90.0, "beat": 0.5}
    playing.house.players["lead"].song = song | {"beats_per_bar": 4}
    playing.dialogue.start()
    playing.run()
    playing.take(48_000)
    restart(playing)
    playing.run(0.6)
    song = playing.house.wanted["lead"].song
    assert (song.quarter, song.playing) == (12.5, False)


def test_a_session_can_begin_with_settings():
    first = opened(settings=({"kind": "prompt", "index": 1, "text": "house"},))
    assert first.house.wanted["lead"].settings[0].text == "house"
    assert first.dialogue.asking.book.prompt(1) == "house"
    assert first.house.service.sessions.find("lead").changes.book.prompt(1) == "house"


def test_an_ask_that_waits_for_its_bar_survives_a_restart():
    playing = opened()
    playing.house.players["lead"].is_mute = True
    waiting = playing.dialogue.ask({"kind": "prompt", "index": 3, "text": "dub"}, when="bar")
    playing.run()
    assert waiting.ack.what == "accepted"
    restart(playing)
    playing.run(0.6)
    assert waiting.ack.what == "done"
    assert playing.house.players["lead"].asked[-1].when.kind == "bar"


def test_settings_of_others_are_remembered_too():
    playing = opened()
    other = line(playing.house, client="pads", role="controller")
    other.name, other.now = b"C", playing.now
    other.run()
    other.dialogue.ask({"kind": "prompt", "index": 5, "text": "choir"})
    other.run()
    playing.run()
    assert [event.by for event in playing.events(Changed)] == ["pads"]
    restart(playing)
    playing.run(0.6)
    assert playing.house.wanted["lead"].settings[0].index == 5


def test_who_joins_knows_what_is_in_force():
    playing = opened()
    playing.dialogue.ask({"kind": "prompt", "index": 5, "text": "choir"})
    playing.run()
    other = line(playing.house, client="pads", role="controller")
    other.name, other.now = b"C", playing.now
    other.run()
    assert other.dialogue.asking.book.prompt(5) == "choir"


def test_revisions_go_on_after_a_client_was_killed():
    """The new process has the old one's id; its first ask must not look like a replay."""
    first = opened()
    first.dialogue.ask({"kind": "prompt", "index": 1, "text": "house"})
    first.run()
    first.house.wait(3.0)
    second = line(first.house)
    second.name, second.now = b"B", first.now + 3.0
    second.run()
    asked = second.dialogue.ask({"kind": "prompt", "index": 2, "text": "dub"})
    second.run()
    assert (asked.revision, asked.ack.what) == (2, "done")


def test_a_session_that_another_plays_is_refused_with_the_reason():
    first = opened()
    second = line(first.house, client="copy")
    second.name = b"B"
    second.run()
    assert second.dialogue.state == "over"
    with pytest.raises(LinkError, match=r"over: session 'lead' is played by 'plugin'"):
        second.dialogue.ask({"kind": "panic"})


def test_a_farewell_makes_it_call_again():
    playing = opened()
    playing.house.service.reception.close()
    playing.run()
    assert [type(event) for event in playing.events(Farewell, Gone)] == [Gone, Farewell]
    assert playing.dialogue.state == "calling"
    restart(playing)
    playing.run(0.5)
    assert playing.dialogue.state == "open"


def test_nonsense_from_the_engine_is_a_remark_and_no_more():
    playing = opened()
    playing.dialogue.take_control(b"{}", playing.now)
    playing.dialogue.take_audio(b"RIFF", playing.now)
    assert len(playing.events(Remark)) == 2
    playing.run()
    assert playing.dialogue.state == "open"


def test_answers_are_bounded_however_many_asks():
    playing = opened()
    for number in range(1500):
        playing.dialogue.ask({"kind": "weight", "index": 1, "weight": (number % 200) / 100})
        playing.run(STEP)
    assert len(playing.dialogue.asking._asked) <= 1000
    assert len(playing.dialogue.events) <= 1000
    assert isinstance(playing.dialogue.events[-1], Ack)
