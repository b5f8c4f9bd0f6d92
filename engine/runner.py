"""The runner: a performer that plays live. The only threads of the engine are here.

    audio thread     (the host's)  exchange: copies in and out, never waits, never locks
    frame thread     the loop: hears, obeys, makes frames a lead ahead of the ear
    prompt thread    embeds the words of prompts; the old prompt sounds on meanwhile
    log thread       writes the control log

In:  blocks of the host, asks of any thread. Out: blocks of sound, answers, a status.
Started: prompts that wait are embedded, the lead is made, and the interpreter made ready. Stopped:
the frame under way is finished, the log is ended; what calls `exchange` then hears a fade.
"""

from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from threading import Event as Signal
from threading import Thread
from types import TracebackType
from typing import Final, Self
from weakref import WeakMethod

import numpy as np
from numpy.typing import NDArray

from engine.ask import Ask
from engine.bundle import Bundle
from engine.clock import Clock, HostBlock, SystemClock, Transport
from engine.command import Prime
from engine.control_log import LogWriter
from engine.errors import AntiphonError, OptionError
from engine.listening import ear, style, take
from engine.loop import interpreter
from engine.loop.frame_loop import Event, FrameLoop
from engine.loop.gate import Cushion, Gate, Wanted
from engine.loop.impressions import Impressions
from engine.loop.inbox import Inbox
from engine.loop.maker import Maker, plug_for
from engine.loop.prompts import PromptWorker
from engine.loop.scribe import Scribe
from engine.loop.status import Status
from engine.loop.watch import Watch
from engine.operation import Marked
from engine.options import SamplingOptions
from engine.performer import Performer
from engine.stages import prompt

Audio = NDArray[np.float32]

LEAD_MS: Final = (20.0, 500.0)
DEFAULT_LEAD_MS: Final = 80.0
EVENTS: Final = 1024  # that are kept for who does not fetch them
STOP_SECONDS: Final = 0.4  # for all threads together


class Runner:
    """Plays a bundle live, once: start, stop."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        rate: int,
        channels: int,
        lead_ms: float = DEFAULT_LEAD_MS,
        block: int = 0,
        listens: bool | None = None,
        is_fed: bool = False,
        seed: int = 0,
        sampling: SamplingOptions | None = None,
        log: LogWriter | None = None,
        clock: Clock | None = None,
        notify: Callable[[Event], None] | None = None,
        prefers: bool = True,
    ) -> None:
        """Open the graphs; nothing runs yet.

        Args:
            bundle: what to play; used by no one else while this runs.
            rate: the host's, Hz.
            channels: the host's, 1 or 2, of input and output.
            lead_ms: sound that is kept ready at least, 20 to 500; more where blocks are larger.
            block: the largest block that will be asked for, in samples, where the host knows.
            listens: whether there will be input; None: the first block tells.
            is_fed: input comes by `feed`, later than the sound of the same place, and not by
                `exchange`: so it is where the host is at the other end of a line.
            seed, sampling: see `engine.performer.Performer`.
            log: takes the performance; the runner writes and closes it. Opened with the same
                seed and sampling.
            clock: of frame times and prompt-to-ear.
            notify: is told every event on the frame thread; must not wait.
            prefers: let the threads that keep time go before others where the system allows it.

        Raises:
            OptionError: a rate, a number of channels or a lead that cannot be.
            BundleError, BackendError: a graph cannot be opened.
        """
        low, high = LEAD_MS
        if not low <= lead_ms <= high:
            raise OptionError.of("lead_ms", lead_ms, f"{low:g} to {high:g}")
        if channels not in (1, 2):
            raise OptionError.of("channels", channels, "1 or 2")
        self._clock = clock or SystemClock()
        self._notify, self._prefers = notify, prefers
        self.events: deque[Event] = deque(maxlen=EVENTS)  # answers and remarks [any-thread]
        self._bundle = bundle
        bundle.graph("text")  # opened here: the prompt thread must not change the bundle
        has_style = "style" in bundle.manifest.graphs
        if has_style:
            bundle.graph("style")
        impressions = Impressions(partial(style.encode, bundle) if has_style else None)
        performer = Performer(bundle, seed=seed, sampling=sampling)
        plug = plug_for(bundle.audio, Wanted(rate, 0), channels)
        self._gate = Gate(plug, channels, self._clock, block=block, is_fed=is_fed)
        can_listen = set(ear.GRAPHS) <= set(bundle.manifest.graphs)
        self._gate.listens = listens if can_listen else False
        self._inbox, self._scribe = Inbox(), Scribe(log)
        maker = Maker(performer, self._gate, self._scribe, self._clock, channels)
        self._maker, self._history = maker, maker.history
        self._loop = FrameLoop(
            maker,
            self._gate,
            self._inbox,
            self._scribe,
            self._clock,
            lead_seconds=lead_ms / 1000.0,
            say=_while_it_lives(self._say),
            impressions=impressions,
        )
        self._watch = Watch(
            self._loop, maker, self._gate, self._scribe, self._clock, bundle.harmony
        )
        self._wake = Signal()
        embed = partial(prompt.encode, bundle)
        self._worker = PromptWorker(
            self._inbox, embed, self._wake.set, also=impressions.turn, prefers=prefers
        )
        self._thread: Thread | None = None
        self._primed, self._is_stopping = Signal(), False
        self._care = ExitStack()
        self._failure: Exception | None = None
        self.failed = Signal()  # set when the frame loop has ended with an error [any-thread]

    # --- the host -------------------------------------------------------------------------------

    def exchange(self, block_in: Audio | None, out: Audio, said: HostBlock | None = None) -> None:
        """Hand a block over: never waits, never locks, only copies. [audio-thread]

        Args:
            block_in: [1 or 2, N] what is played to the engine, or None; not kept.
            out: [C, N] to be filled; N from 0 on. What is not ready is faded and silent.
            said: what the host knows of the block's first sample. Its `sample` is not used: the
                stream is counted here, by the lengths of `out`. Another rate than the one before
                takes a moment of silence.

        Raises:
            ShapeError: arrays of other channels or lengths.
        """
        self._gate.exchange(block_in, out, said)

    def feed(self, block: Audio) -> None:
        """Give input from sample `fed` of the stream on; only if made with `is_fed`. [audio-thread]

        Args:
            block: [1 or 2, N] what is played to the engine; not kept. What does not fit is lost,
                and `fed` stays behind by it.
        """
        self._gate.feed(block)

    @property
    def listens(self) -> bool:
        """Whether input is heard: it was announced, and the bundle can. [any-thread]"""
        return bool(self._gate.listens)

    @property
    def fed(self) -> int:
        """The sample of the stream that the next block of `feed` begins with. [audio-thread]"""
        return self._gate.fed

    def tell(self, said: HostBlock) -> None:
        """Say where the song is at `said.sample` of the stream, past or to come. [audio-thread]

        Raises:
            OptionError: at another rate than the stream's.
        """
        self._gate.tell(said)

    @property
    def ready(self) -> int:
        """Samples that the next block can take without a gap. [any-thread]

        Before the first block only those that obey all that the host has said, so that the same
        words before the start are the same music, however busy the machine is.
        """
        if self._gate.blocks:
            return max(0, self._gate.plug.outlet.ring.filled)
        return max(0, self._maker.ready_samples) if self._loop.has_followed else 0

    @property
    def is_waited_for(self) -> bool:
        """Whether the host waits for sound that is not ready yet, as in a bounce.

        Then no quality is given up to be in time: the same session is the same music. [any-thread]
        """
        return self._gate.is_waited_for

    @is_waited_for.setter
    def is_waited_for(self, value: bool) -> None:
        self._gate.is_waited_for = value

    def hold(self, held: int, wanted: int) -> None:
        """Say how much of what was handed over is not heard yet. [any-thread]

        A host with a buffer of its own is in no danger while that is full, so quality is given up
        only when it runs low.

        Args:
            held: samples.
            wanted: samples that the host would hold; 0 says it has no buffer.
        """
        self._gate.cushion = Cushion(held, wanted)

    def ask(self, ask: Ask) -> None:
        """Ask for a change; the answer comes as an event. [any-thread]

        Raises:
            OptionError: too many requests wait already, or the runner has been stopped.
        """
        if self._is_stopping or self._failure is not None:
            raise OptionError(f"ask {ask.id!r} came after the music ended. Start another runner.")
        self._inbox.put(ask, self._clock.now())
        self._wake.set()

    def mark(self, text: str) -> None:
        """Leave a note in the log. [any-thread]

        Raises:
            OptionError: longer than 2,000 characters.
        """
        Marked(frame=0, text=text)  # refuses what no log takes
        self._loop.mark(text)
        self._wake.set()

    def understand(self, audio: Audio, said: str) -> Prime:
        """Listen to a take, so that it can be asked to be continued. Takes a while. [any-thread]

        Args:
            audio: [1 or 2, N] at the bundle's rate.
            said: what to call it.

        Raises:
            InputError: shorter than 1 s, or silent at its end.
            BundleError: the bundle cannot listen.
            BackendError: a graph failed.
        """
        return take.understand(self._bundle, audio, said)

    # --- what was heard -------------------------------------------------------------------------

    def recent(self, seconds: float) -> tuple[Audio, int]:
        """Copy what was heard lately, as it was made. [any-thread]

        Args:
            seconds: at most so many; two minutes are remembered.

        Returns:
            [C, N] float32 at the bundle's rate, and the output sample of the first.
        """
        return self._history.until(self._maker.heard_sample, seconds)

    def recent_transports(self) -> tuple[tuple[int, Transport], ...]:
        """The transports of late, each with the output sample from which it holds. [any-thread]"""
        return self._history.transports()

    # --- running --------------------------------------------------------------------------------

    def start(self) -> None:
        """Embed what waits, make the lead, and go on by itself. [control-thread]

        Nothing happens if it runs already.

        Raises:
            OptionError: it has been stopped, or has failed.
            BackendError: a graph failed on the first frames.
        """
        if self._is_stopping or self.failed.is_set():
            raise OptionError("this runner has been stopped. Make another one.")
        if self._thread is not None:
            return
        while self._worker.turn():
            pass
        self._gate.plug.outlet.ring.hand_over()
        self._gate.plug.inlet.ring.hand_over()
        self._care.enter_context(interpreter.real_time())
        self._scribe.start()
        self._worker.start()
        self._thread = Thread(target=self._run, name="antiphon frames", daemon=True)
        self._thread.start()
        self._primed.wait()
        if self._failure is not None:
            self.stop()
            raise self._failure
        interpreter.freeze()

    def stop(self) -> None:
        """End within half a second. [control-thread]"""
        if self._is_stopping:
            return
        self._is_stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS / 2)
        self._worker.stop(STOP_SECONDS / 8)
        self._loop.end()
        self._scribe.stop(STOP_SECONDS / 4)
        self._care.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def turn(self) -> float:
        """One turn of the loop, where it is not started: for tests. See `FrameLoop.turn`.

        A graph that fails ends the loop as it does in its thread; then the answer is forever.
        """
        if self._failure is not None:
            return float("inf")
        try:
            if fault := self._worker.revive():
                self._say(fault)
            return self._loop.turn()
        except AntiphonError as error:
            self._fail(error)
            return float("inf")

    def embed(self) -> bool:
        """Embed one prompt, where no thread does: for tests. False if none waits."""
        return self._worker.turn()

    def _run(self) -> None:
        """[frame-thread]"""
        if self._prefers:
            self._watch.priority = interpreter.prefer_this_thread(interpreter.FRAME_PRIORITY)
        try:
            while not self._is_stopping and self._failure is None:
                idle = self.turn()
                if idle > 0 and self._failure is None:
                    self._primed.set()
                    self._wake.wait(idle)
                    self._wake.clear()
        except Exception as error:
            self._fail(error)
            raise
        finally:
            self._primed.set()
            self._loop.end()

    def _fail(self, error: Exception) -> None:
        """End the music: what is ready is heard, then it fades."""
        self._failure = error
        self._say(f"the music ended: {error}")
        self._loop.end()
        self.failed.set()

    # --- to tell --------------------------------------------------------------------------------

    def _say(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, str):
            self._watch.remark(event)
        if self._notify is not None:
            self._notify(event)

    def status(self) -> Status:
        """How it is now. [any-thread]"""
        is_running = self._thread is not None and self._thread.is_alive()
        return self._watch.status(is_running=is_running, failure=self._failure)


def _while_it_lives(say: Callable[[Event], None]) -> Callable[[Event], None]:
    """The same method, without keeping its runner alive.

    A runner that its own parts kept would wait for the collector, which looks at nothing that was
    there when music began: its two minutes of sound would stay until the last player is gone.
    """
    method = WeakMethod(say)

    def tell(event: Event) -> None:
        found = method()
        if found is not None:
            found(event)

    return tell
