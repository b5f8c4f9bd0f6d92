"""The watch: looks at the parts of a runner and says how it is, in one `Status`.

In:  the loop, the maker, the gate and the scribe, as they are. Out: a `Status`, and what is wrong
in words. Changes nothing; every method [any-thread].
"""

from collections import deque
from typing import Final

from engine.clock import Clock, Position, Transport
from engine.harmony import HarmonyBook
from engine.loop.frame_loop import FrameLoop
from engine.loop.gate import Gate
from engine.loop.maker import Maker
from engine.loop.scribe import Scribe
from engine.loop.status import SHED_WORDS, Shown, Status
from engine.row import Controls, chord_name, key_name
from engine.spec import FRAME_MS

STANDING_SECONDS: Final = 2.0  # without a block before it is a problem
REMARK_SECONDS: Final = 10.0  # that a remark is among the problems


class Watch:
    """Watches one runner."""

    def __init__(
        self,
        loop: FrameLoop,
        maker: Maker,
        gate: Gate,
        scribe: Scribe,
        clock: Clock,
        book: HarmonyBook | None,
    ) -> None:
        self._loop, self._maker, self._gate = loop, maker, gate
        self._scribe, self._clock, self._book = scribe, clock, book
        self._remarks: deque[tuple[float, str]] = deque(maxlen=8)
        self.priority = "usual"  # of the frame thread; set by it

    def remark(self, text: str) -> None:
        """Remember what was said, for a while."""
        self._remarks.append((self._clock.now(), text))

    def status(self, *, is_running: bool, failure: Exception | None) -> Status:
        """How it is now.

        Args:
            is_running: whether the frame thread goes.
            failure: what has ended it.
        """
        gate, maker = self._gate, self._maker
        heard = maker.heard_frame
        shown = self._loop.shown_at(heard)
        place = self._place(shown.transport)
        frame = max(heard, shown.frame, 0)
        asked = shown.desk.in_force(frame, place, shown.found)
        planned = self._planned(shown, frame, place)
        times = maker.times.summary()
        return Status(
            is_running=is_running,
            priority=self.priority,
            frame=self._loop.shown.frame + 1,
            heard_frame=heard,
            rate=gate.rate,
            lead_ms=gate.plug.outlet.ring.filled * 1000.0 / gate.rate,
            wanted_lead_ms=self._loop.lead_seconds * 1000.0,
            frame_ms=times,
            realtime_factor=FRAME_MS / times.p50 if times.p50 else 0.0,
            late_frames=maker.late_frames,
            skipped_frames=maker.skipped,
            underruns=maker.underruns,
            overtaken=maker.overtaken,
            shed=self._loop.shown.shed,
            prompts=asked.prompts,
            key=asked.key or key_name(planned.key),
            chord=chord_name(planned.chord_root, planned.chord_quality),
            tempo_bpm=asked.tempo_bpm,
            seed=asked.seed,
            mode=asked.mode,
            role=shown.role,
            is_playing=shown.transport.playing,
            quarter=place.quarter,
            bar=place.bar,
            beat=place.beat - place.bar * place.beats_per_bar,
            beats_per_bar=place.beats_per_bar,
            copy_rate=shown.copy_rate,
            input_db=shown.input_db,
            input_tempo_bpm=shown.input_tempo_bpm,
            input_key=shown.input_key,
            prompt_to_ear_ms=self._loop.changes.last_ms,
            problems=tuple(self._problems(failure)),
        )

    def _planned(self, shown: Shown, frame: int, place: Position) -> Controls:
        """What is asked of a frame, with the engine's own key and chord where it plans them."""
        controls = shown.desk.controls(frame, place, shown.found)
        if self._book is not None and shown.role == "sound":
            return self._book.plan(controls, shown.desk.seed)
        return controls

    def _place(self, transport: Transport) -> Position:
        """Where the song is at the next sample to be heard."""
        sample = self._gate.position * transport.rate / self._gate.rate
        return transport.position_at(self._maker.place_of(sample, transport.rate))

    def _problems(self, failure: Exception | None) -> list[str]:
        gate, now = self._gate, self._clock.now()
        found = [f"the music ended: {failure}"] if failure is not None else []
        found += [text for text in (self._maker.rate_problem, self._scribe.problem) if text]
        if shed := self._loop.shown.shed:
            found.append(f"{SHED_WORDS[shed]}, to keep time")
        if gate.last_second is not None and now - gate.last_second > STANDING_SECONDS:
            found.append(f"nobody has asked for sound for {now - gate.last_second:.0f} s")
        found += self._input_problems()
        found += [text for second, text in list(self._remarks) if now - second < REMARK_SECONDS]
        return list(dict.fromkeys(found))

    def _input_problems(self) -> list[str]:
        gate, found = self._gate, []
        if bad := self._maker.bad_samples:
            found.append(f"{bad:,} samples of the input were no numbers and count as silence")
        if gate.ignores_input:
            found.append("the input is not listened to: it was not announced")
        if gate.lost_input:
            found.append(f"{gate.lost_input / gate.rate:.1f} s of the input were lost")
        if problem := self._loop.impressions.problem:
            found.append(problem)
        return found
