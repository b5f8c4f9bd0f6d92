"""A client's side of the conversation: what to say when, and how to come back.

In:  parts from the engine, what the user wants, and the time. Out: parts to send, events, sound.
When the engine is gone it calls until one answers. If that one knows the session, asks without an
answer are said again under their old revisions; if not, the session begins anew with all settings
that were in force, at the place in the song. Knows nothing of sockets or threads: `bridge.client`
and `bridge.client_async` carry its parts.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from uuid import uuid4

from bridge import control, wire
from bridge.asking import Asked, Asking
from bridge.control import (
    Ack,
    Changed,
    Farewell,
    FromEngine,
    Heartbeat,
    Hello,
    Message,
    Refuse,
    Remark,
    Status,
    Transport,
    Welcome,
)
from bridge.errors import LinkError, Refusal, WireError
from bridge.limits import MAX_BLOCK_SAMPLES
from bridge.playback import Playback
from bridge.wire import Audio, Flag, Frame, Kind
from engine import Command, When, __version__

HEARTBEAT_SECONDS: Final = 0.25
GONE_SECONDS: Final = 1.0  # of silence, after which the engine is called anew
CALL_SECONDS: Final = 0.25  # between two calls
EVENTS_KEPT: Final = 1_000
CREDIT_STEPS: Final = 4  # credit is said again when a quarter of the buffer has been played

_SAID_BYE: Final = "this client said bye."
_PLACE: Final = ("quarter", "is_playing", "tempo_bpm", "beat", "beats_per_bar")  # of a status

State = Literal["calling", "open", "leaving", "over"]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a client wants to be."""

    session: str | None = None  # None: a new one
    client: str = field(default_factory=lambda: uuid4().hex)  # its own id; the same when it returns
    program: str = f"antiphon-python {__version__}"
    role: Literal["player", "controller"] = "player"
    rate: int = 48_000  # Hz
    channels: int = 2
    listens: bool = False  # whether there will be input
    seed: int | None = None
    settings: tuple[Mapping[str, Any], ...] = ()  # commands that a new session begins with
    token: str | None = None  # from an earlier welcome, to take the session over
    buffer_seconds: float = 0.1  # how far ahead of the playhead sound is asked for
    status_every_ms: int | None = 200  # None: never; then the place in the song is not restored


@dataclass(frozen=True)
class Gone:
    """The engine does not answer any more."""


@dataclass(frozen=True)
class Back:
    """The engine is there again."""

    is_restored: bool  # True: it knew nothing of the session, and was told all settings anew
    missed_samples: int  # that were to be played meanwhile and were not there


Event = Ack | Changed | Status | Remark | Refuse | Farewell | Gone | Back


class Dialogue:
    """See above."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.state: State = "calling"
        self.why_over = ""
        self.welcome: Welcome | None = None  # the last
        self.status: Status | None = None  # the newest
        self.playback: Playback | None = None
        self.asking = Asking(tuple(Command.from_json(dict(found)) for found in wish.settings))
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self.control_out: deque[bytes] = deque()
        self.audio_out: deque[bytes] = deque()
        self._now = 0.0
        self._heard = self._called = self._beat = float("-inf")  # seconds
        self._transport: Transport | None = None
        self._transport_revision = 0
        self._sequence, self._said_credit, self._written = 0, -1, 0
        self._is_started = False
        self._missed = 0  # samples, when the engine went

    # --- what the user wants --------------------------------------------------------------------

    def ask(
        self,
        command: Command | Mapping[str, Any],
        when: When | str = "now",
        glide_seconds: float | None = None,
    ) -> Asked:
        """Ask for a change.

        Raises:
            OptionError, PromptError: the engine would not take it.
            LinkError: the conversation is over.
        """
        self.require_going()
        asked = self.asking.ask(command, when, glide_seconds)
        if self.state == "open":
            self.control_out.append(asked.part())
        return asked

    def follow(self, transport: Mapping[str, Any]) -> None:
        """Say where the host's song is: the fields of `control.Transport` without its revision.

        Raises:
            LinkError: the conversation is over.
        """
        self.require_going()
        self._transport = Transport(revision=1, **transport)
        self._say_transport()

    def write(self, block: Audio, sample: int | None = None) -> None:
        """Give input: [C, N] from a sample of the stream on, or behind the last.

        Raises:
            LinkError: no session is open, or it is not this client's to play.
        """
        if self.playback is None or self.state != "open":
            raise LinkError("there is no open session to play into. Wait until it is open.")
        place = max(self._written, self.playback.playhead) if sample is None else sample
        for start in range(0, block.shape[1], MAX_BLOCK_SAMPLES):
            stop = start + MAX_BLOCK_SAMPLES
            self._send_audio(Kind.INPUT, place + start, audio=block[:, start:stop])
        self._written = place + int(block.shape[1])

    def start(self) -> None:
        """Let sound come from now on."""
        self._is_started = True
        self.refresh_credit()

    def refresh_credit(self, *, again: bool = False) -> None:
        """Say how far sound may be sent, if that is worth a message, or again to be sure."""
        playback = self.playback
        if playback is None or self.state != "open" or not self._is_started:
            return
        step = max(1, playback.buffer_samples // CREDIT_STEPS)
        if again or playback.credit - self._said_credit >= step or playback.ready == 0:
            self._said_credit = playback.credit
            self._send_audio(
                Kind.CREDIT,
                playback.playhead,
                credit=playback.credit,
                flags=Flag.WAITS if playback.is_waited_for else Flag.NONE,
            )

    def say_bye(self, *, keep: bool) -> None:
        """End the conversation, once the engine has heard so; a session that is not kept ends."""
        if self.state == "open":
            self._say(control.Bye(keep=keep))
            self.state = "leaving"
        elif self.state == "calling":
            self._end(_SAID_BYE)

    def require_going(self) -> None:
        """Refuse to go on when the conversation is over.

        Raises:
            LinkError: it is; says why.
        """
        if self.state in ("leaving", "over"):
            why = self.why_over or _SAID_BYE
            raise LinkError(f"the conversation with the engine is over: {why}")

    @property
    def audio_endpoint(self) -> str | None:
        """Where the engine's audio is, while there is any for this client."""
        return self.welcome.audio if self.state == "open" and self.welcome is not None else None

    # --- time -----------------------------------------------------------------------------------

    def turn(self, now: float) -> None:
        """Do what is due: call, beat, notice that the engine is gone. Ten times a second or so."""
        self._now = now
        if self.state == "open" and now - self._heard > GONE_SECONDS:
            self._lose()
        if self.state == "calling" and now - self._called >= CALL_SECONDS:
            self._called = now
            self.control_out.clear()  # was for an engine that is gone
            self.audio_out.clear()
            self._say(self._hello())
        if self.state == "open" and now - self._beat >= HEARTBEAT_SECONDS:
            self._beat = now
            self._say(Heartbeat())
            self.refresh_credit(again=True)  # should the last have been lost
        self.refresh_credit()

    def _lose(self) -> None:
        self.state = "calling"
        self._missed = 0 if self.playback is None else self.playback.missed
        self.events.append(Gone())

    def _hello(self) -> Hello:
        wish, before, playback = self.wish, self.welcome, self.playback
        sample = 0 if playback is None else max(playback.playhead, playback.end)
        return Hello(
            client=wish.client,
            program=wish.program,
            session=wish.session if before is None else before.session,
            role=wish.role,
            token=wish.token if before is None else before.token,
            rate=wish.rate,
            channels=wish.channels,
            listens=wish.listens,
            sample=sample,
            seed=wish.seed if before is None else before.seed,
            settings=self.asking.book.commands(),
            transport=self._transport or self._last_place(sample),
        )

    # --- what the engine says -------------------------------------------------------------------

    def take_control(self, part: bytes, now: float) -> None:
        """Take a part from the control socket."""
        self._now = self._heard = now
        try:
            self._hear(control.read_engine(part))
        except Refusal as exc:
            self.events.append(Remark(text=f"the engine said what is not understood: {exc}"))

    def take_audio(self, part: bytes, now: float) -> None:
        """Take a part from the audio socket."""
        if part.startswith(b"{"):
            self.take_control(part, now)
            return
        self._now = self._heard = now
        try:
            self._hear_sound(wire.unpack(part))
        except WireError as exc:
            self.events.append(Remark(text=f"the engine sent what is not understood: {exc}"))

    def _hear_sound(self, frame: Frame) -> None:
        is_ours = self.welcome is not None and frame.key.hex() == self.welcome.key
        if is_ours and self.playback is not None:
            self.playback.receive(frame)

    def _hear(self, message: FromEngine) -> None:
        if self.state == "over":
            return
        match message:
            case Heartbeat():
                return
            case Welcome():
                self._come_in(message)
                return
            case Ack():
                self.asking.hear(message)
            case Changed():
                self.asking.learn(message)
            case Status():
                self.status = message
            case Refuse():
                self._hear_refusal(message)
            case Farewell() if self.state == "leaving":
                self._end(_SAID_BYE)
            case Farewell():
                self._lose()
        self.events.append(message)

    def _hear_refusal(self, refuse: Refuse) -> None:
        if refuse.code == "hello_first" and self.state == "open":
            self._lose()
            self._called = float("-inf")
        passes = refuse.code in ("opening", "closing")
        passes |= refuse.code == "unknown" and self.welcome is not None  # its player is not back
        if refuse.about == "hello" and not passes:
            self._end(refuse.text)

    # --- coming, and coming back ----------------------------------------------------------------

    def _come_in(self, welcome: Welcome) -> None:
        before, self.welcome = self.welcome, welcome
        is_restored = before is not None and welcome.state == "new"
        is_attached = before is None or before.key != welcome.key  # anew
        self.state, self._sequence, self._said_credit = "open", 0, -1
        if welcome.role == "player" and self.playback is None:
            self.playback = Playback(
                welcome.rate,
                welcome.channels,
                buffer_samples=max(1, round(self.wish.buffer_seconds * welcome.rate)),
                sample=welcome.sample,
            )
        elif self.playback is not None and is_attached:
            self.playback.cut(welcome.sample)
        self._say(control.Subscribe(status_every_ms=self.wish.status_every_ms, changes=True))
        is_new = welcome.state == "new"
        to_say = self.asking.begin_anew() if is_new else self.asking.go_on(welcome)
        self.control_out.extend(asked.part() for asked in to_say)
        self._transport_revision = 0 if is_attached else self._transport_revision
        self._say_transport()
        if before is not None:
            missed = 0 if self.playback is None else self.playback.missed - self._missed
            self.events.append(Back(is_restored, missed))
        self.refresh_credit()

    def _last_place(self, sample: int) -> Transport | None:
        """Where the song is at a sample, if its time is the engine's own and was ever heard of."""
        if self.status is None or self.welcome is None or "quarter" not in self.status.engine:
            return None
        found: dict[str, Any] = {name: self.status.engine[name] for name in _PLACE}
        seconds = (sample - self.status.sample) / self.welcome.rate
        gone_on = seconds * found["tempo_bpm"] / 60 if found["is_playing"] else 0.0
        return Transport.model_validate(
            {
                "revision": 1,
                "sample": sample,
                "playing": found["is_playing"],
                "quarter": found["quarter"] + gone_on,
                "beats": found["beats_per_bar"],
                "bar_quarter": found["quarter"] - found["beat"],
            }
        )

    def _end(self, why: str) -> None:
        self.state, self.why_over = "over", why

    # --- saying ---------------------------------------------------------------------------------

    def _say(self, message: Message) -> None:
        self.control_out.append(control.write(message))

    def _say_transport(self) -> None:
        if self._transport is None or self.state != "open" or self.wish.role != "player":
            return
        self._transport_revision += 1
        self._say(self._transport.model_copy(update={"revision": self._transport_revision}))

    def _send_audio(self, kind: Kind, sample: int, **fields: Any) -> None:
        welcome = self.welcome
        assert welcome is not None, "there is no session yet"
        assert welcome.key is not None, "only a player has a key"
        key = bytes.fromhex(welcome.key)
        frame = Frame(
            kind=kind, key=key, sequence=self._sequence, sample=sample, rate=welcome.rate, **fields
        )
        self._sequence += 1
        self.audio_out.append(wire.pack(frame))
