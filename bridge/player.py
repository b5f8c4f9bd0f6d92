"""What a session needs of the engine: the runner, as seen from the bridge.

In:  asks, the host's transport, blocks of input. Out: blocks of sound, and what became of asks.
All samples are at the session's rate and counted from the player's own start. Every method is
called on the server's thread unless it says otherwise, and none of them waits.
"""

from typing import Any, Protocol

from bridge.wire import Audio
from engine import Ack, Ask, HostBlock


class Player(Protocol):
    """One stream of music that plays."""

    is_waited_for: bool  # whether who pulls waits for what is not ready; nothing is given up then

    @property
    def rate(self) -> int:
        """Hz, of what is pulled and fed."""
        ...

    @property
    def channels(self) -> int:
        """1 or 2."""
        ...

    @property
    def ready(self) -> int:
        """Samples that can be pulled now without a gap."""
        ...

    @property
    def reserve(self) -> int:
        """Samples to leave when there is no hurry, so that it is not taken for pressure."""
        ...

    @property
    def fed(self) -> int:
        """The sample of the stream that the next block fed begins with."""
        ...

    @property
    def listens(self) -> bool:
        """Whether there is input."""
        ...

    @property
    def is_reduced(self) -> bool:
        """Whether it gives up quality to stay on time."""
        ...

    def pull(self, out: Audio) -> None:
        """Take the next samples; where they are not ready, silence, and the stream goes on."""
        ...

    def hold(self, held: int, wanted: int) -> None:
        """Say how many samples of what was pulled are not heard yet, and how many should be."""
        ...

    def feed(self, block: Audio) -> None:
        """Give what was played or recorded, [C, N], from sample `fed` of the stream on."""
        ...

    def change_rate(self, rate: int) -> None:
        """Go on at another rate; the stream's samples count as if it always had that one."""
        ...

    def follow(self, said: HostBlock) -> None:
        """Say where the host's song is."""
        ...

    def ask(self, ask: Ask) -> None:
        """Ask for a change.

        Raises:
            AntiphonError: it is refused at once.
        """
        ...

    def news(self) -> list[Ack | str]:
        """What became of asks since the last call, and remarks. An ask can be answered again."""
        ...

    def status(self) -> dict[str, Any]:
        """How it is, as JSON; maybe how it was a moment ago, at sample `status_sample`."""
        ...

    @property
    def status_sample(self) -> int:
        """The next sample to be pulled when the status was what `status` says."""
        ...

    def stop(self) -> None:
        """End, and save the take. Takes up to half a second. [any-thread]"""
        ...
