"""What a keyboard, controller or MIDI clock asks for.

In:  messages, as mido reads them, each with the second it came. Out: commands, lines that a pedal
pressed, pulses of a clock, and what to tell the player. Notes are held as the pedal holds them.
Pure: no ports, no files; one thread.
"""

from typing import Any, Final, NamedTuple

from engine.command import SLOTS, Command, NoteOff, NoteOn, Panic, Pick, SetNotes
from engine.live.host import Pulse
from engine.live.lines import Kind
from engine.live.midi_clock import MidiClock
from engine.live.midi_map import PRESSED, MidiMap

SUSTAIN: Final = 64  # controller numbers of the standard
ALL_SOUND_OFF: Final = 120
ALL_NOTES_OFF: Final = 123
_MODE_MESSAGES: Final = range(120, 128)  # not for knobs
_CLOCK_TYPES: Final = frozenset({"clock", "start", "continue", "stop", "songpos"})


class Heard(NamedTuple):
    """What one message means; mostly one of these."""

    commands: tuple[Command, ...] = ()
    when: Kind = "now"  # of the commands
    lines: tuple[str, ...] = ()  # for the player to do
    pulse: Pulse | None = None
    remark: str = ""
    learned: MidiMap | None = None  # to be saved


class MidiInput:
    """One player's controllers, all ports together.

    Args:
        controls: what knobs and pedals do.
        channel: 1 to 16: listen to this one only; None: to all.
        program_when: when a program change takes effect.
        clock: whether a MIDI clock sets the tempo.
    """

    def __init__(
        self,
        controls: MidiMap | None = None,
        *,
        channel: int | None = None,
        program_when: Kind = "now",
        clock: bool = True,
    ) -> None:
        self.controls = controls or MidiMap()
        self.learning: str | None = None  # what the next control that moves is to do
        self._channel, self._program_when = channel, program_when
        self._clock = MidiClock() if clock else None
        self._pressed: set[int] = set()  # pitches whose keys are down
        self._sustained: set[int] = set()  # pitches that only the pedal holds
        self._pedal = False
        self._down: set[tuple[int, int]] = set()  # controls past the middle, for pedals' presses

    def hear(self, message: Any, second: float) -> Heard:
        """Take in one message of mido's."""
        if message.type in _CLOCK_TYPES:
            return self._hear_clock(message, second)
        channel = getattr(message, "channel", None)
        if channel is None or self._channel not in (None, channel + 1):
            return Heard()
        match message.type:
            case "note_on" if message.velocity:
                return self._press(message.note)
            case "note_on" | "note_off":
                return self._release(message.note)
            case "program_change":
                return self._pick(message.program + 1)
            case "control_change":
                return self._move(channel + 1, message.control, message.value)
        return Heard()

    def _hear_clock(self, message: Any, second: float) -> Heard:
        if self._clock is None:
            return Heard()
        sixteenths = message.pos if message.type == "songpos" else 0
        return Heard(pulse=self._clock.hear(message.type, second, sixteenths=sixteenths))

    # --- notes ----------------------------------------------------------------------------------

    def _press(self, pitch: int) -> Heard:
        self._pressed.add(pitch)
        self._sustained.discard(pitch)
        return Heard((NoteOn(pitch=pitch),))

    def _release(self, pitch: int) -> Heard:
        if pitch not in self._pressed:
            return Heard()
        self._pressed.discard(pitch)
        if self._pedal:
            self._sustained.add(pitch)
            return Heard()
        return Heard((NoteOff(pitch=pitch),))

    def _hold(self, pedal: bool) -> Heard:
        self._pedal = pedal
        if pedal:
            return Heard()
        ended = tuple(NoteOff(pitch=pitch) for pitch in sorted(self._sustained))
        self._sustained.clear()
        return Heard(ended)

    def _end_notes(self, command: Command) -> Heard:
        self._pressed.clear()
        self._sustained.clear()
        return Heard((command,))

    # --- programs and controls ------------------------------------------------------------------

    def _pick(self, slot: int) -> Heard:
        if slot > SLOTS:
            return Heard(remark=f"program {slot} has no slot, expected 1 to {SLOTS}")
        return Heard((Pick(index=slot),), when=self._program_when)

    def _move(self, channel: int, number: int, value: int) -> Heard:
        if number == ALL_SOUND_OFF:
            return self._end_notes(Panic())
        if number == ALL_NOTES_OFF:
            return self._end_notes(SetNotes(pitches=()))
        if number in _MODE_MESSAGES:
            return Heard()
        if self.learning is not None:
            return self._learn(channel, number, value)
        control = self.controls.find(channel, number)
        was_down = self._note_press(channel, number, value)
        if control is None:
            return self._hold(value >= PRESSED) if number == SUSTAIN else Heard()
        command = control.command(value)
        if command is not None:
            return Heard((command,))
        is_press = value >= PRESSED and not was_down
        return Heard(lines=(control.does,)) if is_press else Heard()

    def _note_press(self, channel: int, number: int, value: int) -> bool:
        """Remember whether a control is past the middle; returns whether it was."""
        control = (channel, number)
        was_down = control in self._down
        (self._down.add if value >= PRESSED else self._down.discard)(control)
        return was_down

    def _learn(self, channel: int, number: int, value: int) -> Heard:
        """Bind the control that moved. It does its deed from the next time it moves."""
        does, self.learning = self.learning or "", None
        self._note_press(channel, number, value)
        self.controls = self.controls.learn(channel, number, does)
        said = f"control {number} on channel {channel}: {does}"
        return Heard(remark=said, learned=self.controls)
