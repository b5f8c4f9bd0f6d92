"""A runner on a stand: no threads, a clock that goes when a block is played, a log to replay."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine import control_log
from engine.ask import NOW, Ack, Ask, When
from engine.bundle import Bundle
from engine.clock import HostBlock, VirtualClock
from engine.command import Command
from engine.control_log import LogWriter, Opened
from engine.loop.outlet import to_channels
from engine.performer import Made, Performer
from engine.replay import Replayed, replay
from engine.resample import Resampler
from engine.runner import Runner


def until_idle(runner: Runner, turns: int = 1000) -> None:
    """Let the loop do all that it would."""
    for _ in range(turns):
        while runner.embed():
            pass
        if runner.turn() > 0:
            return
    raise AssertionError("the loop never comes to rest")


@dataclass
class Rig:
    """One runner, and what it was given and gave."""

    bundle: Bundle
    path: Path  # of the log
    rate: int = 48_000
    channels: int = 2
    block: int = 512
    seed: int = 7
    options: dict = field(default_factory=dict)  # of the runner
    host: Callable[[int], HostBlock | None] = lambda sample: None
    source: Callable[[int, int], np.ndarray] | None = None  # first sample, count -> [C, N]

    start: float = 0.0  # of the clock

    def __post_init__(self) -> None:
        self.clock = VirtualClock(self.start)
        log = LogWriter(self.path, Opened.of(self.bundle, self.seed, None))
        self.runner = Runner(
            self.bundle,
            rate=self.rate,
            channels=self.channels,
            block=self.block,
            seed=self.seed,
            log=log,
            clock=self.clock,
            **self.options,
        )
        self.heard: list[np.ndarray] = []
        self.left: list[tuple[float, int]] = []  # when which samples had left
        self.sample = 0

    def play(self, blocks: int, *, size: int | None = None, starve: bool = False) -> np.ndarray:
        """Let the host come by so many times; returns what it was given, [C, N]."""
        first = len(self.heard)
        for _ in range(blocks):
            if not starve:
                until_idle(self.runner)
            self.exchange(self.block if size is None else size)
        return np.concatenate([np.zeros((self.channels, 0), np.float32), *self.heard[first:]], 1)

    def play_in_time(self, seconds: float) -> np.ndarray:
        """Let host and loop run side by side, each at its own time; returns what the host was
        given, [C, N]. Where making a frame takes time (`slow`), the host does not wait for it."""
        if not self.heard:
            until_idle(self.runner)
        first, end = len(self.heard), self.clock.now() + seconds
        while self.clock.now() < end:
            while self.runner.embed():
                pass
            idle = self.runner.turn()
            while self.sample / self.rate <= self.clock.now() - self.start:
                self.exchange(self.block, passes=False)
            if idle > 0:
                due = self.start + self.sample / self.rate
                self.clock.sleep_until(min(self.clock.now() + idle, max(due, 1e-9)))
        return np.concatenate([np.zeros((self.channels, 0), np.float32), *self.heard[first:]], 1)

    def slow(self, seconds: float) -> None:
        """Let every frame take so long from now on."""
        make = type(self.performer).make

        def slowly() -> Made:
            self.clock.advance(seconds)
            return make(self.performer)

        self.performer.make = slowly

    @property
    def performer(self) -> Performer:
        """The runner's."""
        return self.runner._loop._performer

    def exchange(self, count: int, *, passes: bool = True) -> np.ndarray:
        """One block. Time passes as it sounds, or stands still."""
        out = np.full((self.channels, count), np.nan, np.float32)
        given = None if self.source is None else self.source(self.sample, count)
        self.runner.exchange(given, out, self.host(self.sample))
        self.heard.append(out)
        self.sample += count
        self.left.append((self.clock.now(), self.sample))
        self.clock.advance(count / self.rate * passes)
        return out

    def ask(self, command: Command, when: When = NOW, name: str = "") -> str:
        """Ask; returns the name."""
        name = name or f"ask-{len(self.acks())}-{self.sample}"
        self.runner.ask(Ask(id=name, command=command, when=when))
        return name

    def acks(self) -> list[Ack]:
        """All answers so far."""
        return [event for event in self.runner.events if isinstance(event, Ack)]

    def remarks(self) -> list[str]:
        """All remarks so far."""
        return [event for event in self.runner.events if isinstance(event, str)]

    def sound(self) -> np.ndarray:
        """All that the host was given, [C, N]."""
        return np.concatenate(self.heard, axis=1)

    def replayed(self) -> Replayed:
        """What its log makes."""
        self.runner.stop()
        return replay(self.bundle, control_log.read(self.path))

    def at_host(self, audio: np.ndarray) -> np.ndarray:
        """What a host hears of [C, N] at the bundle's rate: the slow obvious twin, all at once."""
        few = min(len(audio), self.channels)
        resampler = Resampler(self.bundle.audio.rate, self.rate, few)
        sound = to_channels(resampler.step(to_channels(audio, few)), self.channels)
        return sound[:, resampler.delay_samples :]
