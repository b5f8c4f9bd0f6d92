"""A player without an engine: sample n of its sound is n, and it obeys asks as simply as can be.

`now` is obeyed at the next frame that is not pulled yet, `bar` at the next multiple of 2 s, `frame`
at its frame. What is ready is what a test says, or without end.
"""

from typing import Any

import numpy as np

from bridge.wire import Audio
from engine import FRAME_RATE, Ack, Ask, HostBlock, OptionError

BAR_SECONDS = 2


class CountingPlayer:
    """See above. What it was told is in `asked`, `said` and `heard`."""

    def __init__(self, rate: int = 48_000, channels: int = 2, ready: int | None = None) -> None:
        self.rate, self.channels = rate, channels
        self.limit = ready  # samples that are made in all; None: any number
        self.pulled = 0
        self.asked: list[Ask] = []
        self.said: list[HostBlock] = []
        self.heard: list[tuple[int, Audio]] = []  # place and block of what was fed
        self.held = (0, 0)  # samples that its player holds, and wants to
        self.fed, self.reserve, self.listens = 0, 0, True
        self.is_reduced = self.is_waited_for = False
        self.is_stopped = False
        self.refuses = ""  # what to say to the next ask
        self.is_mute = False  # obeys nothing
        self.song: dict[str, Any] = {}  # what its status says of it
        self._news: list[Ack | str] = []

    @property
    def ready(self) -> int:
        return 1 << 40 if self.limit is None else max(0, self.limit - self.pulled)

    def pull(self, out: Audio) -> None:
        out[:] = self.pulled + np.arange(out.shape[1])
        self.pulled += out.shape[1]

    def hold(self, held: int, wanted: int) -> None:
        self.held = held, wanted

    def feed(self, block: Audio) -> None:
        self.heard.append((self.fed, block.copy()))
        self.fed += block.shape[1]

    def change_rate(self, rate: int) -> None:
        self.pulled = round(self.pulled * rate / self.rate)
        self.fed, self.rate = self.pulled, rate

    def follow(self, said: HostBlock) -> None:
        self.said.append(said)

    def ask(self, ask: Ask) -> None:
        if self.refuses:
            raise OptionError(self.refuses)
        self.asked.append(ask)
        if self.is_mute:
            return
        sample = self._sample_of(ask)
        frame = sample * FRAME_RATE // self.rate
        self._news.append(Ack(id=ask.id, frame=frame, sample=sample, what="done"))

    def _sample_of(self, ask: Ask) -> int:
        length = self.rate // FRAME_RATE
        if ask.when.kind == "frame" and ask.when.frame is not None:
            return ask.when.frame * length
        length = length if ask.when.kind == "now" else BAR_SECONDS * self.rate
        return -(-self.pulled // length) * length

    def tell(self, news: Ack | str) -> None:
        """Say something of its own accord."""
        self._news.append(news)

    def news(self) -> list[Ack | str]:
        news, self._news = self._news, []
        return news

    def status(self) -> dict[str, Any]:
        return {"frame": self.pulled * FRAME_RATE // self.rate, **self.song}

    @property
    def status_sample(self) -> int:
        return self.pulled

    def stop(self) -> None:
        self.is_stopped = True
