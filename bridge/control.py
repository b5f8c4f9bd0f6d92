"""Control messages: every one as a class, and the only place that reads and writes their JSON.

In:  one message part of UTF-8 JSON, an object with a `type`. Out: a checked, frozen message.
Unknown types and fields, other JSON types, NaN, and whatever is longer or larger than its bound are
a `Refusal` with code "malformed". What a command or its time may be is the engine's to say. Pure;
any thread. `bridge.docs` makes the tables of docs/protocol.md from these classes.
"""

from functools import cache
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from bridge.errors import Refusal
from bridge.limits import (
    MAX_CHANGES_TOLD,
    MAX_CHANNELS,
    MAX_CONTROL_BYTES,
    MAX_GLIDE_SECONDS,
    MAX_NAME_CHARACTERS,
    MAX_POSITION,
    MAX_QUARTER,
    MAX_REVISION,
    MAX_SETTINGS,
    RATE_HZ,
    RATE_STEP_HZ,
    STATUS_EVERY_MS,
)

PROTOCOL: Final = 1
MAX_REASON_CHARACTERS: Final = 500  # of a refusal; what was got may be quoted in it

CODES: Final = {
    "malformed": "no message of ours; `text` says where",
    "protocol": "another version of the protocol",
    "hello_first": "nothing is known of this connection; say hello",
    "unknown": "no such session",
    "busy": "another client plays this session",
    "capacity": "no room for another session or client",
    "opening": "the session is still being opened",
    "not_player": "only the session's player may do this",
    "stale": "an older revision than can be replayed",
    "conflict": "this revision was used for something else",
    "range": "a value that the engine does not take",
    "failed": "the engine cannot do this; `text` says why",
    "closing": "the engine is shutting down",
}

Name = Annotated[str, Field(pattern=rf"^[A-Za-z0-9][A-Za-z0-9_-]{{0,{MAX_NAME_CHARACTERS - 1}}}$")]
Secret = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
Line = Annotated[str, Field(max_length=MAX_NAME_CHARACTERS)]
Revision = Annotated[int, Field(ge=1, le=MAX_REVISION)]
Sample = Annotated[int, Field(ge=0, le=MAX_POSITION)]
Quarter = Annotated[float, Field(ge=-MAX_QUARTER, le=MAX_QUARTER)]
Rate = Annotated[int, Field(ge=RATE_HZ[0], le=RATE_HZ[1], multiple_of=RATE_STEP_HZ)]
Channels = Annotated[int, Field(ge=1, le=MAX_CHANNELS)]
EveryMs = Annotated[int, Field(ge=STATUS_EVERY_MS[0], le=STATUS_EVERY_MS[1])]


class Message(BaseModel):
    """Anything that is said on the control socket."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, ser_json_inf_nan="null"
    )


# --- what a client says ---------------------------------------------------------------------------


class TempoStep(Message):
    """A tempo change that a host knows to come."""

    quarter: Quarter  # place in the song, in quarter notes
    bpm: Annotated[float, Field(ge=1, le=1000)]  # quarter notes a minute
    ramp_quarters: Annotated[float, Field(ge=0, le=MAX_QUARTER)] = 0.0  # how long it takes


class Transport(Message):
    """Say where the host's song is at a sample of the stream. Not answered unless refused."""

    type: Literal["transport"] = "transport"
    revision: Revision  # a count of its own, strictly rising; older ones are stale
    sample: Sample  # of the player's stream
    playing: bool = True  # whether the song's time goes on
    quarter: Quarter | None = None  # place in the song, in quarter notes
    bpm: Annotated[float, Field(ge=1, le=1000)] | None = None  # quarter notes a minute
    # tempo changes to come, in order: quarter, bpm, ramp_quarters (0: at once)
    changes: Annotated[list[TempoStep], Field(max_length=MAX_CHANGES_TOLD)] = []
    beats: Annotated[int, Field(ge=1, le=64)] | None = None  # of the signature, as written
    unit: Literal[1, 2, 4, 8, 16, 32] = 4  # of the signature
    bar_quarter: Quarter | None = None  # where the current bar began
    loop: Annotated[list[Quarter], Field(min_length=2, max_length=2)] | None = None  # start, end


class Hello(Message):
    """Begin, or come back. Answered by `welcome`, or by `refuse`."""

    type: Literal["hello"] = "hello"
    protocol: int = PROTOCOL  # version of what is spoken
    client: Name  # the client's own id, the same when it comes back
    program: Line = ""  # what it is, for the log
    session: Name | None = None  # null: a new one, named by the engine; said again, the same one
    role: Literal["player", "controller"] = "player"  # a player has the audio; one a session
    token: Secret | None = None  # from an earlier `welcome`: takes the session from a dead link
    rate: Rate = 48_000  # Hz, of a player's audio
    channels: Channels = 2  # of a player's audio
    listens: bool = False  # whether a player of a new session will send input
    sample: Sample = 0  # the next sample that the player needs, in its own stream
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None  # of a new session
    # commands that a new session begins with, in order; a client that comes back says all that was
    # in force, in case that the engine has lost it
    settings: Annotated[list[dict[str, JsonValue]], Field(max_length=MAX_SETTINGS)] = []
    # where the song of a new session is, as a `transport` message says it; its revision is not
    # counted
    transport: Transport | None = None


class Ask(Message):
    """Ask for a change. Answered by `ack`: accepted, then done, replaced or refused."""

    type: Literal["ask"] = "ask"
    revision: Revision  # strictly rising per client and session; the same again is a replay
    command: dict[str, JsonValue]  # as listed under "Commands"
    when: dict[str, JsonValue] = Field(default={"kind": "now"})  # as listed under "When"
    # until it has fully arrived; null: as the parameter `glide` says
    glide_seconds: Annotated[float, Field(ge=0, le=MAX_GLIDE_SECONDS)] | None = None


class Subscribe(Message):
    """Be told of the status at intervals, and of every change."""

    type: Literal["subscribe"] = "subscribe"
    status_every_ms: EveryMs | None = None  # null: no more
    changes: bool = False  # be told of changes that others made


class AskStatus(Message):
    """Ask for the status once."""

    type: Literal["status"] = "status"


class Heartbeat(Message):
    """Say that one is alive; both ways. The engine echoes the count."""

    type: Literal["heartbeat"] = "heartbeat"
    count: Annotated[int, Field(ge=0, le=MAX_REVISION)] = 0  # comes back as it was


class Bye(Message):
    """Go. A kept session waits to be picked up again; another one ends and its take is saved."""

    type: Literal["bye"] = "bye"
    keep: bool = True  # whether the session waits


# --- what the engine says -------------------------------------------------------------------------


class Welcome(Message):
    """The session is there."""

    type: Literal["welcome"] = "welcome"
    protocol: int  # version of what is spoken
    version: str  # of the engine
    boot: str  # another one after a restart
    session: Name  # its name
    role: Literal["player", "controller"]  # as was asked for
    state: Literal["new", "resumed", "joined"]  # new: nothing was known of it
    token: Secret | None  # a player's: proves at the next hello that the session is its own
    key: Secret | None  # a player's: the 16 bytes of every audio message, in hex
    audio: str | None  # where the audio socket is
    rate: int  # Hz, of audio both ways
    channels: int  # of audio both ways
    listens: bool  # whether input is taken
    sample: int  # the first sample that will be sent
    frame: int  # the frame it is made in
    seed: int  # in force
    change: int  # the newest change in force
    revision: int  # the newest revision known of this client; go on behind it
    bundle: str  # its id
    bundle_name: str  # what it is called
    bundle_rate: int  # Hz; audio at another rate is resampled by the engine
    lead_ms: float  # sound that the engine keeps ready
    heartbeat_ms: int  # say something at least this often
    park_ms: int  # silent for so long counts as gone
    expire_seconds: float  # how long a session without a player is kept
    settings: list[dict[str, JsonValue]]  # commands in force, in an order that restores them
    capabilities: list[str]  # what this engine can do


class Ack(Message):
    """What became of an ask."""

    type: Literal["ack"] = "ack"
    revision: int  # of the ask
    change: int  # the engine's own count of changes, over all clients of the session
    what: Literal["accepted", "done", "replaced", "refused"]  # done may come again, moved
    frame: int | None = None  # the first frame that obeys it
    sample: int | None = None  # where it is heard, in the player's stream
    reason: str = ""  # why not


class Changed(Message):
    """A change took effect; for those who subscribed."""

    type: Literal["changed"] = "changed"
    change: int  # its number
    by: str  # whose it was: a client, or "osc (all)"
    command: dict[str, JsonValue]  # what was asked
    frame: int  # the first that obeys it
    sample: int  # where it is heard, in the player's stream


class Refuse(Message):
    """Something was not done."""

    type: Literal["refuse"] = "refuse"
    code: str  # as listed under "Codes of a refusal"
    text: str  # what, got, expected and the next move
    about: str = ""  # the type of what was refused, where it could be read
    revision: int | None = None  # of what was refused, where it has one


class Status(Message):
    """How the session is."""

    type: Literal["status"] = "status"
    session: Name  # its name
    parked: bool  # whether it waits for a player
    sample: int  # where `engine` holds: the next sample to be sent then, in the player's stream
    credit: int  # samples that may be sent at once
    engine: dict[str, JsonValue]  # as listed under "Status"
    counters: dict[str, int]  # of the whole bridge and of this session


class Remark(Message):
    """Something to show to the player."""

    type: Literal["remark"] = "remark"
    text: str  # in words


class Farewell(Message):
    """The engine goes, or lets this client go."""

    type: Literal["bye"] = "bye"
    reason: str  # why, in words


FromClient = Hello | Ask | Transport | Subscribe | AskStatus | Heartbeat | Bye
FromEngine = Welcome | Ack | Changed | Refuse | Status | Remark | Heartbeat | Farewell

# --- bytes ----------------------------------------------------------------------------------------


def write(message: Message) -> bytes:
    """Lay a message out."""
    return message.model_dump_json().encode()


def read_client(part: bytes) -> FromClient:
    """Read what a client says.

    Raises:
        Refusal: "malformed".
    """
    return _read(part, FromClient)  # type: ignore[no-any-return]


def read_engine(part: bytes) -> FromEngine:
    """Read what the engine says.

    Raises:
        Refusal: "malformed".
    """
    return _read(part, FromEngine)  # type: ignore[no-any-return]


def shorten(text: str) -> str:
    """Cut what is sent back, which may quote what was got, to a bound."""
    return text if len(text) <= MAX_REASON_CHARACTERS else text[: MAX_REASON_CHARACTERS - 1] + "…"


@cache
def _adapter(union: Any) -> TypeAdapter[Any]:
    return TypeAdapter(Annotated[union, Field(discriminator="type")])


def _read(part: bytes, union: Any) -> Any:
    if len(part) > MAX_CONTROL_BYTES:
        text = f"the message has {len(part):,} bytes, expected at most {MAX_CONTROL_BYTES:,}."
        raise Refusal("malformed", text)
    try:
        return _adapter(union).validate_json(part)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the message"
        raise Refusal("malformed", shorten(f"{place}: {first['msg']}.")) from exc
