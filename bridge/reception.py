"""The reception: who is connected, who plays which session, who may take it over.

In:  hellos and goodbyes. Out: peers, and a `welcome` or a `Refusal` for each hello. A session has
one player, who has its audio, and a few controllers. While its player is there nobody else can
play it, except the same client with the token it was given, from a new connection. Time is told.
On the server's thread.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final, Literal

from bridge import control
from bridge.control import Farewell, Hello, Message, Welcome, shorten
from bridge.errors import Refusal
from bridge.limits import MAX_CONTROLLERS, MAX_PEERS
from bridge.log import Log
from bridge.session import Session, host_block
from bridge.sessions import Opened, Sessions, Wanted
from engine import AntiphonError, Command, __version__

CAPABILITIES: Final = ("ask", "transport", "input", "status", "changes", "osc")

Tell = Callable[[bytes, Message], None]  # a connection and what it is told


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a server deals with its clients, as it tells them."""

    heartbeat_ms: int = 500  # a client says something at least this often
    park_ms: int = 2_500  # and is gone after so long a silence
    bundle: str = ""  # id
    bundle_name: str = ""
    bundle_rate: int = 0  # Hz
    lead_ms: float = 0.0
    audio_endpoint: str | None = None


@dataclass(eq=False)
class Peer:
    """One connection on the control socket that has said hello."""

    id: bytes
    hello: Hello
    session: Session
    heard: float  # second
    status_every: float | None = None  # seconds
    status_due: float = 0.0  # second
    wants_changes: bool = False
    audio: bytes | None = None  # its connection on the audio socket

    @property
    def is_player(self) -> bool:
        """Whether the session's audio is its own."""
        return self.hello.role == "player"


class Reception:
    """Everyone who is there."""

    def __init__(
        self, sessions: Sessions, tell: Tell, manner: Manner, log: Log, counters: Counter[str]
    ) -> None:
        self.sessions, self.manner, self.counters = sessions, manner, counters
        self.boot = token_hex(8)  # another one after a restart
        self.is_closed = False
        self._tell, self._log = tell, log
        self._peers: dict[bytes, Peer] = {}
        self._pending: dict[str, tuple[bytes, Hello]] = {}  # session -> who waits for it

    def __iter__(self) -> Iterator[Peer]:
        return iter(list(self._peers.values()))

    def find(self, connection: bytes) -> Peer | None:
        """Who is on a connection."""
        return self._peers.get(connection)

    def peers_of(self, session: Session) -> list[Peer]:
        """Everyone in a session."""
        return [peer for peer in self._peers.values() if peer.session is session]

    def player_of(self, session: Session) -> Peer | None:
        """Who plays a session."""
        return next((peer for peer in self.peers_of(session) if peer.is_player), None)

    # --- coming ---------------------------------------------------------------------------------

    def hello(self, connection: bytes, hello: Hello, now: float) -> None:
        """Let someone in, now or when the session is open.

        Raises:
            Refusal: "protocol", "closing", "capacity", "unknown", "opening", "busy" or "range".
        """
        if hello.protocol != control.PROTOCOL:
            text = f"protocol is {hello.protocol}, expected {control.PROTOCOL}. Update the older."
            raise Refusal("protocol", text)
        if self.is_closed:
            raise Refusal("closing", "the engine is shutting down.")
        known = self._peers.get(connection)
        if hello.session is None:
            hello = hello.model_copy(update={"session": self._named(connection)})
        if known is not None and known.session.name != hello.session:
            self.leave(known, now)
        if known is None and len(self._peers) + len(self._pending) >= MAX_PEERS:
            raise Refusal("capacity", f"{MAX_PEERS} clients are connected already.")
        if hello.role == "controller":
            self._join(connection, hello, now)
        else:
            self._play(connection, hello, now)

    def _named(self, connection: bytes) -> str | None:
        """The session that a connection was given, or waits for, when it named none."""
        known = self._peers.get(connection)
        if known is not None:
            return known.session.name
        return next((name for name, (who, _) in self._pending.items() if who == connection), None)

    def _join(self, connection: bytes, hello: Hello, now: float) -> None:
        session = self.sessions.find(hello.session or "")
        if session is None:
            there = ", ".join(self.sessions.names) or "none"
            raise Refusal("unknown", f"session is {hello.session!r}, and there are: {there}.")
        others = [peer for peer in self.peers_of(session) if not peer.is_player]
        if len(others) >= MAX_CONTROLLERS and connection not in self._peers:
            raise Refusal("capacity", f"{MAX_CONTROLLERS} controllers are in this session already.")
        self._welcome(Peer(connection, hello, session, now), "joined")

    def _play(self, connection: bytes, hello: Hello, now: float) -> None:
        name = hello.session or self.sessions.new_name()
        session = self.sessions.find(name)
        if session is not None:
            self._take_over(connection, hello, session, now)
            return
        if self.sessions.is_opening(name):
            asker = self._pending[name][1].client if name in self._pending else None
            if asker != hello.client:
                raise Refusal("opening", f"session {name!r} is being opened by {asker!r}.")
            hello = self._pending[name][1]  # by which it is being opened
        else:
            self.sessions.open(_wanted(name, hello))
        self._pending[name] = (connection, hello)

    def _take_over(self, connection: bytes, hello: Hello, session: Session, now: float) -> None:
        """Give a session that is there to a player: a parked one to any, another to its owner."""
        player = self.player_of(session)
        is_elsewhere = player is not None and player.id != connection
        if player is not None and is_elsewhere and not session.is_owner(hello.token):
            text = (
                f"session {session.name!r} is played by {player.hello.client!r}. Take another "
                "name or none, or join it as a controller."
            )
            raise Refusal("busy", text)
        if hello.channels != session.player.channels:
            text = f"channels is {hello.channels}, and session {session.name!r} has "
            raise Refusal("range", f"{text}{session.player.channels}. Open another session.")
        if player is not None and is_elsewhere:
            self._tell(player.id, Farewell(reason="its own client came back elsewhere"))
            del self._peers[player.id]
        was_gone = player is None or is_elsewhere
        if was_gone or not session.go_on(hello.sample, hello.rate):
            session.attach(hello.sample, hello.rate)
        self.counters["sessions_resumed"] += 1
        self._welcome(Peer(connection, hello, session, now), "resumed")

    def opened(self, opened: Opened, now: float) -> None:
        """A session is open, or could not be; whoever waited for it is told."""
        waiting = self._pending.pop(opened.name, None)
        if opened.session is None:
            self._log("session not opened", session=opened.name, fault=repr(opened.fault))
            if waiting is not None:
                self._tell(waiting[0], _not_opened(opened))
            return
        self.counters["sessions_opened"] += 1
        self._log("session opened", session=opened.name)
        if waiting is None:  # gone meanwhile
            opened.session.park(now)
            return
        connection, hello = waiting
        opened.session.attach(hello.sample)
        self._welcome(Peer(connection, hello, opened.session, now), "new")

    def _welcome(self, peer: Peer, state: Literal["new", "resumed", "joined"]) -> None:
        self._peers[peer.id] = peer
        self._log("client came", client=peer.hello.client, session=peer.session.name, state=state)
        session, manner = peer.session, self.manner
        mine: dict[str, Any] = {"token": None, "key": None, "audio": None}
        if peer.is_player:
            mine = {"token": session.token, "key": session.key.hex()}
            mine["audio"] = manner.audio_endpoint
        welcome = Welcome(
            protocol=control.PROTOCOL,
            version=__version__,
            boot=self.boot,
            session=session.name,
            role=peer.hello.role,
            state=state,
            **mine,
            rate=session.player.rate,
            channels=session.player.channels,
            listens=session.player.listens,
            sample=session.stream.flow.sent,
            frame=session.stream.frame,
            seed=session.changes.seed,
            change=session.changes.newest,
            revision=session.changes.journal(peer.hello.client).newest,
            bundle=manner.bundle,
            bundle_name=manner.bundle_name,
            bundle_rate=manner.bundle_rate,
            lead_ms=manner.lead_ms,
            heartbeat_ms=manner.heartbeat_ms,
            park_ms=manner.park_ms,
            expire_seconds=self.sessions.expire_seconds,
            settings=session.changes.book.commands(),
            capabilities=list(CAPABILITIES),
        )
        self._tell(peer.id, welcome)

    # --- going ----------------------------------------------------------------------------------

    def leave(self, peer: Peer, now: float) -> None:
        """Someone is gone; a session without its player is parked."""
        del self._peers[peer.id]
        self._log("client went", client=peer.hello.client, session=peer.session.name)
        if peer.is_player:
            self.counters["sessions_parked"] += 1
            peer.session.park(now)

    def end(self, session: Session, reason: str) -> None:
        """A session is over; everyone in it is told, and its take is saved."""
        self.say_farewell(self.peers_of(session), reason)
        if self.sessions.find(session.name) is session:
            self.sessions.close(session)
        self._log("session ended", session=session.name, reason=reason)

    def close(self) -> None:
        """Say farewell to everyone, and let nobody in from now on."""
        self.is_closed = True
        self.say_farewell(list(self), "the engine is shutting down")

    def say_farewell(self, peers: list[Peer], reason: str) -> None:
        """Let some go."""
        for peer in peers:
            self._tell(peer.id, Farewell(reason=reason))
            del self._peers[peer.id]


def _wanted(name: str, hello: Hello) -> Wanted:
    """What a hello asks a new session to be.

    Raises:
        Refusal: "range": a setting or a song that the engine does not take.
    """
    try:
        settings = tuple(Command.from_json(found) for found in hello.settings)
    except AntiphonError as exc:
        raise Refusal("range", f"settings: {exc}") from exc
    try:
        said = hello.transport
        song = None if said is None else host_block(said, hello.sample, hello.rate)
    except AntiphonError as exc:
        raise Refusal("range", f"transport: {exc}") from exc
    seed = hello.seed or 0
    return Wanted(name, hello.rate, hello.channels, seed, hello.listens, settings, song)


def _not_opened(opened: Opened) -> control.Refuse:
    fault = opened.fault
    words = str(fault) if isinstance(fault, AntiphonError) else "a fault of ours; see the log."
    text = shorten(f"session {opened.name!r} could not be opened: {words}")
    return control.Refuse(code="failed", text=text, about="hello")
