"""The Python client for asyncio: the same words as `bridge.client`, awaited.

    async with AsyncClient() as music:
        await music.prompt(1, "warm tape choir, 75 bpm")
        audio = await music.read(seconds=4.0)

In:  what is asked. Out: [C, N] float32. One task of its own does the talking; everything belongs to
the event loop that the client was entered in.
"""

import asyncio
import time
from collections.abc import Callable, Generator
from contextlib import nullcontext, suppress
from types import TracebackType
from typing import Any

import zmq
import zmq.asyncio

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

_Socket = zmq.asyncio.Socket


class AsyncReply:
    """What becomes of one ask; await it to wait until it has taken effect."""

    def __init__(self, client: "AsyncClient", asked: Asked) -> None:
        self._client, self.asked = client, asked

    def __await__(self) -> Generator[Any, None, Ack]:
        return self.wait().__await__()

    async def wait(self, timeout: float = ANSWER_SECONDS) -> Ack:
        """Wait until it has taken effect, or was replaced by a newer ask.

        Raises:
            Refusal: the engine refused it.
            LinkError: no answer within `timeout` seconds, or the conversation is over.
        """
        await self._client.wait_until(lambda: self.asked.is_settled, timeout, "an answer")
        return settled(self.asked)


class AsyncClient(ClientBase[AsyncReply]):
    """One session, played or controlled from an event loop."""

    def __init__(
        self,
        session: str | None = None,
        *,
        engine: str | None = None,
        keys: ClientKeys | None = None,
        timeout: float = ANSWER_SECONDS,
        **wish: Any,
    ) -> None:
        """Say what is wanted, as to `bridge.client.Client`; entering the client connects it."""
        super().__init__(Wish(session=session, **wish), nullcontext())
        self._timeout = timeout
        self._context = zmq.asyncio.Context()
        self._link = Link[_Socket](lambda: self._context.socket(zmq.DEALER), engine, keys)
        self._changed = asyncio.Condition()
        self._rung = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "AsyncClient":
        self._task = asyncio.create_task(self._run())
        try:
            is_open = lambda: self._dialogue.state == "open"  # noqa: E731
            await self.wait_until(is_open, self._timeout, "an engine")
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def read(
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
            is_there = lambda: self.playback.ready >= count  # noqa: B023, E731
            await self.wait_until(is_there, timeout, "sound")
            self._take(piece)
        return out

    async def status(self, timeout: float = ANSWER_SECONDS) -> Status:
        """The newest status; waits for the first.

        Raises:
            LinkError: none came within `timeout` seconds.
        """
        await self.wait_until(lambda: self._dialogue.status is not None, timeout, "a status")
        status = self._dialogue.status
        assert status is not None, "waited for it"
        return status

    async def wait_until(self, is_so: Callable[[], bool], timeout: float, what: str) -> None:
        """Wait for something.

        Raises:
            LinkError: it did not come within `timeout` seconds, or the conversation is over.
        """
        waiting = self._waiting_for(is_so)
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout), self._changed:
                await self._changed.wait_for(waiting.is_over)
        if not waiting.is_met:
            raise self._in_vain(timeout, what, is_connected=self._link.control is not None)

    async def close(self, *, keep: bool = True) -> None:
        """Say bye. A session that is kept waits to be picked up again; else it ends here."""
        if self._task is None:
            return
        self._dialogue.say_bye(keep=keep)
        self._ring()
        with suppress(LinkError):
            await self.wait_until(lambda: self._dialogue.state == "over", BYE_SECONDS, "a bye")
        task, self._task = self._task, None
        await task
        self._link.close(LINGER_MS)
        self._context.term()

    # --- the task -------------------------------------------------------------------------------

    def _reply(self, asked: Asked) -> AsyncReply:
        return AsyncReply(self, asked)

    def _ring(self) -> None:
        self._rung.set()

    async def _run(self) -> None:
        while self._task is not None:
            if self._dialogue.state == "calling":
                self._link.find()
            self._dialogue.turn(time.monotonic())
            await self._send()
            await self._poll()
            await self._receive()
            async with self._changed:
                self._changed.notify_all()
        await self._send()

    async def _poll(self) -> None:
        """Wait until something came, or was rung for, or is due."""
        wait_ms = RETRY_MS if self._dialogue.control_out else TURN_MS
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._rung.wait())]
        for socket in (self._link.control, self._link.audio):
            if socket is not None:
                waits.append(asyncio.ensure_future(socket.poll()))
        await asyncio.wait(waits, timeout=wait_ms / 1000, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()
        self._rung.clear()

    async def _receive(self) -> None:
        now, dialogue = time.monotonic(), self._dialogue
        for part in await _parts(self._link.control):
            dialogue.take_control(part, now)
        if dialogue.audio_endpoint is not None:
            self._link.open_audio(dialogue.audio_endpoint)
        for part in await _parts(self._link.audio):
            dialogue.take_audio(part, now)

    async def _send(self) -> None:
        for socket, queue in (
            (self._link.control, self._dialogue.control_out),
            (self._link.audio, self._dialogue.audio_out),
        ):
            while queue and socket is not None:
                try:
                    await socket.send(queue[0], zmq.DONTWAIT)
                except zmq.Again:
                    break
                queue.popleft()


async def _parts(socket: _Socket | None) -> list[bytes]:
    parts: list[bytes] = []
    while socket is not None:
        try:
            parts.append(await socket.recv(zmq.DONTWAIT))
        except zmq.Again:
            break
    return parts
