"""Held notes: which pitches a player holds, as the row's note states at a frame.

In:  beginnings and ends of pitches, each with the frame at which it takes effect.
Out: [PITCHES] uint8 of NOTE_ONSET on a pitch's first frame, NOTE_SUSTAIN after it, and for all
others what is asked of the rest. Frozen and pure; answers for frames from the last change on.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.errors import OptionError
from engine.spec import NOTE_FREE, NOTE_ONSET, NOTE_SUSTAIN, PITCHES


@dataclass(frozen=True, kw_only=True)
class Note:
    """One pitch."""

    pitch: int  # MIDI note, 0..127
    on: int  # first frame
    off: int | None = None  # first frame without it; later than `on`

    def __post_init__(self) -> None:
        if not 0 <= self.pitch < PITCHES:
            raise OptionError.of("pitch", self.pitch, f"0 to {PITCHES - 1}")

    def sounds_at(self, frame: int) -> bool:
        """Tell whether it is held at a frame."""
        return self.on <= frame and (self.off is None or frame < self.off)


@dataclass(frozen=True)
class Held:
    """All pitches that are held, at most one note of each."""

    notes: tuple[Note, ...] = ()

    def press(self, pitch: int, frame: int) -> "Held":
        """Begin a pitch; one that is held begins anew."""
        others = tuple(note for note in self._since(frame) if note.pitch != pitch)
        return Held((*others, Note(pitch=pitch, on=frame)))

    def release(self, pitch: int, frame: int) -> "Held":
        """End a pitch, but not before it has sounded for a frame."""
        return Held(
            tuple(
                replace(note, off=max(frame, note.on + 1))
                if note.pitch == pitch and note.off is None
                else note
                for note in self._since(frame)
            )
        )

    def exactly(self, pitches: tuple[int, ...], frame: int) -> "Held":
        """Hold these pitches and no others; those held already go on."""
        held, before = self, {note.pitch for note in self.notes if note.off is None}
        for pitch in sorted(before - set(pitches)):
            held = held.release(pitch, frame)
        for pitch in sorted(set(pitches) - before):
            held = held.press(pitch, frame)
        return held

    def at(self, frame: int, rest: int) -> NDArray[np.uint8] | None:
        """The note states of a frame.

        Args:
            frame: from the last change on.
            rest: the state of every pitch that is not held.

        Returns:
            [PITCHES], or None, "not given", where nothing is held and the rest is free.
        """
        sounding = [note for note in self.notes if note.sounds_at(frame)]
        if not sounding and rest == NOTE_FREE:
            return None
        states = np.full(PITCHES, rest, np.uint8)
        for note in sounding:
            states[note.pitch] = NOTE_ONSET if note.on == frame else NOTE_SUSTAIN
        return states

    def _since(self, frame: int) -> tuple[Note, ...]:
        """Notes that matter from a frame on."""
        return tuple(note for note in self.notes if note.off is None or note.off > frame)
