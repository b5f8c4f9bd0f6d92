"""A performance that is written down while it is played, as a runner does it, without threads."""

from pathlib import Path

import numpy as np

from engine.bundle import Bundle
from engine.control_log import LogWriter, Opened
from engine.operation import Asked, Ended, Missed, Moved, Operation, Rewound, Shed
from engine.performer import Performer
from tests.engine.performing import guitar


class Recording:
    """Carries out operations, logs them, and keeps what is heard in the end."""

    def __init__(self, bundle: Bundle, path: Path, *, seed: int = 7, sampling=None) -> None:
        self.performer = Performer(bundle, seed=seed, sampling=sampling)
        self.log = LogWriter(path, Opened.of(bundle, seed, sampling))
        self.path = path
        self.chunks: list[np.ndarray] = []
        self.acks = []
        self.made = 0

    def __enter__(self) -> "Recording":
        return self

    def __exit__(self, *_: object) -> None:
        self.log.close()

    def make(self, frames: int = 1) -> None:
        for _ in range(frames):
            made = self.performer.make()
            del self.chunks[made.frame :]
            self.chunks.append(made.chunk)
            self.acks += made.acks
            self.made += 1

    def hear(self, frames: int = 1, hears=guitar) -> None:
        for _ in range(frames):
            frame, sound = self.performer.frame, hears(self.performer.heard_frame)
            self.performer.hear(sound)
            self.log.hear(frame, sound)

    def play_heard(self, frames: int, lead: int = 2) -> None:
        for _ in range(frames):
            self.make()
            self.hear(max(0, self.performer.frame - lead - self.performer.heard_frame))

    def ask(self, ask, style=None, since=None) -> None:
        self._do(Asked(frame=self.performer.frame, ask=ask, style=style, since=since))

    def move(self, transport, *, is_hosted=True) -> None:
        frame = self.performer.frame
        self._do(Moved(frame=frame, transport=transport, is_hosted=is_hosted))

    def miss(self, frames: int) -> None:
        self._do(Missed(frame=self.performer.frame, frames=frames))

    def rewind(self, to: int) -> None:
        self._do(Rewound(frame=self.performer.frame, to=to))

    def shed(self, level: int) -> None:
        self._do(Shed(frame=self.performer.frame, level=level))

    def end(self) -> np.ndarray:
        """Close the log; [C, N] as it was heard."""
        self.log.write(Ended(frame=self.performer.frame))
        self.log.close()
        return np.concatenate(self.chunks[: self.performer.frame], axis=1)

    def _do(self, operation: Operation) -> None:
        operation.carry_out(self.performer, lambda sample: np.zeros((0, 0), np.float32))
        self.log.write(operation)
