"""The Python client: music from a running engine, in a few lines.

    with Client() as music:
        music.prompt(1, "warm tape choir, 75 bpm").wait()
        audio = music.read(seconds=4.0)

In:  what is asked. Out: [C, N] float32 at the rate that was asked for. One thread of its own does
the talking and keeps the session alive; every method may be called on any thread. `take` never
waits, for a sound card's callback; `read` waits until everything is there, so nothing is missed.
"""

import socket as net
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

import zmq

from bridge.asking import Asked
from bridge.client_base import (
    ANSWER_SECONDS,
    BYE_SECONDS,
    LINGER_MS,
    RETRY_MS,
    TURN_MS,
    ClientBase,
    settled,
)
from bridge.control import Ack, Status
from bridge.dialogue import Wish
from bridge.errors import LinkError
from bridge.link import Link
from bridge.security import ClientKeys
from bridge.wire import Audio

_JOIN_SECONDS = 5.0


class Reply:
    """What becomes of one ask."""

    def __init__(self, client: "Client", asked: Asked) -> None:
        self._client, self.asked = client, asked

    def wait(self, timeout: float = ANSWER_SECONDS) -> Ack:
        """Wait until it has taken effect, or was replaced by a newer ask.

        Raises:
            Refusal: the engine refused it.
            LinkError: no answer within `timeout` seconds, or the conversation is over.
        """
        self._client.wait_until(lambda: self.asked.is_settled, timeout, "an answer")
        return settled(self.asked)


class Client(ClientBase[Reply]):
    """One session, played or controlled from Python."""

    def __init__(
        self,
        session: str | None = None,
        *,
        engine: str | None = None,
        keys: ClientKeys | None = None,
        timeout: float = ANSWER_SECONDS,
        **wish: Any,
    ) -> None:
        """Connect, and wait until the session is open.

        Args:
            session: its name; None opens a new one.
            engine: control endpoint; None finds the engine that runs on this machine.
            keys: where the engine is on another machine.
            timeout: seconds to wait for it.
            wish: fields of `bridge.dialogue.Wish`: role, rate, channels, seed, buffer_seconds, ...

        Raises:
            LinkError: no engine, or it refuses.
        """
        self._changed = threading.Condition()
        super().__init__(Wish(session=session, **wish), self._changed)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._link = Link(lambda: self._context.socket(zmq.DEALER), engine, keys)
        self._bell, self._ear = net.socketpair()
        self._ear.setblocking(False)
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="antiphon-client", daemon=True)
        self._thread.start()
        try:
            self.wait_until(lambda: self._dialogue.state == "open", timeout, "an engine")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def read(
        self, samples: int | None = None, *, seconds: float = 0.0, timeout: float = ANSWER_SECONDS
    ) -> Audio:
        """Wait for the next samples: [C, N].

        Raises:
            LinkError: they did not come within `timeout` seconds, or the conversation is over.
        """
        out = self._empty(samples, seconds)
        for piece in self._pieces(out):
            count = piece.shape[1]
            self._want(count)
            self.wait_until(lambda: self.playback.ready >= count, timeout, "sound")  # noqa: B023
            self._take(piece)
        return out

    def take(self, samples: int) -> Audio:
        """The next samples as far as they are there, else silence; the stream goes on."""
        out = self._empty(samples, 0.0)
        with self._changed:
            self.playback.is_waited_for = False
            self._dialogue.start()
            self.playback.take(out)
            self._dialogue.refresh_credit()
        self._ring()
        return out

    def status(self, timeout: float = ANSWER_SECONDS) -> Status:
        """The newest status; waits for the first.

        Raises:
            LinkError: none came within `timeout` seconds.
        """
        self.wait_until(lambda: self._dialogue.status is not None, timeout, "a status")
        status = self._dialogue.status
        assert status is not None, "waited for it"
        return status

    def wait_until(self, is_so: Callable[[], bool], timeout: float, what: str) -> None:
        """Wait for something.

        Raises:
            LinkError: it did not come within `timeout` seconds, or the conversation is over.
        """
        waiting = self._waiting_for(is_so)
        with self._changed:
            self._changed.wait_for(waiting.is_over, timeout)
        if waiting.is_met:
            return
        raise self._in_vain(timeout, what, is_connected=self._link.control is not None)

    def close(self, *, keep: bool = True) -> None:
        """Say bye. A session that is kept waits to be picked up again; else it ends here."""
        if self._is_closing:
            return
        with self._changed:
            self._dialogue.say_bye(keep=keep)
        self._ring()
        with suppress(LinkError):
            self.wait_until(lambda: self._dialogue.state == "over", BYE_SECONDS, "a bye")
        self._is_closing = True
        self._ring()
        self._thread.join(_JOIN_SECONDS)

    # --- the thread -----------------------------------------------------------------------------

    def _reply(self, asked: Asked) -> Reply:
        return Reply(self, asked)

    def _ring(self) -> None:
        with suppress(OSError):
            self._bell.send(b"!", net.MSG_DONTWAIT)

    def _run(self) -> None:
        try:
            while not self._is_closing:
                self._turn()
            self._send()
        finally:
            self._link.close(LINGER_MS)
            self._context.term()
            self._bell.close()
            self._ear.close()

    def _turn(self) -> None:
        with self._changed:
            if self._dialogue.state == "calling":
                self._link.find()
            self._dialogue.turn(time.monotonic())
        self._send()
        self._poll()
        with self._changed:
            self._receive()
            self._changed.notify_all()

    def _poll(self) -> None:
        poller = zmq.Poller()
        for one in (self._ear, self._link.control, self._link.audio):
            if one is not None:
                poller.register(one, zmq.POLLIN)
        poller.poll(RETRY_MS if self._dialogue.control_out else TURN_MS)
        with suppress(BlockingIOError):
            while self._ear.recv(256):
                pass

    def _receive(self) -> None:
        now, dialogue = time.monotonic(), self._dialogue
        for part in _parts(self._link.control):
            dialogue.take_control(part, now)
        if dialogue.audio_endpoint is not None:
            self._link.open_audio(dialogue.audio_endpoint)
        for part in _parts(self._link.audio):
            dialogue.take_audio(part, now)

    def _send(self) -> None:
        for socket, queue in (
            (self._link.control, self._dialogue.control_out),
            (self._link.audio, self._dialogue.audio_out),
        ):
            while queue and socket is not None:
                try:
                    socket.send(queue[0], zmq.DONTWAIT)
                except zmq.Again:
                    break
                with self._changed:
                    queue.popleft()


def _parts(socket: "zmq.Socket[bytes] | None") -> list[bytes]:
    parts: list[bytes] = []
    while socket is not None:
        try:
            parts.append(socket.recv(zmq.DONTWAIT))
        except zmq.Again:
            break
    return parts
