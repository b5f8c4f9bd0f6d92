"""Follow Ableton Link: the tempo and beat that all peers of a network share.

In:  a `Link` of the library aalink (extra `link`; it joins the network, so it is opened only when
asked for). Out: a pulse each time it is read. The library holds GPL-3 code; whoever installs the
extra chooses that. One thread opens, reads and closes.
"""

from collections.abc import Callable
from typing import Final, Protocol

from engine.errors import OptionError
from engine.live.host import Pulse
from engine.song import HOST_TEMPO_BPM, Signature

QUANTUM: Final = 4.0  # beats in a bar, as Live counts; peers line up on it


class Session(Protocol):
    """What is used of `aalink.Link`."""

    enabled: bool
    quantum: float
    tempo: float

    @property
    def beat(self) -> float:
        """Beats on the shared timeline, now."""
        ...


class LinkClock:
    """A session that was joined.

    Args:
        session: the library's object; `join` makes one.
        now: seconds of the clock that all pulses share.
        release: lets go of what the session needs; called after it was left.
    """

    def __init__(
        self,
        session: Session,
        now: Callable[[], float],
        release: Callable[[], object] = lambda: None,
    ) -> None:
        self._session, self._now, self._release = session, now, release
        session.quantum = QUANTUM
        session.enabled = True

    def read(self) -> Pulse:
        """Ask where the beat is."""
        before = self._now()
        beat = self._session.beat
        second = (before + self._now()) / 2
        return Pulse(
            second=second,
            quarter=beat,
            bpm=self._session.tempo,
            signature=Signature(int(QUANTUM), 4),
        )

    def set_tempo(self, bpm: float) -> None:
        """Propose a tempo to all peers, as a tap does.

        Raises:
            OptionError: what no host can be set to.
        """
        low, high = HOST_TEMPO_BPM
        if not low <= bpm <= high:
            raise OptionError.of("tempo", bpm, f"{low:g} to {high:g} bpm")
        self._session.tempo = bpm

    def close(self) -> None:
        """Leave the session."""
        self._session.enabled = False
        self._release()


def join(bpm: float, now: Callable[[], float]) -> LinkClock:
    """Join the network's session, or open one.

    Raises:
        OptionError: the library is not installed.
    """
    import asyncio

    try:
        import aalink
    except ImportError as exc:
        raise OptionError(
            "Ableton Link needs a library that is not installed. "
            "Try: pip install 'antiphon[link]', or leave --link out."
        ) from exc

    async def make() -> Session:
        # The library wants a running loop to call back into; nothing here waits for its calls.
        session: Session = aalink.Link(bpm)
        return session

    loop = asyncio.new_event_loop()
    return LinkClock(loop.run_until_complete(make()), now, loop.close)
