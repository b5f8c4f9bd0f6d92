"""The server: one engine with its bridge, from ready to a clean end.

    start    bundle loaded -> sockets bound -> file for discovery -> ready
    stop     hellos refused -> farewell -> takes saved -> sockets closed -> file gone

In:  what `antiphon serve` was told, and how to open a player. Out: nothing until it is stopped.
One thread does all the talking; every session's music is made on a thread of its own, inside its
player. Each turn gives each socket a moment and then sends what sound may go; after a long turn it
rests as long as that took. So a flood starves neither the other sockets nor the music.
"""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Final, TypeVar

from bridge.discovery import Announcement, announce
from bridge.log import Log
from bridge.osc import OscFront
from bridge.osc_listeners import Place
from bridge.reception import Manner
from bridge.security import Keys, Network, is_allowed, require_allowed, require_safe
from bridge.service import Service
from bridge.sessions import Opener, Sessions
from bridge.sockets import CONTROL_PORT, OSC_PORT, Sockets
from engine import __version__

T = TypeVar("T")

BUDGET: Final = 64  # messages of each socket a turn, at most
MOMENT_SECONDS: Final = 0.003  # and about so long
MAX_REST_SECONDS: Final = 0.01  # after a turn that took longer than a moment
HUNGRY_MS: Final = 2  # how soon to look again while a player waits for sound
AWAKE_MS: Final = 10  # while anyone is there
IDLE_MS: Final = 100


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """What a server is told."""

    host: str = "127.0.0.1"
    port: int = CONTROL_PORT  # the first to try; 0 takes any
    osc_host: str = "127.0.0.1"
    osc_port: int = OSC_PORT  # the first to try; 0 takes any
    osc_allowed: tuple[Network, ...] = ()
    keys: Keys | None = None
    sessions: int = 4  # how many at one time
    expire_seconds: float = 300.0  # how long a session waits for its player
    idle_seconds: float = inf  # how long the server waits for a session; then it ends
    manner: Manner = field(default_factory=Manner)
    runtime: Path | None = None  # where to announce; None: where everybody looks

    def with_manner(self, manner: Manner) -> "ServeOptions":
        """The same, once it is known what is played."""
        return replace(self, manner=manner)

    def __post_init__(self) -> None:
        require_safe(self.host, self.keys)
        require_allowed(self.osc_host, self.osc_allowed)


class Server:
    """See above. Made, run and closed on one thread; `stop` may be called on any."""

    def __init__(self, opener: Opener, options: ServeOptions, log: Log) -> None:
        """Bind everything and say so; whoever connects now is answered when it runs.

        Raises:
            BridgeError: no free port, or nowhere to announce it.
        """
        self._options, self._log = options, log
        self._is_stopped = False
        self._worker = ThreadPoolExecutor(2, thread_name_prefix="opening")
        self.sockets = Sockets(
            options.host, options.port, options.osc_host, options.osc_port, options.keys
        )
        sessions = Sessions(
            opener,
            self._worker,
            capacity=options.sessions,
            expire_seconds=options.expire_seconds,
        )
        self.service = Service(
            sessions,
            lambda connection, part: self.sockets.send("control", connection, part),
            lambda connection, part: self.sockets.send("audio", connection, part),
            manner=replace(options.manner, audio_endpoint=self.sockets.endpoint("audio")),
            log=log,
        )
        self.osc = OscFront(
            sessions,
            self.sockets.send_datagram,
            control_port=int(self.sockets.endpoint("control").rpartition(":")[2]),
            osc_port=self.sockets.osc_address[1],
            counters=self.service.counters,
        )
        self.service.listeners.append(self.osc.hear)
        self.announcement = self._announcement()
        self._file: Path | None = announce(self.announcement, options.runtime)

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        """Serve until told to stop, then close."""
        self._log("ready", **self.announcement.model_dump())
        try:
            wait_ms, last_wanted = IDLE_MS, time.monotonic()
            while not (self._is_stopped or should_stop()):
                self.sockets.poll(wait_ms)
                start = time.monotonic()
                wait_ms = self._turn(start)
                if self._is_wanted:
                    last_wanted = start
                elif start - last_wanted > self._options.idle_seconds:
                    self._log("idle", seconds=round(start - last_wanted, 1))
                    self.stop()
                _rest_after(time.monotonic() - start)
        finally:
            self.close()

    def stop(self) -> None:
        """End soon. [any-thread]"""
        self._is_stopped = True

    def close(self) -> None:
        """End in order; a second time does nothing."""
        if self._file is None:
            return
        self._log("closing", sessions=self.service.sessions.names)
        self.service.reception.close()
        self.service.sessions.close_all()
        self._worker.shutdown()
        self.sockets.close()
        with suppress(OSError):
            self._file.unlink()
        self._file = None
        self._log("closed", **self.service.counters)

    def _turn(self, now: float) -> int:
        """Take what came and do what is due; how long to wait for more, in ms."""
        service, sockets = self.service, self.sockets
        for connection, part in _for_a_moment(sockets.parts("audio", BUDGET)):
            service.take_audio(connection, part, now)
        for connection, part in _for_a_moment(sockets.parts("control", BUDGET)):
            service.take_control(connection, part, now)
        for datagram, sender in _for_a_moment(sockets.datagrams(BUDGET)):
            self._take_datagram(datagram, sender, now)
        service.turn(now)
        self.osc.turn(now)
        if service.pump(now):
            return HUNGRY_MS
        return AWAKE_MS if self._is_wanted else IDLE_MS

    @property
    def _is_wanted(self) -> bool:
        """Whether there is a session, or one that opens."""
        return bool(len(self.service.sessions)) or self.service.sessions.is_busy

    def _take_datagram(self, datagram: bytes, sender: Place, now: float) -> None:
        if not is_allowed(sender[0], self._options.osc_allowed):
            self.service.counters["osc_turned_away"] += 1
            return
        with self.service.noting_faults():
            self.osc.take(datagram, sender, now, time.time())

    def _announcement(self) -> Announcement:
        host, port = self.sockets.osc_address
        manner, keys = self._options.manner, self._options.keys
        return Announcement(
            pid=os.getpid(),
            boot=self.service.reception.boot,
            started=time.time(),
            version=__version__,
            control=self.sockets.endpoint("control"),
            audio=self.sockets.endpoint("audio"),
            osc_host=host,
            osc_port=port,
            osc_reply_port=self.osc.reply_port,
            curve_key=None if keys is None else keys.public.decode(),
            bundle=manner.bundle,
            bundle_name=manner.bundle_name,
        )


def _for_a_moment(messages: Iterator[T]) -> Iterator[T]:
    """Hand messages on until a moment has passed."""
    end = time.monotonic() + MOMENT_SECONDS
    for message in messages:
        yield message
        if time.monotonic() > end:
            return


def _rest_after(seconds: float) -> None:
    """Leave the machine to those who make music, as long as a long turn took."""
    if seconds > MOMENT_SECONDS:
        time.sleep(min(seconds, MAX_REST_SECONDS))
