"""The audio of a session: sound to its player within the credit given, input from it in order.

In:  credit and input as audio messages. Out: sound as audio messages, none of which holds an edge
of a frame or a change, so that what is said of it is true of every sample.
A player counts samples of its own and the engine counts on for ever; they differ by `origin`. What
a player has gone past is left out, so a delay never grows. On the server's thread.
"""

from collections.abc import Iterator
from itertools import count
from typing import Final

import numpy as np

from bridge.changes import Changes
from bridge.errors import Refusal
from bridge.flow import Flow, Intake
from bridge.limits import INPUT_GRACE_SECONDS, MAX_BLOCK_SAMPLES, MAX_CREDIT_SECONDS
from bridge.player import Player
from bridge.wire import Audio, Flag, Frame, Kind
from engine import FRAME_RATE

BLOCKS_PER_TURN: Final = 8  # of one session, before another has its turn


class Stream:
    """Both directions of one session's audio."""

    def __init__(self, player: Player, changes: Changes) -> None:
        self._player, self._changes = player, changes
        self.origin = 0  # what the client counts more than the engine
        self.flow, self.intake = Flow(player.rate), Intake()
        self._key = bytes(16)
        self._sequence = count()
        self._left_out = False
        self._scratch: Audio = np.zeros((player.channels, MAX_BLOCK_SAMPLES), np.float32)

    # --- the player comes and goes --------------------------------------------------------------

    def attach(self, sample: int, key: bytes) -> None:
        """Go on for a player that counts the next sample as it likes."""
        self.origin += sample - self.flow.sent
        self.flow = Flow(self._player.rate, sent=sample, credit=sample, needed=sample)
        self._key, self._sequence, self._left_out = key, count(), False
        self._player.hold(*self.flow.cushion)

    def change_rate(self, rate: int) -> None:
        """Go on at another rate. Before `attach`."""
        place = round((self.flow.sent - self.origin) * rate / self._player.rate)
        self._changes.begin(self.flow.sent - self.origin)
        self._player.change_rate(rate)
        self.flow.sent, self.origin = place, 0

    def detach(self) -> None:
        """The player is gone: nothing more is sent."""
        self.flow.credit = self.flow.sent

    @property
    def frame(self) -> int:
        """The frame that holds the next sample to be sent."""
        return self._frame_of(self.flow.sent)

    def _frame_of(self, sample: int) -> int:
        return max(0, sample - self.origin) * FRAME_RATE // self._player.rate

    # --- from the player ------------------------------------------------------------------------

    def receive(self, frame: Frame) -> None:
        """Take credit or input.

        Raises:
            Refusal: "range": another rate or other channels than the session has, or input where
                none was announced.
        """
        if frame.rate != self._player.rate:
            text = (
                f"rate is {frame.rate}, expected {self._player.rate}. Say hello with the new one."
            )
            raise Refusal("range", text)
        if frame.kind is Kind.CREDIT:
            is_waited_for = bool(frame.flags & Flag.WAITS)
            self.flow.grant(frame.sample, frame.credit, is_waited_for=is_waited_for)
            self._player.is_waited_for = is_waited_for
            self._player.hold(*self.flow.cushion)
            self._give_up_input()
            return
        if frame.kind is not Kind.INPUT or len(frame.audio) != self._player.channels:
            got = f"{frame.kind.name} with {len(frame.audio)} channels"
            text = f"got {got}, expected INPUT with {self._player.channels}, or CREDIT."
            raise Refusal("range", text)
        if not self._player.listens:
            text = "the session was opened without input. Say hello with `listens` true."
            raise Refusal("range", text)
        self._take_in(frame)

    def _take_in(self, frame: Frame) -> None:
        place, fed = frame.sample - self.origin, self._player.fed
        end = self.flow.sent - self.origin + int(MAX_CREDIT_SECONDS * self._player.rate)
        taken = self.intake.take(fed, place, frame.samples, end=end)
        self._feed_silence(taken.silence)
        if taken.drop < frame.samples:
            self._player.feed(frame.audio[:, taken.drop :])

    def _give_up_input(self) -> None:
        """What did not come until long after its time is silence."""
        if self._player.listens:
            grace = int(INPUT_GRACE_SECONDS * self._player.rate)
            place = min(self.flow.needed, self.flow.sent) - grace - self.origin
            self._feed_silence(self.intake.give_up(self._player.fed, place))

    def _feed_silence(self, samples: int) -> None:
        for length in _pieces(samples):
            before = self._player.fed
            self._player.feed(np.zeros((self._player.channels, length), np.float32))
            if self._player.fed == before:  # it takes no more now; the rest is made up for later
                return

    # --- to the player --------------------------------------------------------------------------

    def pump(self) -> Iterator[Frame]:
        """Take out what may be sent now."""
        self._leave_out_late()
        yield from self._take_out()
        self._player.hold(*self.flow.cushion)

    def _take_out(self) -> Iterator[Frame]:
        for _ in range(BLOCKS_PER_TURN):
            here = self.flow.sent
            ready = self._player.ready - (0 if self.flow.is_urgent else self._player.reserve)
            length = min(self.flow.room, ready, self._next_edge() - here)
            if length <= 0:
                return
            self._changes.begin(here - self.origin)
            audio = np.empty((self._player.channels, length), np.float32)
            self._player.pull(audio)
            self.flow.sent += length
            yield self._message(here, audio)

    def _message(self, sample: int, audio: Audio) -> Frame:
        flags = Flag.GAP if self._left_out else Flag.NONE
        self._left_out = False
        return Frame(
            kind=Kind.SOUND,
            key=self._key,
            sequence=next(self._sequence),
            sample=sample,
            credit=self.flow.credit,
            frame=self._frame_of(sample),
            seed=self._changes.seed,
            change=self._changes.newest,
            rate=self._player.rate,
            flags=flags | Flag.REDUCED if self._player.is_reduced else flags,
            audio=audio,
        )

    def _leave_out_late(self) -> None:
        """Go past what the player has gone past; from very far away, go on from where it is."""
        if self.flow.late:
            self._left_out = True
        if self.flow.is_far_behind:
            self.origin += self.flow.late
            self.flow.sent = self.flow.needed
        for length in _pieces(self.flow.late):
            self._player.pull(self._scratch[:, :length])
            self.flow.sent += length

    def _next_edge(self) -> int:
        """The next position at which what is said of a message may change."""
        here, rate = self.flow.sent, self._player.rate
        frame_end = -(-(self._frame_of(here) + 1) * rate // FRAME_RATE) + self.origin
        mark = self._changes.next_after(here - self.origin)
        edge = min(frame_end, here + MAX_BLOCK_SAMPLES)
        return edge if mark is None else min(edge, mark + self.origin)


def _pieces(total: int) -> Iterator[int]:
    """Cut a length into pieces that fit a block."""
    while total > 0:
        piece = min(total, MAX_BLOCK_SAMPLES)
        yield piece
        total -= piece
