"""The maker: frames of the performer, made for the ear, and made again where that is not too late.

In:  a performer and the gate it plays for. Out: chunks on the outlet's ring; operations for the
log. Frames that were made and are not about to be heard can be taken back: the ear has them as they
were made last. Puts in a new plug when the gate asks for one.

Frame n of the performer is frame n + skipped of the host's stream. Nothing is skipped but on a
machine that is too slow to make up for being late: there the music goes on later, rather than never
to be heard again. Frame thread; nothing here raises for lateness.
"""

from collections import deque
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.clock import Clock
from engine.errors import BackendError, OptionError
from engine.loop.gate import Gate, Plug, Wanted
from engine.loop.history import History
from engine.loop.inlet import Inlet
from engine.loop.outlet import Outlet
from engine.loop.scribe import Scribe
from engine.metrics import FrameTimes
from engine.operation import Operation, Rewound
from engine.past import REWIND_FRAMES
from engine.performer import Made, Performer
from engine.spec import FRAME_RATE, AudioFormat

Audio = NDArray[np.float32]

RING_SECONDS: Final = 4.0
RESERVE_SECONDS: Final = 0.005  # between a frame made again and the ear, beside the time it takes
MAX_RESERVE_SECONDS: Final = 0.1
PATIENCE_SECONDS: Final = 0.5  # of silence, to make up for being late; longer takes a skip


def plug_for(audio: AudioFormat, wanted: Wanted, channels: int) -> Plug:
    """Make both ways at one rate.

    Raises:
        OptionError: a rate or a number of channels that cannot be.
    """
    rate, start = wanted
    return Plug(
        wanted,
        Outlet(audio, rate, channels, start=start, seconds=RING_SECONDS),
        Inlet(audio, rate, channels, start=start, seconds=RING_SECONDS),
    )


class Maker:
    """One performer for one gate. Attributes may be read by any thread."""

    def __init__(
        self, performer: Performer, gate: Gate, scribe: Scribe, clock: Clock, channels: int
    ) -> None:
        self.performer, self._gate, self._scribe = performer, gate, scribe
        self._clock, self._channels = clock, channels
        self._chunks: deque[Audio] = deque(maxlen=REWIND_FRAMES + 1)  # the last that were made
        self.history = History(self.audio, performer.latency_samples)
        self._refused: Wanted | None = None
        self._underruns = self._overtaken = self._bad_samples = 0  # of plugs before this one
        self.times = FrameTimes()
        self.late_frames = 0  # that could not be heard whole
        self.excused_frames = 0  # to come, that are begun late because others are made again
        self.skipped = 0  # frames of the stream without a frame of the performer
        self.rate_problem = ""

    @property
    def audio(self) -> AudioFormat:
        """The bundle's."""
        return self.performer.bundle.audio

    @property
    def ahead_seconds(self) -> float:
        """Sound that is ready and not to be made again."""
        return self._gate.plug.outlet.ahead(self.performer.frame + self.skipped)

    @property
    def ready_samples(self) -> int:
        """Samples on the ring that will not be made again. [any-thread]"""
        outlet = self._gate.plug.outlet
        return min(outlet.ring.filled, outlet.ready(self.performer.frame + self.skipped))

    def place_of(self, sample: float, rate: int) -> float:
        """Where a sample of the host's stream is on the performer's axis, at the same rate."""
        return sample - self.skipped * rate / FRAME_RATE

    @property
    def heard_sample(self) -> int:
        """The output sample, at the bundle's rate, that sounds next."""
        sample = self._gate.position * self.audio.rate / self._gate.rate
        return int(self.place_of(sample, self.audio.rate))

    @property
    def heard_frame(self) -> int:
        """The performer's frame that sounds."""
        return self._gate.position * FRAME_RATE // self._gate.rate - self.skipped

    @property
    def underruns(self) -> int:
        """Times that sound broke off."""
        return self._underruns + self._gate.plug.outlet.ring.underruns

    @property
    def overtaken(self) -> int:
        """Times that the ear was faster than a change."""
        return self._overtaken + self._gate.plug.outlet.ring.overtaken

    @property
    def bad_samples(self) -> int:
        """Of the input, that were no numbers."""
        return self._bad_samples + self._gate.plug.inlet.bad_samples

    def carry_out(self, operation: Operation) -> None:
        """Tell the performer, and the log.

        Raises:
            AntiphonError: the performer refuses; nothing is logged then.
        """
        operation.carry_out(self.performer, _no_input)
        self._scribe.write(operation)

    def make(self, spent: float) -> tuple[Made, float]:
        """Make the next frame, and write it for the ear.

        Args:
            spent: seconds that were worked for this frame already.

        Returns:
            What was made, and the seconds that it took in all.

        Raises:
            BackendError: a graph failed.
        """
        before = self._clock.now()
        made = self.performer.make()
        if not np.isfinite(made.chunk).all():
            raise BackendError(
                f"the decoder made samples that are not finite in frame {made.frame}. "
                "Check the bundle: antiphon inspect."
            )
        took = spent + self._clock.now() - before
        self.times.record(took)
        self._chunks.append(made.chunk)
        self.history.add(made.frame, made.chunk, self.performer.transport)
        place = made.frame + self.skipped
        self.late_frames += not self._gate.plug.outlet.put(place, made.chunk)
        self.excused_frames = max(0, self.excused_frames - 1)
        return made, took

    # --- again ----------------------------------------------------------------------------------

    def earliest(self, busy_seconds: float) -> int:
        """The first frame that can be made again before it is heard, or else the next one.

        Args:
            busy_seconds: that a frame takes.
        """
        gate, outlet = self._gate, self._gate.plug.outlet
        if not gate.blocks:  # there was no ear yet, so that nothing depends on how fast this is
            return self.performer.first_frame
        reserve = min(RESERVE_SECONDS + 2 * busy_seconds, MAX_RESERVE_SECONDS)
        margin = ceil((gate.block_seconds + reserve) * outlet.rate)
        frame = outlet.frame_from(outlet.ring.claimed + margin) - self.skipped
        return min(max(frame, self.performer.first_frame), self.performer.frame)

    def rewind(self, to_frame: int, lead_seconds: float) -> None:
        """Let frames be made again, unless there is no room beside those that are there.

        Args:
            to_frame: the first; nothing happens if it is not made yet.
            lead_seconds: that will be made.
        """
        frames = self.performer.frame - to_frame
        room = lead_seconds + (frames + 2) / FRAME_RATE
        if frames <= 0 or not self._gate.plug.outlet.can_put_again(room):
            return
        self.carry_out(Rewound(frame=self.performer.frame, to=to_frame))
        for _ in range(min(frames, len(self._chunks))):
            self._chunks.pop()
        self.excused_frames = frames + 2

    def skip(self, busy_seconds: float, lead_seconds: float) -> int:
        """Leave time out if being late cannot be made up for soon.

        Args:
            busy_seconds: that a frame takes.
            lead_seconds: that should be ready.

        Returns:
            How many frames of the stream were left out.
        """
        behind, spare = -self.ahead_seconds, 1 / FRAME_RATE - busy_seconds
        if behind * FRAME_RATE <= 1 or behind * busy_seconds <= spare * PATIENCE_SECONDS:
            return 0
        frames = ceil((behind + lead_seconds) * FRAME_RATE)
        self.skipped += frames
        before = self._chunks[-1] if self._chunks else None
        self._gate.plug.outlet.skip_to(self.performer.frame + self.skipped, before)
        self.excused_frames = ceil(lead_seconds * FRAME_RATE) + 2
        return frames

    def renew_plug(self, lead_seconds: float) -> None:
        """Put in the plug that the gate asks for, and what is not heard yet on its ring."""
        wanted, plug = self._gate.wanted, self._gate.plug
        if wanted is None or wanted is self._refused or plug.wanted is wanted:
            return
        try:
            fresh = plug_for(self.audio, wanted, self._channels)
        except OptionError as refusal:
            self._refused = wanted
            self.rate_problem = f"the host's rate cannot be played: {refusal}"
            return
        self.rate_problem = ""
        self._fill(fresh.outlet)
        self._underruns, self._overtaken = self.underruns, self.overtaken
        self._bad_samples = self.bad_samples
        self.excused_frames = ceil(lead_seconds * FRAME_RATE) + 2
        self._gate.plug = fresh

    def _fill(self, outlet: Outlet) -> None:
        """Write the last frames again, at another rate; the oldest only warms the filter up."""
        chunks = list(self._chunks)
        first = self.performer.frame + self.skipped - len(chunks)
        if first > 0:
            before, *chunks = chunks
            first += 1
            outlet.begin(first, before)
        for frame, chunk in enumerate(chunks, first):
            outlet.put(frame, chunk)


def _no_input(sample: int) -> Audio:
    raise AssertionError("what is heard goes to the performer directly")
