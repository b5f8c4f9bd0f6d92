"""Prompt-to-ear: from `Runner.ask` to the first sample that the new prompt changes.

A runner plays on a paced null device with real threads; prompts that were never embedded before are
asked for at odd moments. What counts as changed is not taken from the engine's answers: the control
log is replayed, at each request with a twin that is not asked, and the first sample in which the
two differ is looked up among the blocks that the device was given. The sound that the device got is
compared with the replay as well, sample by sample; where it is not the same, because a frame came
too late, a change counts as heard from the next place on where it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine import control_log
from engine.ask import Ack, Ask
from engine.bundle import Bundle
from engine.clock import SystemClock
from engine.command import SetPrompt
from engine.control_log import LogWriter, Opened, Take
from engine.loop.outlet import to_channels
from engine.null_device import NullDevice
from engine.operation import Asked
from engine.performer import Performer
from engine.resample import Resampler
from engine.runner import Runner

Audio = NDArray[np.float32]

HOST_RATE: Final = 48_000
CHANNELS: Final = 2
GAP_SECONDS: Final = (0.45, 0.65)  # between two requests, drawn so that no phase is preferred
MEAN_GAP_SECONDS: Final = sum(GAP_SECONDS) / 2
WAIT_SECONDS: Final = 1.0  # behind the last request
LOOK_FRAMES: Final = 10  # in which a change must show itself; then comes the next
RIGHT_SAMPLES: Final = 64  # in a row that are the replay's: then the change is heard
_SEED: Final = 7

_WHO = ("ambient choir pads", "death metal", "solo piano", "techno", "string quartet", "chiptune")
_HOW = ("warm", "gritty", "distant", "bright", "broken", "gentle")
_WHERE = (
    "in a chapel",
    "in a club",
    "under water",
    "at dawn",
    "on a pier",
    "in the rain",
    "at sea",
)


@dataclass(frozen=True, kw_only=True)
class Switches:
    """What was measured at one lead."""

    lead_ms: float
    priority: str  # of the frame thread
    asked: int
    ear_ms: list[float]  # to the first sample that differs, per request for which there is one
    frame_ms: list[float]  # to the music of the first frame that was made under the new prompt
    late_frames: int
    underruns: int
    overtaken: int
    skipped_frames: int  # left out: this machine is too slow, and no time to the ear is told
    wrong_samples: int  # that the device got and the replay has not


def prompts(count: int) -> list[str]:
    """So many different prompts, each for other music than the one before."""
    found = [f"{how} {who} {where}" for how in _HOW for where in _WHERE for who in _WHO]
    return [f"{found[n % len(found)]} {n // len(found) or ''}".strip() for n in range(count)]


class _Recorder:
    """What the device got, and when."""

    def __init__(self, seconds: float, block: int) -> None:
        samples = round(seconds * HOST_RATE)
        self._sound = np.zeros((CHANNELS, samples), np.float32)
        self._ends = np.zeros(samples // block + 1, np.int64)
        self._seconds = np.zeros(len(self._ends))
        self._count = 0

    def __call__(self, sample: int, block: Audio) -> None:
        if self._count == len(self._ends) or sample + block.shape[1] > self._sound.shape[1]:
            return
        self._seconds[self._count] = perf_counter()
        self._ends[self._count] = sample + block.shape[1]
        self._sound[:, sample : sample + block.shape[1]] = block
        self._count += 1

    @property
    def sound(self) -> Audio:
        """[C, N] all of it."""
        return self._sound[:, : int(self._ends[self._count - 1])]

    def delays_ms(self, asked: Mapping[str, float], samples: Mapping[str, int]) -> list[float]:
        """From requests to the blocks that brought samples."""
        ends = self._ends[: self._count]
        found = []
        for name, sample in samples.items():
            index = int(np.searchsorted(ends, sample, side="right"))
            if index < self._count:
                found.append((float(self._seconds[index]) - asked[name]) * 1000.0)
        return found


def measure(
    bundle: Bundle,
    *,
    lead_ms: float,
    switches: int,
    block: int,
    prefers: bool = True,
    progress: Callable[[float], None] = lambda part: None,
) -> Switches:
    """Play and switch, then find out what was heard when.

    Args:
        bundle: what plays.
        lead_ms: of the runner.
        switches: how many prompts to ask for.
        block: of the device, in samples.
        prefers: let the threads that keep time go before others, where the system allows it.
        progress: is told which part of them was asked for, 0..1.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "switches.jsonl"
        gaps = np.random.default_rng(_SEED).uniform(*GAP_SECONDS, switches)
        recorder = _Recorder(float(gaps.sum()) + 30.0, block)
        log = LogWriter(path, Opened.of(bundle, _SEED, None))
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
        device = NullDevice(
            rate=HOST_RATE, channels=CHANNELS, block=block, sink=recorder, prefers=prefers
        )
        asked = _play(runner, device, gaps, progress)
        status = runner.status()
        changed, audio = _replay(bundle, control_log.read(path))
    rate = bundle.audio.rate
    acked = {ack.id: ack.sample for ack in runner.events if isinstance(ack, Ack)}
    is_wrong = _is_wrong(recorder.sound, audio, rate)
    changed = {} if status.skipped_frames else changed
    return Switches(
        lead_ms=lead_ms,
        priority=status.priority,
        asked=switches,
        ear_ms=recorder.delays_ms(asked, _at_host(changed, rate, is_wrong)),
        frame_ms=recorder.delays_ms(
            asked, _at_host({name: acked[name] for name in changed}, rate, is_wrong)
        ),
        late_frames=status.late_frames,
        underruns=status.underruns,
        overtaken=status.overtaken,
        skipped_frames=status.skipped_frames,
        wrong_samples=int(is_wrong.sum()),
    )


def _play(
    runner: Runner,
    device: NullDevice,
    gaps: NDArray[np.float64],
    progress: Callable[[float], None],
) -> dict[str, float]:
    """Ask for one prompt after the other; returns when, by the request's name."""
    clock, asked = SystemClock(), {}
    with runner:
        device.start(runner.exchange)
        clock.sleep_until(clock.now() + WAIT_SECONDS)
        due = clock.now()
        for number, (gap, text) in enumerate(zip(gaps, prompts(len(gaps)), strict=True)):
            due += float(gap)
            clock.sleep_until(due)
            ask = Ask(id=str(number), command=SetPrompt(index=1, text=text))
            asked[ask.id] = clock.now()
            runner.ask(ask)
            progress((number + 1) / len(gaps))
        clock.sleep_until(clock.now() + WAIT_SECONDS)
        device.stop()
    return asked


def _replay(bundle: Bundle, take: Take) -> tuple[dict[str, int], Audio]:
    """The first sample that each request changed, and all that was played, [C, N]."""
    performer = Performer(bundle, seed=take.opened.seed, sampling=take.opened.sampling)
    changed: dict[str, int] = {}
    chunks: list[Audio] = []
    for operation in take.operations:
        while performer.frame < operation.frame:
            made = performer.make()
            chunks[made.frame :] = [made.chunk]
        twin = performer.branch()
        operation.carry_out(performer, _no_input)
        if isinstance(operation, Asked):
            sample = _first_difference(performer.branch(), twin, bundle.audio.frame_samples)
            if sample is not None:
                changed[operation.ask.id] = sample
    return changed, np.concatenate(chunks[: performer.frame], axis=1)


def _first_difference(asked: Performer, twin: Performer, frame_samples: int) -> int | None:
    for _ in range(LOOK_FRAMES):
        a, b = asked.make(), twin.make()
        found = np.flatnonzero((a.chunk != b.chunk).any(axis=0))
        if len(found):
            return a.frame * frame_samples + int(found[0])
    return None


def _no_input(sample: int) -> Audio:
    raise AssertionError("nothing is played to it")


def _is_wrong(heard: Audio, audio: Audio, rate: int) -> NDArray[np.bool_]:
    """[N] which samples that the device got are not the replay's."""
    few = min(len(audio), CHANNELS)
    resampler = Resampler(rate, HOST_RATE, few)
    sound = to_channels(resampler.step(to_channels(audio, few)), CHANNELS)
    expected = sound[:, resampler.delay_samples :]
    count = min(heard.shape[1], expected.shape[1])
    wrong: NDArray[np.bool_] = (heard[:, :count] != expected[:, :count]).any(axis=0)
    return wrong


def _at_host(samples: Mapping[str, int], rate: int, is_wrong: NDArray[np.bool_]) -> dict[str, int]:
    """Where the device got what lies at samples of the replay, or what comes after them."""
    wrong = np.flatnonzero(is_wrong)
    found = {}
    for name, sample in samples.items():
        at = sample * HOST_RATE // rate
        near = wrong[(wrong >= at) & (wrong < at + HOST_RATE)]
        while len(near) and near[0] < at + RIGHT_SAMPLES:
            at, near = int(near[0]) + 1, near[1:]
        found[name] = at
    return found
