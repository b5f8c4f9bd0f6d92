"""The stage: what the player does reaches the engine, what happens reaches the player."""

import io
from collections import deque
from dataclasses import replace

import mido
import pytest
from rich.console import Console

from engine.ask import Ack
from engine.command import NoteOn, Pick, SetParam
from engine.errors import InputError, OptionError
from engine.live.keys import KEYS
from engine.live.link import LinkClock
from engine.live.midi_hands import MidiHands
from engine.live.midi_input import MidiInput
from engine.live.player import Asker
from engine.live.screen import Screen
from engine.live.stage import Stage
from engine.live.words import compose, engine, help_lines, slots, song
from engine.loop.status import Status
from engine.metrics import FrameSummary
from engine.pads import Playing
from tests.engine.live_fakes import Hands
from tests.engine.test_live_clocks import FakeLink

CALM = Status(
    priority="usual",
    skipped_frames=0,
    quarter=0.0,
    is_running=True,
    frame=100,
    heard_frame=97,
    rate=48_000,
    lead_ms=81.2,
    wanted_lead_ms=80.0,
    frame_ms=FrameSummary(11.0, 12.0, 13.0, 20.0, 100),
    realtime_factor=3.64,
    late_frames=0,
    underruns=0,
    overtaken=0,
    shed=0,
    prompts=(
        Playing(index=1, said="warm tape choir", weight=0.75),
        Playing(index=3, said="dry drums", weight=0.25),
    ),
    key="A minor",
    chord=None,
    tempo_bpm=97.3,
    seed=7,
    mode="play",
    role="sound",
    is_playing=True,
    bar=11,
    beat=2.7,
    beats_per_bar=4,
    copy_rate=0.0,
    input_db=None,
    input_tempo_bpm=None,
    input_key=None,
    prompt_to_ear_ms=96.4,
    problems=(),
)


class FakeRunner:
    def __init__(self) -> None:
        self.events: deque[Ack | str] = deque()

    def status(self) -> Status:
        return CALM


class FakeDevice:
    name, rate, channels, has_input = "Scarlett", 48_000, 2, False

    def __init__(self) -> None:
        self.wrong = ""
        self.revived = 0

    def start(self, exchange) -> None: ...

    def stop(self) -> None: ...

    def problem(self) -> str:
        return self.wrong

    def revive(self) -> None:
        self.revived += 1


class Script:
    """Lines that come one after another, some time apart."""

    def __init__(self, hands: Hands, lines: list[str]) -> None:
        self.hands, self.lines, self.typed = hands, lines, None

    def wait(self, seconds: float) -> list[str]:
        self.hands.second += 1.0
        return [self.lines.pop(0)] if self.lines else []


class FakeKeeper:
    def __init__(self) -> None:
        self.asked: list[int] = []

    def keep(self, bars: int) -> str:
        if bars > 8:
            raise InputError("no whole bar was heard yet.")
        self.asked.append(bars)
        return f"kept {bars}"


class Set:
    """A stage with stand-ins all around."""

    def __init__(self, *lines: str, **parts) -> None:
        self.hands = Hands()
        self.paper = io.StringIO()
        self.device, self.keeper, self.runner = FakeDevice(), FakeKeeper(), FakeRunner()
        self.turns = 0
        self.stage = Stage(
            runner=self.runner,
            device=self.device,
            player=self.hands.player,
            host=self.hands.host,
            source=Script(self.hands, list(lines)),
            screen=Screen(Console(file=self.paper, width=200)),
            keeper=self.keeper,
            now=lambda: self.hands.second,
            is_over=self.is_over,
            **parts,
        )

    def is_over(self) -> bool:
        self.turns += 1
        return self.turns > 30

    def play(self) -> str:
        """Play to the end; returns what was told."""
        self.stage.play()
        return self.paper.getvalue()


def test_a_set_ends_when_the_player_quits():
    played = Set("1 choir", "quit", "1")
    played.play()
    assert played.turns == 2
    assert [command.kind for command in played.hands.inbox.commands] == ["prompt"]


def test_a_line_that_cannot_be_obeyed_is_told_and_the_music_goes_on():
    played = Set("dance", "tempo 900", "1")
    told = played.play()
    assert "'dance' is no command" in told
    assert "tempo is 900" in told
    assert played.hands.inbox.commands == [Pick(index=1)]


def test_bars_are_kept_and_what_cannot_be_is_told():
    played = Set("keep 4", "keep 9")
    told = played.play()
    assert played.keeper.asked == [4]
    assert "kept 4" in told
    assert "no whole bar" in told


def test_a_pulled_card_is_told_once_looked_for_and_told_when_it_is_back():
    played = Set()
    calm = played.is_over

    def pull() -> bool:
        played.device.wrong = "Scarlett is gone" if 5 <= played.turns < 15 else ""
        return calm()

    played.stage.is_over = pull
    told = played.play()
    assert told.count("Scarlett is gone") == 1
    assert told.count("Scarlett plays again") == 1
    assert 4 <= played.device.revived <= 6  # ten turns of a second, a look every two


def test_what_the_engine_refuses_is_told_and_what_it_does_is_not():
    played = Set()
    played.runner.events += [
        Ack(id="live-1", frame=1, sample=960, what="done"),
        Ack(id="live-2", frame=1, sample=960, what="refused", reason="this bundle cannot listen"),
        "playing without guidance",
    ]
    told = played.play()
    assert told.splitlines() == ["refused: this bundle cannot listen", "playing without guidance"]


# --- MIDI and Link ------------------------------------------------------------------------------


class Port:
    """A keyboard whose messages come between two turns."""

    def __init__(self, played: Set, controls: MidiInput, *messages: mido.Message) -> None:
        self.hands = MidiHands(controls, Asker(played.hands.inbox), played.hands.host)
        played.stage.midi = self.hands
        calm, waiting = played.is_over, list(messages)

        def turn() -> bool:
            if waiting and played.turns >= 2:
                self.hands.hear(waiting.pop(0), played.hands.second)
            return calm()

        played.stage.is_over = turn


def test_a_key_that_is_played_does_not_wait_for_the_stage():
    played = Set()
    port = Port(played, MidiInput())
    port.hands.hear(mido.Message("note_on", note=60, velocity=9), 0.0)
    assert played.hands.inbox.commands == [NoteOn(pitch=60)]


def test_a_knob_is_learned_saved_and_turned():
    saved = []
    played = Set("learn temperature", save_controls=saved.append)
    turn = [mido.Message("control_change", control=20, value=value) for value in (64, 127)]
    Port(played, MidiInput(), *turn)
    told = played.play()
    assert "move a knob" in told
    assert [row.does for row in saved[0].control] == ["temperature"]
    assert played.hands.inbox.commands == [SetParam(name="temperature", value=2.0)]


def test_a_pedal_does_a_players_line():
    controls = MidiInput()
    controls.controls = controls.controls.learn(1, 80, "keep 2")
    played = Set()
    Port(played, controls, mido.Message("control_change", control=80, value=127))
    played.play()
    assert played.keeper.asked == [2]


def test_a_key_steps_on_from_where_a_knob_left():
    controls = MidiInput()
    controls.controls = controls.controls.learn(1, 20, "temperature")
    played = Set("1", "1", "1", "1", "1", "temperature +0.1")
    Port(played, controls, mido.Message("control_change", control=20, value=0))
    played.play()
    assert played.hands.inbox.commands[-1] == SetParam(name="temperature", value=0.1)


def test_a_map_that_cannot_be_saved_is_told():
    def refuse(_) -> None:
        raise OptionError("midi.toml cannot be written.")

    played = Set("learn density", save_controls=refuse)
    Port(played, MidiInput(), mido.Message("control_change", control=20, value=1))
    assert "cannot be written" in played.play()


def test_without_midi_a_knob_cannot_learn():
    assert "--midi" in Set("learn density").play()


def test_an_inbox_that_is_full_is_told_and_the_keyboard_goes_on():
    def full(_) -> None:
        raise OptionError("requests that wait is 513.")

    played = Set()
    hands = MidiHands(MidiInput(), Asker(full), played.hands.host)
    hands.hear(mido.Message("note_on", note=60, velocity=9), 0.0)
    played.stage.midi = hands
    assert "513" in played.play()


def test_link_leads_and_a_tap_is_proposed_to_it():
    link = FakeLink()
    played = Set("tap", "tap")
    played.stage.link = LinkClock(link, lambda: played.hands.second)
    played.hands.player._propose_tempo = played.stage.link.set_tempo
    played.play()
    assert link.tempo == 60.0
    assert played.hands.host.keeps_time
    assert played.hands.inbox.asks == []


def test_a_midi_clock_keeps_the_tempo_to_itself():
    played = Set("tempo 99")
    Port(played, MidiInput())
    for tick in range(30):
        played.stage.midi.hear(mido.Message("clock"), tick / 48)
    assert "the clock's" in played.play()
    assert played.hands.inbox.asks == []


# --- words --------------------------------------------------------------------------------------


def test_the_status_line_says_where_the_music_is():
    assert song(CALM) == "> bar 12.3  97.3 bpm  A minor  play"
    stopped = replace(CALM, is_playing=False, tempo_bpm=None, key=None)
    assert song(stopped) == "= bar 12.3  free  any key  play"
    planned = replace(CALM, chord="D min7")
    assert song(planned) == "> bar 12.3  97.3 bpm  A minor  D min7  play"
    answering = replace(CALM, mode="answer", role="listen")
    assert song(answering).endswith("answer: listen")


def test_the_slots_say_what_is_in_them_and_how_much_is_heard():
    texts = {1: "warm tape choir", 2: "a very long prompt that goes on and on"}
    assert (
        slots(CALM, texts, 1)
        == "[1] warm tape choir 75%  2 a very long prompt that…  3 dry drums 25%"
    )
    assert slots(replace(CALM, prompts=()), {}, 4) == "[4] empty"


def test_the_engine_says_how_it_is():
    assert engine(CALM) == "3.6 x real time  lead 81 ms  late 0  to the ear 96 ms"
    busy = replace(CALM, underruns=2, input_db=-18.2, mode="answer", copy_rate=0.1)
    assert engine(busy).endswith("gaps 2  to the ear 96 ms  input -18 dB  copied 10%")
    tracked = replace(busy, input_tempo_bpm=121.96, input_key="D minor")
    assert engine(tracked).endswith("input -18 dB 122 bpm D minor  copied 10%")


def view(status: Status = CALM, **changes):
    shown = {"texts": {}, "slot": 1, "typed": None, "remark": "", "problems": []} | changes
    return compose(status, **shown)


def test_what_is_typed_takes_the_remarks_place():
    assert view(remark="tap again")[-1].text == "tap again"
    assert view(remark="tap again", typed="/warm")[-1].text == "/warm_"


def test_problems_are_alarming():
    lines = view(replace(CALM, problems=("the disk is full",)), problems=["Scarlett is gone"])
    assert [line.text for line in lines if line.tone == "alarm"] == [
        "Scarlett is gone",
        "the disk is full",
    ]


def test_what_was_given_up_is_said():
    assert any("without guidance" in line.text for line in view(replace(CALM, shed=1)))


def test_the_help_is_told_when_it_is_asked_for():
    told = Set("help").play()
    assert all(line in told for line in help_lines())
    assert "temperature down" in told
    assert len(help_lines()) >= len(KEYS) - 8
    assert Set().play() == ""


def test_what_waits_for_the_next_change_is_shown():
    played = Set("bar")
    played.play()
    assert played.stage._pending() == "the next change is on the bar"


# --- screen -------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_terminal", [True, False])
def test_only_a_terminal_gets_a_status_line(is_terminal):
    paper = io.StringIO()
    console = Console(file=paper, force_terminal=is_terminal, width=40, color_system=None)
    with Screen(console) as screen:
        screen.tell("[bold] is a word")
        screen.show(view())
    told = paper.getvalue()
    assert "[bold] is a word" in told
    assert ("bar 12.3" in told) == is_terminal


def test_the_status_line_is_redrawn_ten_times_a_second_at_most():
    played = Set()
    played.stage.screen = Screen(Console(file=played.paper, force_terminal=True, width=80))
    shown = []

    def wait(seconds: float) -> list[str]:
        played.hands.second += 0.02
        return []

    played.stage.source.wait = wait
    with played.stage.screen as screen:
        screen.show = shown.append
        played.play()
    assert 4 <= len(shown) <= 7  # thirty turns in 0.6 s
