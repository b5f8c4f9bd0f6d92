"""A session: one stream of music, whoever plays it, and all that was asked of it.

In:  asks, the host's transport, and audio messages of its player. Out: audio messages, and posts
for its clients. A session outlives the connection of its player: it is parked when that goes and
picked up when it comes back. Knows nothing of sockets; time is told. On the server's thread.
"""

from dataclasses import replace
from secrets import compare_digest, token_bytes, token_hex
from typing import Final, NamedTuple

from bridge import control
from bridge.changes import Answer, Changes, answer_to
from bridge.control import Changed, Message, Remark, shorten
from bridge.errors import Refusal
from bridge.player import Player
from bridge.stream import Stream
from bridge.wire import KEY_BYTES
from engine import (
    Ack,
    AntiphonError,
    Command,
    HostBlock,
    Loop,
    Signature,
    SongTempo,
    TempoChange,
)

HOLD_SECONDS: Final = 0.25  # that an answer is waited for


class Post(NamedTuple):
    """Something to be told."""

    to: str | None  # client; None: everyone in the session
    message: Message


class Session:
    """One stream of music and its clients' business with it."""

    def __init__(
        self, name: str, player: Player, *, seed: int, settings: tuple[Command, ...] = ()
    ) -> None:
        """Begin with a player that was opened with a seed and settings."""
        self.name, self.player = name, player
        self.changes = Changes(seed, settings)
        self.stream = Stream(player, self.changes)
        self.key, self.token = b"", ""
        self.is_parked = True
        self.parked_since: float | None = None  # second; None: never had a player
        self._posts: list[Post] = []
        self._transport_revision = 0
        self._held_until = float("-inf")  # second

    # --- the player comes and goes --------------------------------------------------------------

    def attach(self, sample: int, rate: int | None = None) -> None:
        """A player takes the stream, with a key of its own, counting from a sample of its own.

        Args:
            sample: the next that it needs.
            rate: Hz, from here on; None leaves it.
        """
        if rate is not None and rate != self.player.rate:
            self.stream.change_rate(rate)
        self.key, self.token = token_bytes(KEY_BYTES), token_hex(KEY_BYTES)
        self.stream.attach(sample, self.key)
        self.is_parked, self._transport_revision = False, 0

    def go_on(self, sample: int, rate: int) -> bool:
        """Go on for a player that was never gone, if it needs what is on its way to it.

        So it is where an engine that was held up is called anew: nothing of the music is lost.
        """
        flow = self.stream.flow
        if rate != self.player.rate or not flow.needed <= sample <= flow.sent:
            return False
        self._transport_revision = 0  # its player counts anew
        return True

    def park(self, now: float) -> None:
        """The player is gone; all else stays as it is until one comes back."""
        self.key = b""
        self.stream.detach()
        self.is_parked, self.parked_since = True, now

    def is_owner(self, token: str | None) -> bool:
        """Whether a token is the one that the player was given."""
        return token is not None and compare_digest(token, self.token)

    # --- asks -----------------------------------------------------------------------------------

    def ask(self, message: control.Ask, by: str, now: float, *, is_counted: bool = True) -> None:
        """Take an ask; its answers come as posts, at once or later. See `Changes.take`.

        Raises:
            Refusal: "stale" or "conflict".
        """
        before = self.changes.take(message, by, is_counted=is_counted)
        if before is not None:
            self._posts.append(Post(by, self._on_client_axis(before)))
        self.turn(now)

    def turn(self, now: float) -> None:
        """Pass waiting asks on to the engine, and take in what it says. Often."""
        for ask in self.changes.due(now):
            self._held_until = now + HOLD_SECONDS
            try:
                self.player.ask(ask)
            except AntiphonError as exc:
                self.changes.refuse(ask, str(exc))
        for news in self.player.news():
            if isinstance(news, Ack):
                self.changes.settle(news)
            else:
                self._posts.append(Post(None, Remark(text=shorten(news))))
        answers, self.changes.answers = self.changes.answers, []
        for answer in answers:
            self._tell(answer)

    def holds_sound(self, now: float) -> bool:
        """Whether a player that waits for its sound waits for an answer, too.

        So an offline bounce is the same each time: what is asked for now holds before more is sent.
        """
        is_waited_for = self.stream.flow.is_waited_for
        return is_waited_for and now < self._held_until and self.changes.is_open

    def take_posts(self) -> list[Post]:
        """What is to be told since the last call."""
        posts, self._posts = self._posts, []
        return posts

    def _tell(self, answer: Answer) -> None:
        ack = self._on_client_axis(answer_to(answer))
        self._posts.append(Post(answer.change.by, ack))
        command = answer.change.command
        if answer.what != "done" or not answer.is_first or command is None:
            return
        self._posts.append(
            Post(
                None,
                Changed(
                    change=ack.change,
                    by=answer.change.by,
                    command=command.to_json(),
                    frame=ack.frame or 0,
                    sample=ack.sample or 0,
                ),
            )
        )

    def _on_client_axis(self, ack: control.Ack) -> control.Ack:
        if ack.sample is None:
            return ack
        return ack.model_copy(update={"sample": max(0, ack.sample + self.stream.origin)})

    # --- transport ------------------------------------------------------------------------------

    @property
    def heard_second(self) -> float:
        """How far into the engine's stream its player is, in seconds."""
        return max(0, self.stream.flow.needed - self.stream.origin) / self.player.rate

    def play(self, *, is_playing: bool) -> None:
        """Let the song's time go on or stand, from what is sent next."""
        place = self.stream.flow.sent - self.stream.origin
        self.player.follow(HostBlock(sample=place, rate=self.player.rate, playing=is_playing))

    def follow(self, said: control.Transport) -> None:
        """Pass on where the host's song is.

        Raises:
            Refusal: "stale", or "range" where the engine does not take it.
        """
        if said.revision <= self._transport_revision:
            text = f"revision is {said.revision}, expected one above {self._transport_revision}."
            raise Refusal("stale", text)
        self._transport_revision = said.revision
        try:
            self.player.follow(host_block(said, self.stream.origin, self.player.rate))
        except AntiphonError as exc:
            raise Refusal("range", shorten(str(exc))) from exc


def host_block(said: control.Transport, origin: int, rate: int) -> HostBlock:
    """What is said, in the engine's words and samples.

    Raises:
        OptionError: the engine does not take it.
    """
    steps = tuple(TempoChange(step.quarter, step.bpm, step.ramp_quarters) for step in said.changes)
    block = HostBlock(
        sample=said.sample - origin,
        rate=rate,
        quarter=said.quarter,
        tempo=None if said.bpm is None else SongTempo(said.bpm, steps),
        signature=None if said.beats is None else Signature(said.beats, said.unit),
        bar_quarter=said.bar_quarter,
        playing=said.playing,
    )
    return block if said.loop is None else replace(block, loop=Loop(*said.loop))
