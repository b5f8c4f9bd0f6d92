"""Flow of audio: how much may be sent, what came too late, and where each sample belongs.

In:  positions that a client names. Out: counts of samples to send, to leave out, to fill and to
drop. Everything is a position on the client's own stream, so a message that is lost, doubled or
out of order changes nothing: a client says how far it has heard and how far it has room, and both
only rise. So what waits for a slow client is bounded by the credit it gave. Pure arithmetic.
"""

from dataclasses import dataclass
from typing import NamedTuple

from bridge.limits import MAX_CREDIT_SECONDS, MAX_GAP_SECONDS


@dataclass
class Flow:
    """Sound on its way to a client."""

    rate: int  # Hz
    sent: int = 0  # the next sample to send
    credit: int = 0  # sound may be sent up to here
    needed: int = 0  # the first sample that is still of use
    is_waited_for: bool = False  # the client does not go on until it has the sound
    _has_been_full: bool = False

    def grant(self, needed: int, credit: int, *, is_waited_for: bool = False) -> None:
        """Take over what a client says; what is lower than before says nothing."""
        self.is_waited_for = is_waited_for
        self._has_been_full |= self.credit > self.needed and self.room == 0
        self.needed = max(self.needed, needed)
        most = self.needed + int(MAX_CREDIT_SECONDS * self.rate)
        self.credit = max(self.credit, min(credit, most))

    @property
    def room(self) -> int:
        """Samples that may be sent now."""
        return max(0, self.credit - self.sent)

    @property
    def cushion(self) -> tuple[int, int]:
        """Samples that the client holds, and that it wants to hold; both 0 until it had them all.

        So a buffer that is being filled for the first time is not taken for one that runs dry.
        """
        if not self._has_been_full:
            return 0, 0
        return max(0, self.sent - self.needed), self.credit - self.needed

    @property
    def is_urgent(self) -> bool:
        """Whether a client that had all it wanted has less than half of it left."""
        left, wanted = self.sent - self.needed, self.credit - self.needed
        return self._has_been_full and not self.is_waited_for and 2 * left < wanted

    @property
    def late(self) -> int:
        """Samples that would come too late to be heard, and are to be left out."""
        return max(0, self.needed - self.sent)

    @property
    def is_far_behind(self) -> bool:
        """Whether the client went so far on that making up for it makes no sense."""
        return self.late > MAX_GAP_SECONDS * self.rate


class Taken(NamedTuple):
    """What to do with a block of input."""

    silence: int  # samples missing before it
    drop: int  # of its first samples


@dataclass
class Intake:
    """Input on its way from a client."""

    lost: int = 0  # samples that never came, or came from too far ahead
    late: int = 0  # samples that came again, or after they were given up

    def take(self, fed: int, place: int, count: int, *, end: int) -> Taken:
        """Find out where a block belongs.

        Args:
            fed: the sample that is to come next.
            place: of the block's first sample.
            count: samples in it.
            end: no input can be as late in the stream as this.
        """
        if place + count > end:
            self.lost += count
            return Taken(silence=0, drop=count)
        taken = Taken(silence=max(0, place - fed), drop=min(count, max(0, fed - place)))
        self.lost += taken.silence
        self.late += taken.drop
        return taken

    def give_up(self, fed: int, place: int) -> int:
        """Samples before a place that will not come any more."""
        lost = max(0, place - fed)
        self.lost += lost
        return lost
