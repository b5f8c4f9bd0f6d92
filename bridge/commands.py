"""`antiphon serve` and `antiphon keys`.

In:  options. Out: a running server, with its log on stderr and one line on stdout when it is ready;
or key files. Everything heavy is imported when a command runs.
"""

import json
import signal
from math import inf
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.errors import BridgeError
from bridge.folders import keys_folder, takes_folder
from bridge.limits import MAX_SESSIONS
from bridge.security import make_keys, read_keys, read_networks
from bridge.sockets import CONTROL_PORT, OSC_PORT
from engine import EngineOptions, OptionError

if TYPE_CHECKING:
    from bridge.server import Server

LEAD_MS = 80.0


def serve(
    host: Annotated[
        str, typer.Option(help="Where to listen; any but a loopback address needs --keys.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="For control; audio is one above it. The next free ones are taken.")
    ] = CONTROL_PORT,
    osc_host: Annotated[
        str, typer.Option(help="Where to listen for OSC; others may send with --osc-allow.")
    ] = "127.0.0.1",
    osc_port: Annotated[
        int, typer.Option(help="For OSC; replies go to one above it. The next free one is taken.")
    ] = OSC_PORT,
    osc_allow: Annotated[
        list[str] | None,
        typer.Option(help="An address or network that may send OSC; as often as needed."),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(help="A folder with keys; then only clients that have one come in."),
    ] = None,
    sessions: Annotated[int, typer.Option(help=f"How many at one time, 1 to {MAX_SESSIONS}.")] = 4,
    expire_seconds: Annotated[
        float, typer.Option(help="How long a session waits for a player that went.")
    ] = 300.0,
    idle_seconds: Annotated[
        float | None,
        typer.Option(help="End when there was no session for so long.", show_default="never"),
    ] = None,
    lead_ms: Annotated[
        float, typer.Option(help="Sound that each session keeps ready, 20 to 500.")
    ] = LEAD_MS,
    takes: Annotated[
        Path | None,
        typer.Option(help="Where takes go.", show_default="antiphon/takes in the user's data"),
    ] = None,
    keep_takes: Annotated[
        bool, typer.Option("--takes-on/--takes-off", help="Whether takes are kept at all.")
    ] = True,
    threads: Annotated[int, typer.Option(help="CPU threads, for all graphs.")] = (
        EngineOptions.threads
    ),
    bundle: Annotated[
        Path | None,
        typer.Option(
            envvar="ANTIPHON_BUNDLE",
            help="The folder with the model.",
            show_default="bundles/default",
        ),
    ] = None,
    backend: Annotated[str, typer.Option(help="What runs the graphs; see render.")] = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="Say `ready` as one line of JSON.")
    ] = False,
) -> None:
    """Let plugins, programs and controllers play, over ZeroMQ and OSC, until it is stopped."""
    from bridge.engine_player import EngineRoom
    from bridge.log import log_to
    from bridge.reception import Manner
    from bridge.server import ServeOptions, Server
    from engine import open_bundle

    if not 1 <= sessions <= MAX_SESSIONS:
        raise OptionError.of("sessions", sessions, f"1 to {MAX_SESSIONS}")
    # What can be refused is refused before the bundle is loaded.
    options = ServeOptions(
        host=host,
        port=_port("port", port),
        osc_host=osc_host,
        osc_port=_port("osc-port", osc_port),
        osc_allowed=read_networks(osc_allow or []),
        keys=None if keys is None else read_keys(keys),
        sessions=sessions,
        expire_seconds=expire_seconds,
        idle_seconds=_idle(idle_seconds),
    )
    opened = open_bundle(bundle, EngineOptions(threads=threads, backend=backend))
    room = EngineRoom(opened, lead_ms, (takes or takes_folder()) if keep_takes else None)
    manner = Manner(
        bundle=opened.id,
        bundle_name=opened.manifest.name,
        bundle_rate=opened.audio.rate,
        lead_ms=lead_ms,
    )
    server = Server(room.open, options.with_manner(manner), log_to())
    _say_ready(server, as_json=as_json)
    _run(server)


def keys(
    client: Annotated[
        str | None, typer.Option(help="A name for a machine that is to be let in.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where keys are kept.", show_default="the user's settings")
    ] = None,
) -> None:
    """Make keys, so that clients on other machines can connect to `antiphon serve`."""
    place = folder or keys_folder()
    for path in make_keys(place, client):
        print(path)
    if client is None:
        print(
            f"next: antiphon keys --client NAME, for each machine that is to be let in to {place}"
        )
        return
    print(
        f"copy engine.public, clients/{client}.public and clients/{client}.secret to that machine, "
        f"and serve with: antiphon serve --host 0.0.0.0 --keys {place}"
    )


def _idle(seconds: float | None) -> float:
    """Seconds without a session until the server ends; None is never."""
    if seconds is None:
        return inf
    if not 1.0 <= seconds <= 86_400.0:
        raise OptionError.of("idle-seconds", seconds, "1 to 86,400")
    return seconds


def _run(server: "Server") -> None:
    """Serve until interrupted or told to end; both are a good end."""
    from engine import prefer_delivery

    def stop(number: int, frame: FrameType | None) -> None:
        server.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    prefer_delivery()
    server.run()


def _say_ready(server: "Server", *, as_json: bool) -> None:
    found = server.announcement
    if as_json:
        print(json.dumps({"ready": True, **found.model_dump()}), flush=True)
        return
    print(
        f"ready: control {found.control}, audio {found.audio}, OSC {found.osc_host}:"
        f"{found.osc_port} with replies to port {found.osc_reply_port}; {found.bundle_name}",
        flush=True,
    )


def _port(name: str, port: int) -> int:
    if not 0 <= port <= 65_535:
        raise BridgeError(f"{name} is {port}, expected 0 to 65535; 0 takes any that is free.")
    return port
