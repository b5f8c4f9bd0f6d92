"""The stage: one live set, from the first block to the last. The command's own thread.

In:  a runner that was started, a device, and the player's hands: keys or lines, MIDI, Link.
Out: what the player asks for reaches the runner, what happens reaches the player. It looks around
twenty times a second and at every key; nothing that sounds waits for it.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from engine.ask import Ack
from engine.errors import AntiphonError
from engine.live.device import Device
from engine.live.host import Host
from engine.live.keeper import Keeper
from engine.live.link import LinkClock
from engine.live.midi_hands import MidiHands
from engine.live.midi_map import MidiMap
from engine.live.player import Player
from engine.live.screen import Screen
from engine.live.terminal import Input
from engine.live.words import compose, help_lines
from engine.loop.status import Status

TURN_SECONDS: Final = 0.05
SHOW_SECONDS: Final = 0.1
RETRY_SECONDS: Final = 2.0  # between two looks for a card that is gone
REMARK_SECONDS: Final = 5.0  # that a remark stays beside the status line


class Runner(Protocol):
    """What the stage needs of `engine.runner.Runner`."""

    events: deque[Ack | str]  # answers and remarks; whoever shows them takes them out

    def status(self) -> Status:
        """How it is."""
        ...


@dataclass(kw_only=True)
class Stage:
    """Everything on it. `play` returns when the set is over."""

    runner: Runner
    device: Device
    player: Player
    host: Host
    source: Input
    screen: Screen
    keeper: Keeper
    now: Callable[[], float]
    is_over: Callable[[], bool]  # a signal came, or the time is up
    midi: MidiHands | None = None
    save_controls: Callable[[MidiMap], None] = field(default=lambda _: None)
    link: LinkClock | None = None
    problem: str = ""  # of the device
    remark: str = ""
    _told: float = 0.0  # when the remark was
    _shown: float = float("-inf")
    _retried: float = float("-inf")
    _learning: str | None = None

    def play(self) -> None:
        """Play until the player quits, the time is up or a signal comes."""
        while not (self.player.has_quit or self.is_over()):
            self._turn()

    def _turn(self) -> None:
        """Look around once."""
        for line in self.source.wait(TURN_SECONDS):
            self._do(line)
        self._follow_midi()
        if self.link is not None:
            self.host.say(self.link.read())
        self._keep()
        self._watch_device()
        while self.runner.events:
            self._tell_news(self.runner.events.popleft())
        self._show()

    def _do(self, line: str) -> None:
        """Obey a line; what cannot be obeyed is told, and the music goes on."""
        try:
            self._tell(self.player.do(line))
        except AntiphonError as refusal:
            self._tell(str(refusal))
        if self.player.wants_help:
            self.player.wants_help = False
            for text in help_lines():
                self.screen.tell(text)

    def _keep(self) -> None:
        while self.player.keeps:
            bars = self.player.keeps.pop(0)
            try:
                self._tell(self.keeper.keep(bars))
            except AntiphonError as refusal:
                self._tell(str(refusal))

    def _follow_midi(self) -> None:
        if self.player.learning != self._learning:
            self._learning = self.player.learning
            if self.midi is None and self._learning:
                self._tell("no MIDI input is open; start with --midi")
            elif self.midi is not None:
                self.midi.learn(self._learning)
        for heard in self.midi.take() if self.midi is not None else ():
            for command in heard.commands:
                self.player.notice(command)
            for line in heard.lines:
                self._do(line)
            self._tell(heard.remark)
            if heard.learned is not None:
                self.player.learning = self._learning = None
                self._save(heard.learned)

    def _save(self, controls: MidiMap) -> None:
        try:
            self.save_controls(controls)
        except AntiphonError as refusal:
            self._tell(str(refusal))

    def _watch_device(self) -> None:
        before, self.problem = self.problem, self.device.problem()
        if self.problem and self.now() - self._retried >= RETRY_SECONDS:
            self._retried = self.now()
            self.device.revive()
        if before and not self.problem:
            self._tell(f"{self.device.name} plays again")
        elif self.problem != before:
            self._tell(self.problem)

    def _tell_news(self, item: Ack | str) -> None:
        if isinstance(item, str):
            self._tell(item)
        elif item.what == "refused":
            self._tell(f"refused: {item.reason}")

    def _tell(self, text: str) -> None:
        """Show a remark for a while; where there is no status line, print it."""
        if not text:
            return
        self.remark, self._told = text, self.now()
        if not self.screen.is_live:
            self.screen.tell(text)

    def _pending(self) -> str:
        when = self.player.when
        return f"the next change is on the {when}" if when not in (None, "now") else ""

    def _show(self) -> None:
        now = self.now()
        if not self.screen.is_live or now - self._shown < SHOW_SECONDS:
            return
        self._shown = now
        if now - self._told > REMARK_SECONDS:
            self.remark = ""
        lines = compose(
            self.runner.status(),
            texts=self.player.texts,
            slot=self.player.slot,
            typed=self.source.typed,
            remark=self.remark or self._pending(),
            problems=[self.problem] if self.problem else [],
        )
        self.screen.show(lines)
