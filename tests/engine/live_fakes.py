"""Stand-ins for the live set's surroundings: a clock, a runner's inbox, a sound card library."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from engine.ask import Ask
from engine.command import Prime
from engine.live.host import Host
from engine.live.player import Asker, Player
from engine.spec import LEVELS


@dataclass
class Inbox:
    """Where asks arrive."""

    asks: list[Ask] = field(default_factory=list)

    def __call__(self, ask: Ask) -> None:
        self.asks.append(ask)

    @property
    def commands(self):
        return [ask.command for ask in self.asks]


@dataclass
class Hands:
    """A player with everything they touch within reach; the clock stands until it is moved."""

    second: float = 0.0
    has_input: bool = True
    inbox: Inbox = field(default_factory=Inbox)
    host: Host = field(default_factory=Host)
    files: list[Path] = field(default_factory=list)  # that were to be understood
    player: Player = field(init=False)

    def __post_init__(self) -> None:
        self.player = Player(
            Asker(self.inbox),
            self.host,
            lambda: self.second,
            defaults={"guidance": 2.0},
            has_input=self.has_input,
            understand=self.understand,
        )

    def understand(self, path: Path) -> Prime:
        self.files.append(path)
        tokens = ((0,) * LEVELS,)
        return Prime(said=path.name, tokens=tokens, loudness_db=-20.0, tempo_bpm=122.0)

    def do(self, *lines: str) -> str:
        said = ""
        for line in lines:
            said = self.player.do(line)
        return said


class PortAudioError(Exception):
    """As the binding's."""


class FakeStream:
    """A stream that calls back when a test says so."""

    def __init__(self, library, options) -> None:
        self.library, self.options = library, options
        self.active = False
        pair = isinstance(options["channels"], tuple)
        self.latency = (0.01, 0.02) if pair else 0.02
        self.closed = False

    def start(self) -> None:
        self.active = True

    def close(self, ignore_errors: bool = True) -> None:
        self.active, self.closed = False, True

    def pull(self, samples: int, heard: np.ndarray | None = None, underflow: bool = False):
        """Ask for a block as the card would; returns [N, C]."""
        channels = self.options["channels"]
        outputs = channels[1] if isinstance(channels, tuple) else channels
        played = np.full((samples, outputs), np.nan, np.float32)
        flags = SimpleNamespace(output_underflow=underflow)
        if isinstance(channels, tuple):
            self.options["callback"](heard, played, samples, None, flags)
        else:
            self.options["callback"](played, samples, None, flags)
        return played


class FakeSoundDevice:
    """As much of the binding as is used. `cards` are its devices; `streams` what was opened."""

    PortAudioError = PortAudioError

    def __init__(self, cards: list[dict]) -> None:
        self.cards = cards
        self.streams: list[FakeStream] = []
        self.refuses: set[int] = set()  # rates
        self.initialised = 1

    def query_hostapis(self, index: int | None = None):
        apis = [{"name": "ALSA"}]
        return apis if index is None else apis[index]

    def query_devices(self, device=None, kind=None):
        if device is None and kind is None:
            return self.cards
        for card in self.cards:
            named = f"{card['name']}, ALSA"
            fits = device is None or device == card["index"] or str(device) in named
            if fits and card[f"max_{kind}_channels"]:
                return card
        if device is None:
            raise PortAudioError("Error querying device -1")
        raise ValueError(f"No {kind} device matching {device!r}")

    def OutputStream(self, **options):  # noqa: N802  the binding's name
        return self._open(options, options["device"], "output")

    def Stream(self, **options):  # noqa: N802  the binding's name
        return self._open(options, options["device"][1], "output")

    def _open(self, options, device, kind):
        self.query_devices(device, kind)
        if options["samplerate"] in self.refuses:
            raise PortAudioError("Invalid sample rate [PaErrorCode -9997]")
        self.streams.append(FakeStream(self, options))
        return self.streams[-1]

    def _terminate(self) -> None:
        self.initialised -= 1

    def _initialize(self) -> None:
        self.initialised += 1

    def _exit_handler(self) -> None:
        raise AssertionError("only for atexit")


def card(name: str, index: int = 0, inputs: int = 0, outputs: int = 2, rate: float = 48_000.0):
    """One device, as the binding tells it."""
    return {
        "name": name,
        "index": index,
        "hostapi": 0,
        "max_input_channels": inputs,
        "max_output_channels": outputs,
        "default_samplerate": rate,
    }
