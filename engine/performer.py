"""The performer: the live engine's deterministic core. It is told things and asked for frames.

In:  requests with their times, the host's transport, heard frames, rewinds. Out: [C, F] float32 per
frame at the bundle's rate, and what became of every request. Chunk n is output samples
[n F, (n + 1) F); the music of frame n is at [n F + L, (n + 1) F + L), L being the decoder's
latency, whether that music is composed or heard.

No threads, no clocks, no files: the same calls in the same order give the same samples. All that a
frame hands to the next is in one immutable `Standing`, so a rewind, a branch and a save are cheap
and exact. For one thread at a time.
"""

from copy import copy
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import intake, recall
from engine.ask import Ack, Ask, When
from engine.bundle import Bundle
from engine.clock import Position, Transport
from engine.desk import Desk
from engine.errors import OptionError
from engine.found import Found
from engine.line import Line, Scene, Wish
from engine.listening import copies, ear, tracking
from engine.listening.ear import Ear
from engine.listening.level import Level
from engine.marks import next_mark, sample_of
from engine.modes import HEARING_MODES, Role
from engine.options import SamplingOptions
from engine.past import Past, Said
from engine.record import unit_style
from engine.row import Vector
from engine.session import Session
from engine.song import SongTempo
from engine.tape import Tape
from engine.turning import Standing, Turned
from engine.voice import Sounding, Voice
from engine.waiting import MAX_WAITING, Waiting, enqueue

SHED_LEVELS: Final = 2
TEMPO_BPM: Final = 120.0  # where neither a host nor a player says one

Audio = NDArray[np.float32]


class Made(NamedTuple):
    """One frame of output."""

    frame: int
    chunk: Audio  # [C, F], unclipped; not to be written to
    acks: tuple[Ack, ...]  # what was obeyed, replaced or refused since the frame before, in order
    played: int  # frames that sessions played for it: 0 at rest, 1 as a rule, more at a crossing


class Performer:
    """Plays a bundle as it is told to. All methods [frame-thread]."""

    def __init__(
        self, bundle: Bundle, *, seed: int = 0, sampling: SamplingOptions | None = None
    ) -> None:
        """Stand before frame 0, playing freely at 120 bpm.

        Raises:
            OptionError: the seed is out of range.
            BundleError, BackendError: a graph cannot be opened.
        """
        self.bundle = bundle
        session = Session(bundle, seed=seed, sampling=sampling, guidable=True)
        self.latency_samples = session.latency_samples  # L, at the bundle's rate
        self._ear = Ear(bundle) if set(ear.GRAPHS) <= set(bundle.manifest.graphs) else None
        self._intake = intake.init_state(self._ear, bundle.audio, self.latency_samples)
        desk = Desk().opened(seed, sampling or SamplingOptions())
        self._now = Standing(
            frame=0,
            voice=Voice.of(Sounding(line=Line(session=session, at=0, wishes=(Wish(0, desk),)))),
            transport=Transport(rate=bundle.audio.rate, tempo=SongTempo(TEMPO_BPM)),
            copies=copies.init_state(),
            tape=Tape(),
        )
        self._past = Past()
        self._shed = 0
        self._replaced: tuple[Ack, ...] = ()  # answers that wait for the next frame

    # --- making ---------------------------------------------------------------------------------

    def make(self) -> Made:
        """Make the next frame, obeying what is due in it.

        Raises:
            BackendError: a graph failed; the performer still stands before the frame.
        """
        before = self._now
        turned = Turned.of(before, self._scene(before), can_listen=self._ear is not None)
        turned = turned.prime().follow_what_is_heard().turn_at_start().turn_on_line()
        now, scene = turned.now, turned.scene
        chunk, voice, played = now.voice.step(scene)
        self._now = replace(
            now,
            frame=before.frame + 1,
            voice=voice,
            copies=self._compared(now, voice),
            remembered=self._intake.end,
            tape=now.tape.add(chunk),
        )
        acks, self._replaced = (*self._replaced, *turned.acks), ()
        self._past.keep(before)
        return Made(before.frame, _at_level(chunk, now.desk, before.frame), acks, played)

    def rewind(self, to_frame: int) -> None:
        """Forget the frames from one on, so that they are made again.

        Requests that took effect there wait again and will be answered again; what was asked, said
        or heard meanwhile stays. Nothing happens if `to_frame` is the next frame.

        Raises:
            OptionError: later than `frame`, or before `first_frame`.
        """
        if not self.first_frame <= to_frame <= self.frame:
            expected = f"a frame from {self.first_frame} to {self.frame}"
            raise OptionError.of("frame to rewind to", to_frame, expected)
        self._now = self._past.back_to(to_frame, self._now)

    def _scene(self, now: Standing) -> Scene:
        """The next frame, before anything is changed in it."""
        is_guarding = float(now.copies.raised) > 0.0
        return Scene(
            frame=now.frame,
            audio=self.bundle.audio,
            latency=self.latency_samples,
            transport=now.transport,
            intake=self._intake,
            tape=now.tape,
            found=self._found(now),
            heat=copies.temperature_factors(now.copies) if is_guarding else None,
            guided=self._shed < 1,
            brief=self._shed >= 2,
        )

    def _found(self, now: Standing) -> Found:
        """What was found in what is heard, where that counts, or else in a take."""
        hears = now.desk.mode in HEARING_MODES
        return self._intake.found.over(now.found) if hears else now.found

    def _compared(self, now: Standing, voice: Voice) -> copies.Copies:
        """The copies' memory after a frame: what was heard since the last one, then what sounds."""
        known = now.copies
        if not self._intake.heard:
            return known
        for frame in range(now.remembered, self._intake.end):
            heard = self._intake.at(frame)
            known = copies.hear(heard.tokens if heard and not heard.is_silent else None, known)
        source = voice.source
        sounds = isinstance(source, Sounding)
        return copies.compose(source.line.session.last_tokens if sounds else None, known)

    # --- being told -----------------------------------------------------------------------------

    def ask(self, ask: Ask, style: Vector | None = None, *, since: int | None = None) -> None:
        """Add a request.

        `now` holds from the next frame on, `frame` from its frame or the next one if that is later.
        `beat`, `bar` and `phrase` are met to the sample, at the first such line that is not before
        the start of frame `since` and whose music is not made yet; while the transport stands they
        wait.

        Args:
            ask: what and when.
            style: [STYLE_WIDTH] of the words of a prompt; needed where `command.parsed.text`.
            since: the frame that was being heard when the request came; None is the next frame.

        Raises:
            OptionError: too many requests wait already, or the style is not of unit norm.
            ShapeError: a style of another width.
        """
        if len(self._now.queue) >= MAX_WAITING:
            expected = f"at most {MAX_WAITING}"
            raise OptionError.of("requests that wait", len(self._now.queue) + 1, expected)
        frame = self.frame if since is None else since
        request = Waiting(
            number=self._now.told,
            ask=ask,
            style=None if style is None else unit_style(style),
            since=frame * self.bundle.audio.frame_samples,
        )
        queue, rivals = enqueue(self._now.queue, request)
        self._now = replace(self._now, queue=queue, told=self._now.told + 1)
        self._past.tell(request)
        self._replaced += tuple(self._answer_replaced(rival, ask) for rival in rivals)

    def _answer_replaced(self, rival: Waiting, ask: Ask) -> Ack:
        start = self.frame * self.bundle.audio.frame_samples + self.latency_samples
        reason = f"{ask.id} asks for the same slot at the same time"
        return Ack(id=rival.ask.id, frame=self.frame, sample=start, what="replaced", reason=reason)

    def set_transport(self, transport: Transport, *, is_hosted: bool = True) -> None:
        """Take over where the song is. For a jump, rewind to the first frame it changes before.

        Args:
            transport: with any rate.
            is_hosted: whether a host says it. Then tempo and meter are the host's alone; otherwise
                what is asked of them, by hand or by a prompt, moves the transport.
        """
        said = Said(self._now.told, transport, is_hosted)
        self._past.tell(said)
        self._now = replace(said.moves(self._now), told=self._now.told + 1)

    def hear(self, audio: Audio) -> None:
        """Take in the next heard frame, `heard_frame`: samples [h F, (h + 1) F) of the stream.

        Args:
            audio: [1 or 2, F] at the bundle's rate; what is not finite is silence.

        Raises:
            OptionError: it is newer than the next frame to make.
            ShapeError: not one frame.
            BundleError: the bundle cannot listen.
            BackendError: a graph failed; the frame counts as not heard.
        """
        if self.heard_frame > self.frame:
            expected = f"at most {self.frame}, the next frame to make"
            raise OptionError.of("heard frame", self.heard_frame, expected)
        listener = self._ear or Ear(self.bundle)
        self._intake = self._intake.hear(audio, listener, self.bundle.audio)

    def miss(self, frames: int) -> None:
        """Let heard frames go by: there was no input. They are silence, and cost nothing.

        Raises:
            OptionError: less than one, or newer than the next frame to make.
        """
        if not 1 <= frames <= self.frame + 1 - self.heard_frame:
            expected = f"1 to {self.frame + 1 - self.heard_frame}"
            raise OptionError.of("frames missed", frames, expected)
        self._intake = self._intake.miss(frames, self.bundle.audio)

    def feel(self, style: Vector) -> None:
        """Take in the style of what is heard; it holds in modes that hear, where no prompt speaks.

        Args:
            style: [STYLE_WIDTH] unit norm, as `engine.listening.style` hears it.

        Raises:
            OptionError: not of unit norm.
            ShapeError: of another width.
        """
        self._intake = replace(self._intake, style=unit_style(style))

    def shed(self, level: int) -> None:
        """Save time from the next frame on: 0 nothing, 1 no guidance, 2 fewer fine levels as well.

        Raises:
            OptionError: another level.
        """
        if level not in range(SHED_LEVELS + 1):
            raise OptionError.of("level to shed", level, f"0 to {SHED_LEVELS}")
        self._shed = level

    # --- where it stands ------------------------------------------------------------------------

    @property
    def frame(self) -> int:
        """Index of the next frame."""
        return self._now.frame

    @property
    def first_frame(self) -> int:
        """The earliest frame that can be made again."""
        first = self._past.first_frame
        return self.frame if first is None else first

    @property
    def heard_frame(self) -> int:
        """Index of the next heard frame."""
        return self._intake.heard

    @property
    def heard_level(self) -> Level:
        """How loud what is heard is; see `engine.listening.level`."""
        return self._intake.level

    @property
    def heard_tempo_bpm(self) -> float | None:
        """The tempo of what is heard, as far as it is certain."""
        pulse = tracking.pulse(self._intake.tracking)
        return None if pulse is None else pulse.tempo_bpm

    @property
    def heard_key(self) -> str | None:
        """The key of what is heard, one of spec.KEYS, as far as it is certain."""
        return tracking.key(self._intake.tracking)

    @property
    def found(self) -> Found:
        """What was found in what is heard or in a take, and holds where nobody asks."""
        return self._found(self._now)

    @property
    def desk(self) -> Desk:
        """Everything that was asked and has taken effect."""
        return self._now.desk

    @property
    def transport(self) -> Transport:
        """The transport in force."""
        return self._now.transport

    @property
    def role(self) -> Role:
        """What the voice does: sound, listen, loop or rest."""
        return self._now.voice.source.role

    @property
    def shed_level(self) -> int:
        """How much is given up to save time."""
        return self._shed

    @property
    def waiting(self) -> tuple[Ask, ...]:
        """Requests that have not taken effect, oldest first."""
        return tuple(request.ask for request in self._now.queue)

    @property
    def copy_rate(self) -> float:
        """How much of what was composed in the last 8 s copies what was heard, 0..1."""
        return copies.rate(self._now.copies)

    def position(self, frame: int) -> Position:
        """Where the song is at the first sample of a frame's music."""
        return self._scene(self._now).position(frame)

    def frame_of(self, when: When, *, since: int | None = None) -> int | None:
        """The frame whose music holds the moment at which such a request would take effect.

        It may be made already: then only a rewind to it, or before, meets the moment.

        Returns:
            None while the transport stands.
        """
        if when.kind == "now":
            return self.frame
        if when.frame is not None:
            return when.frame
        rate, start = self.bundle.audio.rate, self.frame if since is None else since
        sample = start * self.bundle.audio.frame_samples
        mark = next_mark(when, self.transport, sample, rate)
        return mark and self._scene(self._now).frame_at(sample_of(mark, rate))

    # --- recall ---------------------------------------------------------------------------------

    def branch(self) -> "Performer":
        """Another performer that stands at the same frame and goes its own way from there."""
        other = copy(self)  # whatever is shared is never written to
        other._past = self._past.copy()
        return other

    def save(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """All that the next frames depend on: named arrays, and facts that go to JSON. Copies.

        What lies behind is not in it: a restored performer cannot rewind before this frame.
        """
        return recall.pack(self._now, self._intake, self._shed, self._replaced, self.bundle)

    def restore(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Stand where a performer of the same bundle was saved.

        Raises:
            BundleError: it was saved from another bundle.
            InputError: anything missing, unknown, or that no performer saves.
            ShapeError: an array of another shape.
        """
        session = self._now.voice.source.line.session
        recalled = recall.unpack(arrays, facts, session, self._ear)
        self._past = Past()
        self._now, self._intake, self._shed, self._replaced = recalled


def _at_level(chunk: Audio, desk: Desk, frame: int) -> Audio:
    """The chunk as loud as is asked, in a straight line from its first sample to the next frame."""
    start, end = desk.gain(frame), desk.gain(frame + 1)
    if start == end == 1.0:
        return chunk
    return chunk * np.linspace(start, end, chunk.shape[1], endpoint=False, dtype=np.float32)
