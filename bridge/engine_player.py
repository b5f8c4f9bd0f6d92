"""A session's player: one `engine.Runner`, with the control log of its take.

In:  what `bridge.player.Player` says. Out: the same of the runner, whose host this is. All players
share one bundle, whose graphs are opened beforehand and then only run.
"""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from bridge.errors import BridgeError
from bridge.sessions import Wanted
from bridge.wire import Audio
from engine import Ack, Ask, Bundle, HostBlock, LogWriter, Opened, Runner, Status

PIECE_SECONDS: Final = 0.01  # handed over at once; what is asked for `now` waits for no more
RESERVE: Final = 0.8  # of the lead, left to a runner whose host need not hurry
LOOK_SECONDS: Final = 0.1  # how old what is shown of a runner may be


class EngineRoom:
    """Opens players on one bundle."""

    def __init__(self, bundle: Bundle, lead_ms: float, takes: Path | None) -> None:
        """Open all graphs of the bundle, so that from now on it is only read.

        Args:
            bundle: what all sessions play.
            lead_ms: sound that each keeps ready.
            takes: where control logs go; None keeps none.

        Raises:
            BundleError, BackendError: a graph cannot be opened.
            BridgeError: the folder cannot be made.
        """
        self.bundle, self._lead_ms, self._takes = bundle, lead_ms, takes
        for name in bundle.manifest.graphs:
            bundle.graph(name)
        if takes is not None:
            try:
                takes.mkdir(parents=True, exist_ok=True)
            except OSError as exc:
                raise BridgeError(f"{takes} cannot be made ({exc.strerror}).") from exc

    def open(self, wanted: Wanted) -> "EnginePlayer":
        """Open a session's player, and start it. [any-thread]

        Raises:
            AntiphonError: the engine cannot play this, or the log cannot be written.
        """
        runner = Runner(
            self.bundle,
            rate=wanted.rate,
            channels=wanted.channels,
            lead_ms=self._lead_ms,
            listens=wanted.listens,
            is_fed=True,
            seed=wanted.seed,
            log=self._log(wanted),
        )
        for number, command in enumerate(wanted.settings):
            runner.ask(Ask(id=f"setting {number}", command=command, glide_seconds=0.0))
        if wanted.song is not None:
            runner.tell(wanted.song)
        runner.start()
        return EnginePlayer(runner, wanted, self.bundle.audio.rate, self._lead_ms)

    def _log(self, wanted: Wanted) -> LogWriter | None:
        """The take's control log, named by date and session; a session's name is safe in a path."""
        if self._takes is None:
            return None
        stamp = time.strftime("%Y%m%d-%H%M%S")
        stem = f"{stamp}-{wanted.name}"
        taken = {path.stem for path in self._takes.glob(f"{stem}*.jsonl")}
        name = next(n for n in (stem, *(f"{stem}-{i}" for i in range(2, 1000))) if n not in taken)
        opened = Opened.of(self.bundle, wanted.seed, None)
        return LogWriter(self._takes / f"{name}.jsonl", opened)


class EnginePlayer:
    """See above. [server-thread], but `stop`."""

    def __init__(self, runner: Runner, wanted: Wanted, bundle_rate: int, lead_ms: float) -> None:
        self.rate, self.channels, self.listens = wanted.rate, wanted.channels, runner.listens
        self._runner, self._bundle_rate, self._lead_ms = runner, bundle_rate, lead_ms
        self._playing = wanted.song is None or wanted.song.playing
        self._pulled = self._seen_sample = 0
        self._seen_at, self._seen = float("-inf"), runner.status()

    @property
    def is_waited_for(self) -> bool:
        """See `Player`."""
        return self._runner.is_waited_for

    @is_waited_for.setter
    def is_waited_for(self, value: bool) -> None:
        self._runner.is_waited_for = value

    # --- sound ----------------------------------------------------------------------------------

    @property
    def ready(self) -> int:
        """See `Player`."""
        return self._runner.ready

    @property
    def reserve(self) -> int:
        """See `Player`."""
        return round(RESERVE * self._lead_ms / 1000 * self.rate)

    @property
    def fed(self) -> int:
        """See `Player`."""
        return self._runner.fed

    def pull(self, out: Audio) -> None:
        """See `Player`."""
        piece = max(1, round(PIECE_SECONDS * self.rate))
        for start in range(0, out.shape[1], piece):
            self._runner.exchange(None, out[:, start : start + piece])
        self._pulled += out.shape[1]

    def hold(self, held: int, wanted: int) -> None:
        """See `Player`."""
        self._runner.hold(held, wanted)

    def feed(self, block: Audio) -> None:
        """See `Player`."""
        self._runner.feed(block)

    def change_rate(self, rate: int) -> None:
        """See `Player`."""
        nothing = np.empty((self.channels, 0), np.float32)
        self._runner.exchange(None, nothing, HostBlock(sample=0, rate=rate, playing=self._playing))
        self._pulled = round(self._pulled * rate / self.rate)
        self.rate, self._seen_at = rate, float("-inf")

    # --- talk -----------------------------------------------------------------------------------

    def follow(self, said: HostBlock) -> None:
        """See `Player`."""
        self._playing = said.playing
        self._runner.tell(said)

    def ask(self, ask: Ask) -> None:
        """See `Player`."""
        self._runner.ask(ask)

    def news(self) -> list[Ack | str]:
        """See `Player`."""
        events = self._runner.events
        found = [events.popleft() for _ in range(len(events))]
        return [self._at_host_rate(event) if isinstance(event, Ack) else event for event in found]

    def _at_host_rate(self, ack: Ack) -> Ack:
        sample = ack.sample * self.rate // self._bundle_rate
        return Ack(id=ack.id, frame=ack.frame, sample=sample, what=ack.what, reason=ack.reason)

    # --- how it is ------------------------------------------------------------------------------

    @property
    def is_reduced(self) -> bool:
        """See `Player`."""
        return self._look().shed > 0

    def status(self) -> dict[str, Any]:
        """See `Player`."""
        seen = self._look()
        lists = {"problems": list(seen.problems), "prompts": [asdict(one) for one in seen.prompts]}
        return asdict(seen) | {"frame_ms": seen.frame_ms._asdict()} | lists

    @property
    def status_sample(self) -> int:
        """See `Player`."""
        return self._seen_sample

    def _look(self) -> Status:
        now = time.monotonic()
        if now - self._seen_at > LOOK_SECONDS:
            self._seen_at, self._seen = now, self._runner.status()
            self._seen_sample = self._pulled
        return self._seen

    def stop(self) -> None:
        """See `Player`."""
        self._runner.stop()
