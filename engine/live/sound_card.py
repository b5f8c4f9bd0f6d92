"""The sound card, by way of PortAudio.

In and out: blocks of the size that the card wants, at its rate, on PortAudio's own thread. The
callback only copies: buffers are made beforehand, and it neither waits, nor logs, nor raises. A
card that was pulled is noticed from outside and opened again by its name. The library is imported
when a card is asked for, not before.
"""

import atexit
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from time import perf_counter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import DeviceError
from engine.live.cards import find, lasting, library, reason
from engine.live.device import Audio, Exchange
from engine.live.host import Host, SampleClock

SILENT_SECONDS: Final = 1.0  # without a callback: the card is gone, or its driver hangs
STUCK_SECONDS: Final = 5.0
GONE: Final = "is gone; looking for it again"
STUCK: Final = "is gone and its driver does not let go; end with q, the take is kept"
STOP_SECONDS: Final = 0.2
_PIECE: Final = 8192  # samples handed over at once; larger blocks come in pieces


class SoundCard:
    """A stream of one card, or of two: one to play, one to listen to."""

    def __init__(
        self,
        host: Host,
        *,
        device: str | int | None = None,
        listen: str | int | None = None,
        has_input: bool = False,
        rate: int | None = None,
        block: int = 0,
        now: Callable[[], float] = perf_counter,
    ) -> None:
        """Look the card up; nothing sounds yet.

        Args:
            host: says what time it is in the song.
            device: what plays, by index or part of its name; None: the system's default.
            listen: what is listened to, likewise.
            has_input: whether anything is listened to.
            rate: Hz; None: the card's own.
            block: samples a callback; 0: as the card likes.
            now: seconds; the clock of the host's pulses.

        Raises:
            DeviceError: no PortAudio, no such card, or it cannot play at that rate.
        """
        self._host, self._now = host, now
        self.has_input = has_input
        self._library = library()
        card = find(self._library, device, "output")
        self._device = lasting(self._library, device, card)
        self.name = str(card["name"])
        self.rate = int(rate or card["default_samplerate"])
        self.channels = min(2, int(card["max_output_channels"]))
        self._heard = 0  # channels
        self._listen: str | None = None
        if has_input:
            source = find(self._library, listen, "input")
            self._listen = lasting(self._library, listen, source)
            self._heard = min(self.channels, int(source["max_input_channels"]))
            both = source["index"] == card["index"]
            self.name += " (in and out)" if both else f", listening to {source['name']}"
        self._block = block
        self._in = np.zeros((self.channels, _PIECE), np.float32)
        self._out = np.zeros((self.channels, _PIECE), np.float32)
        self._exchange: Exchange | None = None
        self._stream: Any = None  # None while there is none open
        self._worker: Thread | None = None  # opens again
        self._revived = 0.0  # when that was begun, last
        self._sample = 0  # of the runner's stream, the next to play
        self._clock = SampleClock(self.rate)
        self._latency = 0.0  # seconds from the callback to the ear
        self._called = 0.0  # when, last
        self.dropouts = 0  # as the card counts them

    # --- the card's thread ----------------------------------------------------------------------

    def _callback(self, heard: Audio | None, played: Audio, samples: int, flags: Any) -> None:
        """Hand over a block. [audio-thread]

        Args:
            heard: [N, channels heard], or None.
            played: [N, C], to be filled.
            samples: N.
            flags: PortAudio's.
        """
        assert self._exchange is not None, "a stream is opened with an exchange"
        self._called = self._now()
        if flags.output_underflow:
            self.dropouts += 1
        due = self._clock.at(self._called, samples)
        said = self._host.block(self._sample, self.rate, due + self._latency)
        for first in range(0, samples, _PIECE):
            count = min(_PIECE, samples - first)
            out = self._out[:, :count]
            self._exchange(self._copy_in(heard, first, count), out, said)
            played[first : first + count] = out.T
            said = None
        self._sample += samples

    def _copy_in(self, heard: Audio | None, first: int, count: int) -> Audio | None:
        if heard is None:
            return None
        block = self._in[:, :count]
        block[:] = heard[first : first + count].T  # one channel goes to both
        return block

    def _both(
        self, heard: NDArray[Any], played: NDArray[Any], samples: int, time: Any, flags: Any
    ) -> None:
        self._callback(heard, played, samples, flags)

    def _output(self, played: NDArray[Any], samples: int, time: Any, flags: Any) -> None:
        self._callback(None, played, samples, flags)

    # --- from outside ---------------------------------------------------------------------------

    def start(self, exchange: Exchange) -> None:
        """Open the stream.

        Raises:
            DeviceError: the card refuses.
        """
        self._exchange = exchange
        sd = self._library
        common = {"samplerate": self.rate, "blocksize": self._block, "dtype": "float32"}
        try:
            if self.has_input:
                self._stream = sd.Stream(
                    device=(self._listen, self._device),
                    channels=(self._heard, self.channels),
                    callback=self._both,
                    latency="low",
                    **common,
                )
                latency = self._stream.latency[1]
            else:
                self._stream = sd.OutputStream(
                    device=self._device,
                    channels=self.channels,
                    callback=self._output,
                    latency="low",
                    **common,
                )
                latency = self._stream.latency
            self._latency = float(latency)
            self._called = self._now()
            self._stream.start()
        except (sd.PortAudioError, ValueError) as exc:
            self._close()
            raise DeviceError(
                f"{self.name} cannot play at {self.rate:,} Hz ({reason(exc)}). "
                "Try another --rate or --device; antiphon live --list-devices shows them."
            ) from exc

    def problem(self) -> str:
        """What is wrong with the card now; "" if nothing."""
        stream = self._stream
        if self._worker is not None and self._worker.is_alive():
            is_stuck = self._now() - self._revived > STUCK_SECONDS
            return f"{self.name} {STUCK if is_stuck else GONE}"
        if stream is None or not stream.active:
            return f"{self.name} {GONE}"
        if self._now() - self._called > SILENT_SECONDS:
            return f"{self.name} has not asked for sound for {SILENT_SECONDS:g} s"
        return ""

    def revive(self) -> None:
        """Begin to look for the card and open it again; `problem` tells whether it plays.

        It is done on a thread of its own, because a driver may never come back from closing.
        """
        if self._worker is None or not self._worker.is_alive():
            self._revived = self._now()
            self._worker = Thread(target=self._reopen, name="sound card", daemon=True)
            self._worker.start()

    def _reopen(self) -> None:
        assert self._exchange is not None, "only what was started can be revived"
        self._close()
        # PortAudio lists the cards once, when it is initialised, so a card that comes back is seen
        # only by beginning anew; the binding has no public name for that.
        self._library._terminate()
        self._library._initialize()
        self._clock = SampleClock(self.rate)
        with suppress(DeviceError):  # not there yet: `problem` says so
            self.start(self._exchange)

    def stop(self) -> None:
        """Close the stream; returns within half a second."""
        closer = Thread(target=self._close, name="close sound card", daemon=True)
        closer.start()
        for thread in (self._worker, closer):
            if thread is not None:
                thread.join(STOP_SECONDS)
                if thread.is_alive():  # then closing PortAudio at exit would hang as well
                    atexit.unregister(self._library._exit_handler)

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close(ignore_errors=True)
