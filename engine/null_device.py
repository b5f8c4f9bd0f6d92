"""The null device: a sound card that nobody hears, in real time.

A thread of its own calls for a block every block / rate seconds, on time on average: a call that
comes late is followed by earlier ones, as a card with a buffer would. For machines without sound,
for measuring and for tests. In: optionally the input to play to the engine, and a host's words.
Out: optionally what sounded, block by block.
"""

from collections.abc import Callable
from threading import Event, Thread
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.clock import Clock, HostBlock, SystemClock
from engine.errors import OptionError
from engine.loop.interpreter import AUDIO_PRIORITY, prefer_this_thread

Audio = NDArray[np.float32]
Exchange = Callable[[Audio | None, Audio, HostBlock | None], Any]  # `Runner.exchange`
Source = Callable[[int, Audio], None]  # first sample, [C, N] to be filled
Sink = Callable[[int, Audio], None]  # first sample, [C, N] that sounded; not kept
Host = Callable[[int], HostBlock | None]  # first sample

BLOCK: Final = 512
GAP_SECONDS: Final = 0.5  # further behind, it goes on from now: the machine was asleep
_STOP_SECONDS: Final = 0.4


class NullDevice:
    """Calls for sound. All methods [control-thread]."""

    name = "no sound card (null device)"

    def __init__(
        self,
        *,
        rate: int = 48_000,
        channels: int = 2,
        block: int = BLOCK,
        clock: Clock | None = None,
        source: Source | None = None,
        sink: Sink | None = None,
        host: Host | None = None,
        prefers: bool = True,
    ) -> None:
        """Prepare; nothing is called for yet.

        Args:
            rate: Hz.
            channels: of output and input.
            block: samples a call.
            clock: paces the calls.
            source: makes the input; None for a device without.
            sink: is given what sounded, on the device's thread.
            host: says what a host would say of a block.
            prefers: go before other threads where the system allows it.

        Raises:
            OptionError: less than one of any.
        """
        for name, value in (("rate", rate), ("channels", channels), ("block", block)):
            if value < 1:
                raise OptionError.of(name, value, "1 or more")
        self.rate, self.channels, self.block = rate, channels, block
        self.has_input = source is not None
        self._clock = clock or SystemClock()
        self._source, self._sink, self._host = source, sink, host
        self._prefers = prefers
        self._out = np.zeros((channels, block), np.float32)
        self._in = np.zeros((channels, block), np.float32) if source else None
        self._sample = 0
        self._exchange: Exchange | None = None
        self._thread: Thread | None = None
        self._stopping = Event()

    def start(self, exchange: Exchange) -> None:
        """Begin to call for blocks; nothing happens if it has begun."""
        if self._thread is not None:
            return
        self._exchange = exchange
        self._stopping.clear()
        self._thread = Thread(target=self._run, name="antiphon null device", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; no block is called for afterwards. It can be started again."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
            self._thread = None

    def problem(self) -> str:
        """What is wrong with it, in words; "" if nothing."""
        if self._thread is not None and self._thread.is_alive():
            return ""
        return f"{self.name} is stopped"

    def revive(self) -> None:
        """Start it again if it is stopped."""
        if self.problem() and self._exchange is not None:
            self.stop()
            self.start(self._exchange)

    def pull(self) -> None:
        """Call for one block, now. [device-thread, or any if it is not started]"""
        assert self._exchange is not None, "a device is started with an exchange"
        if self._source is not None and self._in is not None:
            self._source(self._sample, self._in)
        said = self._host(self._sample) if self._host else None
        self._exchange(self._in, self._out, said)
        if self._sink is not None:
            self._sink(self._sample, self._out)
        self._sample += self.block

    def _run(self) -> None:
        if self._prefers:
            prefer_this_thread(AUDIO_PRIORITY)  # as a card's own
        due = self._clock.now()
        while not self._stopping.is_set():
            self.pull()
            due += self.block / self.rate
            now = self._clock.now()
            due = now if now - due > GAP_SECONDS else due
            self._clock.sleep_until(due)
