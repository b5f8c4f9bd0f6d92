"""What the sync and the asyncio client have in common: all that need not wait.

In:  what the user says. Out: the same said to the dialogue, under the client's guard, and a ring
for whoever carries the parts. How to wait is each client's own.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final, TypeVar

import numpy as np

from bridge.asking import Asked
from bridge.control import Ack
from bridge.dialogue import Dialogue, Event, Wish
from bridge.errors import LinkError, Refusal
from bridge.playback import Playback
from bridge.verbs import Verbs
from bridge.wire import Audio
from engine import Command, When

TURN_MS: Final = 50  # how often what is due is done, when nothing comes
RETRY_MS: Final = 2  # while something cannot be sent yet
LINGER_MS: Final = 300  # for the last words
ANSWER_SECONDS: Final = 10.0  # to wait for anything, unless told otherwise
BYE_SECONDS: Final = 2.0  # to wait until the engine has heard it
MAX_QUEUED: Final = 2_000  # parts that wait to be sent
_PIECE_SECONDS: Final = 0.5  # of what `read` waits for at a time; less than any credit

R = TypeVar("R")


class ClientBase(Verbs[R]):
    """One session, played or controlled."""

    def __init__(self, wish: Wish, guard: AbstractContextManager[Any]) -> None:
        self._dialogue = Dialogue(wish)
        self._guard = guard  # held while the dialogue is touched

    # --- asking ---------------------------------------------------------------------------------

    def ask(
        self,
        command: Command | Mapping[str, Any],
        when: When | str = "now",
        glide_seconds: float | None = None,
    ) -> R:
        """Ask for any change; see `Verbs.ask`."""
        with self._guard:
            if len(self._dialogue.control_out) > MAX_QUEUED:
                raise LinkError(
                    "the engine does not keep up with what it is asked. Ask less often."
                )
            asked = self._dialogue.ask(command, when, glide_seconds)
        self._ring()
        return self._reply(asked)

    def transport(self, sample: int, **said: Any) -> None:
        """Say where the host's song is at a sample: the fields of `bridge.control.Transport`."""
        with self._guard:
            self._dialogue.follow({"sample": sample, **said})
        self._ring()

    def write(self, block: Audio, sample: int | None = None) -> None:
        """Give input, [C, N]: from a sample of the stream on, or behind the last.

        Raises:
            LinkError: the session is not open.
        """
        with self._guard:
            self._dialogue.write(np.asarray(block, np.float32), sample)
        self._ring()

    # --- what is known --------------------------------------------------------------------------

    @property
    def dialogue(self) -> Dialogue:
        """All that is known; read only."""
        return self._dialogue

    @property
    def session(self) -> str:
        """Its name."""
        welcome = self._dialogue.welcome
        return "" if welcome is None else welcome.session

    @property
    def playback(self) -> Playback:
        """Counts of what was missed, lost and late, and how what was played last was made.

        Raises:
            LinkError: this client is no player.
        """
        if self._dialogue.playback is None:
            raise LinkError("a controller has no sound. Connect with role='player'.")
        return self._dialogue.playback

    def events(self) -> list[Event]:
        """What happened since the last call: answers, changes of others, breaks, remarks."""
        with self._guard:
            events = list(self._dialogue.events)
            self._dialogue.events.clear()
        return events

    # --- for the two clients --------------------------------------------------------------------

    @abstractmethod
    def _ring(self) -> None:
        """Something is to be sent."""

    @abstractmethod
    def _reply(self, asked: Asked) -> R:
        """What the user can wait for."""

    def _empty(self, samples: int | None, seconds: float) -> Audio:
        playback = self.playback
        count = round(seconds * playback.rate) if samples is None else samples
        return np.empty((playback.channels, count), np.float32)

    def _pieces(self, out: Audio) -> Iterator[Audio]:
        """Views of parts of a block, each to be waited for as a whole."""
        length = round(_PIECE_SECONDS * self.playback.rate)
        for start in range(0, out.shape[1], length):
            yield out[:, start : start + length]

    def _want(self, samples: int) -> None:
        with self._guard:
            self.playback.want(samples)
            self._dialogue.start()
        self._ring()

    def _take(self, out: Audio) -> None:
        with self._guard:
            self.playback.take(out)
            self.playback.want(0)

    def _waiting_for(self, is_so: Callable[[], bool]) -> "Waiting":
        return Waiting(is_so, self._dialogue)

    def _in_vain(self, timeout: float, what: str, *, is_connected: bool) -> LinkError:
        """The error of having waited.

        Raises:
            LinkError: the conversation is over; says why.
        """
        self._dialogue.require_going()
        move = "" if is_connected else " Start an engine with `antiphon serve`."
        return LinkError(f"waited {timeout:g} s for {what} in vain.{move}")


class Waiting:
    """Something that is waited for, which is looked at no more once it was so."""

    def __init__(self, is_so: Callable[[], bool], dialogue: Dialogue) -> None:
        self._is_so, self._dialogue = is_so, dialogue
        self.is_met = False

    def is_over(self) -> bool:
        """Whether to wait no longer: it is so, or cannot be any more."""
        self.is_met = self.is_met or self._is_so()
        return self.is_met or self._dialogue.state == "over"


def settled(asked: Asked) -> Ack:
    """The answer to an ask that is settled.

    Raises:
        Refusal: the engine refused it.
    """
    ack = asked.ack
    assert ack is not None, "not settled yet"
    if ack.what == "refused":
        raise Refusal("range", ack.reason)
    return ack
