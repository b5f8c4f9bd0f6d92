"""Hands on MIDI: what is played goes to the runner at once, the rest waits for the stage.

In:  messages on the threads of the ports. Out: asks and pulses, from those threads, without waiting
for the stage; and `take`, what the stage is to do and to tell.
"""

from collections import deque
from collections.abc import Iterator
from threading import Lock
from typing import Any, Final

from engine.errors import AntiphonError
from engine.live.host import Host
from engine.live.midi_input import Heard, MidiInput
from engine.live.player import Asker

_MAX_NEWS: Final = 1024  # that wait for the stage; it looks twenty times a second


class MidiHands:
    """What ports are given to."""

    def __init__(self, controls: MidiInput, asker: Asker, host: Host) -> None:
        self._controls, self._asker, self._host = controls, asker, host
        self._lock = Lock()  # several ports, one player
        self._news: deque[Heard] = deque(maxlen=_MAX_NEWS)

    def hear(self, message: Any, second: float) -> None:
        """Take in one message. [midi-thread]"""
        with self._lock:
            heard = self._controls.hear(message, second)
        if heard.pulse is not None:
            self._host.say(heard.pulse)
        try:
            for command in heard.commands:
                self._asker(command, heard.when)
        except AntiphonError as refusal:
            heard = heard._replace(commands=(), remark=str(refusal))
        if heard.commands or heard.lines or heard.remark or heard.learned is not None:
            self._news.append(heard)

    def learn(self, does: str | None) -> None:
        """Bind the next control that moves; None: do not. [control-thread]"""
        with self._lock:
            self._controls.learning = does

    def take(self) -> Iterator[Heard]:
        """Take out what happened since the last time. [control-thread]"""
        while self._news:
            yield self._news.popleft()
