"""The soak: minutes of playing on a paced null device, with changes all the while.

Counted: late frames, breaks in the sound, quality given up, memory, frame times. With a load, busy
processes compete with the engine during the middle third, so that the first shows it at ease, the
second what it gives up, and the third whether it comes back.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from engine.ask import Ask, When
from engine.bundle import Bundle
from engine.clock import SystemClock
from engine.command import Command, Pick, SetParam, SetPrompt
from engine.commands import machine
from engine.commands.bench_switches import CHANNELS, HOST_RATE, prompts
from engine.commands.busy import Busy
from engine.control_log import LogWriter, Opened
from engine.loop.status import Status
from engine.null_device import NullDevice
from engine.runner import Runner

LOOK_SECONDS: Final = 0.25  # between two looks at the status
CHANGE_SECONDS: Final = 3.0  # between two requests
SETTLE_SHARE: Final = 0.2  # of the soak, after which memory is expected to stand still
_SEED: Final = 7


@dataclass(kw_only=True)
class Part:
    """One stretch of the soak."""

    name: str  # "quiet", "load" or "after"
    seconds: float = 0.0
    late_frames: int = 0
    underruns: int = 0
    skipped_frames: int = 0
    shed_max: int = 0
    shed_end: int = 0


@dataclass(kw_only=True)
class Soak:
    """What was measured."""

    seconds: float
    lead_ms: float
    block: int
    start_seconds: float  # from opening the runner until the lead was ready
    parts: list[Part] = field(default_factory=list)
    memory_growth_mb: float = 0.0  # from a fifth of the time to the end
    memory_mb: float = 0.0  # at the end
    recovered_seconds: float | None = None  # from the load's end until nothing was given up
    status: Status | None = None  # at the end
    remarks: list[str] = field(default_factory=list)


def measure(
    bundle: Bundle,
    *,
    seconds: float,
    lead_ms: float,
    block: int,
    load: int = 0,
    prefers: bool = True,
    progress: Callable[[float], None] = lambda part: None,
) -> Soak:
    """Play for a while.

    Args:
        bundle: what plays.
        seconds: how long.
        lead_ms: of the runner.
        block: of the device, in samples.
        load: how many busy processes in the middle third.
        prefers: let the threads that keep time go before others, where the system allows it.
        progress: is told which part is over, 0..1.
    """
    clock = SystemClock()
    with TemporaryDirectory() as folder, ExitStack() as stack:
        log = LogWriter(Path(folder) / "soak.jsonl", Opened.of(bundle, _SEED, None))
        begin = clock.now()
        runner = Runner(
            bundle,
            rate=HOST_RATE,
            channels=CHANNELS,
            lead_ms=lead_ms,
            block=block,
            seed=_SEED,
            log=log,
            prefers=prefers,
        )
        stack.enter_context(runner)
        soak = Soak(
            seconds=seconds, lead_ms=lead_ms, block=block, start_seconds=clock.now() - begin
        )
        device = NullDevice(rate=HOST_RATE, channels=CHANNELS, block=block, prefers=prefers)
        device.start(runner.exchange)
        stack.callback(device.stop)
        _Player(runner, clock, soak, progress).play(load)
        soak.status = runner.status()
        soak.remarks = [event for event in runner.events if isinstance(event, str)]
    return soak


class _Player:
    """Plays the parts of a soak and keeps count."""

    def __init__(
        self, runner: Runner, clock: SystemClock, soak: Soak, progress: Callable[[float], None]
    ) -> None:
        self._runner, self._clock, self._soak = runner, clock, soak
        self._progress = progress
        self._begin = self._changed = clock.now()
        self._changes = 0
        self._texts = prompts(64)
        self._settled: float | None = None  # memory, MB

    def play(self, load: int) -> None:
        """Play all parts."""
        third = self._soak.seconds / 3
        if not load:
            self._part("quiet", self._soak.seconds)
        else:
            self._part("quiet", third)
            with Busy(load):
                self._part("load", third)
            self._part("after", third)
        self._soak.memory_mb = machine.memory_bytes() / 1e6
        if self._settled is not None:
            self._soak.memory_growth_mb = self._soak.memory_mb - self._settled

    def _part(self, name: str, seconds: float) -> None:
        part, before = Part(name=name), self._runner.status()
        self._soak.parts.append(part)
        begin = due = self._clock.now()
        while self._clock.now() < begin + seconds:
            due += LOOK_SECONDS
            self._clock.sleep_until(due)
            self._change()
            now = self._runner.status()
            part.seconds = self._clock.now() - begin
            part.late_frames = now.late_frames - before.late_frames
            part.underruns = now.underruns - before.underruns
            part.skipped_frames = now.skipped_frames - before.skipped_frames
            part.shed_max, part.shed_end = max(part.shed_max, now.shed), now.shed
            if name == "after" and not now.shed and self._soak.recovered_seconds is None:
                self._soak.recovered_seconds = part.seconds
            self._look_at_memory()

    def _change(self) -> None:
        """Ask for something every few seconds."""
        if self._clock.now() < self._changed + CHANGE_SECONDS:
            return
        self._changed, self._changes = self._clock.now(), self._changes + 1
        number = self._changes
        commands: tuple[tuple[Command, When], ...] = (
            (SetPrompt(index=number % 8 + 1, text=self._texts[number % 64]), When()),
            (Pick(index=number % 8 + 1), When(kind="bar")),
            (SetParam(name="brightness", value=number % 10 / 10), When()),
            (SetParam(name="key", value=("D minor", "F major")[number % 2]), When(kind="beat")),
        )
        command, when = commands[number % len(commands)]
        self._runner.ask(Ask(id=f"soak-{number}", command=command, when=when))

    def _look_at_memory(self) -> None:
        passed = self._clock.now() - self._begin
        self._progress(min(1.0, passed / self._soak.seconds))
        if self._settled is None and passed >= SETTLE_SHARE * self._soak.seconds:
            self._settled = machine.memory_bytes() / 1e6
