"""A service without sockets: parts go in by hand, what is sent is kept, time is told."""

from concurrent.futures import Executor, Future
from typing import Any

from bridge import control, wire
from bridge.control import Hello, Message, Welcome
from bridge.reception import Manner
from bridge.service import Service
from bridge.sessions import Sessions, Wanted
from bridge.wire import Frame, Kind
from engine import BackendError
from tests.bridge.fakes import CountingPlayer


class AtOnce(Executor):
    """Does what it is given before it returns."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future:
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as exc:
            future.set_exception(exc)
        return future


class Later(Executor):
    """Does what it is given when it is told."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Future, Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future:
        future: Future = Future()
        self.jobs.append((future, lambda: fn(*args, **kwargs)))
        return future

    def work(self) -> None:
        for future, job in self.jobs:
            future.set_result(job())
        self.jobs.clear()


class House:
    """One service, and everything it sent."""

    def __init__(
        self, worker: Executor | None = None, capacity: int = 4, expire_seconds: float = 60.0
    ) -> None:
        self.players: dict[str, CountingPlayer] = {}
        self.said: list[tuple[bytes, Message]] = []
        self.sent: list[tuple[bytes, bytes]] = []
        self.fault = ""  # of the next opening
        self.wanted: dict[str, Wanted] = {}
        self.logged: list[str] = []
        sessions = Sessions(
            self._open, worker or AtOnce(), capacity=capacity, expire_seconds=expire_seconds
        )
        self.service = Service(
            sessions,
            self._control,
            self._audio,
            manner=Manner(audio_endpoint="tcp://127.0.0.1:7451"),
            log=lambda event, **fields: self.logged.append(event),
        )
        self.now = 0.0

    def _open(self, wanted: Wanted) -> CountingPlayer:
        if self.fault:
            raise BackendError(self.fault)
        player = CountingPlayer(wanted.rate, wanted.channels)
        player.listens = wanted.listens
        self.players[wanted.name], self.wanted[wanted.name] = player, wanted
        return player

    def _control(self, connection: bytes, part: bytes) -> bool:
        self.said.append((connection, control.read_engine(part)))
        return True

    def _audio(self, connection: bytes, part: bytes) -> bool:
        self.sent.append((connection, part))
        return True

    def say(self, connection: bytes, message: Message | bytes) -> list[Message]:
        """Say something on the control socket; what this connection is told."""
        part = message if isinstance(message, bytes) else control.write(message)
        self.service.take_control(connection, part, self.now)
        self.service.turn(self.now)
        return self.told(connection)

    def told(self, connection: bytes) -> list[Message]:
        """What a connection was told since the last look."""
        mine = [message for to, message in self.said if to == connection]
        self.said = [(to, message) for to, message in self.said if to != connection]
        return mine

    def wait(self, seconds: float) -> None:
        """Let time pass in one go."""
        self.now += seconds
        self.service.turn(self.now)

    def hello(self, connection: bytes = b"A", **fields: Any) -> Welcome:
        """Come, and be welcomed."""
        hello = Hello(**{"client": connection.decode(), "session": "lead", **fields})
        (welcome,) = self.say(connection, hello)
        assert isinstance(welcome, Welcome), welcome
        return welcome

    def play(self, connection: bytes, frame: Frame | bytes) -> list[Frame | Message]:
        """Send something on the audio socket; what comes back on it."""
        part = frame if isinstance(frame, bytes) else wire.pack(frame)
        self.service.take_audio(connection, part, self.now)
        self.service.pump(self.now)
        sent, self.sent = self.sent, []
        return [
            control.read_engine(part) if part.startswith(b"{") else wire.unpack(part)
            for _, part in sent
        ]

    def credit(self, welcome: Welcome, until: int, connection: bytes = b"a") -> list[Any]:
        """Let sound be sent; what is."""
        return self.play(
            connection,
            Frame(
                kind=Kind.CREDIT,
                key=bytes.fromhex(welcome.key or ""),
                sequence=0,
                sample=welcome.sample,
                credit=until,
                rate=welcome.rate,
            ),
        )
