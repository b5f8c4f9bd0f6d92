"""The service: who says what to which session, and who is told. All of the bridge but the sockets.

In:  message parts with the connection they came over. Out: message parts to send, through two
functions. Whatever is wrong with a part is answered, counted and dropped, and everything else goes
on. Time is told. On the server's thread.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import format_exception
from typing import Final

from bridge import control, wire
from bridge.control import Message, Refuse, Remark, Status, shorten
from bridge.errors import Refusal, WireError
from bridge.log import Log, quiet
from bridge.reception import Manner, Peer, Reception
from bridge.session import Post, Session
from bridge.sessions import Sessions
from bridge.wire import Frame

OUR_FAULT: Final = "this is a fault of the engine's own; its log says more."

Send = Callable[[bytes, bytes], bool]  # connection and part; False if it cannot be sent
Listener = Callable[[Session, Post], None]


class Service:
    """See above."""

    def __init__(
        self,
        sessions: Sessions,
        send_control: Send,
        send_audio: Send,
        *,
        manner: Manner | None = None,
        log: Log = quiet,
    ) -> None:
        self.sessions, self.counters = sessions, Counter[str]()
        self.listeners: list[Listener] = []  # are told every post of every session
        self.reception = Reception(sessions, self._tell, manner or Manner(), log, self.counters)
        self._send_control, self._send_audio, self._log = send_control, send_audio, log

    # --- parts from clients ---------------------------------------------------------------------

    def take_control(self, connection: bytes, part: bytes, now: float) -> None:
        """Take a part from the control socket."""
        self.counters["control_received"] += 1
        message: Message | None = None
        try:
            message = found = control.read_client(part)
            self._obey(connection, found, now)
            self.counters["control_taken"] += 1
        except Refusal as refusal:
            self.counters["control_refused"] += 1
            self._tell(connection, _refuse(refusal, message))
        except Exception as fault:  # ours: one message must not end the music of all
            self._note_fault(fault)
            self._tell(connection, _refuse(Refusal("failed", OUR_FAULT), message))

    def _obey(self, connection: bytes, message: control.FromClient, now: float) -> None:
        if isinstance(message, control.Hello):
            self.reception.hello(connection, message, now)
            return
        peer = self.reception.find(connection)
        if peer is None:
            raise Refusal("hello_first", "nothing is known of this connection. Say hello first.")
        peer.heard = now
        match message:
            case control.Ask():
                peer.session.ask(message, peer.hello.client, now)
            case control.Transport():
                if not peer.is_player:
                    raise Refusal("not_player", "the transport is for the player to say.")
                peer.session.follow(message)
            case control.Subscribe():
                every = message.status_every_ms
                peer.status_every = None if every is None else every / 1000
                peer.status_due, peer.wants_changes = now, message.changes
            case control.AskStatus():
                self._tell(peer.id, self._status(peer.session))
            case control.Heartbeat():
                self._tell(peer.id, message)
            case control.Bye():
                self.reception.leave(peer, now)
                self._tell(peer.id, control.Farewell(reason="bye"))
                if peer.is_player and not message.keep:
                    self.reception.end(peer.session, "its player ended it")

    def take_audio(self, connection: bytes, part: bytes, now: float) -> None:
        """Take a part from the audio socket."""
        self.counters["audio_received"] += 1
        try:
            self._receive(connection, wire.unpack(part), now)
            self.counters["audio_taken"] += 1
        except (Refusal, WireError) as exc:
            self.counters["audio_refused"] += 1
            refusal = exc if isinstance(exc, Refusal) else Refusal("malformed", str(exc))
            self._send_audio(connection, control.write(_refuse(refusal, None, about="audio")))
        except Exception as fault:  # ours, as above
            self._note_fault(fault)

    def _receive(self, connection: bytes, frame: Frame, now: float) -> None:
        session = self.sessions.by_key(frame.key)
        peer = None if session is None else self.reception.player_of(session)
        if session is None or peer is None:
            text = "key is of no session that is played. Say hello on the control socket first."
            raise Refusal("unknown", text)
        peer.audio, peer.heard = connection, now
        session.stream.receive(frame)

    # --- what goes on by itself -----------------------------------------------------------------

    def turn(self, now: float) -> None:
        """Do what is due: openings, answers, status, silence, expiry. Often."""
        opened, expired = self.sessions.turn(now)
        for one in opened:
            self.reception.opened(one, now)
        for session in expired:
            self.counters["sessions_expired"] += 1
            self.reception.end(session, "nobody came back to it")
        for session in self.sessions:
            with self._apart(session):
                self._turn_session(session, now)

    def _turn_session(self, session: Session, now: float) -> None:
        session.turn(now)
        for post in session.take_posts():
            self._deliver(session, post)
        for peer in self.reception.peers_of(session):
            self._attend(peer, now)

    def pump(self, now: float) -> bool:
        """Send the sound that may go; True if a player waits for some that is not made yet."""
        is_waited_for = False
        for peer in self.reception:
            if peer.is_player and peer.audio is not None and not peer.session.holds_sound(now):
                with self._apart(peer.session):
                    self._pump_player(peer, peer.audio)
                is_waited_for |= peer.session.stream.flow.room > 0
        return is_waited_for

    def _pump_player(self, peer: Peer, connection: bytes) -> None:
        for frame in peer.session.stream.pump():
            if not self._send_audio(connection, wire.pack(frame)):
                self.counters["audio_unsent"] += 1

    @contextmanager
    def _apart(self, session: Session) -> Iterator[None]:
        """Keep a fault of ours in one session from ending the music of the others."""
        try:
            yield
        except Exception as fault:
            self._note_fault(fault)
            self.reception.end(session, OUR_FAULT)

    @contextmanager
    def noting_faults(self) -> Iterator[None]:
        """Log a fault of ours and go on."""
        try:
            yield
        except Exception as fault:
            self._note_fault(fault)

    def _note_fault(self, fault: Exception) -> None:
        self.counters["faults"] += 1
        self._log("fault", trace="".join(format_exception(fault)))

    def _deliver(self, session: Session, post: Post) -> None:
        for peer in self.reception.peers_of(session):
            if _is_for(post, peer):
                self._tell(peer.id, post.message)
        for listener in self.listeners:
            listener(session, post)

    def _attend(self, peer: Peer, now: float) -> None:
        if now - peer.heard > self.reception.manner.park_ms / 1000:
            self.reception.leave(peer, now)
        elif peer.status_every is not None and now >= peer.status_due:
            peer.status_due = max(now, peer.status_due + peer.status_every)
            self._tell(peer.id, self._status(peer.session))

    def _status(self, session: Session) -> Status:
        stream, intake = session.stream, session.stream.intake
        engine = session.player.status()
        return Status(
            session=session.name,
            parked=session.is_parked,
            sample=max(0, session.player.status_sample + stream.origin),
            credit=stream.flow.room,
            engine=engine,
            counters={**self.counters, "input_lost": intake.lost, "input_late": intake.late},
        )

    def _tell(self, connection: bytes, message: Message) -> None:
        if not self._send_control(connection, control.write(message)):
            self.counters["control_unsent"] += 1


def _refuse(refusal: Refusal, message: Message | None, *, about: str = "") -> Refuse:
    return Refuse(
        code=refusal.code,
        text=shorten(str(refusal)),
        about=about or getattr(message, "type", ""),
        revision=getattr(message, "revision", None),
    )


def _is_for(post: Post, peer: Peer) -> bool:
    if post.to is not None:
        return post.to == peer.hello.client
    if isinstance(post.message, Remark):
        return True
    return peer.wants_changes and getattr(post.message, "by", None) != peer.hello.client
