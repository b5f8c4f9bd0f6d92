"""The frame loop: one turn at a time, everything that happens between the host and the performer.

In:  what the gate, the inbox and the host have brought since the last turn. Out: frames as far
ahead of the ear as the lead says, answers, and operations for the log. A change that is asked for
`now`, or a jump of the host, takes frames back that are made and not about to be heard, so that the
lead does not delay it. Knows no thread: whoever calls `turn` is the frame thread. Nothing here
raises for lateness; a graph that fails does.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.ask import Ack
from engine.clock import Clock
from engine.command import Prime
from engine.errors import AntiphonError
from engine.listening import level
from engine.listening.ear import fit
from engine.loop.changes import Changes
from engine.loop.follow import follow
from engine.loop.gate import Gate, Said
from engine.loop.impressions import Impressions
from engine.loop.inbox import Answer, Entry, Inbox
from engine.loop.maker import Maker
from engine.loop.pressure import Pressure
from engine.loop.scribe import Scribe
from engine.loop.status import SHED_WORDS, Shown
from engine.operation import Asked, Felt, Marked, Moved, Shed
from engine.spec import FRAME_RATE

Event = Ack | str  # an answer, or a remark in words
Audio = NDArray[np.float32]

MIN_POLL_SECONDS, POLL_SECONDS = 0.001, 0.004  # until the next look at what wakes nobody
BLOCK_SLACK_SECONDS: Final = 0.02  # that are ready beside a block larger than the lead
MAX_MARKS: Final = 64  # that wait for one turn
_HEARD_PER_TURN: Final = 2  # frames; the output must not wait for more
_SHOWN_FRAMES: Final = 24  # that are remembered: the longest lead, and some


class FrameLoop:
    """The loop of one performer and one host. Attributes may be read by any thread."""

    def __init__(
        self,
        maker: Maker,
        gate: Gate,
        inbox: Inbox,
        scribe: Scribe,
        clock: Clock,
        *,
        lead_seconds: float,
        say: Callable[[Event], None],
        impressions: Impressions,
    ) -> None:
        """Put the parts together.

        Args:
            maker: makes the frames.
            gate: where the host comes by.
            inbox: where requests wait.
            scribe: writes the log.
            clock: times the frames.
            lead_seconds: sound that should be ready at least.
            say: takes every event.
            impressions: takes the style of what is heard.
        """
        self._maker, self._gate, self._inbox, self._scribe = maker, gate, inbox, scribe
        self._performer = maker.performer
        self._clock, self._lead, self._say = clock, lead_seconds, say
        self._pressure, self.impressions = Pressure(), impressions
        self._spent = 0.0  # seconds of listening since the last frame
        self._seen: Said | None = None
        self._marks: deque[str] = deque(maxlen=MAX_MARKS)
        self._is_hosted = self._was_late = False
        self.changes = Changes(maker.audio.rate)
        self._shown: tuple[Shown, ...] = (self._show(-1),)  # of the last frames, in order

    @property
    def shown(self) -> Shown:
        """How things were when the last frame was made."""
        return self._shown[-1]

    def shown_at(self, frame: int) -> Shown:
        """How things are in a frame that sounds, as it was made last."""
        shown = self._shown
        return next((one for one in reversed(shown) if one.frame <= frame), shown[0])

    @property
    def lead_seconds(self) -> float:
        """Sound that should be ready at least."""
        return max(self._lead, self._gate.block_seconds + BLOCK_SLACK_SECONDS)

    def turn(self) -> float:
        """Do what is to be done, and make one frame if one is needed.

        Returns:
            Seconds until the next turn is needed; 0 at once.

        Raises:
            BackendError: a graph failed.
        """
        self._maker.renew_plug(self.lead_seconds)
        self._skip()
        self._follow_host()
        self._listen()
        self._answer()
        self._obey()
        self._note()
        self.changes.listen(self._gate.passages, self._gate.rate, self._maker.skipped)
        spare = self._maker.ahead_seconds - self.lead_seconds
        if spare >= 0:
            return min(max(spare, MIN_POLL_SECONDS), POLL_SECONDS)
        self._make()
        return 0.0

    @property
    def has_followed(self) -> bool:
        """Whether the host's newest word is in force. [any-thread]"""
        return self._gate.said is self._seen

    def end(self) -> None:
        """Answer what waits, and write the last line of the log."""
        self._inbox.give_up("the music has ended")
        self._answer()
        self._scribe.end(self._performer.frame)

    def mark(self, text: str) -> None:
        """Leave a note in the log at the next turn. [any-thread]"""
        self._marks.append(text)

    # --- making ---------------------------------------------------------------------------------

    def _make(self) -> None:
        behind, late = -self._maker.ahead_seconds, self._maker.late_frames
        made, took = self._maker.make(self._spent)
        self._spent = 0.0
        self._tell_if_late(made.frame, behind, self._maker.late_frames > late)
        self._feel_pressure(took)
        for ack in made.acks:
            self.changes.acked(ack)
            self._say(ack)
        older = [one for one in self._shown[-_SHOWN_FRAMES:] if one.frame < made.frame]
        self._shown = (*older, self._show(made.frame))

    def _tell_if_late(self, frame: int, behind: float, is_late: bool) -> None:
        """Of several late frames, the first is worth a remark."""
        if is_late and not self._was_late:
            self._say(f"frame {frame} came too late, {max(0.0, behind):.2f} s behind the ear")
        self._was_late = is_late

    def _feel_pressure(self, took: float) -> None:
        """Give up quality, or take it back.

        There is no hurry before the first block, and none for a host that waits; and little for one
        that holds sound of its own.
        """
        gate, before = self._gate, self._pressure.level
        if not gate.blocks:
            return
        cushion, sample_ms = gate.cushion, 1000.0 / gate.rate
        own_ms = (self.lead_seconds - gate.block_seconds) * 1000.0
        lead_ms = own_ms + cushion.wanted * sample_ms
        is_excused = self._maker.excused_frames > 0
        ready_ms = lead_ms if is_excused else (gate.left + cushion.held) * sample_ms
        stepped = self._pressure.step(ready_ms=ready_ms, lead_ms=lead_ms, took_ms=took * 1000.0)
        self._pressure = Pressure(busy_ms=stepped.busy_ms) if gate.is_waited_for else stepped
        if self._pressure.level != before:
            level_now = self._pressure.level
            self._maker.carry_out(Shed(frame=self._performer.frame, level=level_now))
            words = SHED_WORDS[level_now] or "playing in full again"
            self._say(f"{words}: a frame takes {self._pressure.busy_ms:.0f} ms of its 40")

    # --- what came ------------------------------------------------------------------------------

    def _skip(self) -> None:
        """Leave out what cannot be made up for; with a host, the song goes on where the host is."""
        frames = self._maker.skip(self._pressure.busy_ms / 1000.0, self.lead_seconds)
        if not frames:
            return
        self._say(f"{frames / FRAME_RATE:.2f} s were left out: this machine is too slow")
        performer, transport = self._performer, self._performer.transport
        if self._is_hosted:
            sample = transport.sample - round(frames * transport.rate / FRAME_RATE)
            moved = replace(transport, sample=sample)
            self._maker.carry_out(Moved(frame=performer.frame, transport=moved))

    def _follow_host(self) -> None:
        said = self._gate.said
        if said is None or said is self._seen:
            return
        self._take_over(said)
        self._seen = said

    def _take_over(self, said: Said) -> None:
        performer = self._performer
        sample = round(self._maker.place_of(said.sample, said.block.rate))
        block = replace(said.block, sample=sample)
        made, hosted = performer.frame, self._is_hosted
        news = follow(performer.transport, block, made_frames=made, is_hosted=hosted)
        if news is None:
            return
        if news.jump is not None:
            self._maker.rewind(self._earliest(), self.lead_seconds)
        self._is_hosted = news.is_hosted
        self._maker.carry_out(
            Moved(frame=performer.frame, transport=news.transport, is_hosted=news.is_hosted)
        )

    def _listen(self) -> None:
        before = self._clock.now()
        inlet, performer = self._gate.plug.inlet, self._performer
        for _ in range(_HEARD_PER_TURN):
            if performer.heard_frame > performer.frame:
                break
            heard = inlet.take(performer.heard_frame + self._maker.skipped)
            if heard is None:
                break
            frame = performer.frame
            performer.hear(heard)
            self._scribe.hear(frame, heard)
            self._impress(heard)
        if (style := self.impressions.take()) is not None:
            self._maker.carry_out(Felt(frame=performer.frame, style=style))
        self._spent += self._clock.now() - before

    def _impress(self, heard: Audio) -> None:
        """Let what is heard leave an impression of its style."""
        is_silent = level.is_silent(self._performer.heard_level)
        if self.impressions.hear(fit(heard, self._maker.audio).audio, is_silent=is_silent):
            self._inbox.has_words.set()

    def _obey(self) -> None:
        for entry in self._inbox.take():
            is_slow = isinstance(entry.ask.command, Prime)  # a take is followed first
            if self._gate.blocks and not is_slow:  # before, there was no ear
                self.changes.asked(entry)
            try:
                self._ask(entry)
            except AntiphonError as refusal:
                self._give(Answer(entry.ask.id, "refused", str(refusal)))

    def _ask(self, entry: Entry) -> None:
        """Hand a request on, with the frames taken back that it can still change."""
        performer, when = self._performer, entry.ask.when
        since = max(0, self._maker.heard_frame)
        earliest = self._earliest()
        aim = earliest if when.kind == "now" else performer.frame_of(when, since=since)
        if aim is not None:
            self._maker.rewind(max(aim, earliest), self.lead_seconds)
        self._maker.carry_out(
            Asked(frame=performer.frame, ask=entry.ask, style=entry.style, since=since)
        )

    def _note(self) -> None:
        while self._marks:
            self._maker.carry_out(Marked(frame=self._performer.frame, text=self._marks.popleft()))

    def _earliest(self) -> int:
        return self._maker.earliest(self._pressure.busy_ms / 1000.0)

    # --- what is told ---------------------------------------------------------------------------

    def _answer(self) -> None:
        for answer in self._inbox.answers():
            self._give(answer)

    def _give(self, answer: Answer) -> None:
        """Answer in the performer's place."""
        frame = self._performer.frame
        sample = frame * self._maker.audio.frame_samples + self._performer.latency_samples
        ack = Ack(id=answer.id, frame=frame, sample=sample, what=answer.what, reason=answer.reason)
        self.changes.acked(ack)
        self._say(ack)

    def _show(self, frame: int) -> Shown:
        performer = self._performer
        heard = performer.heard_frame > 0
        return Shown(
            frame=frame,
            desk=performer.desk,
            transport=performer.transport,
            role=performer.role,
            copy_rate=performer.copy_rate,
            shed=self._pressure.level,
            input_db=level.frame_db(performer.heard_level) if heard else None,
            input_tempo_bpm=performer.heard_tempo_bpm,
            input_key=performer.heard_key,
            found=performer.found,
        )
